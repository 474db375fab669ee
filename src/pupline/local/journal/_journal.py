"""The journal: executions, the definitions they started with, and the facts they were told.

Reading is for everyone. Writing is for the driver alone, which holds the data directory's lock; its functions take a
connection, because what belongs together must be committed together.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from pupline.asl import (
    CancelCommand,
    Command,
    DefinitionError,
    Execution,
    ExecutionAborted,
    Fact,
    ProtocolError,
    StartTimer,
    StateMachine,
    fact_from_json,
    fact_to_json,
)
from pupline.errors import ConfigurationError, ReplayMismatch
from pupline.json_values import JSON
from pupline.local.database import Database, storable
from pupline.local.journal._events import ExecutionFinished
from pupline.text import printable

_COLUMNS = "execution_id, name, run_id, run_index, digest, input, status, output, error, cause, start_time, stop_time"
_SELECT = f"SELECT {_COLUMNS} FROM executions"  # noqa: S608 - the names are ours
_PAGE = 500


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """One execution. input and output are JSON texts; times are seconds since the epoch."""

    execution_id: int
    name: str
    run_id: str | None
    run_index: int | None
    digest: str
    input: str
    status: str
    output: str | None
    error: str | None
    cause: str | None
    start_time: float
    stop_time: float | None

    def as_event(self) -> ExecutionFinished:
        """What the driver told when this execution ended."""
        return ExecutionFinished(
            execution=self.name,
            run_id=self.run_id,
            status=self.status,
            output=None if self.output is None else json.loads(self.output),
            error=self.error,
            cause=self.cause,
            start_time=self.start_time,
            stop_time=self.stop_time or self.start_time,
        )


@dataclass(frozen=True, slots=True)
class JournalledFact:
    """One fact as it was told. resource: of the task that it answers, None for anything else.

    worked: seconds that the execution had been worked on, None where nobody measured it.
    """

    fact: Fact
    now: float
    resource: str | None
    worked: float | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """An execution as its facts made it. waiting: the commands without an answer. facts: how many there are.

    worked: seconds that it has been worked on. left: for each timer among `waiting`, how many seconds of that it still
    has. Time in which nothing ran is in neither.
    """

    core: Execution
    waiting: list[Command]
    facts: int
    worked: float
    left: dict[str, float]


class Journal:
    """What the driver and the reading commands ask of the tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str) -> ExecutionRow | None:
        """The execution of that name, if any. Raises: StorageError."""
        found = self._database.rows(f"{_SELECT} WHERE name = ?", (name,))
        return ExecutionRow(*found[0]) if found else None

    def get(self, name: str) -> ExecutionRow:
        """The execution of that name. Raises: ConfigurationError when there is none; StorageError."""
        found = self.find(name)
        if found is None:
            raise ConfigurationError(
                f"there is no execution '{printable(name)}' here; list them with: pupline executions"
            )
        return found

    def executions(self, *, status: str | None = None, run_id: str | None = None) -> Iterator[ExecutionRow]:
        """Executions, newest first, a page at a time. Raises: StorageError."""
        wanted = {"status = ?": status, "run_id = ?": run_id}
        conditions = {condition: value for condition, value in wanted.items() if value is not None}
        where = "".join(f" AND {condition}" for condition in conditions)
        query = f"{_SELECT} WHERE execution_id < ?{where} ORDER BY execution_id DESC LIMIT {_PAGE}"
        before = 1 << 62
        while page := self._database.rows(query, (before, *conditions.values())):
            yield from (ExecutionRow(*row) for row in page)
            before = page[-1][0]

    def unfinished(self, *, limit: int, after: int = 0, until: int = 1 << 62) -> list[ExecutionRow]:
        """At most `limit` RUNNING executions, oldest first, with an id above `after` and at most `until`."""
        query = f"{_SELECT} WHERE status = 'RUNNING' AND execution_id > ? AND execution_id <= ? ORDER BY 1 LIMIT ?"
        return [ExecutionRow(*row) for row in self._database.rows(query, (after, until, limit))]

    def count_unfinished(self) -> int:
        """How many executions are RUNNING. Raises: StorageError."""
        return int(self._database.rows("SELECT count(*) FROM executions WHERE status = 'RUNNING'")[0][0])

    def last_id(self) -> int:
        """The highest execution id given out; 0 at first."""
        return int(self._database.rows("SELECT coalesce(max(execution_id), 0) FROM executions")[0][0])

    def facts(self, execution_id: int) -> Iterator[JournalledFact]:
        """What the execution was told, in order. Raises: ReplayMismatch for a fact that is none; StorageError."""
        query = "SELECT fact, now, resource, worked FROM facts WHERE execution_id = ? ORDER BY seq"
        with self._database.reading() as connection:
            rows = connection.execute(query, (execution_id,)).fetchall()
        for text, *told in rows:
            try:
                fact = fact_from_json(json.loads(text))
            except (ValueError, TypeError, LookupError, AttributeError) as err:
                raise ReplayMismatch(f"the journal holds a fact that this version cannot read: {err}") from err
            yield JournalledFact(fact, *told)

    def definition(self, digest: str) -> StateMachine:
        """The definition that was stored under `digest`. Raises: ReplayMismatch when it is not what was stored."""
        query = "SELECT name, type, definition FROM definitions WHERE digest = ?"
        [(name, kind, text)] = self._database.rows(query, (digest,))
        try:
            machine = StateMachine.parse(text, type=kind)
            machine.name = name
        except DefinitionError as err:
            raise ReplayMismatch(
                f"the definition {digest[:12]} in {self._database.path} cannot be used by this version: {err}"
            ) from err
        if machine.digest != digest:
            raise ReplayMismatch(
                f"the definition {digest[:12]} in {self._database.path} was changed after executions started with it; "
                "put the original back from a backup, or stop those executions"
            )
        return machine

    def replay(self, row: ExecutionRow, machine: StateMachine) -> Replayed:
        """The execution as its facts made it, and what it waits for.

        Raises: ReplayMismatch when a fact answers something that is not asked for, or another resource; StorageError.
        """
        execution = Execution(machine, json.loads(row.input), name=row.name, now=row.start_time)
        waiting: dict[str, _Asked] = {}
        worked = 0.0
        _note(execution, waiting, worked)
        count = 0
        for told in self.facts(row.execution_id):
            worked = worked if told.worked is None else max(worked, told.worked)
            _compare(row.name, told, waiting)
            try:
                execution.receive(told.fact, now=told.now)
            except ProtocolError as err:
                raise ReplayMismatch(f"execution '{row.name}': the journal does not fit: {err}") from err
            _note(execution, waiting, worked)
            count += 1
        left = {command_id: asked.left(worked) for command_id, asked in waiting.items() if asked.seconds is not None}
        return Replayed(execution, [asked.command for asked in waiting.values()], count, worked, left)

    def history(self, name: str) -> list[dict[str, JSON]]:
        """The execution's events so far, in the shape of GetExecutionHistory.

        Raises: ConfigurationError when there is no such execution; ReplayMismatch; StorageError.
        """
        row = self.get(name)
        return self.replay(row, self.definition(row.digest)).core.history

    def request_stop(self, name: str, error: str | None = None, cause: str | None = None) -> None:
        """Ask whoever drives the execution, now or at the next start, to abort it. Nothing happens when it has ended.

        Raises: ConfigurationError when there is no such execution; StorageError.
        """
        row = self.get(name)
        request = json.dumps({"error": error, "cause": cause})
        update = "UPDATE executions SET stop_request = ? WHERE execution_id = ? AND status = 'RUNNING'"
        self._database.write(lambda connection: connection.execute(update, (request, row.execution_id)))

    def stop_requests(self) -> list[tuple[ExecutionRow, ExecutionAborted]]:
        """The executions that are to be aborted, each with what to tell it. Raises: StorageError."""
        query = f"SELECT {_COLUMNS}, stop_request FROM executions WHERE status = 'RUNNING' AND stop_request IS NOT NULL"  # noqa: S608
        return [
            (ExecutionRow(*row), ExecutionAborted(**json.loads(request)))
            for *row, request in self._database.rows(query)
        ]


@dataclass(frozen=True, slots=True)
class NewExecution:
    """A row to add: RUNNING, started at `start_time`. input is JSON text."""

    execution_id: int
    name: str
    run_id: str | None
    run_index: int | None
    digest: str
    input: str
    start_time: float


def insert_definition(connection: sqlite3.Connection, machine: StateMachine) -> None:
    """Keep the definition under its digest, once, with the name that the Context Object shows."""
    text = json.dumps(machine.definition)
    connection.execute(
        "INSERT INTO definitions (digest, name, type, definition) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (machine.digest, machine.name, machine.type, text),
    )


def insert_execution(connection: sqlite3.Connection, new: NewExecution) -> None:
    """Add a RUNNING execution."""
    connection.execute(
        "INSERT INTO executions (execution_id, name, run_id, run_index, digest, input, start_time)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (new.execution_id, new.name, new.run_id, new.run_index, new.digest, new.input, new.start_time),
    )


def insert_fact(connection: sqlite3.Connection, execution_id: int, seq: int, told: JournalledFact) -> None:
    """Add the `seq`-th fact (from 0) of an execution."""
    connection.execute(
        "INSERT INTO facts (execution_id, seq, now, resource, fact, worked) VALUES (?, ?, ?, ?, ?, ?)",
        (execution_id, seq, told.now, told.resource, json.dumps(fact_to_json(told.fact)), told.worked),
    )


def finish_execution(connection: sqlite3.Connection, execution_id: int, ended: Execution) -> bool:
    """Write the final status, over RUNNING only; whether it landed."""
    output = json.dumps(ended.output) if ended.status == "SUCCEEDED" else None
    error, cause = (None if text is None else storable(text) for text in (ended.error, ended.cause))
    done = connection.execute(
        "UPDATE executions SET status = ?, output = ?, error = ?, cause = ?, stop_time = ?"
        " WHERE execution_id = ? AND status = 'RUNNING'",
        (ended.status, output, error, cause, ended.stop_time, execution_id),
    )
    return done.rowcount == 1


def reopen_execution(connection: sqlite3.Connection, execution_id: int) -> None:
    """Make an execution that did not succeed RUNNING again, under its name and with its journal."""
    connection.execute(
        "UPDATE executions SET status = 'RUNNING', error = NULL, cause = NULL, stop_time = NULL, stop_request = NULL"
        " WHERE execution_id = ? AND status IN ('FAILED', 'TIMED_OUT', 'ABORTED')",
        (execution_id,),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command without an answer. seconds: of a timer; None for other commands, and for a time of day.

    worked: how long the execution had been worked on when it gave the command.
    """

    command: Command
    seconds: float | None
    worked: float

    def left(self, worked: float) -> float:
        """The seconds that are left after so much work. A call is made again, and gets all of its time again."""
        seconds = self.seconds or 0.0
        again = isinstance(self.command, StartTimer) and self.command.kind == "task"
        return seconds if again else max(seconds - (worked - self.worked), 0.0)


def _note(execution: Execution, waiting: dict[str, _Asked], worked: float) -> None:
    for command in execution.commands():
        if isinstance(command, CancelCommand):
            waiting.pop(command.id, None)
        else:
            seconds = None
            if isinstance(command, StartTimer) and command.kind != "moment":
                seconds = command.due - execution.now
            waiting[command.id] = _Asked(command, seconds, worked)


def _compare(name: str, told: JournalledFact, waiting: dict[str, _Asked]) -> None:
    """Check that the fact answers what is asked for now; what it answers is no longer waited for."""
    command_id = getattr(told.fact, "id", None)
    if command_id is None:  # ExecutionAborted and ExecutionRedriven answer no command
        return
    found = waiting.pop(command_id, None)
    if found is None:
        raise ReplayMismatch(
            f"execution '{name}': the journal answers '{command_id}', which this definition does not ask for; "
            "finish it with the version of pupline that started it, or stop it"
        )
    asked = getattr(found.command, "resource", None)
    if asked != told.resource:
        raise ReplayMismatch(
            f"execution '{name}': '{command_id}' called {told.resource} when it was journalled and would call {asked} "
            "now; finish it with the version of pupline that started it, or stop it"
        )
