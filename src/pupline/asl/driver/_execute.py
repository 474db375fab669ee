"""Run an execution to its end in memory, in virtual time: a Wait costs nothing."""

from __future__ import annotations

import heapq
import itertools
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict, Unpack

from pupline.asl._commands import CancelCommand, Command, InvokeTask, StartTimer
from pupline.asl._endless import endless_loop
from pupline.asl._execution import Execution, Status
from pupline.asl._facts import TaskFailed, TaskHeartbeat, TimerFired
from pupline.asl._state_machine import StateMachine
from pupline.asl.driver._answers import NOTHING, AnswerableCommand, Answers, function_arn, nothing_answers
from pupline.asl.driver._outcome import CommandResult, Delayed
from pupline.asl.driver._timed_call import TimedCall
from pupline.asl.driver._unanswered import refuse_unanswered, refuse_unknown_states
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON
from pupline.text import printable

Task: TypeAlias = Callable[[Any], Any]

#: Seconds to wait for a task before starting others, so that tasks that hang do so at the same time.
PATIENCE_SECONDS = 0.5

#: Calls with a time-out this long run in the same thread, as another thread would cost more than the engine itself.
#: A late answer has still timed out; only a call that never returns is waited for.
SAME_THREAD_FROM_SECONDS = 30

#: 1 January 2026, 00:00 UTC: the default start of virtual time.
DEFAULT_START = 1_767_225_600.0


@dataclass(frozen=True, slots=True)
class Result:
    """The end of an execution, with the facts of DescribeExecution and GetExecutionHistory."""

    status: Status
    output: AnyJSON
    error: str | None
    cause: str | None
    execution: Execution

    @property
    def history(self) -> list[dict[str, AnyJSON]]:
        """The events, in the shape of GetExecutionHistory."""
        return self.execution.history

    @property
    def hint(self) -> str | None:
        """Why the execution did not end by itself, for people; None when it did."""
        return endless_loop(self.history) if self.status in ("FAILED", "TIMED_OUT") else None


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """Heartbeats of a task: seconds between two, and the time at which they end."""

    every: float
    end: float


class Options(TypedDict, total=False):
    """The options of `execute`. Each answer may be a callable, data, or a list by attempt: see `Answers`.

    tasks: a Task's resource -> its answer. For Lambda the key is the function's name or ARN, however the state names
    the function, with or without a version or alias, and a callable gets the payload; for other integrations the key
    is the resource ARN and a callable gets the arguments. It returns a JSON value, or bytes (the payload as sent, JSON
    text), or raises TaskError(error, cause); any other exception fails the task as the Lambda runtime would.
    An ItemReader's callable returns the object's bytes or text, or an array; a ResultWriter's is called for each file,
    with Key and Body (JSON text) among its arguments.
    states: a state's name -> its answer, whatever its resource. default: the answer for all others.
    name: of the execution; a random one by default. context: parts that override the Context Object's.
    start: seconds since the epoch.
    wait: called with the execution and a number of seconds before so much of its time passes, such as for a Wait or a
    Retrier. Without it time passes at once.
    """

    tasks: Mapping[str, Any] | None
    states: Mapping[str, Any] | None
    default: Any
    name: str | None
    context: dict[str, AnyJSON] | None
    start: float
    wait: Callable[[Execution, float], None] | None


def execute(machine: StateMachine, input: AnyJSON, **options: Unpack[Options]) -> Result:  # noqa: A002 - the API's word
    """Run `machine` on `input` to its end. `Options` describes tasks, states, default, name, context and start.

    A callable that takes longer than its state's TimeoutSeconds of real time has timed out. One with a time-out of less
    than 30 seconds is then left running in its own thread. In virtual time, calls take no time.

    With `tasks` alone, a Lambda function that is not among them fails with Lambda.ResourceNotFoundException. With
    `states` or `default`, everything must have an answer.

    Raises: KeyError when another integration's resource is not in `tasks`. NothingAnswers, before the start, for what
    nothing answers. AnswersUsedUp when a state is called more often than its list has answers. ConfigurationError for
    a state that does not exist, and for an execution that waits for what never comes.
    """
    answers = Answers(tasks=options.get("tasks"), states=options.get("states"), default=options.get("default", NOTHING))
    if answers.states or answers.default is not NOTHING:
        refuse_unknown_states(answers.states, [machine])
        refuse_unanswered(machine, answers)
    execution = Execution(
        machine,
        input,
        name=options.get("name") or str(uuid.uuid4()),
        now=options.get("start", DEFAULT_START),
        context=options.get("context"),
    )
    if execution.status == "RUNNING":
        _Loop(execution, answers, options.get("wait")).run()
    return Result(execution.status, execution.output, execution.error, execution.cause, execution)


class _Loop:
    """Answers tasks at once, or as soon as they have ended, and timers in the order of their due times.

    scheduled: (due, number, fact, end of the heartbeats that this fact begins) of what is still to happen.
    live: command id -> the number of what is scheduled for it. Anything else in `scheduled` was cancelled or replaced.
    """

    def __init__(
        self, execution: Execution, answers: Answers, wait: Callable[[Execution, float], None] | None = None
    ) -> None:
        self.execution = execution
        self.answers = answers
        self.wait = wait
        self.numbers = itertools.count()
        self.scheduled: list[tuple[float, int, CommandResult | TimerFired | TaskHeartbeat, Heartbeats | None]] = []
        self.live: dict[str, int] = {}
        self.slow: deque[tuple[str, TimedCall[CommandResult | Delayed]]] = deque()
        self.cancelled: set[str] = set()

    def run(self) -> None:
        execution = self.execution
        while execution.status == "RUNNING":
            commands = execution.commands()
            for command in commands:
                if execution.status == "RUNNING":
                    self.carry_out(command)
            if not commands and self.slow:  # virtual time does not pass while a task may still answer
                self.wait_for_slow(*self.slow.popleft())
            elif not commands:
                self.happen_next()

    def carry_out(self, command: Command) -> None:
        if isinstance(command, StartTimer):
            self.schedule(command.due, TimerFired(command.id))
        elif isinstance(command, CancelCommand):
            if self.live.pop(command.id, None) is None:
                self.cancelled.add(command.id)
        elif command.id not in self.cancelled:
            limit = command.timeout_seconds if isinstance(command, InvokeTask) else None
            if limit is None or limit >= SAME_THREAD_FROM_SECONDS:
                self.call(command, limit)
                return
            call = TimedCall(lambda: self.answer(command), limit)
            try:
                result = call.answer(PATIENCE_SECONDS)
            except TimeoutError:
                self.slow.append((command.id, call))
                return
            self.give(command.id, result)

    def answer(self, command: AnswerableCommand) -> CommandResult | Delayed:
        return _answered(command, self.answers, self.execution.name)

    def call(self, command: AnswerableCommand, limit: float | None) -> None:
        """Call in this thread, and give the answer unless it is late: then the time-out follows in virtual time."""
        start = time.monotonic()
        result = self.answer(command)
        if limit is None or time.monotonic() - start <= limit:
            self.give(command.id, result)

    def give(self, command_id: str, result: CommandResult | Delayed) -> None:
        """Give an answer to the execution now, or schedule it."""
        now = self.execution.now
        if not isinstance(result, Delayed):
            self.execution.receive(result, now=now)
            return
        end = now + result.seconds
        if result.fact is not None:
            self.schedule(end, result.fact)
        else:
            self.live[command_id] = next(self.numbers)
        if result.heartbeat_every is not None:
            self.schedule_heartbeat(command_id, Heartbeats(result.heartbeat_every, end))

    def schedule(self, due: float, fact: CommandResult | TimerFired) -> None:
        number = self.live[fact.id] = next(self.numbers)
        heapq.heappush(self.scheduled, (due, number, fact, None))

    def schedule_heartbeat(self, command_id: str, heartbeats: Heartbeats) -> None:
        due = self.execution.now + heartbeats.every
        if due < heartbeats.end:
            heapq.heappush(self.scheduled, (due, next(self.numbers), TaskHeartbeat(command_id), heartbeats))

    def wait_for_slow(self, command_id: str, call: TimedCall[CommandResult | Delayed]) -> None:
        if command_id in self.cancelled:
            return
        try:
            result = call.answer()
        except TimeoutError:
            return  # its time-out follows in virtual time
        self.give(command_id, result)

    def happen_next(self) -> None:
        if not self.scheduled:
            raise _never_ends(self.execution)
        due, number, fact, heartbeats = heapq.heappop(self.scheduled)
        command_id = fact.id
        if heartbeats is not None:
            if command_id in self.live:
                self.execution.receive(fact, now=self.time_passed(due))
                self.schedule_heartbeat(command_id, heartbeats)
        elif self.live.get(command_id) == number:
            del self.live[command_id]
            self.execution.receive(fact, now=self.time_passed(due))

    def time_passed(self, due: float) -> float:
        """The time when `due` has come."""
        now = self.execution.now
        if due > now and self.wait is not None:
            self.wait(self.execution, due - now)
        return max(due, now)


def _never_ends(execution: Execution) -> ConfigurationError:
    """The error for an execution in which nothing is going to happen: what it waits for has no answer."""
    waiting = ", ".join(printable(each) for each in execution.waiting_ids)
    return ConfigurationError(
        f"the execution waits forever for an answer to {waiting}: give one, or the state a TimeoutSeconds"
    )


def answer_of(command: AnswerableCommand, tasks: Mapping[str, Any]) -> CommandResult:
    """The fact from the answer for the command's resource; a later answer is given at once.

    A missing Lambda function fails the task, as on AWS; any other missing resource raises KeyError.
    """
    result = _answered(command, Answers(tasks=tasks), "")
    if isinstance(result, Delayed):
        if result.fact is None:
            raise nothing_answers(command)
        return result.fact
    return result


def _answered(command: AnswerableCommand, answers: Answers, execution: str) -> CommandResult | Delayed:
    answer = answers.find(command)
    if answer is not NOTHING:
        return answers.result(command, answer, execution=execution)
    if isinstance(command, InvokeTask) and ":lambda:" in command.integration:
        return _no_such_function(command)
    known = ", ".join(sorted(answers.tasks)) or "none"
    raise KeyError(f"state {command.state!r} calls {command.resource!r}, which is not among the tasks given: {known}")


def _no_such_function(command: InvokeTask) -> TaskFailed:
    """The Lambda service's error; the request id is derived from the command's, so that a replay gives the same."""
    name = command.resource
    arn = name if name.startswith("arn:") else function_arn(name)
    request = uuid.uuid5(uuid.NAMESPACE_URL, command.id)
    detail = f"Status Code: 404; Error Code: ResourceNotFoundException; Request ID: {request}; Proxy: null"
    cause = f"Function not found: {arn}:$LATEST (Service: AWSLambda; {detail})"
    return TaskFailed(command.id, "Lambda.ResourceNotFoundException", cause)
