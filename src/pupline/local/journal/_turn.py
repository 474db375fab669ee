"""One turn of the driver: what is committed in one transaction, and what happens after the commit."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from pupline.asl import Command, ExecutionAborted, Fact, InvokeTask, StartTimer, fact_to_json
from pupline.json_values import stored_text
from pupline.local._clock import Instant
from pupline.local.alerts import Alert, insert_alert
from pupline.local.database import storable
from pupline.local.journal._events import DriverEvent
from pupline.local.journal._journal import JournalledFact, Replayed
from pupline.local.journal._settings import ApiStart, StartRequest

_INSERT_DEFINITION = (
    "INSERT INTO definitions (digest, name, type, definition) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_EXECUTION = "INSERT INTO executions (execution_id, name, run_id, run_index, digest, input, start_time) VALUES "
_INSERT_API = (
    "INSERT INTO api_executions (execution_id, arn, machine_arn, context, details, text_digest)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_INSERT_TEXT = "INSERT INTO definition_texts (text_digest, definition) VALUES (?, ?) ON CONFLICT DO NOTHING"
_INSERT_MAP_RUN = "INSERT INTO map_runs (arn, execution_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_COUNT_REDRIVE = "UPDATE api_executions SET redrive_count = redrive_count + 1, redrive_time = ? WHERE execution_id = ?"
_REOPEN = (
    "UPDATE executions SET status = 'RUNNING', error = NULL, cause = NULL, stop_time = NULL, stop_request = NULL"
    " WHERE execution_id = ? AND status IN ('FAILED', 'TIMED_OUT', 'ABORTED')"
)
_INSERT_FACT = "INSERT INTO facts (execution_id, seq, now, resource, fact, worked) VALUES "
_FINISH = (
    "UPDATE executions SET status = ?, output = ?, error = ?, cause = ?, stop_time = ?"
    " WHERE execution_id = ? AND status = 'RUNNING'"
)


_ROWS_AT_ONCE = 16
"""Rows of one INSERT."""


class ActiveExecution:
    """One execution in memory. waiting: commands that were not answered yet. last_now: of the latest fact.

    is_durable: whether the journal holds it, from its start to its end; has_facts: what happens in between, too.
    Express executions are not journalled; those that the API acknowledges are, but begin again after a crash.
    facts: how many the journal holds. left: seconds left of each timer that an earlier process began.
    submitted: by command id, what TaskSubmitted said of calls whose result is still to come. taken: ids of those that a
    worker has begun.
    api: of an execution that the API started. map_runs: how many of the core's Map Runs were noted.
    """

    __slots__ = (
        *("_began", "_worked", "api", "core", "execution_id", "facts", "has_facts", "is_durable", "last_now"),
        *("left", "map_runs", "run_id", "submitted", "taken", "waiting"),
    )

    def __init__(
        self, execution_id: int, run_id: str | None, replayed: Replayed, at: Instant, api: ApiStart | None = None
    ) -> None:
        self.execution_id = execution_id
        self.core = replayed.core
        self.run_id = run_id
        self.facts = replayed.facts
        self.left = replayed.left
        self.submitted = replayed.submitted
        self.taken = replayed.taken
        self.api = api
        self.map_runs = 0
        self.has_facts = self.core.machine.type == "STANDARD"
        self.is_durable = self.has_facts or (api is not None and api.is_kept)
        self.last_now = self.core.now
        self.waiting: dict[str, Command] = {}
        self._worked = replayed.worked
        self._began = at.working_time

    def forget_progress(self, command_id: str) -> None:
        """The call has ended."""
        self.submitted.pop(command_id, None)
        self.taken.discard(command_id)

    def worked(self, at: Instant) -> float:
        """Working time spent on the execution, by this process and those before."""
        return self._worked + at.working_time - self._began

    def seconds_left(self, timer: StartTimer, at: Instant) -> float:
        """The timer's remaining working time.

        A timer of an earlier process has what is left of it. A pause ends sooner where the clock says that enough time
        has passed: waiting longer gains nothing. A clock that was set back does not make it longer.
        """
        seconds = self.left.pop(timer.id, timer.due - self.core.now)
        return min(seconds, timer.due - at.now) if timer.kind == "pause" else seconds


@dataclass(slots=True)
class Turn:
    """Collected while the cores receive their facts; `write` adds the rows in one transaction.

    at: when the turn began. started: with its request, and the input as JSON text. facts: execution id, sequence
    number, time, resource, fact, working time. map_runs: ARN and execution id. reopened, aborted: by execution id.
    forgotten: ids of executions to delete first. After the commit, commands are carried out, calls cancelled,
    `answered` called and events emitted.
    """

    at: Instant
    started: list[tuple[ActiveExecution, StartRequest, str]] = field(default_factory=list)
    facts: list[tuple[int, int, float, str | None, Fact, float]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    ended: list[ActiveExecution] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)
    aborted: dict[int, JournalledFact] = field(default_factory=dict)
    map_runs: list[tuple[str, int]] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    commands: list[tuple[ActiveExecution, Command]] = field(default_factory=list)
    cancelled: list[tuple[str, InvokeTask]] = field(default_factory=list)
    answered: list[Callable[[], None]] = field(default_factory=list)
    events: list[DriverEvent] = field(default_factory=list)

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to commit."""
        ended = any(one.is_durable for one in self.ended)
        return bool(self.started or self.facts or self.alerts or self.aborted or self.map_runs or ended)

    @property
    def touches_memory_only(self) -> bool:
        """Whether all its rows are of executions in memory, so that the next turn need not read them."""
        return not (self.answered or self.aborted or self.reopened or self.forgotten)

    def write(self, connection: sqlite3.Connection) -> None:
        """All rows of this turn, in an order that the references between them allow."""
        for execution_id in self.forgotten:
            forget_execution(connection, execution_id)
        for machine in {one.core.machine.digest: one.core.machine for one, _, _ in self.started}.values():
            values = (machine.digest, machine.name, machine.type, json.dumps(machine.definition))
            connection.execute(_INSERT_DEFINITION, values)
        _insert(connection, _INSERT_EXECUTION, [_started_row(each) for each in self.started])
        for one, request, _ in self.started:
            if request.api is not None:
                _insert_api(connection, one.execution_id, request.api)
        for row in self.map_runs:
            connection.execute(_INSERT_MAP_RUN, row)
        for execution_id in self.reopened:
            connection.execute(_REOPEN, (execution_id,))
            connection.execute(_COUNT_REDRIVE, (self.at.now, execution_id))
        _insert(connection, _INSERT_FACT, [_fact_row(each) for each in self.facts])
        for alert in self.alerts:
            insert_alert(connection, alert)
        connection.executemany(_FINISH, [_ended_row(one) for one in self.ended if one.is_durable])
        for execution_id, entry in self.aborted.items():
            _abort(connection, execution_id, entry)


def forget_execution(connection: sqlite3.Connection, execution_id: int) -> None:
    """Delete the rows of an execution that has ended."""
    for table in ("facts", "map_runs", "api_executions", "executions"):
        connection.execute(f"DELETE FROM {table} WHERE execution_id = ?", (execution_id,))  # noqa: S608 - our names


def _insert(connection: sqlite3.Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Add rows, many with each statement: between two statements another thread may take the interpreter."""
    if not rows:
        return
    row = f"({', '.join('?' * len(rows[0]))})"
    for many in (_ROWS_AT_ONCE, 1):
        whole = len(rows) // many * many
        for at in range(0, whole, many):
            connection.execute(statement + ", ".join([row] * many), [*chain.from_iterable(rows[at : at + many])])
        rows = rows[whole:]


def _started_row(started: tuple[ActiveExecution, StartRequest, str]) -> tuple[Any, ...]:
    one, request, text = started
    core = one.core
    return one.execution_id, core.name, one.run_id, request.run_index, core.machine.digest, text, core.start_time


def _insert_api(connection: sqlite3.Connection, execution_id: int, api: ApiStart) -> None:
    text_digest = hashlib.sha256(api.definition.encode("utf-8", "surrogatepass")).hexdigest()
    connection.execute(_INSERT_TEXT, (text_digest, storable(api.definition)))
    texts = (json.dumps(api.context), json.dumps(api.details), text_digest)
    connection.execute(_INSERT_API, (execution_id, api.arn, api.machine_arn, *texts))


def _fact_row(row: tuple[int, int, float, str | None, Fact, float | None]) -> tuple[Any, ...]:
    execution_id, seq, now, resource, fact, worked = row
    return execution_id, seq, now, resource, stored_text(fact_to_json(fact)), worked


def _ended_row(one: ActiveExecution) -> tuple[Any, ...]:
    core = one.core
    output = stored_text(core.output) if core.status == "SUCCEEDED" else None
    error, cause = (None if text is None else storable(text) for text in (core.error, core.cause))
    return core.status, output, error, cause, core.stop_time, one.execution_id


def _abort(connection: sqlite3.Connection, execution_id: int, entry: JournalledFact) -> None:
    """Abort an execution that is not in memory, and perhaps cannot be: all it needs is the fact and the status.

    Its time is not before the latest fact's, though the clock may have been set back.
    """
    fact = entry.fact
    assert isinstance(fact, ExecutionAborted)  # noqa: S101 - only the driver fills `aborted`
    count, last = connection.execute(
        "SELECT count(f.seq), max(max(e.start_time), coalesce(max(f.now), 0.0))"
        " FROM executions AS e LEFT JOIN facts AS f USING (execution_id) WHERE e.execution_id = ?",
        (execution_id,),
    ).fetchone()
    entry = replace(entry, now=max(entry.now, last))
    landed = connection.execute(
        "UPDATE executions SET status = 'ABORTED', error = ?, cause = ?, stop_time = ?"
        " WHERE execution_id = ? AND status = 'RUNNING'",
        (*(None if text is None else storable(text) for text in (fact.error, fact.cause)), entry.now, execution_id),
    ).rowcount
    if landed:
        row = _fact_row((execution_id, count, entry.now, entry.resource, fact, entry.worked))
        _insert(connection, _INSERT_FACT, [row])
