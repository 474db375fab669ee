"""The durable driver: carries out what executions ask for, and tells them what happened, losing nothing.

The engine's core does no I/O. It asks by commands and is told by facts; fed the same facts it comes to the same state.
So all there is to keep is the facts, and all there is to get right is the order:

1. Facts arrive: a function has answered, a timer is due, somebody wants the execution stopped. All that have arrived
   are taken together.
2. Each core hears its facts and says what it wants next, or that it has ended. This is arithmetic in memory: until
   step 4 nobody outside can know of it. `sns:publish` is answered here, for publishing means adding rows.
3. ONE transaction holds the facts with their times, the alerts, and the final statuses (written over RUNNING only).
   Should it fail, what was computed in step 2 is thrown away with the driver, and the journal is as before.
4. Only after the COMMIT are the new commands carried out and the events told.

A task therefore runs at least once, and execution name + command id is its idempotency key. After a crash the facts are
fed again, and what was asked for and never answered is asked for again. With each fact stands how long its execution
had been worked on. So a restart does not begin a timer again, and time in which nothing ran counts against no time-out.

An execution finishes under the definition it started with: the journal keeps each definition once, by its digest. An
edited file is for new executions.

Express executions are run in memory and leave no trace in the journal, as on AWS.

Everything here runs in the thread that calls `drive`, but for the functions, which run in the runtime's pool.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from queue import Empty, SimpleQueue

from pupline.asl import (
    CancelCommand,
    Command,
    Execution,
    ExecutionRedriven,
    Fact,
    InvokeTask,
    ReadItems,
    StartTimer,
    StateMachine,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
    WriteResults,
)
from pupline.errors import LocalTrouble, ReplayMismatch
from pupline.json_values import JSON
from pupline.local._clock import Instant, instant
from pupline.local.alerts import PublishFailed
from pupline.local.database import Database
from pupline.local.journal._batch import Batch, Running
from pupline.local.journal._calls import Calls
from pupline.local.journal._events import (
    ExecutionFinished,
    ExecutionRefused,
    ExecutionResumed,
    ExecutionStarted,
    TaskAttemptFailed,
)
from pupline.local.journal._journal import ExecutionRow, Journal, JournalledFact, NewExecution, Replayed
from pupline.local.journal._settings import DriveResult, DriverSettings, MapIO, RedriveRequest, StartRequest
from pupline.local.journal._timers import Alarms
from pupline.local.tables import Runs
from pupline.text import printable

PUBLISH = "arn:aws:states:::sns:publish"

_LOOK_SECONDS = 1.0
"""How often other processes' stop requests are looked for, and the longest sleep, for somebody may set the clock."""

_FACTS_AT_ONCE = 512
"""Facts in one transaction: the first of them should not wait long for the last."""

_PAGE = 200
"""Unfinished executions read at once; memory is bounded by this and by the concurrency."""

_NAME = re.compile(r"[^\x00-\x20\x7f-\x9f<>{}\[\]?*\"#%\\^|~`$&,;:/]{1,80}")
"""Step Functions' rule for names of executions (API reference, StartExecution)."""


class Driver:
    """Drives executions of one data directory, whose lock the process holds."""

    def __init__(self, database: Database, settings: DriverSettings, map_io: MapIO) -> None:
        self._database = database
        self._settings = settings
        self._clock = settings.clock
        self._journal = Journal(database)
        self._calls = Calls(settings.runtime, map_io, Runs(database, settings.clock))
        self._machines = {settings.machine.digest: settings.machine}
        self._inbox: SimpleQueue[tuple[Running, Fact | LocalTrouble] | None] = SimpleQueue()
        self._stopping = False
        self._next_id = self._journal.last_id() + 1
        self._looked_at: float | None = None
        self._reset()

    def drive(self, starts: Iterable[StartRequest | RedriveRequest] = (), *, resume: bool = True) -> DriveResult:
        """Run what is unfinished (with `resume`), then `starts`, until all have ended or `stop_starting` is called.

        `starts` is read as there is room, so it may be long. Starting the same name with the same input again goes on
        with, or reports, the execution that is there; with another input it is refused (ExecutionRefused).
        Raises: StorageError when the journal cannot be written, LocalTrouble also when a function met it; the journal
        is then as it was after the last commit, and the executions stay RUNNING.
        """
        self._reset()
        self._to_do: Iterator[StartRequest | RedriveRequest | ExecutionRow] = self._work(starts, resume=resume)
        deadline: float | None = None
        try:
            while True:
                self._turn()
                if self._stopping and deadline is None:
                    deadline = self._clock.worked() + self._settings.grace_seconds
                if self._is_over(deadline):
                    interrupted = self._stopping and (bool(self._running) or self._more)
                    return DriveResult(dict(self._finished), self._refused, interrupted)
                self._wait(deadline)
        finally:
            self._reset()

    def stop_starting(self) -> None:
        """Start nothing more, let functions that run end (for `grace_seconds`), then return from `drive`.

        May be called from a signal handler or another thread. What is unfinished goes on at the next `drive`.
        """
        self._stopping = True
        self._inbox.put(None)

    def stop(self, name: str, error: str | None = None, cause: str | None = None) -> None:
        """Have the execution aborted by the running `drive`, or the next. Raises: ConfigurationError; StorageError."""
        self._journal.request_stop(name, error, cause)
        self._looked_at = None
        self._inbox.put(None)

    def _reset(self) -> None:
        self._running: dict[int, Running] = {}
        self._names: dict[str, Running] = {}
        self._called: set[tuple[int, str]] = set()
        self._alarms: Alarms[tuple[int, str]] = Alarms()
        self._finished: Counter[str] = Counter()
        self._refused = 0
        self._more = True

    # ---- one turn

    def _turn(self) -> None:
        batch = Batch()
        at = instant(self._clock)
        self._hear_stop_requests(batch, at)
        self._hear_answers(batch, at)
        self._hear_timers(batch, at)
        self._admit(batch, at)
        self._hear_published(batch, at)
        if batch.has_rows:
            self._database.write(batch.write)
        if batch.alerts:
            self._settings.alerted()
        for running in batch.ended:
            self._forget(running)
        for running, command in batch.commands:
            self._carry_out(running, command, at)
        for event in batch.events:
            self._settings.listener(event)

    def _is_over(self, deadline: float | None) -> bool:
        if self._stopping:
            return not self._called or (deadline is not None and self._clock.worked() >= deadline)
        return not self._running and not self._more

    def _wait(self, deadline: float | None) -> None:
        """Sleep until there may be something to do."""
        if self._has_room() and self._more:
            return
        at = instant(self._clock)
        left = self._alarms.next_in(at) if deadline is None else deadline - at.worked
        seconds = self._clock.patience(left, idle=not self._called and self._inbox.empty())
        try:
            woken = self._inbox.get(timeout=_LOOK_SECONDS if seconds is None else min(seconds, _LOOK_SECONDS))
        except Empty:
            return
        if woken is not None:
            self._inbox.put(woken)

    def _has_room(self) -> bool:
        return not self._stopping and len(self._running) < self._settings.concurrency

    # ---- what begins

    def _work(
        self, starts: Iterable[StartRequest | RedriveRequest], *, resume: bool
    ) -> Iterator[StartRequest | RedriveRequest | ExecutionRow]:
        after, until = 0, self._next_id - 1
        while resume and (page := self._journal.unfinished(limit=_PAGE, after=after, until=until)):
            yield from page
            after = page[-1].execution_id
        yield from starts

    def _admit(self, batch: Batch, at: Instant) -> None:
        while self._more and self._has_room() and len(batch.started) < _FACTS_AT_ONCE:
            item = next(self._to_do, None)
            if item is None:
                self._more = False
            elif isinstance(item, StartRequest):
                self._begin(item, batch, at)
            elif isinstance(item, RedriveRequest):
                self._redrive(item.name, batch, at)
            else:
                self._resume(item.name, batch, at)

    def _begin(self, start: StartRequest, batch: Batch, at: Instant) -> None:
        if start.name in self._names:
            self._check_same(start, self._names[start.name].core.input, batch)
        elif there := self._journal.find(start.name):
            if self._check_same(start, json.loads(there.input), batch):
                self._resume(start.name, batch, at)
        elif not _NAME.fullmatch(start.name):
            shown = printable(start.name)
            self._refuse(start.name, start.run_id, f"'{shown}' cannot name an execution (see StartExecution)", batch)
        else:
            self._begin_new(start, batch, at)

    def _begin_new(self, start: StartRequest, batch: Batch, at: Instant) -> None:
        machine = self._settings.machine
        execution_id, self._next_id = self._next_id, self._next_id + 1
        text = json.dumps(start.input, allow_nan=False)
        # The input as the journal will give it back: a tuple, say, comes back as a list.
        core = Execution(machine, json.loads(text), name=start.name, now=at.now)
        commands = core.commands()
        running = Running(execution_id, start.run_id, Replayed(core, commands, 0, 0.0, {}), at)
        if running.durable:
            batch.machines[machine.digest] = machine
            new = NewExecution(execution_id, start.name, start.run_id, start.run_index, machine.digest, text, at.now)
            batch.started.append(new)
        batch.events.append(ExecutionStarted(start.name, start.run_id))
        self._take_up(running, commands, batch)

    def _check_same(self, start: StartRequest, there: JSON, batch: Batch) -> bool:
        if json.dumps(start.input, sort_keys=True) == json.dumps(there, sort_keys=True):
            return True
        reason = f"there is an execution '{start.name}' with another input; choose another name"
        return self._refuse(start.name, start.run_id, reason, batch)

    def _resume(self, name: str, batch: Batch, at: Instant) -> None:
        row = self._journal.find(name)
        if row is None or row.execution_id in self._running or row.execution_id in batch.aborted:
            return
        if row.status != "RUNNING":
            self._report_ended(row, batch)
        elif loaded := self._load(row, batch, at):
            self._take_up(*loaded, batch)

    def _redrive(self, name: str, batch: Batch, at: Instant) -> None:
        row = self._journal.find(name)
        if row is None:
            self._refuse(name, None, f"there is no execution '{printable(name)}' here", batch)
        elif row.status == "SUCCEEDED":
            self._refuse(name, row.run_id, f"'{name}' has succeeded: there is nothing to redrive", batch)
        elif row.status == "RUNNING" or row.execution_id in self._running:
            self._resume(name, batch, at)
        elif loaded := self._load(row, batch, at):
            running, _ = loaded  # it has ended, so it waits for nothing
            self._enter(running)
            batch.redriven.append(row.execution_id)
            self._tell(running, ExecutionRedriven(), None, at, batch)

    def _load(self, row: ExecutionRow, batch: Batch, at: Instant) -> tuple[Running, list[Command]] | None:
        """The execution as its journal says, and what it waits for. None, and refused, when that does not fit."""
        try:
            replayed = self._journal.replay(row, self._machine(row.digest))
        except ReplayMismatch as err:
            self._refuse(row.name, row.run_id, str(err), batch)
            return None
        batch.events.append(ExecutionResumed(row.name, row.run_id, replayed.facts))
        return Running(row.execution_id, row.run_id, replayed, at), replayed.waiting

    def _take_up(self, running: Running, commands: list[Command], batch: Batch) -> None:
        self._enter(running)
        self._ask(running, commands, batch)

    def _enter(self, running: Running) -> None:
        self._running[running.execution_id] = running
        self._names[running.core.name] = running

    def _machine(self, digest: str) -> StateMachine:
        if digest not in self._machines:
            self._machines[digest] = self._journal.definition(digest)
        return self._machines[digest]

    def _refuse(self, name: str, run_id: str | None, reason: str, batch: Batch) -> bool:
        self._refused += 1
        batch.events.append(ExecutionRefused(name, run_id, reason))
        return False

    # ---- what is heard

    def _hear_answers(self, batch: Batch, at: Instant) -> None:
        for _ in range(_FACTS_AT_ONCE):
            try:
                answer = self._inbox.get_nowait()
            except Empty:
                return
            if answer is None:
                continue
            running, fact = answer
            if isinstance(fact, LocalTrouble):
                raise fact  # the call stays unanswered, and is made again when the execution is resumed
            self._hear(running, fact, at, batch)

    def _hear_timers(self, batch: Batch, at: Instant) -> None:
        for execution_id, command_id in self._alarms.take_due(at):
            self._hear(self._running[execution_id], TimerFired(command_id), at, batch)

    def _hear_stop_requests(self, batch: Batch, at: Instant) -> None:
        if self._looked_at is not None and at.worked - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = at.worked
        for row, fact in self._journal.stop_requests():
            if running := self._running.get(row.execution_id):
                self._tell(running, fact, None, at, batch)
            else:
                batch.aborted[row.execution_id] = JournalledFact(fact, at.now, None)
                ended = replace(
                    row, status="ABORTED", error=fact.error, cause=fact.cause, stop_time=max(at.now, row.start_time)
                )
                self._report_ended(ended, batch)

    def _hear(self, running: Running, fact: Fact, at: Instant, batch: Batch) -> None:
        """Tell the execution, unless it no longer wants to know."""
        command_id = getattr(fact, "id", "")
        if self._running.get(running.execution_id) is not running or command_id not in running.waiting:
            return
        command = running.waiting.pop(command_id)
        self._called.discard((running.execution_id, command_id))
        if isinstance(fact, TaskFailed) and isinstance(command, InvokeTask):
            batch.events.append(TaskAttemptFailed(running.core.name, command.state, fact.error, fact.cause))
        self._tell(running, fact, getattr(command, "resource", None), at, batch)

    def _tell(self, running: Running, fact: Fact, resource: str | None, at: Instant, batch: Batch) -> None:
        now = running.last_now = max(at.now, running.last_now)  # a clock that was set back must not undo the order
        if running.durable:
            told = JournalledFact(fact, now, resource, running.worked(at))
            batch.told.append((running.execution_id, running.facts, told))
        running.facts += 1
        running.core.receive(fact, now=now)
        self._ask(running, running.core.commands(), batch)

    def _ask(self, running: Running, commands: list[Command], batch: Batch) -> None:
        """Note what the execution wants next, or that it has ended."""
        for command in commands:
            if isinstance(command, CancelCommand):
                running.waiting.pop(command.id, None)
                self._called.discard((running.execution_id, command.id))
                self._alarms.cancel((running.execution_id, command.id))
            else:
                running.waiting[command.id] = command
                batch.commands.append((running, command))
        if running.core.status != "RUNNING":
            self._end(running, batch)

    def _hear_published(self, batch: Batch, at: Instant) -> None:
        """Publish within the turn that asks for it: it means rows in the same transaction, and nothing else."""
        for running, command in batch.commands:  # grows while it is walked, by what the executions ask for next
            if not isinstance(command, InvokeTask) or command.resource != PUBLISH:
                continue
            if running.waiting.get(command.id) is command:
                self._hear(running, self._publish(running, command, batch), at, batch)

    def _publish(self, running: Running, command: InvokeTask, batch: Batch) -> TaskSucceeded | TaskFailed:
        try:
            alert = self._settings.topic.prepare(running.core.name, command.id, command.payload)
        except PublishFailed as err:
            return TaskFailed(command.id, err.error, str(err))
        batch.alerts.append(alert)
        return TaskSucceeded(command.id, {"MessageId": alert.message_id})

    def _end(self, running: Running, batch: Batch) -> None:
        core = running.core
        batch.ended.append(running)
        self._finished[core.status] += 1
        batch.events.append(
            ExecutionFinished(
                execution=core.name,
                run_id=running.run_id,
                status=core.status,
                output=core.output,
                error=core.error,
                cause=core.cause,
                start_time=core.start_time,
                stop_time=running.last_now,
            )
        )

    def _report_ended(self, row: ExecutionRow, batch: Batch) -> None:
        self._finished[row.status] += 1
        batch.events.append(row.as_event())

    # ---- what is done

    def _carry_out(self, running: Running, command: Command, at: Instant) -> None:
        if running.waiting.get(command.id) is not command or self._running.get(running.execution_id) is not running:
            return  # answered or cancelled within the turn that asked for it
        key = (running.execution_id, command.id)
        if isinstance(command, StartTimer):
            self._start_timer(running, command, at)
        elif isinstance(command, InvokeTask | ReadItems | WriteResults) and not self._stopping:
            self._called.add(key)
            self._calls.begin(command, running.core.name, running.run_id, lambda fact: self._inbox.put((running, fact)))

    def _start_timer(self, running: Running, timer: StartTimer, at: Instant) -> None:
        key = (running.execution_id, timer.id)
        if timer.kind == "moment":
            self._alarms.at(key, timer.due)
        else:
            self._alarms.after(key, running.seconds_of(timer, at), at)

    def _forget(self, running: Running) -> None:
        for command_id in running.waiting:
            self._called.discard((running.execution_id, command_id))
            self._alarms.cancel((running.execution_id, command_id))
        del self._running[running.execution_id]
        del self._names[running.core.name]
