"""The durable driver: carries out the commands of executions and gives them the facts, so that nothing is lost.

The engine's core does no I/O. It gives commands and receives facts; with the same facts it comes to the same state. So
only the facts need to be kept, and only the order has to be right:

1. Facts arrive: a function has answered, a timer is due, an execution is to be stopped. All that have arrived are taken
   together.
2. Each core receives its facts, and gives new commands or ends. This is arithmetic in memory: until step 4 nothing of
   it is visible. `sns:publish` is answered here, because publishing means adding rows.
3. ONE transaction holds the facts with their times, the alerts, and the final statuses (written over RUNNING only). If
   it fails, the results of step 2 are thrown away with the driver, and the journal is as before.
4. Only after the COMMIT are the new commands carried out and the events emitted.

So a task runs at least once, and execution name + command id is its idempotency key. After a crash the facts are
replayed, and unanswered commands are carried out again. Each fact is stored with the working time of its execution. So
a restart does not begin a timer again, and time in which nothing ran counts against no time-out.

An execution finishes under the definition it started with: the journal keeps each definition once, by its digest. An
edited file is for new executions. Express executions run in memory and leave no trace in the journal, as on AWS.

Everything here runs in the thread that calls `drive`, except the functions, which run in the runtime's pool, and the
reading and writing of a Map, which has a thread of its own.
"""

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from queue import Empty, SimpleQueue

from pupline.asl import (
    Command,
    Execution,
    ExecutionRedriven,
    Fact,
    InvokeTask,
    ReadItems,
    StartTimer,
    TaskFailed,
    TimerFired,
    WriteResults,
    lambda_error,
)
from pupline.errors import LocalTrouble, ReplayMismatch, local_trouble
from pupline.json_values import JSON
from pupline.local._clock import instant
from pupline.local.database import Database
from pupline.local.journal._active import ActiveExecutions
from pupline.local.journal._events import ExecutionRefused, ExecutionResumed, ExecutionStarted
from pupline.local.journal._journal import ExecutionRow, Journal, JournalledFact, Replayed
from pupline.local.journal._lambda_runtime import Invocation
from pupline.local.journal._map_io import LocalMapIO
from pupline.local.journal._settings import DriveResult, DriverSettings, RedriveRequest, StartRequest
from pupline.local.journal._turn import ActiveExecution, Turn
from pupline.local.tables import Runs
from pupline.text import printable

_POLL_SECONDS = 1.0
"""Seconds between reads of other processes' stop requests, and the longest sleep: the clock may be set meanwhile."""

_FACTS_AT_ONCE = 512
"""Facts in one transaction: the first of them should not wait long for the last."""

_PAGE = 200
"""Unfinished executions read at once; memory is bounded by this and by the concurrency."""

_NAME = re.compile(r"[^\x00-\x20\x7f-\x9f<>{}\[\]?*\"#%\\^|~`$&,;:/]{1,80}")
"""Step Functions' rule for names of executions (API reference, StartExecution)."""


class Driver:
    """Drives executions of one data directory, whose lock the process holds."""

    def __init__(self, database: Database, settings: DriverSettings, map_io: LocalMapIO) -> None:
        self._database = database
        self._settings = settings
        self._clock = settings.clock
        self._map_io = map_io
        self._journal = Journal(database)
        self._runs = Runs(database, settings.clock)
        self._run_settings: dict[str | None, Mapping[str, JSON]] = {None: {}}
        self._machines = {settings.machine.digest: settings.machine}
        self._inbox: SimpleQueue[tuple[ActiveExecution, Fact | LocalTrouble] | None] = SimpleQueue()
        self._stopping = False
        self._next_id = self._journal.last_id() + 1
        self._last_poll: float | None = None
        self._reset()

    def drive(self, starts: Iterable[StartRequest | RedriveRequest] = (), *, resume: bool = True) -> DriveResult:
        """Run unfinished executions (with `resume`), then `starts`, until all have ended or `stop_starting` is called.

        `starts` is read as there is room, so it may be long. A request with the name and input of an existing execution
        resumes or reports that one; with another input it is refused (ExecutionRefused).
        Raises: StorageError when the journal cannot be written, LocalTrouble also when a function met it; the journal
        is then as it was after the last commit, and the executions stay RUNNING.
        """
        self._reset()
        self._requests: Iterator[StartRequest | RedriveRequest | ExecutionRow] = self._all_requests(starts, resume)
        deadline: float | None = None
        try:
            while True:
                self._run_turn()
                if self._stopping and deadline is None:
                    deadline = self._clock.working_time() + self._settings.grace_seconds
                if self._is_over(deadline):
                    interrupted = self._stopping and (bool(self._active.by_id) or self._has_requests)
                    return DriveResult(dict(self._active.finished), self._refused, interrupted)
                self._wait(deadline)
        finally:
            self._reset()

    def stop_starting(self) -> None:
        """Start nothing more, let running functions end (for `grace_seconds`), then return from `drive`.

        May be called from a signal handler or another thread. What is unfinished continues at the next `drive`.
        """
        self._stopping = True
        self._inbox.put(None)

    def stop(self, name: str, error: str | None = None, cause: str | None = None) -> None:
        """Abort the execution in the running `drive`, or the next. Raises: ConfigurationError; StorageError."""
        self._journal.request_stop(name, error, cause)
        self._last_poll = None
        self._inbox.put(None)

    def _reset(self) -> None:
        self._active = ActiveExecutions(self._settings.topic)
        self._refused = 0
        self._has_requests = True

    def _all_requests(
        self, starts: Iterable[StartRequest | RedriveRequest], resume: bool
    ) -> Iterator[StartRequest | RedriveRequest | ExecutionRow]:
        after, until = 0, self._next_id - 1
        while resume and (page := self._journal.unfinished(limit=_PAGE, after=after, until=until)):
            yield from page
            after = page[-1].execution_id
        yield from starts

    # ---- one turn

    def _run_turn(self) -> None:
        turn = Turn(instant(self._clock))
        self._receive_stop_requests(turn)
        self._receive_answers(turn)
        for execution_id, command_id in self._active.alarms.take_due(turn.at):
            self._active.answer(self._active.by_id[execution_id], TimerFired(command_id), turn)
        self._admit(turn)
        self._active.publish(turn)
        if turn.has_rows:
            self._database.write(turn.write)
        if turn.alerts:
            self._settings.alerted()
        for ended in turn.ended:
            self._active.remove(ended)
        for active, command in turn.commands:
            self._carry_out(active, command, turn)
        for event in turn.events:
            self._settings.listener(event)

    def _is_over(self, deadline: float | None) -> bool:
        if self._stopping:
            return not self._active.open_calls or (deadline is not None and self._clock.working_time() >= deadline)
        return not self._active.by_id and not self._has_requests

    def _wait(self, deadline: float | None) -> None:
        """Sleep until there may be something to do."""
        if self._has_room() and self._has_requests:
            return
        at = instant(self._clock)
        left = self._active.alarms.next_in(at) if deadline is None else deadline - at.working_time
        seconds = self._clock.wait_seconds(left, idle=not self._active.open_calls and self._inbox.empty())
        try:
            answer = self._inbox.get(timeout=_POLL_SECONDS if seconds is None else min(seconds, _POLL_SECONDS))
        except Empty:
            return
        if answer is not None:
            self._inbox.put(answer)

    def _has_room(self) -> bool:
        return not self._stopping and len(self._active.by_id) < self._settings.concurrency

    # ---- facts that arrive

    def _receive_stop_requests(self, turn: Turn) -> None:
        if self._last_poll is not None and turn.at.working_time - self._last_poll < _POLL_SECONDS:
            return
        self._last_poll = turn.at.working_time
        for row, fact in self._journal.stop_requests():
            if active := self._active.by_id.get(row.execution_id):
                self._active.receive(active, fact, turn)
            else:
                turn.aborted[row.execution_id] = JournalledFact(fact, turn.at.now, None)
                stop_time = max(turn.at.now, row.start_time)
                self._report_ended(
                    replace(row, status="ABORTED", error=fact.error, cause=fact.cause, stop_time=stop_time), turn
                )

    def _receive_answers(self, turn: Turn) -> None:
        for _ in range(_FACTS_AT_ONCE):
            try:
                answer = self._inbox.get_nowait()
            except Empty:
                return
            if answer is None:
                continue
            active, fact = answer
            if isinstance(fact, LocalTrouble):
                raise fact  # the call stays unanswered, and is made again when the execution is resumed
            self._active.answer(active, fact, turn)

    # ---- executions that start, resume or are redriven

    def _admit(self, turn: Turn) -> None:
        while self._has_requests and self._has_room() and len(turn.started) < _FACTS_AT_ONCE:
            request = next(self._requests, None)
            if request is None:
                self._has_requests = False
            elif isinstance(request, StartRequest):
                self._start(request, turn)
            elif isinstance(request, RedriveRequest):
                self._redrive(request.name, turn)
            else:
                self._resume(request.name, turn)

    def _start(self, request: StartRequest, turn: Turn) -> None:
        name = request.name
        if active := self._active.by_name.get(name):
            self._has_same_input(request, active.core.input, turn)
        elif row := self._journal.find(name):
            if self._has_same_input(request, json.loads(row.input), turn):
                self._resume(name, turn)
        elif not _NAME.fullmatch(name):
            reason = f"'{printable(name)}' cannot name an execution (see StartExecution)"
            self._refuse(name, request.run_id, reason, turn)
        else:
            self._start_new(request, turn)

    def _start_new(self, request: StartRequest, turn: Turn) -> None:
        execution_id, self._next_id = self._next_id, self._next_id + 1
        text = json.dumps(request.input, allow_nan=False)
        # The input as the journal will return it: a tuple, say, comes back as a list.
        core = Execution(self._settings.machine, json.loads(text), name=request.name, now=turn.at.now)
        commands = core.commands()
        active = ActiveExecution(execution_id, request.run_id, Replayed(core, commands, 0, 0.0, {}), turn.at)
        if active.is_durable:
            turn.started.append((active, request.run_index, text))
        turn.events.append(ExecutionStarted(request.name, request.run_id))
        self._active.add(active, commands, turn)

    def _has_same_input(self, request: StartRequest, existing: JSON, turn: Turn) -> bool:
        """Whether the existing execution has the request's input; otherwise the request is refused."""
        if json.dumps(request.input, sort_keys=True) == json.dumps(existing, sort_keys=True):
            return True
        reason = f"there is an execution '{request.name}' with another input; choose another name"
        self._refuse(request.name, request.run_id, reason, turn)
        return False

    def _resume(self, name: str, turn: Turn) -> None:
        row = self._journal.find(name)
        if row is None or row.execution_id in self._active.by_id or row.execution_id in turn.aborted:
            return
        if row.status != "RUNNING":
            self._report_ended(row, turn)
        elif loaded := self._load(row, turn):
            self._active.add(*loaded, turn)

    def _redrive(self, name: str, turn: Turn) -> None:
        row = self._journal.find(name)
        if row is None:
            self._refuse(name, None, f"there is no execution '{printable(name)}' here", turn)
        elif row.status == "SUCCEEDED":
            self._refuse(name, row.run_id, f"'{name}' has succeeded: there is nothing to redrive", turn)
        elif row.status == "RUNNING" or row.execution_id in self._active.by_id:
            self._resume(name, turn)
        elif loaded := self._load(row, turn):
            active, _ = loaded  # it has ended, so it waits for nothing
            self._active.enter(active)
            turn.reopened.append(row.execution_id)
            self._active.receive(active, ExecutionRedriven(), turn)

    def _load(self, row: ExecutionRow, turn: Turn) -> tuple[ActiveExecution, list[Command]] | None:
        """The execution from its journal, and its open commands. None, and refused, when the journal does not fit."""
        try:
            if row.digest not in self._machines:
                self._machines[row.digest] = self._journal.definition(row.digest)
            replayed = self._journal.replay(row, self._machines[row.digest])
        except ReplayMismatch as err:
            self._refuse(row.name, row.run_id, str(err), turn)
            return None
        turn.events.append(ExecutionResumed(row.name, row.run_id, replayed.facts))
        return ActiveExecution(row.execution_id, row.run_id, replayed, turn.at), replayed.waiting

    def _refuse(self, name: str, run_id: str | None, reason: str, turn: Turn) -> None:
        self._refused += 1
        turn.events.append(ExecutionRefused(name, run_id, reason))

    def _report_ended(self, row: ExecutionRow, turn: Turn) -> None:
        self._active.finished[row.status] += 1
        turn.events.append(row.as_event())

    # ---- commands that are carried out

    def _carry_out(self, active: ActiveExecution, command: Command, turn: Turn) -> None:
        if active.waiting.get(command.id) is not command or self._active.by_id.get(active.execution_id) is not active:
            return  # answered or cancelled within the turn
        key = (active.execution_id, command.id)
        if isinstance(command, StartTimer):
            if command.kind == "moment":
                self._active.alarms.at(key, command.due)
            else:
                self._active.alarms.after(key, active.seconds_left(command, turn.at), turn.at)
        elif isinstance(command, InvokeTask) and not self._stopping:
            self._active.open_calls.add(key)
            settings = self._settings_of(active.run_id)
            invocation = Invocation(active.core.name, command.id, settings, active.core.machine)
            self._settings.runtime.invoke(command, invocation, lambda fact: self._inbox.put((active, fact)))
        elif isinstance(command, ReadItems | WriteResults) and not self._stopping:
            self._active.open_calls.add(key)
            try:
                threading.Thread(target=self._read_or_write, args=(active, command), daemon=True).start()
            except RuntimeError as err:
                raise local_trouble(err) or err from err

    def _read_or_write(self, active: ActiveExecution, command: ReadItems | WriteResults) -> None:
        answer: Fact | LocalTrouble
        try:
            answer = self._map_io.carry_out(command, active.core.name)
        except Exception as err:  # noqa: BLE001 - unanswered, the execution would wait forever
            answer = local_trouble(err) or TaskFailed(command.id, type(err).__name__, lambda_error(err))
        self._inbox.put((active, answer))

    def _settings_of(self, run_id: str | None) -> Mapping[str, JSON]:
        """The settings of the run, read once; empty without a run."""
        if run_id not in self._run_settings:
            run = self._runs.find(run_id) if run_id else None
            self._run_settings[run_id] = run.settings if run else {}
        return self._run_settings[run_id]
