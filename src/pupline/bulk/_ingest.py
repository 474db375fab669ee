"""An ingest on one machine, from the command to the report: all that is around the loop of `_coordinator`."""

import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pupline.bulk._alerts import RunAlerts
from pupline.bulk._begin import BegunRun, begin, checked_source, limits_of, policy_of, reader, why_refused
from pupline.bulk._coordinator import Clocks, Coordinator, Team
from pupline.bulk._lister import Lister
from pupline.bulk._request import IngestBegan, IngestListener, IngestReport, IngestRequest
from pupline.bulk._scheduler import Scheduler, SchedulerSettings
from pupline.bulk._worker import WorkerSettings
from pupline.bulk._workers import Workers, cpu_seconds, worker_count
from pupline.errors import StorageError
from pupline.fetch import FetchPolicy
from pupline.functions.ingesting import IngestRules, RecordOf
from pupline.local import Deliverer, IngestCounts, Intake, LocalBackend, StopAsked, stopping_on_signals
from pupline.sources import ImageSource, Listing

TOLERANCE_ERROR = "States.ExceedToleratedFailureThreshold"
"""As a Distributed Map fails whose tolerated failures are exceeded."""


def ingest(data_dir: Path, request: IngestRequest, listener: IngestListener) -> IngestReport:
    """Fetch what the request asks for into the data directory, or go on with it; what became of it.

    Every item that is told of by ItemsDone is stored and recorded durably. Ctrl-C and SIGTERM end it cleanly, and the
    same command goes on; so it does after any kill.
    Raises: ConfigurationError; StorageError, where what was told of stays; whatever the listener raises.
    """
    if request.source is not None:
        checked_source(request)  # before a directory is made for nothing
    began = _Began(time.monotonic(), cpu_seconds())
    may_create = not (request.resume or request.retry_failed)
    with ExitStack() as stack:
        backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True, create=may_create))
        run = _Run(backend, begin(backend.ingests, request), listener, began)
        return run.work(stack)


@dataclass(frozen=True, slots=True)
class _Began:
    """When this process began its work: on the monotonic clock, and in CPU seconds."""

    monotonic: float
    cpu: float


class _Run:
    """One run in this process."""

    def __init__(self, backend: LocalBackend, begun: BegunRun, listener: IngestListener, began: _Began) -> None:
        self._backend = backend
        self._begun = begun
        self._row = begun.row
        self._request = begun.request
        self._listener = listener
        self._began = began
        self._before = backend.ingests.counts(begun.row.ingest_id)
        self._alerts = RunAlerts(backend, begun.row)

    def work(self, stack: ExitStack) -> IngestReport:
        """Work on the run until it ends, is stopped, or can go no further."""
        row = self._row
        self._listener(IngestBegan(row.run_id, row.dataset, self._begun.resumed, self._before.done))
        lister = Lister(self._backend.ingests, row, self._request, self._listing())
        stack.callback(lister.close)
        deliverer = self._backend.deliverer()
        deliverer.start()
        stack.callback(deliverer.close)
        coordinator = self._coordinate(lister)
        return self._end(coordinator, lister, deliverer)

    def _listing(self) -> Listing | None:
        if self._row.listed:
            return None
        source: ImageSource = self._begun.source
        return source.open(
            count=self._request.count,
            position=self._row.position,
            read=reader(self._backend),
            contact=self._request.contact,
        )

    def _coordinate(self, lister: Lister) -> Coordinator:
        """Have all items fetched and stored that can be; nobody is at work any more afterwards."""
        folder = self._backend.data_dir / "tmp"
        try:
            with ExitStack() as stack:
                policy = policy_of(self._begun.source, self._request, stack)
                crew = self._crew(policy, folder)
                stack.callback(crew.close)
                told: list[Coordinator] = []
                intake = Intake(
                    self._backend,
                    self._row,
                    RecordOf(self._begun.source.name, self._row.dataset),
                    lambda items: told[0].stored(items),
                    first_alert=self._alerts.first,
                )
                stack.callback(intake.close)
                team = Team(
                    ingests=self._backend.ingests,
                    lister=lister,
                    scheduler=self._scheduler(policy),
                    crew=crew,
                    intake=intake,
                    listener=self._listener,
                    clocks=Clocks(time.monotonic, self._backend.clock.now),
                )
                before = self._before.outcomes["failed"] + self._before.outcomes["refused"]
                told.append(Coordinator(team, self._row.ingest_id, tolerate=self._request.tolerate, failed=before))
                with stopping_on_signals(partial(self._stop, told[0])):
                    told[0].run()
        finally:
            _remove_left_files(folder)
        told[0].tell_done()
        return told[0]

    def _crew(self, policy: FetchPolicy, folder: Path) -> Workers:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as err:
            raise StorageError(f"{folder} cannot be made: {err.strerror}; look at its permissions") from err
        request = self._request
        settings = WorkerSettings(
            policy=replace(policy, connect_to=dict(policy.connect_to)),  # which can be pickled
            rules=IngestRules(heed_robots=request.heed_robots),
            threads=request.concurrency,
            folder=str(folder),
            coordinator=os.getpid(),
        )
        return Workers(worker_count(request.concurrency, request.workers), settings)

    def _scheduler(self, policy: FetchPolicy) -> Scheduler:
        source, request = self._begun.source, self._request
        return Scheduler(
            SchedulerSettings(
                concurrency=request.concurrency,
                limits=partial(limits_of, source, request),
                refused=partial(why_refused, source, policy),
                seed=self._row.run_id,
            )
        )

    def _stop(self, coordinator: Coordinator) -> None:
        coordinator.stop()
        self._listener(StopAsked())

    def _end(self, coordinator: Coordinator, lister: Lister, deliverer: Deliverer) -> IngestReport:
        status = _status(coordinator, lister)
        seconds, cpu = time.monotonic() - self._began.monotonic, cpu_seconds() - self._began.cpu
        outputs: tuple[str, ...] = ()
        if status != "RUNNING":
            self._alerts.publish_digest()
            deliverer.notify()
            outputs = self._write_outputs(status, coordinator.finished, seconds, cpu)
            error = TOLERANCE_ERROR if status == "FAILED" else None
            self._backend.ingests.end(self._row.ingest_id, status, error)
        deliverer.close()
        counts: IngestCounts = self._backend.ingests.counts(self._row.ingest_id)
        return IngestReport(
            run_id=self._row.run_id,
            dataset=self._row.dataset,
            status=status,
            counts=counts,
            began_done=self._before.done,
            listed_complete=lister.complete,
            repeated=lister.repeated,
            known=lister.known,
            seconds=seconds,
            cpu_seconds=cpu,
            bytes=coordinator.bytes,
            interrupted=coordinator.interrupted,
            tolerance_exceeded=coordinator.tolerance_exceeded,
            trouble=lister.trouble,
            folder=f"datasets/{self._row.dataset}/",
            outputs=outputs,
            undelivered=deliverer.pending(),
        )

    def _write_outputs(self, status: str, finished: int, seconds: float, cpu: float) -> tuple[str, ...]:
        """Before the run is ended: who is killed in between writes all anew."""
        from pupline.bulk._outputs import OutputOptions, RunFigures, write_outputs

        figures = RunFigures(
            status=status,
            error=TOLERANCE_ERROR if status == "FAILED" else None,
            retry_of=self._request.retry_failed,
            ended_at=self._backend.clock.now(),
            seconds=seconds,
            cpu_seconds=cpu,
            finished=finished,
        )
        options = OutputOptions(shard_size=self._request.shard_size, sidecars=self._request.sidecars)
        return write_outputs(self._backend, self._row, options, figures).keys


def _status(coordinator: Coordinator, lister: Lister) -> str:
    if coordinator.interrupted:
        return "RUNNING"
    if coordinator.tolerance_exceeded:
        return "FAILED"
    return "SUCCEEDED" if lister.complete else "RUNNING"


def _remove_left_files(folder: Path) -> None:
    """What workers wrote that nobody took: of those that died, and of requests that ended too late."""
    with suppress(OSError):  # the next start removes them too
        for left in folder.glob("ingest-*"):
            left.unlink(missing_ok=True)
