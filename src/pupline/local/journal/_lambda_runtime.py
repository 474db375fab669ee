"""Lambda on one machine: functions by name, called in a bounded pool of threads.

An exception becomes what Step Functions shows of a failed Lambda invocation: the class name as the Error Name, and
Lambda's error JSON as the Cause. Local trouble (a full disk, no memory) is not the function's failure: it ends the
drive, and the call is repeated when the execution is resumed.

Time-outs are the engine's timers: a thread cannot be stopped from outside, so a late answer is discarded, and each
function bounds its own work (the HTTP client has a deadline for that).
"""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pupline.asl import (
    MARSHAL_ERROR,
    Fact,
    InvokeTask,
    StateMachine,
    TaskFailed,
    TaskSucceeded,
    function_name,
    lambda_error,
    marshal_error,
)
from pupline.errors import LocalTrouble, local_trouble
from pupline.json_values import JSON, NotJSON, copied, json_copy

_NAMESPACE = uuid.UUID("7d3a2f7e-4f0b-4d1d-8f0e-0f6f5d1b8c55")


@dataclass(frozen=True, slots=True)
class Invocation:
    """A function's second argument, in the place of Lambda's context object.

    execution: the execution's name. command_id: with it, the idempotency key of this attempt.
    settings: of the run that the execution belongs to; empty without one. machine: the execution's.
    details: of an execution that the API started, as in ApiStart. is_submitted: an earlier call has answered
    TaskSubmitted, with `submitted`, and only the result is missing. is_taken: a worker has begun it.
    """

    execution: str
    command_id: str
    settings: Mapping[str, JSON] = field(default_factory=dict)
    machine: StateMachine | None = None
    details: Mapping[str, JSON] = field(default_factory=dict)
    is_submitted: bool = False
    submitted: JSON = None
    is_taken: bool = False

    @property
    def request_id(self) -> str:
        """Stands for Lambda's request id; the same for the same attempt, also after a restart."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.execution}\n{self.command_id}"))


LambdaHandler = Callable[[JSON, Invocation], Any]
"""Called with a payload; what it returns should be JSON, and fails the task if it is not."""
Answer = Callable[[Fact | LocalTrouble], None]
FunctionAnswer = Callable[[TaskSucceeded | TaskFailed | LocalTrouble], None]


class LambdaRuntime:
    """Functions by their name, the last part of their ARN.

    A thread of the pool makes calls until none waits: handing over each call by itself costs more than many functions.
    """

    def __init__(self, functions: Mapping[str, LambdaHandler], *, concurrency: int = 16) -> None:
        self._functions = functions
        self._concurrency = concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="pupline-function")
        self._guard = threading.Lock()
        self._waiting: deque[tuple[InvokeTask, Invocation, FunctionAnswer]] = deque()
        self._busy = 0  # threads that make calls

    def invoke(self, task: InvokeTask, invocation: Invocation, answer: FunctionAnswer) -> None:
        """Call the function in a thread of the pool, and `answer` from there, exactly once.

        Raises: LocalTrouble when no thread can be started.
        """
        with self._guard:
            self._waiting.append((task, invocation, answer))
            if self._busy == self._concurrency:
                return
            self._busy += 1
        try:
            self._pool.submit(self._make_calls)
        except RuntimeError as err:
            self._one_less()
            raise local_trouble(err) or err from err

    def close(self) -> None:
        """Start nothing more. Running calls finish, and their answers are discarded."""
        with self._guard:
            self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _make_calls(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._busy -= 1
                    return
                task, invocation, answer = self._waiting.popleft()
            try:
                answer(self._call(task, invocation))
            except BaseException:  # such as a MemoryError in the answer: the thread is free for others
                self._one_less()
                raise

    def _one_less(self) -> None:
        with self._guard:
            self._busy -= 1

    def _call(self, task: InvokeTask, invocation: Invocation) -> TaskSucceeded | TaskFailed | LocalTrouble:
        function = self._functions.get(function_name(task.resource))
        if function is None:
            known = ", ".join(sorted(self._functions)) or "none"
            cause = f"Function not found: {task.resource}; the functions of this machine: {known}"
            return TaskFailed(task.id, "Lambda.ResourceNotFoundException", cause)
        try:
            # A function that changes its event changes a copy, as between Step Functions and Lambda.
            output = function(copied(task.payload), invocation)
        except (Exception, SystemExit) as err:  # noqa: BLE001 - whatever it raises is the function's answer
            if trouble := local_trouble(err):
                return trouble
            return TaskFailed(task.id, type(err).__name__, lambda_error(err, invocation.request_id))
        try:
            # Through JSON and back: the engine sees now what it will see when the journal is replayed.
            return TaskSucceeded(task.id, json_copy(output))
        except NotJSON as problem:
            return TaskFailed(task.id, MARSHAL_ERROR, marshal_error(problem, invocation.request_id))
