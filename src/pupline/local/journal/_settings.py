"""What a driver is given and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pupline.asl import Fact, InvokeTask, ReadItems, StateMachine, WriteResults
from pupline.json_values import JSON
from pupline.local._clock import DriverClock
from pupline.local.alerts import LocalTopic
from pupline.local.journal._events import Listener
from pupline.local.journal._lambda_runtime import Answer, Invocation


class Runtime(Protocol):
    """What calls functions: `LambdaRuntime`, or a test's."""

    def invoke(self, task: InvokeTask, invocation: Invocation, answer: Answer) -> None:
        """Call the function and `answer` exactly once, from any thread."""


class MapIO(Protocol):
    """What reads the items and writes the results of a Distributed Map: `LocalMapIO`, or a test's."""

    def carry_out(self, command: ReadItems | WriteResults, execution: str) -> Fact:
        """The answer to the command; called in a thread of its own."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """An execution to start. input: JSON. run_id: of a run that was opened before; its settings go to the functions."""

    name: str
    input: JSON
    run_id: str | None = None
    run_index: int | None = None


@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """An execution to go on with although it failed, timed out or was aborted (API reference, RedriveExecution).

    Same name, input and definition; what succeeded is not run again.
    """

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSettings:
    """What a driver works with.

    machine: for new executions. concurrency: executions that run at the same time.
    grace_seconds: how long functions that run may go on after `stop_starting`.
    listener: told of every event, in the driving thread. alerted: called after alerts were committed.
    """

    machine: StateMachine
    runtime: Runtime
    topic: LocalTopic
    clock: DriverClock
    concurrency: int = 16
    grace_seconds: float = 30.0
    listener: Listener = lambda _event: None
    alerted: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class DriveResult:
    """What a call of `drive` did. finished: executions by status. refused: those that could not be started or resumed.

    interrupted: `stop_starting` was called before all was done; what is unfinished is in the journal.
    """

    finished: Mapping[str, int]
    refused: int
    interrupted: bool
