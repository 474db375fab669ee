"""One turn of the driver: what is committed in one transaction, and what happens after the commit."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pupline.asl import Command, ExecutionAborted, InvokeTask, StartTimer, fact_to_json
from pupline.local._clock import Instant
from pupline.local.alerts import Alert, insert_alert
from pupline.local.database import storable
from pupline.local.journal._events import DriverEvent
from pupline.local.journal._journal import JournalledFact, Replayed
from pupline.local.journal._settings import ApiStart, StartRequest

_INSERT_DEFINITION = (
    "INSERT INTO definitions (digest, name, type, definition) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_EXECUTION = (
    "INSERT INTO executions (execution_id, name, run_id, run_index, digest, input, start_time)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
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
_INSERT_FACT = "INSERT INTO facts (execution_id, seq, now, resource, fact, worked) VALUES (?, ?, ?, ?, ?, ?)"
_FINISH = (
    "UPDATE executions SET status = ?, output = ?, error = ?, cause = ?, stop_time = ?"
    " WHERE execution_id = ? AND status = 'RUNNING'"
)


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

    at: when the turn began. started: with its request, and the input as JSON text. facts: by execution id and
    sequence number. map_runs: ARN and execution id. reopened, aborted: by execution id. forgotten: ids of executions to
    delete first. After the commit, commands are carried out, calls cancelled, `answered` called and events emitted.
    """

    at: Instant
    started: list[tuple[ActiveExecution, StartRequest, str]] = field(default_factory=list)
    facts: list[tuple[int, int, JournalledFact]] = field(default_factory=list)
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

    def write(self, connection: sqlite3.Connection) -> None:
        """All rows of this turn, in an order that the references between them allow."""
        for execution_id in self.forgotten:
            forget_execution(connection, execution_id)
        for machine in {one.core.machine.digest: one.core.machine for one, _, _ in self.started}.values():
            values = (machine.digest, machine.name, machine.type, json.dumps(machine.definition))
            connection.execute(_INSERT_DEFINITION, values)
        for one, request, text in self.started:
            core, api = one.core, request.api
            ids = (one.execution_id, core.name, one.run_id, request.run_index, core.machine.digest)
            connection.execute(_INSERT_EXECUTION, (*ids, text, core.start_time))
            if api is not None:
                text_digest = hashlib.sha256(api.definition.encode("utf-8", "surrogatepass")).hexdigest()
                connection.execute(_INSERT_TEXT, (text_digest, storable(api.definition)))
                texts = (json.dumps(api.context), json.dumps(api.details), text_digest)
                connection.execute(_INSERT_API, (one.execution_id, api.arn, api.machine_arn, *texts))
        for row in self.map_runs:
            connection.execute(_INSERT_MAP_RUN, row)
        for execution_id in self.reopened:
            connection.execute(_REOPEN, (execution_id,))
            connection.execute(_COUNT_REDRIVE, (self.at.now, execution_id))
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


def forget_execution(connection: sqlite3.Connection, execution_id: int) -> None:
    """Delete the rows of an execution that has ended."""
    for table in ("facts", "map_runs", "api_executions", "executions"):
        connection.execute(f"DELETE FROM {table} WHERE execution_id = ?", (execution_id,))  # noqa: S608 - our names


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
        (*(None if text is None else storable(text) for text in (fact.error, fact.cause)), entry.now, execution_id),
    ).rowcount
    if landed:
        _insert_fact(connection, execution_id, count, entry)
