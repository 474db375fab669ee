"""One turn of the driver: what is committed in one transaction, and what happens after the commit."""

import sqlite3
from dataclasses import dataclass, field, replace

from pupline.asl import Command, ExecutionAborted, StartTimer, StateMachine
from pupline.local._clock import Instant
from pupline.local.alerts import Alert, insert_alert
from pupline.local.journal._events import DriverEvent
from pupline.local.journal._journal import (
    JournalledFact,
    NewExecution,
    Replayed,
    finish_execution,
    insert_definition,
    insert_execution,
    insert_fact,
    reopen_execution,
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
        """How much working time the timer has from now on.

        A timer of an earlier process has what is left of it. A pause ends sooner where the clock says that enough time
        has passed: waiting longer gains nothing. A clock that was set back does not make it longer.
        """
        seconds = self.left.pop(timer.id, timer.due - self.core.now)
        return min(seconds, timer.due - at.now) if timer.kind == "pause" else seconds


@dataclass(slots=True)
class Turn:
    """Collected while the cores receive their facts; `write` adds the rows in one transaction.

    at: when the turn began. facts: execution id, sequence number, fact. reopened, aborted: by execution id.
    commands: to carry out, and events: to emit, after the commit.
    """

    at: Instant
    definitions: dict[str, StateMachine] = field(default_factory=dict)
    started: list[NewExecution] = field(default_factory=list)
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
        for machine in self.definitions.values():
            insert_definition(connection, machine)
        for new in self.started:
            insert_execution(connection, new)
        for execution_id in self.reopened:
            reopen_execution(connection, execution_id)
        for execution_id, seq, fact in self.facts:
            insert_fact(connection, execution_id, seq, fact)
        for alert in self.alerts:
            insert_alert(connection, alert)
        for one in self.ended:
            if one.is_durable:
                finish_execution(connection, one.execution_id, one.core)
        for execution_id, fact in self.aborted.items():
            _abort(connection, execution_id, fact)


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
        insert_fact(connection, execution_id, count, entry)
