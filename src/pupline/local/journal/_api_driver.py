"""What the Step Functions API asks of a driver that runs: each method is part of a turn, answered after its commit."""

import json
from collections.abc import Sequence

from pupline.asl import ExecutionAborted, Fact, InvokeTask, MapRunUpdated
from pupline.errors import PuplineError
from pupline.local.journal._driver import Driver
from pupline.local.journal._journal import ExecutionRow, Journal
from pupline.local.journal._settings import StartRequest
from pupline.local.journal._turn import Turn


class NameInUse(PuplineError):
    """An execution of that name exists, and has ended or has another input."""


class NoRoom(PuplineError):
    """The driver runs as many executions as it takes."""


class NotWaiting(PuplineError):
    """The execution no longer waits for that answer."""


class NotRedrivable(PuplineError):
    """The execution runs, has succeeded, or cannot be rebuilt."""


class ApiDriver:
    """Any thread may call the methods while another one drives. They raise StorageError."""

    def __init__(self, driver: Driver, journal: Journal) -> None:
        self._driver = driver
        self._journal = journal

    def start(self, request: StartRequest, *, forget_before: float = 0.0) -> float:
        """Start the execution; its start time. One that runs with the same input is the same request, repeated.

        forget_before: seconds since the epoch; an execution of that name that ended before is deleted.
        Raises: NameInUse; NoRoom; InvalidExecutionInput.
        """

        def work(turn: Turn) -> float:
            if (known := self._known(request, turn, forget_before)) is not None:
                return known
            if not self._driver.has_room:
                raise NoRoom("too many executions run")
            return self._driver.admission.start_new(request, turn).core.start_time

        return self._driver.submit(work).result()

    def _known(self, request: StartRequest, turn: Turn, forget_before: float) -> float | None:
        """The start time of the execution that runs under this name with this input."""
        if active := self._driver.active.by_name.get(request.name):
            if active.core.status == "RUNNING" and active.core.input == request.input:
                return active.core.start_time
            raise NameInUse(request.name)
        row = self._journal.find(request.name)
        if row is None:
            return None
        if row.stop_time is not None and row.stop_time < forget_before:
            turn.forgotten.append(row.execution_id)
            return None
        if row.status == "RUNNING" and json.loads(row.input) == request.input:
            return row.start_time
        raise NameInUse(request.name)

    def stop(self, name: str, error: str | None, cause: str | None) -> float:
        """Abort the execution; when it stopped, which may have been before. Raises: NoSuchName."""

        def work(turn: Turn) -> float:
            fact = ExecutionAborted(error, cause)
            active = self._driver.active.by_name.get(name)
            if active is None:
                return self._stop_row(self._driver.admission.get(name), fact, turn)
            if active.core.status == "RUNNING":
                self._driver.active.receive(active, fact, turn)
            return active.last_now

        return self._driver.submit(work).result()

    def _stop_row(self, row: ExecutionRow, fact: ExecutionAborted, turn: Turn) -> float:
        """Abort an execution that is not in memory, and perhaps cannot be."""
        if row.stop_time is not None:
            return row.stop_time
        self._driver.admission.abort(row, fact, turn)
        return turn.at.now

    def redrive(self, name: str) -> float:
        """Redrive the execution; when. Raises: NotRedrivable; NoSuchName."""

        def work(turn: Turn) -> float:
            row = self._driver.admission.get(name)
            if row.status in ("RUNNING", "SUCCEEDED") or name in self._driver.active.by_name:
                raise NotRedrivable(f"Execution is {row.status} and cannot be redriven")
            if not self._driver.has_room:
                raise NoRoom("too many executions run")
            if (refusal := self._driver.admission.reopen(row, turn)) is not None:
                raise NotRedrivable(refusal)
            return turn.at.now

        return self._driver.submit(work).result()

    def answer(self, name: str, command_id: str, facts: Sequence[Fact]) -> None:
        """Give the execution the answers to a call that waits for one from outside. Raises: NotWaiting."""

        def work(turn: Turn) -> None:
            active = self._driver.admission.load(name, turn)
            command = None if active is None else active.waiting.get(command_id)
            if active is None or not isinstance(command, InvokeTask) or command.task_token is None:
                raise NotWaiting(command_id)
            for fact in facts:
                self._driver.active.answer(active, fact, turn)

        self._driver.submit(work).result()

    def update_map_run(self, name: str, update: MapRunUpdated) -> bool:
        """Change the limits of a Map Run. Whether its execution runs."""

        def work(turn: Turn) -> bool:
            active = self._driver.admission.load(name, turn)
            if active is None or active.core.status != "RUNNING":
                return False
            self._driver.active.receive(active, update, turn)
            return True

        return self._driver.submit(work).result()
