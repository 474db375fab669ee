"""One execution: commands out, facts in, and the one place that decides transitions.

The rules, and where they come from (SL: the Amazon States Language specification; the rest is seen in AWS's histories):

1.  A thread runs its states one after another until one has to wait for a fact; then the next ready thread runs, first
    come first served. Nothing here reads a clock: `now` comes with each fact. So the same facts in the same order
    produce the same history, byte for byte, and a durable driver needs to keep nothing else.
2.  The events of a thread form a chain by previousEventId. ExecutionStarted is number 1, and the first state's
    ...StateEntered points at 0, not at 1.
3.  A state that fails (SL "Errors") tries its Retriers first, then its Catchers. Only Task, Parallel and Map have them.
    Retrying does not enter the state again: the attempt's own events are repeated after the failure.
4.  When nothing handles the error, the thread fails. The execution's own thread ends it with ExecutionFailed. A branch
    or iteration fails its Parallel or Map state: the siblings are stopped, their commands cancelled, and the state
    around them then fails by rule 3, so errors propagate outwards.
5.  A failed JSONata evaluation is written as EvaluationFailed, which points at the event *before* ...StateEntered
    (except for Wait's check of a timestamp), and fails the state with States.QueryEvaluationError, which can be caught.
    A failed JSONPath evaluation has no event of its own. It is mostly States.Runtime, which nothing handles (SL
    "States.Runtime"; on AWS not even its own name does).
6.  The causes of 5 begin with "An error occurred while executing the state 'X' (entered at the event id #N). ".
7.  Time-outs are timers like any other. When a task's fires, the task is cancelled and the state fails with
    States.Timeout without a cause; when the machine's fires, the execution is TIMED_OUT with neither error nor cause.
8.  Randomness (States.UUID, jitter) is drawn from generators seeded by execution name and place, not by arrival order.
9.  Cancelled commands are remembered, and their late answers ignored. An answer to any other id is a ProtocolError.
10. A redrive (ExecutionRedriven) continues in the same history: threads that failed or were stopped run their current
    state again, without another ...StateEntered for a Task, Parallel or Map; branches, iterations and child executions
    that succeeded keep their results. Retriers and the machine's own time-out start from zero, and RedriveCount grows.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from pupline.asl import _history as history
from pupline.asl import _limits as limits
from pupline.asl._commands import CancelCommand, Command, StartTimer
from pupline.asl._context import context_object, state_machine_arn
from pupline.asl._errors import RUNTIME, EvaluationError, ProtocolError
from pupline.asl._facts import ExecutionAborted, ExecutionRedriven, Fact, MapRunUpdated
from pupline.asl._failures import evaluation_failed, fill_history, handle
from pupline.asl._fork import resume
from pupline.asl._input import texts_for
from pupline.asl._texts import Texts
from pupline.asl._thread import NO_VARIABLES, Frame, Thread
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._state_machine import StateMachine
    from pupline.asl.states import MapRun, State

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
Handler: TypeAlias = "Callable[[Execution, Thread, Fact], State | None]"
Step: TypeAlias = "Callable[[Execution, Thread], State | None]"

_MACHINE_TIMEOUT = "timeout"
_REQUESTS = (ExecutionAborted, ExecutionRedriven, MapRunUpdated)
"""Facts that answer no command."""


class Execution:
    """One execution of a state machine: `commands` and `receive` for a driver, and attributes that describe it.

    name: seeds the randomness and appears in the Context Object. now: seconds since the epoch; the start time.
    context: parts that override the Context Object's, such as {"StateMachine": {"Name": "Pupline"}}.
    machine_name, machine_arn, redrive_count: as in the Context Object.
    bounded: whether the history has AWS's quota of events. False replays a journal of a version that had no quota.
    texts: of an input which `measured_input` has accepted.

    status: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED; output when SUCCEEDED; error and cause (both may be None)
    otherwise. map_runs: of its Distributed Maps. taken: of what the history does not show, for `Coverage`. start_time
    and stop_time are seconds since the epoch.

    All other public methods are for the compiled states.

    Raises: InvalidExecutionInput for an input nested so deeply that it has no JSON text here (about 900 levels).
    """

    __slots__ = (
        "_bounded",
        "_cancelled",
        "_context",
        "_pending",
        "_ready",
        "_root",
        "_waiting",
        "calls",
        "cause",
        "error",
        "input",
        "machine",
        "machine_arn",
        "machine_name",
        "map_runs",
        "name",
        "now",
        "output",
        "redrive_count",
        "start_time",
        "status",
        "stop_time",
        "taken",
        "texts",
    )

    def __init__(
        self,
        machine: StateMachine,
        input: AnyJSON,  # noqa: A002 - the API's word
        *,
        name: str,
        now: float,
        context: dict[str, AnyJSON] | None = None,
        redrive_count: int = 0,
        bounded: bool = True,
        texts: Texts | None = None,
    ) -> None:
        self.machine = machine
        self._bounded = bounded
        self._context = context or {}
        state_machine = self._context.get("StateMachine") or {}
        self.machine_name: str = state_machine.get("Name", machine.name)
        self.machine_arn: str = state_machine.get("Id") or state_machine_arn(self.machine_name)
        self.input = input
        self.now = self.start_time = now
        self.stop_time: float | None = None
        self.status: Status = "RUNNING"
        self.output: AnyJSON = None
        self.error: str | None = None
        self.cause: str | None = None
        self.redrive_count = redrive_count
        self.texts = texts_for(input) if texts is None else texts
        self.map_runs: list[MapRun] = []
        self.taken: set[str] = set()
        self.name = name
        self.calls: dict[str, int] = {}
        self._pending: dict[str, Command] = {}
        self._waiting: dict[str, tuple[Handler, Thread]] = {}
        self._cancelled: set[str] = set()
        self._ready: deque[tuple[Thread, Step]] = deque()
        limit = self.max_events(express=machine.type == "EXPRESS")
        self._root = Thread(Frame(name, input, self.machine_name, now, limit), input, "", NO_VARIABLES, 0)
        self._begin()

    def _begin(self) -> None:
        role_arn = self._context.get("Execution", {}).get("RoleArn", self.machine.role_arn)
        self._root.events.append((history.EXECUTION_STARTED, 0, self.now, self.input, role_arn))
        self._start_timeout(_MACHINE_TIMEOUT)
        self._run(self._root, self.machine.start.enter)
        self._drain()

    # ---- for drivers

    @property
    def history(self) -> list[dict[str, AnyJSON]]:
        """The events so far, in the shape of GetExecutionHistory; `timestamp` in seconds since the epoch."""
        return history.render(self._root.events, self.texts)

    @property
    def waiting_ids(self) -> list[str]:
        """Ids of the commands that have not been answered."""
        return list(self._waiting)

    def is_waiting(self, command_id: str) -> bool:
        """Whether the execution still waits for an answer to a command."""
        return command_id in self._waiting

    @property
    def history_is_full(self) -> bool:
        """Whether the execution has ended because its history had no more room."""
        return self.cause == limits.HISTORY_FULL

    @property
    def redrive_refusal(self) -> str | None:
        """Why the execution cannot be redriven, in the words of DescribeExecution's redriveStatusReason, or None."""
        if self.status in ("RUNNING", "SUCCEEDED"):
            return f"Execution is {self.status} and cannot be redriven"
        return limits.REDRIVE_HISTORY_FULL if len(self._root.events) >= self._root.frame.max_events - 1 else None

    def commands(self) -> list[Command]:
        """The new commands: not handed out before, and neither answered nor cancelled since."""
        pending, self._pending = self._pending, {}
        return list(pending.values())

    def receive(self, fact: Fact, *, now: float) -> None:
        """Continue with a fact; `now` (seconds since the epoch) is journalled with it.

        Raises: ProtocolError for the id of no command, or of one that was answered before.
        """
        self.now = now
        if isinstance(fact, _REQUESTS):
            self._receive_request(fact)
            return
        entry = self._waiting.pop(fact.id, None)
        if entry is None:
            self._refuse_unknown(fact.id)
            return
        self._pending.pop(fact.id, None)
        handler, thread = entry
        self._run(thread, lambda execution, waiting: handler(execution, waiting, fact))
        self._drain()

    def _receive_request(self, fact: ExecutionAborted | ExecutionRedriven | MapRunUpdated) -> None:
        if isinstance(fact, MapRunUpdated):
            for run in self.map_runs:
                run.update(self, fact)
            self._drain()
        elif isinstance(fact, ExecutionRedriven):
            self._redrive()
        elif self.status == "RUNNING":
            self._end("ABORTED", None, fact.error, fact.cause)

    def _redrive(self) -> None:  # rule 10
        if (refusal := self.redrive_refusal) is not None:
            raise ProtocolError(f"execution {self.name!r}: {refusal}")
        root = self._root
        self.redrive_count += 1
        root.frame.context = None  # it holds RedriveCount
        self.status, self.error, self.cause, self.stop_time = "RUNNING", None, None, None
        root.events.append((history.EXECUTION_REDRIVEN, len(root.events), self.now, self.redrive_count))
        self._start_timeout(f"{_MACHINE_TIMEOUT}#{self.redrive_count}")
        resume(self, root, len(root.events))
        self._drain()

    def _start_timeout(self, timer: str) -> None:
        """Start the machine's own time-out. No thread waits for it, so that the end of a state does not cancel it."""
        seconds = self.machine.timeout_seconds
        if self.machine.type == "EXPRESS":
            seconds = limits.EXPRESS_SECONDS if seconds is None else min(seconds, limits.EXPRESS_SECONDS)
        if seconds is not None:
            self._pending[timer] = StartTimer(timer, self.now + seconds, "execution")
            self._waiting[timer] = (_machine_timed_out, self._root)

    def _refuse_unknown(self, command_id: str) -> None:
        if command_id in self._cancelled:
            self._cancelled.discard(command_id)
            return
        waiting = ", ".join(sorted(self._waiting)) or "none"
        problem = f"does not wait for an answer to {command_id!r}; commands that wait: {waiting}"
        raise ProtocolError(f"execution {self.name!r} {problem}")

    # ---- the trampoline

    def _run(self, thread: Thread, step: Step) -> None:
        events, most = thread.events, thread.frame.max_events
        while True:
            try:
                state = step(self, thread)
                while state is not None and len(events) < most:
                    state = state.enter(self, thread)
            except EvaluationError as problem:
                state = evaluation_failed(self, thread, problem)
            except RecursionError:  # a value nested hundreds of levels deep: an error of the data, not ours
                state = evaluation_failed(self, thread, EvaluationError(RUNTIME, "The data is nested too deeply."))
            if len(events) >= most:
                fill_history(self, thread)
                return
            if state is None:
                return
            step = state.enter

    def _drain(self) -> None:
        ready = self._ready
        while ready:
            thread, step = ready.popleft()
            if not thread.stopped:
                self._run(thread, step)

    def make_ready(self, thread: Thread, step: Step) -> None:
        """Run `step` of `thread` after the threads that are ready before it."""
        self._ready.append((thread, step))

    # ---- for the states: commands

    def command(self, command: Command, handler: Handler, thread: Thread) -> None:
        """Issue a command; its answer goes to `handler`."""
        command_id = command.id
        self._pending[command_id] = command
        self._waiting[command_id] = (handler, thread)
        if thread.waiting is None:
            thread.waiting = [command_id]
        else:
            thread.waiting.append(command_id)

    def wait_again(self, command_id: str, handler: Handler, thread: Thread) -> None:
        """Wait for another answer to a command, such as the result after a heartbeat."""
        self._waiting[command_id] = (handler, thread)

    def restart_timer(self, timer: StartTimer) -> None:
        """Replace a running timer: the driver gets another command with the same id."""
        self._pending[timer.id] = timer

    def unexpected_fact(self, fact: Fact) -> ProtocolError:
        """The error for a fact of a type that does not answer its command."""
        return ProtocolError(f"{type(fact).__name__} does not answer its command: {fact!r} in execution {self.name!r}")

    def cancel(self, command_id: str) -> None:
        """Cancel a command, unless it has been answered."""
        if self._waiting.pop(command_id, None) is None:
            return
        if self._pending.pop(command_id, None) is None:
            self._pending[f"cancel {command_id}"] = CancelCommand(command_id)
            self._cancelled.add(command_id)

    def cancel_all(self, thread: Thread) -> None:
        """Cancel all commands that the thread still waits for."""
        if thread.waiting is not None:
            for command_id in thread.waiting:
                self.cancel(command_id)
            thread.waiting = None

    # ---- for the states: the Context Object and randomness

    def context_of(self, thread: Thread) -> dict[str, AnyJSON]:
        """The Context Object for the thread's current state."""
        overrides = self._context
        if overrides and thread.frame is not self._root.frame:
            overrides = {**overrides, "Execution": {}, "StateMachine": {}}
        return context_object(self, thread, overrides)

    def randomness_of(self, thread: Thread) -> random.Random:
        """The thread's own generator: its numbers do not depend on other branches."""
        if thread.randomness is None:
            thread.randomness = self.seeded(thread.path)
        return thread.randomness

    def seeded(self, place: str) -> random.Random:
        """A generator seeded by the execution's name and a place in it, such as the id of a retry timer."""
        return random.Random(f"{self.name}\n{place}")  # noqa: S311 - not for secrets; a replay must draw the same numbers

    def child_changed(self, run: MapRun, child: Thread, status: Status, *ending: AnyJSON) -> None:
        """A child execution is RUNNING, or has ended (with an output, or error and cause). For subclasses."""

    # ---- ends of threads

    def max_events(self, *, express: bool) -> int:
        """How many events the history of an execution has room for."""
        if not self._bounded:
            return sys.maxsize
        return limits.MAX_EXPRESS_EVENTS if express else limits.MAX_HISTORY_EVENTS

    def history_filled(self) -> None:
        """The history has no more room: drop what has none, and end the execution (rule 11)."""
        root = self._root
        if self.status != "RUNNING":
            return
        del root.events[root.frame.max_events - 1 :]
        root.last = len(root.events)
        if self.machine.type == "EXPRESS":
            self._end("TIMED_OUT", None, None, None)
        else:
            self._end("FAILED", None, RUNTIME, limits.HISTORY_FULL)

    def thread_succeeded(self, thread: Thread) -> None:
        """The thread's last state has ended with `thread.value`."""
        if thread.fork is None:
            self._end("SUCCEEDED", thread.value, None, None)
        else:
            thread.fork.succeeded(self, thread)

    def thread_failed(self, thread: Thread, error: str | None, cause: str | None) -> None:
        """The thread's current state has failed, and nothing handled the error."""
        if thread.fork is None:
            self._end("FAILED", None, error, cause)
        else:
            thread.fork.failed(self, thread, error, cause)

    def _end(self, status: Status, output: AnyJSON, error: str | None, cause: str | None) -> None:
        if self.status != "RUNNING":
            return
        root = self._root
        if len(root.events) >= root.frame.max_events:
            self.history_filled()
            return
        self.status, self.output, self.error, self.cause, self.stop_time = status, output, error, cause, self.now
        if status == "SUCCEEDED":
            root.events.append((history.EXECUTION_SUCCEEDED, root.last, self.now, output))
        else:
            previous = 0 if status == "ABORTED" else root.last  # as AWS, whatever the execution was doing
            root.events.append((history.END_EVENTS[status], previous, self.now, error, cause))
        for command_id in list(self._waiting):
            self.cancel(command_id)
        root.waiting = None
        if root.child is not None:
            root.child.freeze(self)
        self._ready.clear()

    # ---- failures

    def state_failed(
        self, thread: Thread, error: str | None, cause: str | None, *, heartbeat: bool = False
    ) -> State | None:
        """Retry, catch or fail: the thread's current state has failed. Returns the next state, if it runs at once."""
        return handle(self, thread, error, cause, heartbeat=heartbeat)


def _machine_timed_out(execution: Execution, _thread: Thread, _fact: Fact) -> None:
    execution._end("TIMED_OUT", None, None, None)  # noqa: SLF001 - the same module
