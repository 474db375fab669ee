"""Calls of Step Functions by a Task: `states:startExecution` with its patterns, and `aws-sdk:sfn`. Pure functions.

A driver gives the requests and gets the answers in the shapes of the API, with members such as `executionArn` and dates
in seconds since the epoch; these functions turn them into what a Task sends and gets. Seen in recordings and measured
on AWS: the optimised integration shows dates in milliseconds, the SDK's in ISO 8601; a child that does not succeed
fails its `.sync` task with States.TaskFailed and the child's DescribeExecution, keys in alphabetical order.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from pupline.asl._commands import InvokeTask
from pupline.asl._facts import TaskFailed, TaskSucceeded
from pupline.json_values import AnyJSON, dumps, loads
from pupline.text import timestamp

_OPTIMIZED: Final = re.compile(r"arn:[^:]+:states:[^:]*:[^:]*:states:startExecution(\.[A-Za-z0-9:]+)?")
_SDK: Final = re.compile(r"arn:[^:]+:states:[^:]*:[^:]*:aws-sdk:sfn:([A-Za-z]+)(?:\.waitForTaskToken)?")
OPERATIONS: Final = (
    "startExecution",
    "startSyncExecution",
    "describeExecution",
    "stopExecution",
    "sendTaskSuccess",
    "sendTaskFailure",
    "sendTaskHeartbeat",
)
"""The operations that `execute` answers by itself when it is given machines."""

_REQUEST_IDS: Final = uuid.UUID("0f6c2f4e-51c1-4a57-9b0c-0c5e2a8d7a10")


def api_operation(integration: str) -> str | None:
    """The operation of the Step Functions API that a Resource calls, such as `startExecution`; None for others."""
    if _OPTIMIZED.fullmatch(integration):
        return "startExecution"
    found = _SDK.fullmatch(integration)
    return found[1] if found else None


def pattern_of(integration: str) -> str:
    """ "", ".sync", ".sync:2" or ".waitForTaskToken"."""
    found = _OPTIMIZED.fullmatch(integration)
    if found is not None:
        return found[1] or ""
    return ".waitForTaskToken" if integration.endswith(".waitForTaskToken") else ""


def api_request(task: InvokeTask, execution: str) -> dict[str, Any]:
    """The request of a Task's call, in the API's spelling; a child without a Name gets one that a replay gives again.

    execution: the calling execution's name or ARN.
    """
    arguments: Mapping[str, Any] = task.payload if isinstance(task.payload, dict) else {}
    found = {f"{name[:1].lower()}{name[1:]}": value for name, value in arguments.items() if value is not None}
    for name in ("input", "output", "cause"):
        if name in found and not isinstance(found[name], str):
            found[name] = dumps(found[name])
    if api_operation(task.integration) in ("startExecution", "startSyncExecution"):
        found.setdefault("name", str(uuid.uuid5(_REQUEST_IDS, f"{execution}\n{task.id}")))
        found.setdefault("input", "{}")
    return found


def api_result(task: InvokeTask, answer: Mapping[str, Any]) -> AnyJSON:
    """The response to a call as the Task gets it: of the SDK, or of the optimised integration."""
    if _OPTIMIZED.fullmatch(task.integration) is None:
        return _member(answer, timestamp)
    found = _member(answer, _milliseconds)
    assert isinstance(found, dict)  # noqa: S101 - the API answers with objects
    request_id = {"RequestId": _request_id(task)}
    found |= {"SdkHttpMetadata": {"HttpStatusCode": 200}, "SdkResponseMetadata": request_id}
    return dict(sorted(found.items()))


def api_failure(task: InvokeTask, code: str, message: str) -> TaskFailed:
    """An error of the API as the Task's failure. code: the API's, such as StateMachineDoesNotExist."""
    request_id = _request_id(task)
    if _OPTIMIZED.fullmatch(task.integration) is None:
        cause = f"{message} (Service: Sfn, Status Code: 400, Request ID: {request_id})"
        return TaskFailed(task.id, f"Sfn.{code}Exception", cause, at_submission=True)
    details = f"Service: AWSStepFunctions; Status Code: 400; Error Code: {code}; Request ID: {request_id}; Proxy: null"
    return TaskFailed(task.id, f"StepFunctions.{code}Exception", f"{message} ({details})", at_submission=True)


def child_ended(task: InvokeTask, described: Mapping[str, Any]) -> TaskSucceeded | TaskFailed:
    """The end of a `.sync` or `.sync:2` task. described: DescribeExecution of the child, which has ended."""
    found = _member(described, _milliseconds)
    assert isinstance(found, dict)  # noqa: S101 - as above
    found = dict(sorted(found.items()))
    if found["Status"] != "SUCCEEDED":
        return TaskFailed(task.id, "States.TaskFailed", dumps(found))
    if pattern_of(task.integration) == ".sync:2":
        found |= {name: loads(found[name]) for name in ("Input", "Output")}
    return TaskSucceeded(task.id, found)


def _member(value: Any, show_date: Any) -> AnyJSON:
    """An answer of the API with its members as a Task spells them; what is None is left out."""
    if isinstance(value, Mapping):
        return {
            f"{name[:1].upper()}{name[1:]}": show_date(item) if _is_date(name, item) else _member(item, show_date)
            for name, item in value.items()
            if item is not None
        }
    return [_member(item, show_date) for item in value] if isinstance(value, list) else value


def _is_date(name: str, value: Any) -> bool:
    return name.endswith("Date") and isinstance(value, int | float)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _request_id(task: InvokeTask) -> str:
    return str(uuid.uuid5(_REQUEST_IDS, task.id))
