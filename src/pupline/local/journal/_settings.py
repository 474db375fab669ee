"""Parameters and results of the driver."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pupline.asl import Fact, InvokeTask, ReadItems, StateMachine, WriteResults
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
class ApiStart:
    """What belongs to an execution that the Step Functions API starts.

    arn: of the execution. machine_arn: of its state machine, without version and alias. context: the parts of the
    Context Object that are its own. input: the text that was sent. details: further members of DescribeExecution.
    is_kept: in the journal; a StartSyncExecution is not. definition: its text, as it was given.
    """

    arn: str
    machine_arn: str
    context: dict[str, JSON]
    input: str
    details: dict[str, JSON] = field(default_factory=dict)
    is_kept: bool = True
    definition: str = ""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """An execution to start. input: JSON. run_id: of an opened run, whose settings the functions get.

    name: unique in the data directory. machine: None for the driver's own. api: for one that the API starts.
    """

    name: str
    input: JSON
    run_id: str | None = None
    run_index: int | None = None
    machine: StateMachine | None = None
    api: ApiStart | None = None


@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """An execution to continue that failed, timed out or was aborted (API reference, RedriveExecution).

    It keeps its name, input and definition; what succeeded does not run again.
    """

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSettings:
    """The parameters of a driver.

    machine: for new executions; None when every request brings its own. concurrency: executions that run at the same
    time. topic: answers `sns:publish` within the turn; None when the runtime does.
    grace_seconds: how long running functions may continue after `stop_starting`.
    listener: called with every event, in the driving thread. alerted: called after alerts were committed.
    cancelled: called when the answer to a call is no longer needed, with the execution's name and the call.
    read_or_write: answers what a Distributed Map reads and writes, in a thread of its own; None leaves it to the local
    buckets.
    of_api: drive executions of the API, and not those of runs. wait_scale: real seconds of each second that a Wait or a
    Retrier waits.
    """

    machine: StateMachine | None
    runtime: Runtime
    topic: LocalTopic | None
    clock: DriverClock
    concurrency: int = 16
    grace_seconds: float = 30.0
    listener: Callable[[DriverEvent], None] = lambda _event: None
    alerted: Callable[[], None] = lambda: None
    cancelled: Callable[[str, InvokeTask], None] = lambda _name, _task: None
    read_or_write: Callable[[ReadItems | WriteResults, Invocation], Fact | None] = lambda _command, _invocation: None
    of_api: bool = False
    wait_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class DriveResult:
    """The result of `drive`. finished: executions by status. refused: those that could not be started or resumed.

    interrupted: `stop_starting` was called before all was done; what is unfinished is in the journal.
    """

    finished: Mapping[str, int]
    refused: int
    interrupted: bool
