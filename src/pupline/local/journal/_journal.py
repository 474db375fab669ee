"""The journal: executions, the definitions they started with, and the facts they received.

Any process may read it. Only the driver writes it, which holds the data directory's lock; the writing functions take a
connection, because what belongs together must be committed together.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from pupline.asl import (
    CancelCommand,
    Command,
    DefinitionError,
    DetailedExecution,
    Execution,
    ExecutionAborted,
    Fact,
    ProtocolError,
    StartTimer,
    StateMachine,
    TaskHeartbeat,
    TaskStarted,
    TaskSubmitted,
    definition_digest,
    fact_from_json,
)
from pupline.errors import NoSuchName, ReplayMismatch
from pupline.json_values import JSON
from pupline.local.database import Database
from pupline.local.journal._events import ExecutionFinished
from pupline.local.journal._settings import ApiStart
from pupline.text import printable

_COLUMNS = "execution_id, name, run_id, run_index, digest, input, status, output, error, cause, start_time, stop_time"
_SELECT = f"SELECT {_COLUMNS} FROM executions"  # noqa: S608 - the names are ours
_OF_API = "EXISTS (SELECT 1 FROM api_executions AS a WHERE a.execution_id = executions.execution_id)"
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
        """The event for this execution's end."""
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
    """One fact with its time. resource: of the task that it answers, None for anything else.

    worked: the working time of the execution until then, None where it was not measured.
    """

    fact: Fact
    now: float
    resource: str | None
    worked: float | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """An execution rebuilt from its facts. waiting: the commands without an answer. facts: how many there are.

    worked: its working time. left: for each timer in `waiting`, its remaining working time. Time in which nothing ran
    is in neither. submitted: for calls in `waiting` that have answered TaskSubmitted, what it said. taken: those
    that a worker has begun.
    """

    core: Execution
    waiting: list[Command]
    facts: int
    worked: float
    left: dict[str, float]
    submitted: dict[str, JSON] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


class Journal:
    """The tables of executions, as the driver and the reading commands use them. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str) -> ExecutionRow | None:
        """The execution of that name, if any."""
        found = self._database.rows(f"{_SELECT} WHERE name = ?", (name,))
        return ExecutionRow(*found[0]) if found else None

    def find_all(self, names: list[str]) -> dict[str, ExecutionRow]:
        """Those of the executions of these names that exist, by name."""
        query = f"{_SELECT} WHERE name IN (SELECT value FROM json_each(?))"  # noqa: S608 - the names are ours
        rows = self._database.rows(query, (json.dumps(names),)) if names else []
        return {row.name: row for row in (ExecutionRow(*found) for found in rows)}

    def get(self, name: str, kind: str = "execution") -> ExecutionRow:
        """The execution of that name. kind: what might have had it. Raises: NoSuchName."""
        found = self.find(name)
        if found is None:
            lists = "pupline executions" if kind == "execution" else "pupline executions, pupline runs"
            raise NoSuchName(f"there is no {kind} '{printable(name)}' here; list them with: {lists}")
        return found

    def executions(
        self, *, status: str | None = None, run_id: str | None = None, workflow: str | None = None
    ) -> Iterator[ExecutionRow]:
        """Executions, newest first, a page at a time. workflow: the name of their state machine."""
        of_workflow = "digest IN (SELECT digest FROM definitions WHERE name = ?)"
        wanted = {"status = ?": status, "run_id = ?": run_id, of_workflow: workflow}
        conditions = {condition: value for condition, value in wanted.items() if value is not None}
        where = "".join(f" AND {condition}" for condition in conditions)
        query = f"{_SELECT} WHERE execution_id < ?{where} ORDER BY execution_id DESC LIMIT {_PAGE}"
        before = 1 << 62
        while page := self._database.rows(query, (before, *conditions.values())):
            yield from (ExecutionRow(*row) for row in page)
            before = page[-1][0]

    def unfinished(
        self, *, limit: int, after: int = 0, until: int = 1 << 62, of_api: bool = False
    ) -> list[ExecutionRow]:
        """At most `limit` RUNNING executions, oldest first, with an id above `after` and at most `until`.

        of_api: those that the API started; else all others.
        """
        kind = _OF_API if of_api else f"NOT {_OF_API}"
        condition = f"status = 'RUNNING' AND execution_id > ? AND execution_id <= ? AND {kind}"
        query = f"{_SELECT} WHERE {condition} ORDER BY 1 LIMIT ?"
        return [ExecutionRow(*row) for row in self._database.rows(query, (after, until, limit))]

    def count_unfinished(self) -> int:
        """The number of RUNNING executions, without those of the API."""
        query = f"SELECT count(*) FROM executions WHERE status = 'RUNNING' AND NOT {_OF_API}"  # noqa: S608 - our texts
        return int(self._database.rows(query)[0][0])

    def version(self, row: ExecutionRow) -> str:
        """A text that differs whenever the journal has more of the execution."""
        query = "SELECT coalesce(max(seq), -1) FROM facts WHERE execution_id = ?"
        return f"{row.status} {row.stop_time} {self._database.rows(query, (row.execution_id,))[0][0]}"

    def api_start(self, row: ExecutionRow) -> ApiStart | None:
        """What the API added to the execution when it started it; None for the execution of a run."""
        query = "SELECT arn, machine_arn, context, details FROM api_executions WHERE execution_id = ?"
        found = self._database.rows(query, (row.execution_id,))
        if not found:
            return None
        arn, machine_arn, context, details = found[0]
        return ApiStart(arn, machine_arn, json.loads(context), row.input, json.loads(details))

    def count_ended(self, run_id: str) -> int:
        """The number of executions of the run that have ended."""
        query = "SELECT count(*) FROM executions WHERE run_id = ? AND status <> 'RUNNING'"
        return int(self._database.rows(query, (run_id,))[0][0])

    def last_id(self) -> int:
        """The highest execution id in use; 0 at first."""
        return int(self._database.rows("SELECT coalesce(max(execution_id), 0) FROM executions")[0][0])

    def facts(self, execution_id: int) -> Iterator[JournalledFact]:
        """The execution's facts, in order. Raises: ReplayMismatch for one that cannot be read."""
        query = "SELECT fact, now, resource, worked FROM facts WHERE execution_id = ? ORDER BY seq"
        with self._database.reading() as connection:
            rows = connection.execute(query, (execution_id,)).fetchall()
        for text, *rest in rows:
            try:
                fact = fact_from_json(json.loads(text))
            except (ValueError, RecursionError) as err:
                raise ReplayMismatch(f"the journal holds a fact that this version cannot read: {err}") from err
            yield JournalledFact(fact, *rest)

    def definition(self, digest: str) -> StateMachine:
        """The definition stored under `digest`. Raises: ReplayMismatch when it was changed or cannot be used."""
        query = "SELECT name, type, definition FROM definitions WHERE digest = ?"
        [(name, kind, text)] = self._database.rows(query, (digest,))
        try:
            definition = json.loads(text)
        except (ValueError, RecursionError):
            definition = None
        if definition_digest(definition, kind) != digest:
            raise ReplayMismatch(
                f"the definition {digest[:12]} in {self._database.path} was changed after executions started with it; "
                "put the original back from a backup, or stop those executions"
            )
        try:
            machine = StateMachine.compiled_again(definition, type=kind)
        except DefinitionError as err:
            raise ReplayMismatch(
                f"the definition {digest[:12]} in {self._database.path} cannot be used by this version: {err}"
            ) from err
        machine.name = name
        return machine

    def replay(
        self, row: ExecutionRow, machine: StateMachine, api: ApiStart | None = None, kind: type[Execution] = Execution
    ) -> Replayed:
        """The execution rebuilt from its facts. kind: of the core.

        One that an earlier version let write more events than AWS does goes on without that limit.
        Raises: ReplayMismatch when a fact answers no open command, or one with another resource.
        """
        replayed = self._replay(row, machine, api, kind)
        if replayed.core.history_is_full and row.cause != replayed.core.cause:
            return self._replay(row, machine, api, partial(kind, bounded=False))
        return replayed

    def _replay(
        self, row: ExecutionRow, machine: StateMachine, api: ApiStart | None, kind: Callable[..., Execution]
    ) -> Replayed:
        context = api.context if api else None
        execution = kind(machine, json.loads(row.input), name=row.name, now=row.start_time, context=context)
        waiting: dict[str, _OpenCommand] = {}
        submitted: dict[str, JSON] = {}
        taken: set[str] = set()
        worked = 0.0
        _collect_commands(execution, waiting, worked)
        count = 0
        for entry in self.facts(row.execution_id):
            if execution.history_is_full:
                break
            worked = worked if entry.worked is None else max(worked, entry.worked)
            _close_answered(row.name, entry, waiting)
            if isinstance(entry.fact, TaskSubmitted):
                submitted[entry.fact.id] = entry.fact.output
            elif isinstance(entry.fact, TaskStarted):
                taken.add(entry.fact.id)
            try:
                execution.receive(entry.fact, now=entry.now)
            except ProtocolError as err:
                raise ReplayMismatch(f"execution '{row.name}': the journal does not fit: {err}") from err
            _collect_commands(execution, waiting, worked)
            count += 1
        left = {command_id: one.left(worked) for command_id, one in waiting.items() if one.seconds is not None}
        open_calls = {command_id: output for command_id, output in submitted.items() if command_id in waiting}
        commands = [one.command for one in waiting.values()]
        return Replayed(execution, commands, count, worked, left, open_calls, taken & waiting.keys())

    def history(self, name: str) -> list[dict[str, JSON]]:
        """The execution's events so far, in the shape of GetExecutionHistory.

        Raises: ConfigurationError when there is no such execution; ReplayMismatch.
        """
        return self.detailed(self.get(name)).history

    def detailed(self, row: ExecutionRow) -> DetailedExecution:
        """The execution with its history and its child executions, as far as the journal has them.

        Raises: ReplayMismatch.
        """
        core = self.replay(row, self.definition(row.digest), self.api_start(row), DetailedExecution).core
        assert isinstance(core, DetailedExecution)  # noqa: S101 - as asked for
        return core

    def request_stop(self, name: str, error: str | None = None, cause: str | None = None) -> None:
        """Have the driver abort the execution, now or at the next start. Does nothing when it has ended.

        Raises: ConfigurationError when there is no such execution.
        """
        row = self.get(name)
        request = json.dumps({"error": error, "cause": cause})
        update = "UPDATE executions SET stop_request = ? WHERE execution_id = ? AND status = 'RUNNING'"
        self._database.write(lambda connection: connection.execute(update, (request, row.execution_id)))

    def stop_requests(self) -> list[tuple[ExecutionRow, ExecutionAborted]]:
        """The executions to abort, each with the fact to give it."""
        query = f"SELECT {_COLUMNS}, stop_request FROM executions WHERE status = 'RUNNING' AND stop_request IS NOT NULL"  # noqa: S608
        return [
            (ExecutionRow(*row), ExecutionAborted(**json.loads(request)))
            for *row, request in self._database.rows(query)
        ]


@dataclass(frozen=True, slots=True)
class _OpenCommand:
    """A command without an answer. seconds: of a timer; None for other commands, and for a time of day.

    worked: the working time of the execution when it gave the command.
    """

    command: Command
    seconds: float | None
    worked: float

    def left(self, worked: float) -> float:
        """The seconds left after so much working time. A call is repeated, and gets all of its time again."""
        seconds = self.seconds or 0.0
        again = isinstance(self.command, StartTimer) and self.command.kind == "task"
        return seconds if again else max(seconds - (worked - self.worked), 0.0)


def _collect_commands(execution: Execution, waiting: dict[str, _OpenCommand], worked: float) -> None:
    for command in execution.commands():
        if isinstance(command, CancelCommand):
            waiting.pop(command.id, None)
        else:
            seconds = None
            if isinstance(command, StartTimer) and command.kind != "moment":
                seconds = command.due - execution.now
            waiting[command.id] = _OpenCommand(command, seconds, worked)


def _close_answered(name: str, entry: JournalledFact, waiting: dict[str, _OpenCommand]) -> None:
    """Check that the fact answers an open command, and remove that command from `waiting`."""
    command_id = getattr(entry.fact, "id", None)
    if command_id is None:  # ExecutionAborted and ExecutionRedriven answer no command
        return
    found = waiting.get(command_id)
    if found is not None and not isinstance(entry.fact, TaskSubmitted | TaskStarted | TaskHeartbeat):
        del waiting[command_id]
    if found is None:
        raise ReplayMismatch(
            f"execution '{name}': the journal answers '{command_id}', which this definition does not ask for; "
            "finish it with the version of pupline that started it, or stop it"
        )
    resource = getattr(found.command, "resource", None)
    if resource != entry.resource:
        raise ReplayMismatch(
            f"execution '{name}': '{command_id}' called {entry.resource} when it was journalled and would call "
            f"{resource} now; finish it with the version of pupline that started it, or stop it"
        )
