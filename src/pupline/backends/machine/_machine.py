"""One machine, put together: data directory, functions, driver, deliveries. What `run` and `resume` stand on."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pupline.backends._results import ExecutionResult, result_of
from pupline.backends._settings import RunSettings
from pupline.backends.machine._bulk_functions import BulkFunctions
from pupline.backends.machine._services import LocalFunctions
from pupline.backends.machine._unrecorded import Unrecorded
from pupline.backends.machine._workflow import load_workflow
from pupline.errors import ConfigurationError
from pupline.http import Proxy
from pupline.local import (
    AuditQuery,
    Deliverer,
    Driver,
    DriveResult,
    DriverEvent,
    DriverSettings,
    ExecutionFinished,
    ExecutionRefused,
    ExecutionRow,
    LambdaRuntime,
    LocalBackend,
    RedriveRequest,
    StartRequest,
    StopRequested,
    UndeletedFiles,
    stopping_on_signals,
)
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.run_ids import execution_name, new_run_id

RunListener = Callable[[DriverEvent | ExecutionResult | StopRequested | UndeletedFiles], None]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What `pupline run` was asked for. run_id None: a new run under a name made from the time."""

    settings: RunSettings
    count: int = 1
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of a run.

    finished: how many of its executions have ended; failed: how many of those without success.
    leftovers: executions of other runs that were finished first. refused: why executions could not be started or
    resumed. undelivered: alerts still in the outbox.
    """

    run_id: str
    finished: int
    failed: int
    leftovers: int
    refused: tuple[str, ...]
    interrupted: bool
    undelivered: int


class OneMachine:
    """The pipeline over one data directory, held exclusively. Use `open`, in a `with` block."""

    def __init__(self, backend: LocalBackend, driver: Driver, deliverer: Deliverer, relay: "_Relay") -> None:
        self._backend = backend
        self._driver = driver
        self._deliverer = deliverer
        self._relay = relay

    @classmethod
    @contextmanager
    def open(
        cls, data_dir: Path, concurrency: int, listener: RunListener, proxy: Proxy | None = None
    ) -> Iterator["OneMachine"]:
        """The pipeline, ready. proxy: what all is asked through.

        Raises: ConfigurationError (in use, damaged, not writable); DefinitionError.
        """
        machine = load_workflow()
        with ExitStack() as stack:
            backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True))
            if backend.undeleted:
                listener(backend.undeleted)
            functions = LocalFunctions(
                ImageStorage(backend.bucket(), backend.write_once), backend.audit, backend.clock, proxy
            )
            stack.callback(functions.close)
            bulk = BulkFunctions(backend, proxy=proxy)
            stack.callback(bulk.close)
            runtime = LambdaRuntime({**functions.by_name(), **bulk.by_name()}, concurrency=concurrency)
            stack.callback(runtime.close)
            deliverer = backend.deliverer()
            deliverer.start()
            stack.callback(deliverer.close)
            unrecorded = Unrecorded(backend)
            unrecorded.record_all()
            relay = _Relay(backend, listener, unrecorded)
            settings = DriverSettings(
                machine=machine,
                runtime=runtime,
                topic=backend.topic,
                clock=backend.clock,
                concurrency=concurrency,
                listener=relay,
                alerted=deliverer.notify,
            )
            yield cls(backend, backend.driver(settings), deliverer, relay)

    @property
    def unfinished(self) -> int:
        """How many executions an earlier process left unfinished."""
        return self._backend.journal.count_unfinished()

    def to_start(self, request: RunRequest) -> int:
        """How many executions `run` would start anew."""
        if request.run_id is None:
            return request.count
        return sum(1 for _ in self._backend.runs.missing(request.run_id, request.count))

    def run(self, request: RunRequest) -> RunReport:
        """Finish what is unfinished, then start what the run misses. The listener hears of each result once.

        Raises: ConfigurationError when the run exists with other settings; StorageError.
        """
        run_id = request.run_id or new_run_id()
        settings = request.settings.as_json()
        kept = self._backend.runs.open(run_id, settings).settings
        if (begun := RunSettings.from_json(kept)) != request.settings:
            raise ConfigurationError(
                f"the run '{run_id}' was begun with other settings ({_differences(begun.as_json(), settings)});"
                " repeat it with the same ones, or give another --run-id"
            )
        self._relay.run_id = run_id
        for row in self._backend.journal.executions(run_id=run_id):
            if row.status != "RUNNING":
                self._relay.tell(row)
        missing = self._backend.runs.missing(run_id, request.count)
        starts = (
            StartRequest(execution_name(run_id, index), request.settings.input, run_id, index) for index in missing
        )
        return self._drive(run_id, starts)

    def resume(self) -> RunReport:
        """Finish what is unfinished, of whatever run; the report counts all of it."""
        return self._drive("", ())

    def redrive(self, names: Iterable[str]) -> RunReport:
        """Go on with executions that failed, timed out or were aborted, from the state that did not succeed."""

        def starts() -> Iterator[RedriveRequest]:
            for name in names:
                self._relay.unrecorded.withdraw(name)
                yield RedriveRequest(name)

        try:
            return self._drive("", starts(), resume=False)
        finally:
            self._relay.unrecorded.record_all()  # of those that could not be redriven after all

    def carry_out_stops(self) -> None:
        """Abort what `stop` was asked for, and go on with nothing. Raises: StorageError."""
        self._driver.drive(resume=False)

    def _drive(self, run_id: str, starts: Iterable[StartRequest | RedriveRequest], *, resume: bool = True) -> RunReport:
        with stopping_on_signals(self._stop):
            done: DriveResult = self._driver.drive(starts, resume=resume)
        self._deliverer.close()
        relay = self._relay
        return RunReport(
            run_id=run_id,
            finished=relay.finished,
            failed=relay.failed,
            leftovers=relay.leftovers,
            refused=tuple(relay.refused),
            interrupted=done.interrupted,
            undelivered=self._deliverer.pending(),
        )

    def _stop(self) -> None:
        self._driver.stop_starting()
        self._relay.listener(StopRequested())


class _Relay:
    """Hears the driver's events, and tells the listener those and each execution's result."""

    def __init__(self, backend: LocalBackend, listener: RunListener, unrecorded: Unrecorded) -> None:
        self._backend = backend
        self.unrecorded = unrecorded
        self.listener = listener
        self.run_id: str | None = None
        self.finished = 0
        self.failed = 0
        self.leftovers = 0
        self.refused: list[str] = []

    def __call__(self, event: DriverEvent) -> None:
        self.listener(event)
        if isinstance(event, ExecutionRefused):
            self.refused.append(event.reason)
        elif isinstance(event, ExecutionFinished):
            if event.status != "SUCCEEDED":
                self.unrecorded.record_if_missing(event.execution)
            if self.run_id in {None, event.run_id}:
                self.tell(event)
            else:
                self.leftovers += 1

    def tell(self, ended: ExecutionFinished | ExecutionRow) -> None:
        name = ended.execution if isinstance(ended, ExecutionFinished) else ended.name
        record = next(self._backend.audit.records(AuditQuery(execution=name)), None)
        result = result_of(name, ended.status, ended.error, ended.cause, record)
        self.finished += 1
        self.failed += result.status != "SUCCEEDED"
        self.listener(result)


def _differences(kept: Any, asked: Any) -> str:
    names = [name for name in asked if kept.get(name) != asked[name]]
    return ", ".join(f"{name}: {kept.get(name)!r}, now {asked[name]!r}" for name in names)
