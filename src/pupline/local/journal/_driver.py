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
5. During step 3 the next turn is computed, if its facts are there already and it reads no rows that the COMMIT changes.

So a task runs at least once, and execution name + command id is its idempotency key. After a crash the facts are
replayed, and unanswered commands are carried out again. Each fact is stored with the working time of its execution. So
a restart does not begin a timer again, and time in which nothing ran counts against no time-out.

An execution finishes under the definition it started with: the journal keeps each definition once, by its digest. An
edited file is for new executions. Express executions run in memory and leave no trace in the journal, as on AWS.

Everything here runs in the thread that calls `drive`, except the functions, which run in the runtime's pool, and the
reading and writing of a Map, which has a thread of its own.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from pupline.asl import (
    Command,
    Fact,
    InvokeTask,
    ReadItems,
    StartTimer,
    TaskFailed,
    TimerFired,
    WriteResults,
    lambda_error,
)
from pupline.errors import LocalTrouble, PuplineError, StorageError, local_trouble
from pupline.json_values import JSON
from pupline.local._clock import instant
from pupline.local.database import Database
from pupline.local.journal._active import ActiveExecutions
from pupline.local.journal._admission import Admission
from pupline.local.journal._collector import collecting_less_often
from pupline.local.journal._journal import ExecutionRow, Journal
from pupline.local.journal._lambda_runtime import Invocation
from pupline.local.journal._map_io import LocalMapIO
from pupline.local.journal._settings import DriveResult, DriverSettings, RedriveRequest, StartRequest
from pupline.local.journal._turn import ActiveExecution, Turn
from pupline.local.tables import Runs

T = TypeVar("T")

_POLL_SECONDS = 1.0
"""Seconds between reads of other processes' stop requests, and the longest sleep: the clock may be set meanwhile."""

_FACTS_AT_ONCE = 512
"""Facts in one transaction: the first of them should not wait long for the last."""

_RESUMED_AT_ONCE = 100
"""Executions rebuilt in one turn: a millisecond each, in which nothing else is answered."""

_PAGE = 200
"""Unfinished executions read at once; memory is bounded by this and by the concurrency."""


@dataclass(frozen=True, slots=True)
class _Job:
    """Work of another thread for a turn. result: set after the commit."""

    work: Callable[[Turn], Any]
    result: "Future[Any]"


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
        self._inbox: SimpleQueue[tuple[ActiveExecution, Fact | LocalTrouble] | _Job | None] = SimpleQueue()
        self._stopping = False
        self._ids = count(self._journal.last_id() + 1)
        self._last_id = self._journal.last_id()
        self._last_poll: float | None = None
        self._undone: list[_Job] = []
        self._committing: tuple[Turn, Future[None] | None] | None = None
        self._poisoned: set[str] = set()
        self._has_ended = False
        self._reset()

    @collecting_less_often()
    def drive(
        self,
        starts: Iterable[StartRequest | RedriveRequest] = (),
        *,
        resume: bool = True,
        until_stopped: bool = False,
    ) -> DriveResult:
        """Run unfinished executions (with `resume`), then `starts`, until all have ended or `stop_starting` is called.

        until_stopped: then go on, for the work of `submit`, until `stop_starting` is called.
        `starts` is read as there is room. A request with the name and input of an existing execution resumes or reports
        that one; with another input it is refused (ExecutionRefused).
        Raises: StorageError when the journal cannot be written, LocalTrouble also when a function met it; the journal
        is then as it was after the last commit, and the executions stay RUNNING.
        """
        self._reset()
        self._until_stopped, self._has_ended = until_stopped, False
        self._requests: Iterator[StartRequest | RedriveRequest | ExecutionRow] = self._all_requests(starts, resume)
        deadline: float | None = None
        try:
            while True:
                self._run_turn()
                if self._committing is not None:
                    continue
                if self._stopping and deadline is None:
                    deadline = self._clock.working_time() + self._settings.grace_seconds
                if self._is_over(deadline):
                    interrupted = self._stopping and (bool(self.active.by_id) or self._has_requests)
                    return DriveResult(dict(self.active.finished), self.admission.refused, interrupted)
                self._wait(deadline)
        finally:
            try:
                self._settle(is_last=True)
            finally:
                self._reset()
                self._has_ended = True
                self._refuse_jobs()

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

    def submit(self, work: Callable[[Turn], T]) -> "Future[T]":
        """Call `work` in the driving thread, as a part of the next turn; the future has its result after the commit.

        The future raises the PuplineError that `work` raises before it has changed anything, or StorageError.
        """
        result: Future[T] = Future()
        self._inbox.put(_Job(work, result))
        if self._has_ended:
            self._refuse_jobs()
        return result

    @property
    def has_room(self) -> bool:
        """Whether another execution may start now; for the driving thread."""
        return not self._stopping and len(self.active.by_id) < self._settings.concurrency

    def _reset(self) -> None:
        self.active = ActiveExecutions(self._settings.topic, self._poisoned)
        self.admission = Admission(self._journal, self.active, self._settings.machine, self._next_id)
        self._has_requests = True
        self._until_stopped = False

    def _next_id(self) -> int:
        self._last_id = next(self._ids)
        return self._last_id

    def _all_requests(
        self, starts: Iterable[StartRequest | RedriveRequest], resume: bool
    ) -> Iterator[StartRequest | RedriveRequest | ExecutionRow]:
        after, until, of_api = 0, self._last_id, self._settings.of_api
        while resume and (page := self._journal.unfinished(limit=_PAGE, after=after, until=until, of_api=of_api)):
            yield from page
            after = page[-1].execution_id
        yield from starts

    # ---- one turn

    def _run_turn(self) -> None:
        turn = Turn(instant(self._clock))
        self._receive_stop_requests(turn)
        self._receive_answers(turn)
        for execution_id, command_id in self.active.alarms.take_due(turn.at):
            self.active.answer(self.active.by_id[execution_id], TimerFired(command_id), turn)
        self._admit(turn)
        self.active.publish(turn)
        self._settle()
        self._committing = turn, self._database.submit(turn.write) if turn.has_rows else None
        if not (turn.has_rows and turn.touches_memory_only and self._has_more):
            self._settle()

    @property
    def _has_more(self) -> bool:
        """Whether the next turn has something to compute now."""
        return not self._inbox.empty() or (self.has_room and self._has_requests)

    def _settle(self, *, is_last: bool = False) -> None:
        """Wait for the commit of the turn before, and do what follows from that turn.

        is_last: the drive ends, with an error: nothing more is carried out.
        """
        if self._committing is None:
            return
        (turn, commit), self._committing = self._committing, None
        if commit is not None:
            commit.result()
        if turn.alerts:
            self._settings.alerted()
        for ended in turn.ended:
            self.active.remove(ended)
        for answer in turn.answered:
            answer()
        self._undone.clear()
        for name, task in turn.cancelled:
            self._settings.cancelled(name, task)
        for active, command in () if is_last else turn.commands:
            self._carry_out(active, command, turn)
        for event in turn.events:
            self._settings.listener(event)

    def _is_over(self, deadline: float | None) -> bool:
        if self._stopping:
            return not self.active.open_calls or (deadline is not None and self._clock.working_time() >= deadline)
        return not self._until_stopped and not self.active.by_id and not self._has_requests

    def _wait(self, deadline: float | None) -> None:
        """Sleep until there may be something to do."""
        if self.has_room and self._has_requests:
            return
        at = instant(self._clock)
        left = self.active.alarms.next_in(at) if deadline is None else deadline - at.working_time
        seconds = self._clock.wait_seconds(left, idle=not self.active.open_calls and self._inbox.empty())
        try:
            answer = self._inbox.get(timeout=_POLL_SECONDS if seconds is None else min(seconds, _POLL_SECONDS))
        except Empty:
            return
        if answer is not None:
            self._inbox.put(answer)

    # ---- facts that arrive

    def _receive_stop_requests(self, turn: Turn) -> None:
        if self._last_poll is not None and turn.at.working_time - self._last_poll < _POLL_SECONDS:
            return
        self._last_poll = turn.at.working_time
        self._settle()
        for row, fact in self._journal.stop_requests():
            if active := self.active.by_id.get(row.execution_id):
                self.active.receive(active, fact, turn)
            else:
                self.admission.abort(row, fact, turn)

    def _receive_answers(self, turn: Turn) -> None:
        for _ in range(_FACTS_AT_ONCE):
            try:
                answer = self._inbox.get_nowait()
            except Empty:
                return
            if isinstance(answer, _Job):
                self._do(answer, turn)
                continue
            if answer is None:
                continue
            active, fact = answer
            if isinstance(fact, LocalTrouble):
                raise fact  # the call stays unanswered, and is made again when the execution is resumed
            self.active.answer(active, fact, turn)

    def _refuse_jobs(self) -> None:
        """Answer the work that no turn will do."""
        jobs, self._undone = self._undone, []
        while not self._inbox.empty():
            if isinstance(job := self._inbox.get_nowait(), _Job):
                jobs.append(job)
        for job in jobs:
            if not job.result.done():
                job.result.set_exception(StorageError("executions are no longer driven"))

    def _do(self, job: _Job, turn: Turn) -> None:
        """Do the work; its result is set after the commit."""
        self._settle()
        try:
            result = job.work(turn)
        except PuplineError as err:
            job.result.set_exception(err)
        except Exception as err:
            job.result.set_exception(err)
            raise
        else:
            self._undone.append(job)
            turn.answered.append(partial(job.result.set_result, result))

    # ---- executions that start, resume or are redriven

    def _admit(self, turn: Turn) -> None:
        resumed = 0
        while (
            self._has_requests and self.has_room and len(turn.started) < _FACTS_AT_ONCE and resumed < _RESUMED_AT_ONCE
        ):
            requests = self._take_requests()
            existing = self._journal.find_all([each.name for each in requests if isinstance(each, StartRequest)])
            for request in requests:
                if isinstance(request, StartRequest):
                    self.admission.start(request, existing.get(request.name), turn)
                elif isinstance(request, RedriveRequest):
                    self._settle()  # it may have just ended
                    self.admission.redrive(request.name, turn)
                else:
                    self.admission.resume(request.name, turn)
                    resumed += 1

    def _take_requests(self) -> list[StartRequest | RedriveRequest | ExecutionRow]:
        """The next requests, as many as there is room for now."""
        room = min(self._settings.concurrency - len(self.active.by_id), _RESUMED_AT_ONCE)
        taken: list[StartRequest | RedriveRequest | ExecutionRow] = []
        while len(taken) < room and not self._stopping:
            request = next(self._requests, None)
            if request is None:
                self._has_requests = False
                break
            taken.append(request)
        return taken

    # ---- commands that are carried out

    def _carry_out(self, active: ActiveExecution, command: Command, turn: Turn) -> None:
        if active.waiting.get(command.id) is not command or self.active.by_id.get(active.execution_id) is not active:
            return  # answered or cancelled within the turn
        key = (active.execution_id, command.id)
        if isinstance(command, StartTimer):
            self._start_alarm(key, active, command, turn)
        elif isinstance(command, InvokeTask) and not self._stopping:
            self.active.open_calls.add(key)
            invocation = self._invocation(active, command)
            self._settings.runtime.invoke(command, invocation, lambda fact: self._inbox.put((active, fact)))
        elif isinstance(command, ReadItems | WriteResults) and not self._stopping:
            self.active.open_calls.add(key)
            try:
                given = (active, command, self._invocation(active, command))
                threading.Thread(target=self._read_or_write, args=given, daemon=True).start()
            except RuntimeError as err:
                raise local_trouble(err) or err from err

    def _start_alarm(self, key: tuple[int, str], active: ActiveExecution, timer: StartTimer, turn: Turn) -> None:
        scale = self._settings.wait_scale
        if timer.kind == "moment" and scale == 1:
            self.active.alarms.at(key, timer.due)
        elif timer.kind == "moment":
            self.active.alarms.after(key, (timer.due - turn.at.now) * scale, turn.at)
        else:
            seconds = active.seconds_left(timer, turn.at)
            self.active.alarms.after(key, seconds * scale if timer.kind == "pause" else seconds, turn.at)

    def _invocation(self, active: ActiveExecution, command: Command) -> Invocation:
        return Invocation(
            active.core.name,
            command.id,
            self._settings_of(active.run_id),
            active.core.machine,
            active.api.details if active.api else {},
            command.id in active.submitted,
            active.submitted.get(command.id),
            command.id in active.taken,
        )

    def _read_or_write(
        self, active: ActiveExecution, command: ReadItems | WriteResults, invocation: Invocation
    ) -> None:
        answer: Fact | LocalTrouble | None
        try:
            answer = self._settings.read_or_write(command, invocation)
            if answer is None:
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
