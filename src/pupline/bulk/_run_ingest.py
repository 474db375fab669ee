"""An ingest on one machine, from the command to the report: all that is around the loop of `_coordinator`."""

import gc
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.bulk._alerts import RunAlerts
from pupline.bulk._coordinator import Clocks, Coordinator
from pupline.bulk._lister import Lister
from pupline.bulk._process_pool import ProcessPool
from pupline.bulk._request import IngestListener, IngestReport, IngestRequest, IngestStarted, MetadataWritten
from pupline.bulk._run_selection import SelectedRun, select_run
from pupline.bulk._scheduler import Scheduler, SchedulerSettings
from pupline.bulk._source_rules import (
    checked_dataset,
    checked_source,
    fetch_policy,
    host_limits,
    origin_refusal,
    save_piped_list,
    stored_list_reader,
)
from pupline.bulk._stopwatch import Stopwatch
from pupline.bulk._worker import WorkerSettings
from pupline.bulk._worker_process import WorkerFactory, worker_count
from pupline.errors import THRESHOLD_EXCEEDED, ConfigurationError, StorageError, count_failed, local_trouble
from pupline.http import FetchPolicy
from pupline.local import Deliverer, GroupCommitter, ItemDone, LocalBackend, StopRequested, stopping_on_signals
from pupline.sources import ImageSource, Listing, is_piped
from pupline.tasks.ingest_item import IngestRules, RecordBuilder
from pupline.tasks.layout import dataset_folder

if TYPE_CHECKING:
    from pupline.bulk._outputs import Outputs

_COLLECT_AFTER = 100_000


def run_ingest(
    data_dir: Path, request: IngestRequest, listener: IngestListener, take: WorkerFactory, stopwatch: Stopwatch
) -> IngestReport:
    """What `ingest` does, with worker processes that boot already."""
    if request.source is not None and not is_piped(request.source):  # before a directory is made for nothing
        checked_dataset(request.dataset or checked_source(request).dataset)
    may_create = not (request.resume or request.retry_failed)
    if not may_create and not data_dir.is_dir():
        raise ConfigurationError(f"there is no data directory {data_dir}; give the one of the run with --data")
    with ExitStack() as stack:
        backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True, create=may_create))
        if backend.undeleted:
            listener(backend.undeleted)
        begun = select_run(backend.ingests, save_piped_list(request, backend.data_dir))
        try:
            return _IngestRun(backend, begun, listener, stopwatch).work(stack, take)
        except ConfigurationError:  # a list that cannot be read, say: there is nothing to go on with
            backend.ingests.drop_empty(begun.row.ingest_id)
            raise


class _IngestRun:
    """One run in this process."""

    def __init__(
        self, backend: LocalBackend, begun: SelectedRun, listener: IngestListener, stopwatch: Stopwatch
    ) -> None:
        self._backend = backend
        self._begun = begun
        self._row = begun.row
        self._request = begun.request
        self._listener = listener
        self._stopwatch = stopwatch
        self._before = backend.ingests.counts(begun.row.ingest_id)
        self._alerts = RunAlerts(backend, begun.row)

    def work(self, stack: ExitStack, take: WorkerFactory) -> IngestReport:
        """Work on the run until it ends, is stopped, or can go no further."""
        row = self._row
        ended = row.status == "SUCCEEDED"  # and repeated under its own name
        self._listener(IngestStarted(row.run_id, row.dataset, self._begun.resumed, self._before.outcomes, ended))
        lister = Lister(self._backend.ingests, row, self._request, self._listing())
        stack.callback(lister.close)
        deliverer = self._backend.deliverer()
        deliverer.start()
        stack.callback(deliverer.close)
        worked = RunStats(status=row.status) if ended else self._end(self._coordinate(lister, take), lister, deliverer)
        deliverer.close()
        return self._report(worked, lister, deliverer.pending())

    def _listing(self) -> Listing | None:
        if self._row.listed:
            return None
        source: ImageSource = self._begun.source
        return source.open(
            count=self._request.count,
            position=self._row.position,
            read=stored_list_reader(self._backend),
            contact=self._request.contact,
            delimiter=self._request.delimiter,
        )

    def _coordinate(self, lister: Lister, take: WorkerFactory) -> Coordinator:
        """Have all items fetched and stored that can be; nobody is at work any more afterwards."""
        folder = self._backend.data_dir / "tmp"
        stored: deque[Sequence[ItemDone]] = deque()
        try:
            with ExitStack() as stack, _seldom_collected():
                policy = fetch_policy(self._begun.source, self._request, stack)
                record_of = RecordBuilder(self._begun.source.name, self._row.dataset)
                first = self._alerts.first
                intake = GroupCommitter(self._backend.ingests, self._row, record_of, stored.append, first_alert=first)
                stack.callback(intake.close)
                pool = self._pool(policy, folder, take)
                stack.callback(pool.close)  # first: the last group is stored meanwhile
                coordinator = Coordinator(
                    ingests=self._backend.ingests,
                    ingest_id=self._row.ingest_id,
                    lister=lister,
                    scheduler=self._scheduler(policy),
                    pool=pool,
                    sink=intake,
                    stored=stored,
                    listener=self._listener,
                    clocks=Clocks(self._backend.clock.worked, self._backend.clock.now),
                    tolerate=self._request.tolerate,
                    failed=count_failed(self._before.outcomes),
                )
                with stopping_on_signals(partial(self._stop, coordinator)):
                    coordinator.run()
        finally:
            _remove_left_files(folder)
        coordinator.announce_stored()
        return coordinator

    def _pool(self, policy: FetchPolicy, folder: Path, take: WorkerFactory) -> ProcessPool:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as err:
            raise local_trouble(err) or StorageError(f"{folder} cannot be made: {err.strerror}; look at it") from err
        request = self._request
        settings = WorkerSettings(
            policy=replace(policy, connect_to=dict(policy.connect_to)),  # which can be pickled
            rules=IngestRules(request.max_pixels, request.heed_robots, timeout_seconds=request.timeout_seconds),
            threads=request.concurrency,
            folder=str(folder),
            coordinator=os.getpid(),
        )
        return ProcessPool(worker_count(request.concurrency, request.workers), settings, take)

    def _scheduler(self, policy: FetchPolicy) -> Scheduler:
        source, request = self._begun.source, self._request
        return Scheduler(
            SchedulerSettings(
                concurrency=request.concurrency,
                limits=partial(host_limits, source, policy, request),
                refused=partial(origin_refusal, source, policy),
                seed=self._row.run_id,
            )
        )

    def _stop(self, coordinator: Coordinator) -> None:
        coordinator.stop()
        self._listener(StopRequested())

    def _end(self, coordinator: Coordinator, lister: Lister, deliverer: Deliverer) -> "RunStats":
        """Digest, outputs and the end of a run that has one; what this process did."""
        worked = RunStats(
            status=_status(coordinator, lister),
            error=THRESHOLD_EXCEEDED if coordinator.tolerance_exceeded else lister.error,
            finished=coordinator.finished,
            bytes=coordinator.bytes,
            seconds=self._stopwatch.seconds,
            cpu_seconds=self._stopwatch.cpu_seconds,
            interrupted=coordinator.interrupted,
            tolerance_exceeded=coordinator.tolerance_exceeded,
        )
        if worked.status == "RUNNING":
            return worked
        self._alerts.publish_digest()
        deliverer.notify()
        outputs = self._write_outputs(
            worked, lister
        )  # before the end: a process killed in between writes all of them again
        self._backend.ingests.end(self._row.ingest_id, worked.status, worked.error)
        return replace(worked, outputs=outputs)

    def _report(self, worked: "RunStats", lister: Lister, undelivered: int) -> IngestReport:
        return IngestReport(
            run_id=self._row.run_id,
            dataset=self._row.dataset,
            status=worked.status,
            counts=worked.outputs.counts if worked.outputs else self._backend.ingests.counts(self._row.ingest_id),
            began_done=self._before.done,
            listed_complete=lister.complete,
            repeated=lister.repeated,
            known=lister.known,
            seconds=worked.seconds,
            cpu_seconds=worked.cpu_seconds,
            bytes=worked.bytes,
            interrupted=worked.interrupted,
            tolerance_exceeded=worked.tolerance_exceeded,
            trouble=lister.trouble,
            folder=dataset_folder(self._row.dataset),
            outputs=worked.outputs.keys if worked.outputs else (),
            undelivered=undelivered,
        )

    def _write_outputs(self, worked: "RunStats", lister: Lister) -> "Outputs":
        from pupline.bulk._outputs import OutputOptions, RunFigures, write_outputs

        figures = RunFigures(
            status=worked.status,
            error=worked.error,
            trouble=lister.trouble,
            retry_of=self._request.retry_failed,
            ended_at=self._backend.clock.now(),
            seconds=worked.seconds,
            cpu_seconds=worked.cpu_seconds,
            finished=worked.finished,
        )
        options = OutputOptions(shard_size=self._request.shard_size, sidecars=self._request.sidecars)
        return write_outputs(self._backend, self._row, options, figures, self._written)

    def _written(self, items: int) -> None:
        self._listener(MetadataWritten(items))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStats:
    """What this process did for its run. status, error: the run's, from now on. finished: items."""

    status: str
    error: str | None = None
    finished: int = 0
    bytes: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    interrupted: bool = False
    tolerance_exceeded: bool = False
    outputs: "Outputs | None" = None


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """The garbage collector looks less often: tens of thousands of items are held, none of them in a cycle."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _status(coordinator: Coordinator, lister: Lister) -> str:
    if coordinator.interrupted:
        return "RUNNING"
    if coordinator.tolerance_exceeded:
        return "FAILED"
    if lister.error is not None:
        return "FAILED"  # and not RUNNING: the same command would end in the same way
    return "SUCCEEDED" if lister.complete else "RUNNING"


def _remove_left_files(folder: Path) -> None:
    """What workers wrote that nobody took: of those that died, and of requests that ended too late."""
    for left in folder.glob("ingest-*"):
        with suppress(OSError):  # the next start removes them too
            left.unlink(missing_ok=True)
