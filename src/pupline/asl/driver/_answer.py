"""What answers a Task: a value, an error, nothing, or one of these later."""

from __future__ import annotations

import json
import math
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pupline.errors import ConfigurationError, PuplineError
from pupline.json_values import AnyJSON

_DRIVER = str(Path(__file__).parent)


MARSHAL_ERROR = "Runtime.MarshalError"


_MAX_HEARTBEATS = 100_000


class TaskError(PuplineError):
    """Raised by a task's callable to fail with an Error Name and a Cause (a text, or None)."""

    def __init__(self, error: str, cause: str | None = None) -> None:
        super().__init__(error if cause is None else f"{error}: {cause}")
        self.error = error
        self.cause = cause


class AnswersUsedUp(ConfigurationError):
    """A state was called more often than its list has answers."""


class NothingAnswers(ConfigurationError):
    """A Task that nothing answers; the text names the state and the keys of an answer."""


@dataclass(frozen=True, slots=True)
class Return:
    """The whole response of the integration, as `Return` in a MockConfigFile.

    For lambda:invoke it is the Invoke API's response, {"StatusCode": 200, "Payload": ...}. A plain value in its place
    is what the function returned: the Payload alone.
    """

    value: AnyJSON = None


@dataclass(frozen=True, slots=True)
class Throw:
    """The task fails with this Error Name and Cause, as with `Throw` in a MockConfigFile."""

    error: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The task never answers: it ends by its TimeoutSeconds or HeartbeatSeconds."""


@dataclass(frozen=True, slots=True)
class Later:
    """The answer comes after `seconds` of the execution's time.

    answer: a value, Return, Throw, or NoAnswer for a worker that stops silently.
    heartbeat_every: seconds between the heartbeats that are sent until then; None sends none.
    Raises: ConfigurationError for negative or infinite times, and for more than 100,000 heartbeats.
    """

    seconds: float
    answer: Any = None
    heartbeat_every: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < math.inf:
            raise ConfigurationError(f"Later needs seconds from 0 on, not {self.seconds}")
        every = self.heartbeat_every
        if (every is not None and not self.seconds / _MAX_HEARTBEATS <= every < math.inf) or every == 0:
            raise ConfigurationError(
                f"Later cannot send a heartbeat every {every} s for {self.seconds} s: at most {_MAX_HEARTBEATS:,}"
            )


@dataclass(frozen=True, slots=True)
class Unexpected:
    """The state must not be called: a call raises NothingAnswers. As `default`, for all states without an answer."""


def lambda_error(error: BaseException, request_id: str = "") -> str:
    """The Cause for an exception of a function: the error object of the Lambda runtime, as text."""
    stack = [line.rstrip("\n") + "\n" for line in traceback.format_tb(_own_frames(error.__traceback__))]
    return json.dumps(
        {
            "errorMessage": _text(error),
            "errorType": type(error).__name__,
            "requestId": request_id,
            "stackTrace": stack,
        },
        ensure_ascii=False,
    )


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a class of the function's own may fail here too
        return "<exception str() failed>"


def marshal_error(problem: Exception, request_id: str = "") -> str:
    """The Cause of Runtime.MarshalError, which the Lambda runtime reports for a result that is not JSON."""
    report = {"errorMessage": f"Unable to marshal response: {problem}", "errorType": MARSHAL_ERROR}
    return json.dumps({**report, "requestId": request_id, "stackTrace": []}, ensure_ascii=False)


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the function on, without the driver's frames, and those that hide themselves as for pytest."""
    first = frames
    while first is not None:
        frame = first.tb_frame
        if not (frame.f_code.co_filename.startswith(_DRIVER) or frame.f_locals.get("__tracebackhide__")):
            return first
        first = first.tb_next
    return frames
