"""One turn of the driver: what is committed in one transaction, and what happens after the commit."""

import json
import sqlite3
from dataclasses import dataclass, field, replace

from pupline.asl import Command, ExecutionAborted, StartTimer, fact_to_json
from pupline.local._clock import Instant
from pupline.local.alerts import Alert, insert_alert
from pupline.local.database import storable
from pupline.local.journal._events import DriverEvent
from pupline.local.journal._journal import JournalledFact, Replayed

_INSERT_DEFINITION = (
    "INSERT INTO definitions (digest, name, type, definition) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_EXECUTION = (
    "INSERT INTO executions (execution_id, name, run_id, run_index, digest, input, start_time)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_REOPEN = (
    "UPDATE executions SET status = 'RUNNING', error = NULL, cause = NULL, stop_time = NULL, stop_request = NULL"
    " WHERE execution_id = ? AND status IN ('FAILED', 'TIMED_OUT', 'ABORTED')"
)
_INSERT_FACT = "INSERT INTO facts (execution_id, seq, now, resource, fact, worked) VALUES (?, ?, ?, ?, ?, ?)"
_FINISH = (
    "UPDATE executions SET status = ?, output = ?, error = ?, cause = ?, stop_time = ?"
    " WHERE execution_id = ? AND status = 'RUNNING'"
)


class ActiveExecution:
    """One execution in memory. waiting: commands that were not answered yet. last_now: of the latest fact.

    is_durable: False for Express executions, which are not journalled. facts: how many the journal holds.
    left: seconds left of each timer that an earlier process began.
    """

    __slots__ = (
        *("_began", "_worked", "core", "execution_id", "facts", "is_durable", "last_now", "left", "run_id"),
        "waiting",
    )

    def __init__(self, execution_id: int, run_id: str | None, replayed: Replayed, at: Instant) -> None:
        self.execution_id = execution_id
        self.core = replayed.core
        self.run_id = run_id
        self.facts = replayed.facts
        self.left = replayed.left
        self.is_durable = self.core.machine.type == "STANDARD"
        self.last_now = self.core.now
        self.waiting: dict[str, Command] = {}
        self._worked = replayed.worked
        self._began = at.working_time

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

    at: when the turn began. started: with the run index, and the input as JSON text. facts: by execution id and
    sequence number. reopened, aborted: by execution id. commands: to carry out, and events: to emit, after the commit.
    """

    at: Instant
    started: list[tuple[ActiveExecution, int | None, str]] = field(default_factory=list)
    facts: list[tuple[int, int, JournalledFact]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    ended: list[ActiveExecution] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)
    aborted: dict[int, JournalledFact] = field(default_factory=dict)
    commands: list[tuple[ActiveExecution, Command]] = field(default_factory=list)
    events: list[DriverEvent] = field(default_factory=list)

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to commit."""
        ended = any(one.is_durable for one in self.ended)
        return bool(self.started or self.facts or self.alerts or self.aborted or ended)

    def write(self, connection: sqlite3.Connection) -> None:
        """All rows of this turn, in an order that the references between them allow."""
        for machine in {one.core.machine.digest: one.core.machine for one, _, _ in self.started}.values():
            values = (machine.digest, machine.name, machine.type, json.dumps(machine.definition))
            connection.execute(_INSERT_DEFINITION, values)
        for one, run_index, text in self.started:
            core = one.core
            ids = (one.execution_id, core.name, one.run_id, run_index, core.machine.digest)
            connection.execute(_INSERT_EXECUTION, (*ids, text, core.start_time))
        for execution_id in self.reopened:
            connection.execute(_REOPEN, (execution_id,))
        for execution_id, seq, entry in self.facts:
            _insert_fact(connection, execution_id, seq, entry)
        for alert in self.alerts:
            insert_alert(connection, alert)
        for one in self.ended:
            if one.is_durable:
                core = one.core
                output = json.dumps(core.output) if core.status == "SUCCEEDED" else None
                error, cause = (None if text is None else storable(text) for text in (core.error, core.cause))
                end = (core.status, output, error, cause, core.stop_time)
                connection.execute(_FINISH, (*end, one.execution_id))
        for execution_id, entry in self.aborted.items():
            _abort(connection, execution_id, entry)


def _insert_fact(connection: sqlite3.Connection, execution_id: int, seq: int, entry: JournalledFact) -> None:
    fact = json.dumps(fact_to_json(entry.fact))
    connection.execute(_INSERT_FACT, (execution_id, seq, entry.now, entry.resource, fact, entry.worked))


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
        (fact.error, fact.cause, entry.now, execution_id),
    ).rowcount
    if landed:
        _insert_fact(connection, execution_id, count, entry)
