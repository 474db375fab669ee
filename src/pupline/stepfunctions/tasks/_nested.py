"""What goes to and comes from the API when a Task calls it, in the spelling of the integrations."""

import uuid
from collections.abc import Mapping
from typing import Any

from pupline.asl import InvokeTask, member_name
from pupline.json_values import JSON, dumps, loads
from pupline.text import timestamp

_NAMESPACE = uuid.UUID("0f6c2f4e-51c1-4a57-9b0c-0c5e2a8d7a10")


def start_parameters(task: InvokeTask, execution: str) -> dict[str, Any]:
    """The request to StartExecution. Without a Name it gets one that is the same when the call is repeated."""
    arguments: Mapping[str, Any] = task.payload if isinstance(task.payload, dict) else {}
    found = {name[:1].lower() + name[1:]: value for name, value in arguments.items()}
    given = found.get("input")
    if given is not None:
        found["input"] = given if isinstance(given, str) else dumps(given)
    found.setdefault("name", str(uuid.uuid5(_NAMESPACE, f"{execution}\n{task.id}")))
    return {name: value for name, value in found.items() if value is not None}


def request_of(arguments: JSON) -> dict[str, Any]:
    """The request of an `aws-sdk:sfn` call, whose members begin with a capital letter."""
    found = arguments if isinstance(arguments, dict) else {}
    return {name[:1].lower() + name[1:]: value for name, value in found.items() if value is not None}


def started_output(answer: Mapping[str, Any]) -> JSON:
    """The result of startExecution."""
    request_id = str(uuid.uuid5(_NAMESPACE, str(answer["executionArn"])))
    return {
        "ExecutionArn": answer["executionArn"],
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request_id},
        "StartDate": round(answer["startDate"] * 1000),
    }


def ended_output(described: Mapping[str, Any], *, parsed: bool) -> dict[str, JSON]:
    """DescribeExecution as startExecution.sync gives it. parsed: `.sync:2`, whose Input and Output are JSON."""
    left_out = ("redriveCount", "redriveDate", "redriveStatus", "redriveStatusReason", "traceHeader")
    found = {name: value for name, value in described.items() if value is not None and name not in left_out}
    for name in ("startDate", "stopDate"):
        if name in found:
            found[name] = round(found[name] * 1000)
    for name in ("inputDetails", "outputDetails"):
        if name in found:
            found[name] = {"Included": True}
    if parsed:
        found |= {name: loads(found[name]) for name in ("input", "output") if name in found}
    return dict(sorted((member_name(name), value) for name, value in found.items()))


def sdk_output(answer: Any) -> JSON:
    """The answer of an operation in the spelling of an `aws-sdk:sfn` result."""
    if isinstance(answer, dict):
        return {member_name(name): _sdk_value(name, value) for name, value in answer.items() if value is not None}
    return [sdk_output(one) for one in answer] if isinstance(answer, list) else answer


def _sdk_value(name: str, value: Any) -> JSON:
    return timestamp(value) if name.endswith("Date") and isinstance(value, float) else sdk_output(value)
