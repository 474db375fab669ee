"""A virtual clock, a runtime without threads, and small machines."""

from collections.abc import Callable, Mapping
from typing import Any

from pupline.asl import InvokeTask, StateMachine, TaskFailed, TaskSucceeded
from pupline.json_values import JSON
from pupline.local import Invocation

LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function"
START = 1_767_323_045.0  # 2026-01-02T03:04:05Z


class VirtualClock:
    """Stands still while somebody works, and goes straight to what is due when nobody does.

    time: what the machine's clock reads; moving it alone sets that clock. ticks: the working time.
    """

    def __init__(self, start: float = START) -> None:
        self.time = start
        self.ticks = 0.0

    def now(self) -> float:
        """The virtual time."""
        return self.time

    def working_time(self) -> float:
        """The virtual working time."""
        return self.ticks

    def work(self, seconds: float) -> None:
        """Let time pass in which the process runs."""
        self.time += seconds
        self.ticks += seconds

    def wait_seconds(self, seconds: float | None, *, idle: bool) -> float | None:
        """Let the seconds pass when idle; else wait for an answer."""
        if seconds is None or not idle:
            return None
        self.work(max(seconds, 0.0))
        return 0.0


class InlineRuntime:
    """Calls functions at once, in the driving thread; what a function returns or raises is the answer.

    A function that returns `HANG` never answers.
    """

    HANG: Any = object()

    def __init__(self, functions: Mapping[str, Callable[[Any, Invocation], Any]]) -> None:
        self._functions = functions
        self.calls: list[tuple[str, str]] = []

    def invoke(self, task: InvokeTask, invocation: Invocation, answer: Callable[[Any], None]) -> None:
        """Call, note, answer."""
        self.calls.append((invocation.execution, invocation.command_id))
        try:
            output = self._functions[task.resource.rpartition(":")[2]](task.payload, invocation)
        except Exception as err:  # noqa: BLE001 - the function's answer
            answer(TaskFailed(task.id, type(err).__name__, str(err)))
        else:
            if output is not self.HANG:
                answer(TaskSucceeded(task.id, output))


def machine(states: dict[str, JSON], **top: JSON) -> StateMachine:
    """A machine that starts at the first of its states."""
    return StateMachine.parse({"StartAt": next(iter(states)), "States": states, **top})


def task(function: str, **fields: JSON) -> JSON:
    """A Task state that calls a function; it ends the machine unless it has a Next."""
    return {"Type": "Task", "Resource": f"{LAMBDA}:{function}", **fields, **({} if "Next" in fields else {"End": True})}
