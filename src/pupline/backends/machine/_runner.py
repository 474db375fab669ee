"""Executions driven on this machine: data directory, functions, driver and deliveries, put together."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
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
from pupline.backends._results import result_of
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
    RunKind,
    StartRequest,
    TaskAttemptFailed,
    check_run_kind,
    stopping_on_signals,
)
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.run_ids import execution_name, new_run_id


class WorkflowRunner:
    """Runs executions in one data directory, held exclusively. Use `open`, in a `with` block."""

    def __init__(self, backend: LocalBackend, deliverer: Deliverer, listener: RunListener) -> None:
        self._backend = backend
        self._deliverer = deliverer
        self._listener = listener
        self._unrecorded = Unrecorded(backend)
        self._driver: Driver
        self._run_id: str | None = None
        self._finished = 0
        self._failed = 0
        self._leftovers = 0
        self._refused: list[str] = []

    @classmethod
    @contextmanager
    def open(
        cls,
        data_dir: Path,
        concurrency: int,
        listener: RunListener,
        proxy: Proxy | None = None,
        workflow_file: str | None = None,
    ) -> Iterator["WorkflowRunner"]:
        """The runner, ready. workflow_file: of what it starts; what an earlier one started has its own definition.

        Raises: ConfigurationError (in use, damaged, not writable, an invalid workflow).
        """
        machine = load_workflow(chosen=workflow_file)
        with ExitStack() as stack:
            backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True))
            if backend.undeleted:
                listener(Note(f"pupline: {backend.undeleted}"))
            storage = ImageStorage(backend.bucket(), backend.write_once)
            functions = LocalFunctions(storage, backend.audit, backend.clock, proxy)
            stack.callback(functions.close)
            bulk = BulkFunctions(backend, proxy=proxy)
            stack.callback(bulk.close)
            runtime = LambdaRuntime({**functions.by_name(), **bulk.by_name()}, concurrency=concurrency)
            stack.callback(runtime.close)
            deliverer = backend.deliverer()
            deliverer.start()
            stack.callback(deliverer.close)
            runner = cls(backend, deliverer, listener)
            runner._unrecorded.record_all()
            settings = DriverSettings(
                machine=machine,
                runtime=runtime,
                topic=backend.topic,
                clock=backend.clock,
                concurrency=concurrency,
                listener=runner._receive,
                alerted=deliverer.notify,
            )
            runner._driver = backend.driver(settings)
            yield runner

    def run(self, request: RunRequest) -> RunReport:
        """Finish what is unfinished, then start what the run lacks.

        Raises: ConfigurationError when the run exists with other settings, or as an ingest; StorageError.
        """
        run_id = request.run_id or new_run_id()
        check_run_kind(self._backend.database, run_id, RunKind.WORKFLOW_RUN)
        wanted = request.settings.anchored()
        settings = wanted.as_json()
        kept = self._backend.runs.open(run_id, settings, request.count).settings
        if (previous := RunSettings.from_json(kept).anchored()) != wanted:
            raise ConfigurationError(
                f"the run '{run_id}' was started with other settings ({_differences(previous.as_json(), settings)});"
                " repeat it with the same ones, or give another --run-id"
            )
        missing = self._backend.runs.missing
        unfinished = self._backend.journal.count_unfinished()
        ended = self._backend.journal.count_ended(run_id)
        total = ended + unfinished + sum(1 for _ in missing(run_id, request.count))
        self._listener(RunStarted(total, unfinished, ended))
        self._run_id = run_id
        for row in self._backend.journal.executions(run_id=run_id):
            if row.status != "RUNNING":
                self._send_result(row.name, row)
        return self._drive(
            run_id,
            (
                StartRequest(execution_name(run_id, index), request.settings.input_of(index), run_id, index)
                for index in missing(run_id, request.count)
            ),
        )

    def run_one(self, request: StartRequest, settings: RunSettings) -> RunReport:
        """Start one execution, as a new run with these settings, and nothing else. request: its name is chosen here.

        Raises: ConfigurationError when there is a run of that ID; StorageError.
        """
        run_id, runs = request.run_id or new_run_id(), self._backend.runs
        check_run_kind(self._backend.database, run_id, RunKind.WORKFLOW_RUN)
        if runs.find(run_id) is not None:
            raise ConfigurationError(f"there is a run '{run_id}' already; give another --run-id")
        runs.open(run_id, settings.anchored().as_json())
        self._run_id = run_id
        self._listener(RunStarted(1))
        try:
            return self._drive(run_id, (replace(request, name=execution_name(run_id, 1), run_id=run_id),), resume=False)
        finally:
            runs.drop_empty(run_id)

    def resume(self, run_id: str | None = None) -> RunReport:
        """Finish what is unfinished, of any run or of one; without one, deliver the alerts that wait, too."""
        journal = self._backend.journal
        if run_id is None:
            waited = self._deliverer.hurry()
            unfinished = journal.count_unfinished()
            self._listener(RunStarted(unfinished, unfinished))
            return replace(self._drive(None, ()), waited=waited)
        names = [row.name for row in journal.executions(status="RUNNING", run_id=run_id)]
        self._listener(RunStarted(len(names), len(names)))
        # A redrive of one that is running resumes it.
        return self._drive(None, map(RedriveRequest, reversed(names)), resume=False)

    def redrive(self, names: Collection[str], unfinished: Collection[str] = ()) -> RunReport:
        """Resume executions that failed, timed out or were aborted, at the state that did not succeed.

        unfinished: those to resume besides, which a killed process left RUNNING.
        """

        def starts() -> Iterator[RedriveRequest]:
            yield from map(RedriveRequest, unfinished)
            for name in names:
                self._unrecorded.withdraw(name)
                yield RedriveRequest(name)

        self._listener(RunStarted(len(names) + len(unfinished), len(unfinished)))
        try:
            return self._drive(None, starts(), resume=False)
        finally:
            self._unrecorded.record_all()  # of those that could not be redriven after all

    def carry_out_stops(self) -> None:
        """Abort executions for which `stop` was requested, and resume nothing. Raises: StorageError."""
        self._driver.drive(resume=False)

    def _drive(
        self, run_id: str | None, starts: Iterable[StartRequest | RedriveRequest], *, resume: bool = True
    ) -> RunReport:
        def stop() -> None:
            self._driver.stop_starting()
            self._listener(Stopping())

        with stopping_on_signals(stop):
            interrupted = self._driver.drive(starts, resume=resume).interrupted
        self._deliverer.close()
        return RunReport(
            run_id=run_id,
            finished=self._finished,
            failed=self._failed,
            leftovers=self._leftovers,
            refused=tuple(self._refused),
            interrupted=interrupted,
            undelivered=self._deliverer.pending(),
        )

    def _receive(self, event: DriverEvent) -> None:
        if isinstance(event, TaskAttemptFailed):
            self._listener(AttemptFailed())
        elif isinstance(event, ExecutionRefused):
            self._refused.append(event.reason)
            self._listener(Refused(event.execution, event.reason))
        elif isinstance(event, ExecutionFinished):
            if event.status != "SUCCEEDED":
                self._unrecorded.record_if_missing(event.execution)
            if self._run_id in {None, event.run_id}:
                self._send_result(event.execution, event)
            else:
                self._leftovers += 1

    def _send_result(self, name: str, ended: ExecutionFinished | ExecutionRow) -> None:
        record = next(self._backend.audit.records(AuditQuery(execution=name)), None)
        self._finished += 1
        self._failed += ended.status != "SUCCEEDED"
        given = self._backend.journal.get(name).input if record is None else None
        self._listener(result_of(name, ended.status, ended.error, ended.cause, record, given))


def _differences(kept: Any, requested: Any) -> str:
    names = [name for name in requested if kept.get(name) != requested[name]]
    return ", ".join(f"{name}: {kept.get(name)!r}, now {requested[name]!r}" for name in names)
