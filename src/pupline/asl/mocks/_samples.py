"""Sample responses of AWS's services, made from the shapes of their APIs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pupline.asl._service_models import member_name, operation_model, sdk_member_name
from pupline.asl.states import read_resource
from pupline.json_values import AnyJSON

_Spelling = Callable[[str], str]

_MAX_MEMBERS = 20
_MAX_DEPTH = 3

_LEFT_OUT = re.compile(
    r"token$|marker$|^last_?evaluated"  # another page: a loop over the pages would never end
    r"|^error|^failure|reason$"  # of a failure
    r"|^consumedcapacity$|collectionmetrics$",  # only where they are asked for
    re.IGNORECASE,
)

_GOOD = ("SUCCEEDED", "SUCCESS", "COMPLETED", "Completed", "ACTIVE", "AVAILABLE", "available", "InService")
_WORDS = re.compile(r"[A-Z]+[0-9]*(?![a-z])|[A-Z]?[a-z]+[0-9]*")

_INVOKE: Final = {"ExecutedVersion": "$LATEST", "Payload": {}, "StatusCode": 200}
_FIXED: Final[dict[str, AnyJSON]] = {
    "lambda:invoke": _INVOKE,
    "http:invoke": {"Headers": {}, "ResponseBody": {}, "StatusCode": 200, "StatusText": "OK"},
    "apigateway:invoke": {"Headers": {}, "ResponseBody": {}, "StatusCode": 200, "StatusText": "OK"},
    "bedrock:invokeModel": {"Body": {}, "ContentType": "application/json"},
}
_JOBS: Final = {
    "athena:startQueryExecution": ("athena", "getQueryExecution", ""),
    "batch:submitJob": ("batch", "describeJobs", "jobs"),
    "codebuild:startBuild": ("codebuild", "startBuild", ""),
    "databrew:startJobRun": ("databrew", "describeJobRun", ""),
    "ecs:runTask": ("ecs", "describeTasks", "tasks"),
    "elasticmapreduce:addStep": ("emr", "describeStep", ""),
    "elasticmapreduce:createCluster": ("emr", "describeCluster", ""),
    "emr-serverless:startJobRun": ("emr-serverless", "getJobRun", "jobRun"),
    "glue:startJobRun": ("glue", "getJobRun", "JobRun"),
    "mediaconvert:createJob": ("mediaconvert", "getJob", ""),
    "states:startExecution": ("states", "describeExecution", ""),
}
"""Integration -> (service, action, member) whose response `.sync` returns; a list stands for its first element."""


def sample_response(resource: str) -> AnyJSON:
    """A response of a Task's Resource, as a mock returns it.

    {} for an activity, for what answers with a task token, and for a service without a model.
    """
    found = read_resource(resource)
    if found is None or found.kind in ("function", "unfilled"):
        return {"StatusCode": 200, "Payload": {}}
    if found.kind == "activity" or found.pattern == ".waitForTaskToken":
        return {}
    name = f"{found.service}:{found.action}"
    if found.kind == "optimized" and name in _FIXED:
        return _FIXED[name]
    spell = sdk_member_name if found.kind == "aws-sdk" else member_name
    return _sample_of(found.service, found.action, spell) if not found.pattern else _job(name, found.pattern)


def _job(name: str, pattern: str) -> AnyJSON:
    service, action = name.split(":")
    if name not in _JOBS:
        return _sample_of(service, re.sub(r"^create", "describe", action))
    service, action, member = _JOBS[name]
    response = _sample_of(service, action)
    if member:
        response = response.get(member_name(member), {})
        response = response[0] if isinstance(response, list) and response else response
    if pattern == ".sync:2" and "Output" in response:
        response = {**response, "Input": {}, "Output": {}}
    return response


def _sample_of(service: str, action: str, spell: _Spelling = member_name) -> AnyJSON:
    operation = operation_model(service, action)
    shape = None if operation is None else operation.output_shape
    return {} if shape is None else _structure(shape, 0, spell)


def _structure(shape: Any, depth: int, spell: _Spelling) -> dict[str, AnyJSON]:
    required = set(shape.required_members)
    names = [name for name in shape.members if not _LEFT_OUT.search(name)]
    names.sort(key=lambda name: name not in required)
    one = shape.name == "AttributeValue" or getattr(shape, "is_tagged_union", False)
    found = {}
    for name in names[: 1 if one else _MAX_MEMBERS]:
        member = shape.members[name]
        is_deep = member.type_name in ("structure", "list", "map")
        if name in required or not is_deep or depth < _MAX_DEPTH - 1:
            found[spell(name)] = _value(member, name, depth + 1, spell)
    return found


def _value(shape: Any, name: str, depth: int, spell: _Spelling) -> AnyJSON:
    kind = shape.type_name
    if kind == "structure":
        is_shown = depth < _MAX_DEPTH or (shape.required_members and depth < 2 * _MAX_DEPTH)
        return _structure(shape, depth, spell) if is_shown else {}
    if kind == "list":
        return [_value(shape.member, name, depth + 1, spell)] if depth < _MAX_DEPTH else []
    if kind == "map":
        return {"key": _value(shape.value, "value", depth + 1, spell)} if depth < _MAX_DEPTH else {}
    if kind == "boolean":
        return False
    if kind in ("integer", "long", "float", "double"):
        return max(shape.metadata.get("min", 0), 0)
    return "2026-01-01T00:00:00.000Z" if kind == "timestamp" else _text(shape, name)


def _text(shape: Any, name: str) -> str:
    allowed = shape.metadata.get("enum")
    if allowed:
        return str(next((value for value in _GOOD if value in allowed), allowed[0]))
    text = "-".join(_WORDS.findall(name)).lower()
    return text.ljust(int(shape.metadata.get("min", 0)), "x")[: int(shape.metadata.get("max", 1000))]
