"""Executions driven on this machine: data directory, functions, driver and deliveries, put together."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pupline.backends._port import (
    AttemptFailed,
    Note,
    Refused,
    RunListener,
    RunReport,
    RunRequest,
    RunStarted,
    Stopping,
)
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
    DriverEvent,
    DriverSettings,
    ExecutionFinished,
    ExecutionRefused,
    ExecutionRow,
    LambdaRuntime,
    LocalBackend,
    RedriveRequest,
    StartRequest,
    TaskAttemptFailed,
    stopping_on_signals,
)
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.run_ids import execution_name, new_run_id


class WorkflowRunner:
    """Runs executions in one data directory, held exclusively. Use `open`, in a `with` block."""

    def __init__(self, backend: LocalBackend, driver: Driver, deliverer: Deliverer, relay: "_Relay") -> None:
        self._backend = backend
        self._driver = driver
        self._deliverer = deliverer
        self._relay = relay

    @classmethod
    @contextmanager
    def open(
        cls, data_dir: Path, concurrency: int, listener: RunListener, proxy: Proxy | None = None
    ) -> Iterator["WorkflowRunner"]:
        """The runner, ready. Raises: ConfigurationError (in use, damaged, not writable); DefinitionError."""
        machine = load_workflow()
        with ExitStack() as stack:
            backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True))
            if backend.undeleted:
                listener(Note(f"pupline: {backend.undeleted}"))
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

    def run(self, request: RunRequest) -> RunReport:
        """Finish what is unfinished, then start what the run lacks.

        Raises: ConfigurationError when the run exists with other settings; StorageError.
        """
        run_id = request.run_id or new_run_id()
        settings = request.settings.as_json()
        kept = self._backend.runs.open(run_id, settings).settings
        if (previous := RunSettings.from_json(kept)) != request.settings:
            raise ConfigurationError(
                f"the run '{run_id}' was started with other settings ({_differences(previous.as_json(), settings)});"
                " repeat it with the same ones, or give another --run-id"
            )
        missing = self._backend.runs.missing
        unfinished = self._backend.journal.count_unfinished()
        total = unfinished + sum(1 for _ in missing(run_id, request.count))
        self._relay.listener(RunStarted(total, unfinished))
        self._relay.run_id = run_id
        for row in self._backend.journal.executions(run_id=run_id):
            if row.status != "RUNNING":
                self._relay.send_result(row)
        return self._drive(
            run_id,
            (
                StartRequest(execution_name(run_id, index), request.settings.input, run_id, index)
                for index in missing(run_id, request.count)
            ),
        )

    def resume(self) -> RunReport:
        """Finish what is unfinished, of any run; the report counts all of it."""
        unfinished = self._backend.journal.count_unfinished()
        self._relay.listener(RunStarted(unfinished, unfinished))
        return self._drive(None, ())

    def redrive(self, names: Collection[str]) -> RunReport:
        """Resume executions that failed, timed out or were aborted, at the state that did not succeed."""

        def starts() -> Iterator[RedriveRequest]:
            for name in names:
                self._relay.unrecorded.withdraw(name)
                yield RedriveRequest(name)

        self._relay.listener(RunStarted(len(names)))
        try:
            return self._drive(None, starts(), resume=False)
        finally:
            self._relay.unrecorded.record_all()  # of those that could not be redriven after all

    def carry_out_stops(self) -> None:
        """Abort executions for which `stop` was requested, and resume nothing. Raises: StorageError."""
        self._driver.drive(resume=False)

    def _drive(
        self, run_id: str | None, starts: Iterable[StartRequest | RedriveRequest], *, resume: bool = True
    ) -> RunReport:
        def stop() -> None:
            self._driver.stop_starting()
            self._relay.listener(Stopping())

        with stopping_on_signals(stop):
            interrupted = self._driver.drive(starts, resume=resume).interrupted
        self._deliverer.close()
        relay = self._relay
        return RunReport(
            run_id=run_id,
            finished=relay.finished,
            failed=relay.failed,
            leftovers=relay.leftovers,
            refused=tuple(relay.refused),
            interrupted=interrupted,
            undelivered=self._deliverer.pending(),
        )


class _Relay:
    """Receives the driver's events, and sends the port's, among them the result of each execution."""

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
        if isinstance(event, TaskAttemptFailed):
            self.listener(AttemptFailed())
        elif isinstance(event, ExecutionRefused):
            self.refused.append(event.reason)
            self.listener(Refused(event.execution, event.reason))
        elif isinstance(event, ExecutionFinished):
            if event.status != "SUCCEEDED":
                self.unrecorded.record_if_missing(event.execution)
            if self.run_id in {None, event.run_id}:
                self.send_result(event)
            else:
                self.leftovers += 1

    def send_result(self, ended: ExecutionFinished | ExecutionRow) -> None:
        name = ended.execution if isinstance(ended, ExecutionFinished) else ended.name
        record = next(self._backend.audit.records(AuditQuery(execution=name)), None)
        result: ExecutionResult = result_of(name, ended.status, ended.error, ended.cause, record)
        self.finished += 1
        self.failed += result.status != "SUCCEEDED"
        self.listener(result)


def _differences(kept: Any, requested: Any) -> str:
    names = [name for name in requested if kept.get(name) != requested[name]]
    return ", ".join(f"{name}: {kept.get(name)!r}, now {requested[name]!r}" for name in names)
