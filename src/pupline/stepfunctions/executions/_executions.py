"""The executions of the served API: the thread that drives them, and the ways to them."""

import sys
import threading
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from pupline.errors import StorageError, local_trouble
from pupline.local import (
    ApiDriver,
    ApiJournal,
    Driver,
    DriverEvent,
    DriverSettings,
    ExecutionFinished,
    ExecutionRefused,
    LocalBackend,
)
from pupline.stepfunctions._settings import ApiSettings
from pupline.stepfunctions.executions._names import journal_name
from pupline.stepfunctions.store import Store
from pupline.stepfunctions.tasks import TaskRunner, TaskSources
from pupline.text import printable

_CONCURRENCY = 100_000
"""Executions that run at the same time. Each takes a few kilobytes."""

_GRACE_SECONDS = 2.0
"""How long running functions may continue at the end. Their calls are repeated at the next start."""

_REDRIVES = 1_000
"""Redrives whose clientToken is remembered."""

_PAUSE_SECONDS = 1.0
"""Between a failure of the disk, say, and the next attempt to drive."""


class Executions:
    """Drives the executions of a data directory, from `start` to `close`.

    tasks: answers the calls of Tasks.
    redrives: when an execution was redriven, by its ARN and the clientToken of the request.
    """

    def __init__(self, backend: LocalBackend, store: Store, settings: ApiSettings) -> None:
        self.store = store
        self.tasks = TaskRunner(TaskSources.of(settings))
        driver_settings = DriverSettings(
            machine=None,
            runtime=self.tasks,
            topic=None,
            clock=backend.clock,
            concurrency=_CONCURRENCY,
            grace_seconds=_GRACE_SECONDS,
            listener=self._listen,
            cancelled=self.tasks.cancel,
            read_or_write=self.tasks.read_or_write,
            of_api=True,
            wait_scale=settings.wait_scale,
        )
        self._driver: Driver = backend.driver(driver_settings)
        self._journal = backend.journal
        self.journal = ApiJournal(backend.database)
        self.driver = ApiDriver(self._driver, backend.journal)
        self.redrives: dict[tuple[str, str], float] = {}
        self._ends: defaultdict[str, list[Callable[[ExecutionFinished | StorageError], None]]] = defaultdict(list)
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._drive, name="pupline-executions", daemon=True)

    def start(self) -> None:
        """Continue what a stopped or killed process left unfinished."""
        self._thread.start()

    def close(self) -> None:
        """Stop; what is unfinished continues at the next start."""
        self._closing.set()
        self._driver.stop_starting()
        self.tasks.close()
        if self._thread.is_alive():
            self._thread.join()
        self._fail_waiting(StorageError("the server stops"))

    def count_running(self, machine_arn: str) -> int:
        """How many executions of a state machine run, at whichever of its versions."""
        return self.journal.count_running(machine_arn)

    def knows(self, name: str) -> bool:
        """Whether the journal has an execution of that name."""
        return self._journal.find(name) is not None

    def note_redrive(self, arn: str, token: str, redriven: float) -> None:
        """Remember the request's answer, and forget the oldest of many."""
        self.redrives[arn, token] = redriven
        if len(self.redrives) > _REDRIVES:
            self.redrives.pop(next(iter(self.redrives)), None)

    @contextmanager
    def end_of(self, name: str) -> Iterator["Future[ExecutionFinished]"]:
        """The end of an execution that is about to start. name: in the journal."""
        end: Future[ExecutionFinished] = Future()

        def listener(event: ExecutionFinished | StorageError) -> None:
            if isinstance(event, StorageError):
                end.set_exception(event)
            else:
                end.set_result(event)

        with self._guard:
            self._ends[name].append(listener)
        try:
            yield end
        finally:
            with self._guard:
                self._remove(name, listener)

    def when_ended(self, arn: str, listener: Callable[[], None]) -> None:
        """Call `listener` once when the execution has ended; at once when it has ended already, or is not known."""
        name = journal_name(arn)

        def ended(event: ExecutionFinished | StorageError) -> None:
            if isinstance(event, ExecutionFinished):
                listener()

        with self._guard:
            self._ends[name].append(ended)
        found = self.journal.find(arn)
        if found is None or found.row.status != "RUNNING":
            with self._guard:
                is_waiting = self._remove(name, ended)
            if is_waiting:
                listener()

    def _remove(self, name: str, listener: Callable[[ExecutionFinished | StorageError], None]) -> bool:
        """Whether the listener was still there. The caller holds the guard."""
        listeners = self._ends.get(name, [])
        if listener not in listeners:
            return False
        listeners.remove(listener)
        if not listeners:
            del self._ends[name]
        return True

    def _listen(self, event: DriverEvent) -> None:
        if isinstance(event, ExecutionRefused):
            sys.stderr.write(f"{printable(event.execution)}: {printable(event.reason)}\n")
        elif isinstance(event, ExecutionFinished):
            self._tell(event.execution, event)

    def _tell(self, name: str, event: ExecutionFinished | StorageError) -> None:
        with self._guard:
            listeners = self._ends.pop(name, [])
        for listener in listeners:
            listener(event)

    def _drive(self) -> None:
        """Drive until the end. Trouble, such as a full disk, is not the end: all that is acknowledged goes on later."""
        while not self._closing.is_set():
            try:
                self._driver.drive(until_stopped=True)
            except Exception as error:  # noqa: BLE001 - also a bug of ours: others must go on
                trouble = error if isinstance(error, StorageError) else local_trouble(error)
                if trouble is None:
                    traceback.print_exc(file=sys.stderr)
                    self._fail_waiting(StorageError(f"pupline has an internal error ({type(error).__name__})"))
                    continue
                sys.stderr.write(f"executions pause: {printable(trouble.message)}\n")
                self._fail_waiting(trouble)
                self._closing.wait(_PAUSE_SECONDS)

    def _fail_waiting(self, error: StorageError) -> None:
        """Executions that the journal does not hold are lost; requests that wait for their end get an error.

        The driver gives every call of the others again, and they wait again.
        """
        with self._guard:
            names = list(self._ends)
        for name in names:
            self._tell(name, error)
