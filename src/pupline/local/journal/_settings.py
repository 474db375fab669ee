"""Parameters and results of the driver."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pupline.asl import InvokeTask, StateMachine
from pupline.json_values import JSON
from pupline.local._clock import DriverClock
from pupline.local.alerts import LocalTopic
from pupline.local.journal._events import DriverEvent
from pupline.local.journal._lambda_runtime import Answer, Invocation


class Runtime(Protocol):
    """Calls functions: `LambdaRuntime`, or a test's."""

    def invoke(self, task: InvokeTask, invocation: Invocation, answer: Answer) -> None:
        """Call the function, and `answer` exactly once, from any thread."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """An execution to start. input: JSON. run_id: of an opened run, whose settings the functions get."""

    name: str
    input: JSON
    run_id: str | None = None
    run_index: int | None = None


@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """An execution to continue that failed, timed out or was aborted (API reference, RedriveExecution).

    It keeps its name, input and definition; what succeeded does not run again.
    """

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSettings:
    """The parameters of a driver.

    machine: for new executions. concurrency: executions that run at the same time.
    grace_seconds: how long running functions may continue after `stop_starting`.
    listener: called with every event, in the driving thread. alerted: called after alerts were committed.
    """

    machine: StateMachine
    runtime: Runtime
    topic: LocalTopic
    clock: DriverClock
    concurrency: int = 16
    grace_seconds: float = 30.0
    listener: Callable[[DriverEvent], None] = lambda _event: None
    alerted: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class DriveResult:
    """The result of `drive`. finished: executions by status. refused: those that could not be started or resumed.

    interrupted: `stop_starting` was called before all was done; what is unfinished is in the journal.
    """

    finished: Mapping[str, int]
    refused: int
    interrupted: bool
