"""Run an execution to its end in memory, in virtual time: a Wait costs nothing."""

from __future__ import annotations

import heapq
import itertools
import json
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pupline.asl._commands import CancelCommand, Command, InvokeTask, ReadItems, StartTimer, WriteResults
from pupline.asl._context import ACCOUNT_ID, REGION
from pupline.asl._endless import endless_loop
from pupline.asl._execution import Execution, Status
from pupline.asl._facts import ItemsRead, TaskFailed, TaskSucceeded, TimerFired
from pupline.asl._state_machine import StateMachine
from pupline.asl.driver._item_formats import ItemReaderError
from pupline.asl.driver._item_reader import read_items
from pupline.asl.driver._timed_call import TimedCall
from pupline.errors import PuplineError
from pupline.json_values import AnyJSON, dumps, loads

Task: TypeAlias = Callable[[Any], Any]

#: Seconds to wait for a task before starting others, so that tasks that hang do so at the same time.
PATIENCE_SECONDS = 0.5

#: Calls with a time-out this long run in the same thread, as another thread would cost more than the engine itself.
#: A late answer has still timed out; only a call that never returns is waited for.
SAME_THREAD_FROM_SECONDS = 30

#: 1 January 2026, 00:00 UTC: the default start of virtual time.
DEFAULT_START = 1_767_225_600.0


class TaskError(PuplineError):
    """Raised by a task's callable to fail with an Error Name and a Cause (a text, or None)."""

    def __init__(self, error: str, cause: str | None = None) -> None:
        super().__init__(error if cause is None else f"{error}: {cause}")
        self.error = error
        self.cause = cause


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


def lambda_error(error: BaseException, request_id: str = "") -> str:
    """The Cause for an exception of a function: the error object of the Lambda runtime, as text."""
    stack = [line.rstrip("\n") + "\n" for line in traceback.format_tb(error.__traceback__)]
    return json.dumps(
        {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": request_id,
            "stackTrace": stack,
        },
        ensure_ascii=False,
    )


def execute(
    machine: StateMachine,
    input: AnyJSON,  # noqa: A002 - the API's word
    *,
    tasks: Mapping[str, Task] | None = None,
    name: str | None = None,
    context: dict[str, AnyJSON] | None = None,
    start: float = DEFAULT_START,
) -> Result:
    """Run `machine` on `input` to its end.

    tasks: a Task's resource -> a callable. For Lambda the key is the function's name or ARN, however the state names
    the function, with or without a version or alias, and the callable gets the payload; for other integrations the key
    is the resource ARN and the callable gets the arguments. It returns a JSON value, or bytes (the payload as sent,
    JSON text), or raises TaskError(error, cause); any other exception fails the task as the Lambda runtime would.
    An ItemReader's callable returns the object's bytes or text, or an array, and is called for every object that a
    manifest names; a ResultWriter's is called for each file, with Key and Body (JSON text) among its arguments.
    name: of the execution; a random one by default. context: parts that override the Context Object's.
    start: seconds since the epoch.

    A callable that takes longer than its state's TimeoutSeconds of real time has timed out. One with a time-out of less
    than 30 seconds is then left running in its own thread. In virtual time, calls take no time.
    A Lambda function that is not in `tasks` fails with Lambda.ResourceNotFoundException.

    Raises: KeyError when another integration's resource is not in `tasks`.
    """
    execution = Execution(machine, input, name=name or str(uuid.uuid4()), now=start, context=context)
    if execution.status == "RUNNING":
        _Loop(execution, {} if tasks is None else tasks).run()
    return Result(execution.status, execution.output, execution.error, execution.cause, execution)


_CommandResult: TypeAlias = TaskSucceeded | TaskFailed | ItemsRead


class _Loop:
    """Answers tasks at once, or as soon as they have ended, and timers in the order of their due times."""

    def __init__(self, execution: Execution, tasks: Mapping[str, Task]) -> None:
        self.execution = execution
        self.tasks = tasks
        self.numbers = itertools.count()
        self.timers: list[tuple[float, int, TimerFired]] = []
        self.slow: deque[tuple[str, TimedCall[_CommandResult]]] = deque()
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
                self.fire_next_timer()

    def carry_out(self, command: Command) -> None:
        if isinstance(command, StartTimer):
            heapq.heappush(self.timers, (command.due, next(self.numbers), TimerFired(command.id)))
        elif isinstance(command, CancelCommand):
            self.cancelled.add(command.id)
        elif command.id not in self.cancelled:
            limit = command.timeout_seconds if isinstance(command, InvokeTask) else None
            if limit is None or limit >= SAME_THREAD_FROM_SECONDS:
                self.call(command, limit)
                return
            call = TimedCall(lambda: answer_of(command, self.tasks), limit)
            try:
                fact = call.answer(PATIENCE_SECONDS)
            except TimeoutError:
                self.slow.append((command.id, call))
                return
            self.execution.receive(fact, now=self.execution.now)

    def call(self, command: InvokeTask | ReadItems | WriteResults, limit: float | None) -> None:
        """Call in this thread, and give the answer unless it is late: then the time-out follows in virtual time."""
        start = time.monotonic()
        fact = answer_of(command, self.tasks)
        if limit is None or time.monotonic() - start <= limit:
            self.execution.receive(fact, now=self.execution.now)

    def wait_for_slow(self, command_id: str, call: TimedCall[_CommandResult]) -> None:
        if command_id in self.cancelled:
            return
        try:
            fact = call.answer()
        except TimeoutError:
            return  # its time-out follows in virtual time
        self.execution.receive(fact, now=self.execution.now)

    def fire_next_timer(self) -> None:
        due, _, fact = heapq.heappop(self.timers)
        if fact.id in self.cancelled:
            self.cancelled.discard(fact.id)
        else:
            self.execution.receive(fact, now=max(due, self.execution.now))


def answer_of(command: InvokeTask | ReadItems | WriteResults, tasks: Mapping[str, Task]) -> _CommandResult:
    """The fact from the callable for the command's resource.

    A missing Lambda function fails the task, as on AWS; any other missing resource raises KeyError.
    """
    resource = command.resource
    task = _task_for(resource, tasks)
    if task is None and isinstance(command, InvokeTask) and ":lambda:" in command.integration:
        return _no_such_function(command)
    if task is None:
        known = ", ".join(sorted(tasks)) or "none"
        raise KeyError(f"state {command.state!r} calls {resource!r}, which is not among the tasks given: {known}")
    try:
        if isinstance(command, InvokeTask):
            return TaskSucceeded(command.id, _result(task(_copy(command.payload))))
        return _read(command, task, tasks) if isinstance(command, ReadItems) else _written(command, task)
    except TaskError as failure:
        return TaskFailed(command.id, failure.error, failure.cause)
    except Exception as failure:  # noqa: BLE001 - as the Lambda runtime: any exception is the task's failure
        return TaskFailed(command.id, type(failure).__name__, lambda_error(failure))


def _task_for(resource: str, tasks: Mapping[str, Task]) -> Task | None:
    """The callable for a resource; a function is found by its name or ARN on either side."""
    name = _function_name(resource)
    for key in (resource, name):
        try:
            return tasks[key]
        except KeyError:
            continue
    return next((tasks[key] for key in tasks if _function_name(key) == name), None)


def _function_name(resource: str) -> str:
    """`f` for the ARN of the function f, for `f:prod` and for `f`; another resource as it is."""
    if resource.startswith("arn:") and ":function:" not in resource:
        return resource
    return resource.rpartition("function:")[2].partition(":")[0]


def _result(value: AnyJSON | bytes) -> AnyJSON:
    """A copy of a function's result; bytes are its payload as sent: JSON text, or else plain text."""
    if not isinstance(value, bytes):
        return _copy(value)
    try:
        return loads(value)
    except (ValueError, RecursionError):
        return value.decode(errors="replace")


def _no_such_function(command: InvokeTask) -> TaskFailed:
    """The Lambda service's error; the request id is derived from the command's, so that a replay gives the same."""
    name = command.resource
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"
    request = uuid.uuid5(uuid.NAMESPACE_URL, command.id)
    detail = f"Status Code: 404; Error Code: ResourceNotFoundException; Request ID: {request}; Proxy: null"
    cause = f"Function not found: {arn}:$LATEST (Service: AWSLambda; {detail})"
    return TaskFailed(command.id, "Lambda.ResourceNotFoundException", cause)


def _copy(value: AnyJSON) -> AnyJSON:
    """The value after conversion to JSON text and back, as between Step Functions and Lambda.

    So a function that changes its event or, later, its result does not change the history. Raises TypeError or
    ValueError for a value that is not JSON.
    """
    return json.loads(dumps(value))


def _read(command: ReadItems, task: Task, tasks: Mapping[str, Task]) -> ItemsRead | TaskFailed:
    """The items: an array as it is, or parsed from an object's bytes or text."""

    def call(resource: str, arguments: AnyJSON) -> Any:
        other = task if resource == command.resource else _task_for(resource, tasks)
        return (other or task)(_copy(arguments))

    try:
        return ItemsRead(command.id, _copy(read_items(command, call)))
    except ItemReaderError as failure:
        return TaskFailed(command.id, "States.ItemReaderFailed", str(failure))


def _written(command: WriteResults, task: Task) -> TaskSucceeded:
    """Call the task once for each file."""
    for name in command.files:
        task({**command.arguments, "Key": command.key_prefix + name, "Body": command.body(name)})
    return TaskSucceeded(command.id)
