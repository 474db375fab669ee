"""What one turn of the driver commits in one transaction, and what it does after."""

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


class Running:
    """One execution in memory. waiting: commands that were not answered yet. last_now: of the latest fact.

    durable: False for Express executions, which are not journalled. facts: how many the journal holds. left: seconds
    that the timers have which an earlier process began.
    """

    __slots__ = (
        "_began",
        "_worked",
        "core",
        "durable",
        "execution_id",
        "facts",
        "last_now",
        "left",
        "run_id",
        "waiting",
    )

    def __init__(self, execution_id: int, run_id: str | None, replayed: Replayed, at: Instant) -> None:
        self.execution_id = execution_id
        self.core = replayed.core
        self.run_id = run_id
        self.facts = replayed.facts
        self.left = replayed.left
        self.durable = self.core.machine.type == "STANDARD"
        self.last_now = self.core.now
        self.waiting: dict[str, Command] = {}
        self._worked = replayed.worked
        self._began = at.worked

    def worked(self, at: Instant) -> float:
        """Seconds that the execution has been worked on, by this process and those before."""
        return self._worked + at.worked - self._began

    def seconds_of(self, timer: StartTimer, at: Instant) -> float:
        """How much working time the timer has from now on.

        One of an earlier process has what is left of it. A pause is over sooner where the clock says that enough time
        has passed: nothing is gained by waiting on. A clock that was set back does not make it longer.
        """
        seconds = self.left.pop(timer.id, timer.due - self.core.now)
        return min(seconds, timer.due - at.now) if timer.kind == "pause" else seconds


@dataclass(slots=True)
class Batch:
    """Collected while the cores are told; then `write` is one transaction."""

    machines: dict[str, StateMachine] = field(default_factory=dict)
    started: list[NewExecution] = field(default_factory=list)
    told: list[tuple[int, int, JournalledFact]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    ended: list[Running] = field(default_factory=list)
    redriven: list[int] = field(default_factory=list)
    aborted: dict[int, JournalledFact] = field(default_factory=dict)
    commands: list[tuple[Running, Command]] = field(default_factory=list)
    events: list[DriverEvent] = field(default_factory=list)

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.started or self.told or self.alerts or self.aborted or any(run.durable for run in self.ended))

    def write(self, connection: sqlite3.Connection) -> None:
        """All rows of this turn, in an order that the references between them allow."""
        for machine in self.machines.values():
            insert_definition(connection, machine)
        for new in self.started:
            insert_execution(connection, new)
        for execution_id in self.redriven:
            reopen_execution(connection, execution_id)
        for execution_id, seq, told in self.told:
            insert_fact(connection, execution_id, seq, told)
        for alert in self.alerts:
            insert_alert(connection, alert)
        for running in self.ended:
            if running.durable:
                finish_execution(connection, running.execution_id, running.core)
        for execution_id, told in self.aborted.items():
            _abort(connection, execution_id, told)


def _abort(connection: sqlite3.Connection, execution_id: int, told: JournalledFact) -> None:
    """End an execution that is not in memory, and perhaps cannot be: the fact and the status are all there is to it.

    Its time is not before the latest fact's, though the clock may have been set back.
    """
    fact = told.fact
    assert isinstance(fact, ExecutionAborted)  # noqa: S101 - only the driver fills `aborted`
    facts, last = connection.execute(
        "SELECT count(f.seq), max(max(e.start_time), coalesce(max(f.now), 0.0))"
        " FROM executions AS e LEFT JOIN facts AS f USING (execution_id) WHERE e.execution_id = ?",
        (execution_id,),
    ).fetchone()
    told = replace(told, now=max(told.now, last))
    landed = connection.execute(
        "UPDATE executions SET status = 'ABORTED', error = ?, cause = ?, stop_time = ?"
        " WHERE execution_id = ? AND status = 'RUNNING'",
        (fact.error, fact.cause, told.now, execution_id),
    ).rowcount
    if landed:
        insert_fact(connection, execution_id, facts, told)
