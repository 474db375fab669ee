"""The commands that an `Execution` gives its driver.

Every command carries an `id`: a structural path such as `Fan@1#0/1/Exif@2#0` (state Exif, second visit, first attempt,
in branch 1 of the first attempt of the first visit of Fan). Branches finish in any order and a loop enters a state many
times, and still the id is the same when the same facts are fed again. So execution name + command id is the idempotency
key of the command's effect. In names the characters `%`, `/`, `@` and `#` are percent-encoded.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pupline.json_values import AnyJSON, dumps


@dataclass(frozen=True, slots=True)
class InvokeTask:
    """Call `resource` with `payload`; answer with TaskSucceeded, TaskFailed, TaskSubmitted or TaskHeartbeat.

    resource: for Lambda (bare ARN and `lambda:invoke`) the function's name or ARN, else the integration's ARN.
    payload: the event of the function, or the integration's arguments.
    integration: the state's Resource as written.
    task_token: the value of `$$.Task.Token`, for `.waitForTaskToken`; None for every other task.
    attempt: how often the state has issued this command before, over retries, loops and iterations.

    The time-outs are for information: the core starts its own timers for them and cancels the task when one fires.
    """

    id: str
    state: str
    resource: str
    payload: AnyJSON
    timeout_seconds: int | None = None
    heartbeat_seconds: int | None = None
    integration: str = ""
    task_token: str | None = None
    attempt: int = 0


TimerKind: TypeAlias = Literal["pause", "moment", "task", "execution"]


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Answer with TimerFired at `due`, in seconds since the epoch.

    kind: for a driver in real time, whose clock may be set and whose process may be killed. All but `moment` are
    lengths of time, from the `now` at which the command was given. `pause` is a Wait or a Retrier's delay, which ends
    when so much time has passed, whatever happens in it. `moment` is a Wait until a Timestamp, `task` the
    TimeoutSeconds or HeartbeatSeconds of one call, `execution` the machine's own TimeoutSeconds.
    """

    id: str
    due: float
    kind: TimerKind = "pause"


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """The answer to the command `id` is no longer needed; a late one is ignored."""

    id: str


@dataclass(frozen=True, slots=True)
class ReadItems:
    """Read the items of a Distributed Map; answer with ItemsRead, or TaskFailed.

    resource: the ItemReader's Resource, `arn:aws:states:::s3:getObject` or `arn:aws:states:::s3:listObjectsV2`.
    arguments: its evaluated Parameters or Arguments, such as {"Bucket": ..., "Key": ...}.
    reader_config: its evaluated ReaderConfig, such as {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}.
    `read_items` reads and parses the object, or the objects that it lists.
    """

    id: str
    state: str
    resource: str
    arguments: AnyJSON
    reader_config: dict[str, AnyJSON]
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class WriteResults:
    """Write the results of a Map Run; answer with TaskSucceeded(output=None), or TaskFailed.

    resource: the ResultWriter's Resource, `arn:aws:states:::s3:putObject`.
    arguments: its evaluated Parameters or Arguments, such as {"Bucket": ..., "Prefix": ...}.
    files: object name below the prefix and Map Run id (`manifest.json`, `SUCCEEDED_0.json`, ...) to its JSON content;
    `body` gives the text to write.
    key_prefix: the folder that AWS makes for the Map Run: `<Prefix>/<map run id>/`.
    """

    id: str
    state: str
    resource: str
    arguments: AnyJSON
    key_prefix: str
    files: dict[str, AnyJSON]
    attempt: int = 0

    def body(self, name: str) -> str:
        """The text of a file."""
        return file_text(name, self.files[name])


def file_text(name: str, content: AnyJSON) -> str:
    """The text of a ResultWriter's file: JSON, or JSON Lines of its elements where its name ends in `.jsonl`."""
    if name.endswith(".jsonl"):
        return "".join(f"{dumps(each)}\n" for each in content)
    return dumps(content)


Command: TypeAlias = InvokeTask | StartTimer | CancelCommand | ReadItems | WriteResults
