"""The arguments of a service integration: those that it needs, and those that it does not have.

What the well-known optimised integrations need stands here; for the rest, and for names that are not among these, the
API models of botocore are asked, where it is installed.
"""

from __future__ import annotations

from typing import Any

from pupline.asl._service_models import member_name, operation_model
from pupline.asl.jsonata import expression_text
from pupline.asl.states import Resource
from pupline.asl.validation._diagnostic import Step
from pupline.asl.validation._placeholders import is_placeholder
from pupline.asl.validation._report import Place
from pupline.asl.validation._suggest import closest, in_words
from pupline.json_values import AnyJSON

_NEEDED: dict[str, tuple[str, ...]] = {
    "apigateway:invoke": ("ApiEndpoint", "Method"),
    "athena:startQueryExecution": ("QueryString",),
    "batch:submitJob": ("JobName", "JobQueue", "JobDefinition"),
    "bedrock:invokeModel": ("ModelId",),
    "codebuild:startBuild": ("ProjectName",),
    "dynamodb:deleteItem": ("TableName", "Key"),
    "dynamodb:getItem": ("TableName", "Key"),
    "dynamodb:putItem": ("TableName", "Item"),
    "dynamodb:updateItem": ("TableName", "Key"),
    "ecs:runTask": ("TaskDefinition",),
    "eks:call": ("ClusterName", "CertificateAuthority", "Endpoint", "Method", "Path"),
    "events:putEvents": ("Entries",),
    "glue:startJobRun": ("JobName",),
    "http:invoke": ("ApiEndpoint", "Method"),
    "lambda:invoke": ("FunctionName",),
    "sns:publish": ("Message",),
    "sqs:sendMessage": ("QueueUrl", "MessageBody"),
    "states:startExecution": ("StateMachineArn",),
}
"""Source: AWS, the page of each optimised integration."""

_ONE_OF: dict[str, tuple[str, ...]] = {"sns:publish": ("TopicArn", "TargetArn", "PhoneNumber")}

_ALL: dict[str, frozenset[str]] = {
    "lambda:invoke": frozenset(
        {"ClientContext", "FunctionName", "InvocationType", "LogType", "Payload", "Qualifier", "TenantId"}
    ),
    "sns:publish": frozenset(
        {
            "Message", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId", "MessageStructure",
            "PhoneNumber", "Subject", "TargetArn", "TopicArn",
        }
    ),
    "sqs:sendMessage": frozenset(
        {
            "DelaySeconds", "MessageAttributes", "MessageBody", "MessageDeduplicationId", "MessageGroupId",
            "MessageSystemAttributes", "QueueUrl",
        }
    ),
}  # fmt: skip
"""All arguments of integrations that are used so often that they should not need a model."""


def check_arguments(place: Place, resource: Resource) -> None:
    """Check the arguments of a Task that calls a service."""
    if resource.kind not in ("optimized", "aws-sdk"):
        return
    field = "Arguments" if place.language == "JSONata" else "Parameters"
    call = f"{resource.service}:{resource.action}"
    arguments = place.value.get(field)
    if field not in place.value:
        if field not in place.meant and (needed := _NEEDED.get(call) if resource.kind == "optimized" else None):
            message = f"Without {field}, the state's input is the request: it must have {in_words(needed)}."
            place.warn("NO_ARGUMENTS", message)
        return
    if not isinstance(arguments, dict):
        return
    given = {_plain(key, place.language): key for key in arguments}
    if resource.kind == "aws-sdk":
        operation = operation_model(resource.service, resource.action)
        if operation is not None:
            _check_against(place, (field,), arguments, operation.input_shape, top=True)
        return
    _check_unknown(place, field, call, given)
    _check_needed(place, field, given, _NEEDED.get(call, ()))
    choice = _ONE_OF.get(call)
    if choice and not given.keys() & set(choice):
        place.add_problem(f"One of these fields is required: [{', '.join(choice)}]", field)


def _plain(key: str, language: str) -> str:
    return key.removesuffix(".$") if language == "JSONPath" else key


def _check_unknown(place: Place, field: str, call: str, given: dict[str, str]) -> None:
    """Arguments that an optimised integration does not have, as far as that is certain."""
    names = _ALL.get(call)
    for name, key in given.items():
        if names is not None and name not in names:
            hint = "Put the token into the Payload." if (call, name) == ("lambda:invoke", "TaskToken") else ""
            _report_unknown(place, (field,), key, name, names, hint)
        elif names is None and name[:1].islower() and member_name(name) in _NEEDED.get(call, ()):
            _report_unknown(place, (field,), key, name, [member_name(name)])


def _report_unknown(place: Place, steps: tuple[Step, ...], key: str, name: str, names: Any, hint: str = "") -> None:
    meant = closest(name, names)
    hint = hint or (f"Did you mean '{meant}'?" if meant else "")
    place.add_problem(f'The field "{name}" is not supported by Step Functions', *steps, hint=hint, field=key)


def _check_needed(place: Place, field: str, given: dict[str, str], needed: tuple[str, ...]) -> None:
    lower = {name.lower() for name in given}
    for name in needed:
        if name not in given and name.lower() not in lower and closest(name, given) is None:
            place.add_problem(f"The field '{name}' is required but was missing", field)


def _check_against(place: Place, steps: tuple[Step, ...], value: AnyJSON, shape: Any, *, top: bool = False) -> None:
    """A value against botocore's shape: the names of its fields, and those that are required."""
    if shape is None or is_placeholder(value) or (isinstance(value, str) and expression_text(value) is not None):
        return
    if shape.type_name == "list" and isinstance(value, list):
        for at, item in enumerate(value):
            _check_against(place, (*steps, at), item, shape.member)
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, item in value.items():
            _check_against(place, (*steps, key), item, shape.value)
    elif shape.type_name == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        _check_structure(place, steps, value, shape, top=top)


def _check_structure(
    place: Place, steps: tuple[Step, ...], value: dict[str, AnyJSON], shape: Any, *, top: bool
) -> None:
    members = {member_name(name): member for name, member in shape.members.items()}
    by_lower = {name.lower(): name for name in members}
    given = {}
    for key, item in value.items():
        name = _plain(key, place.language)
        # The SDK's own spelling differs in case inside a name only: DbInstanceIdentifier, where the API has DB.
        known = by_lower.get(name.lower()) or by_lower.get(name.lower().removesuffix("value"))
        if known is None or name[:1].islower():
            _report_unknown(place, steps, key, name, members)
        if known is not None:
            given[known] = key
            if key == name:
                _check_against(place, (*steps, key), item, members[known])
    if not top:
        return
    for name in shape.required_members:
        shown = member_name(name)
        filled_in = shape.members[name].metadata.get("idempotencyToken")
        if shown not in given and not filled_in and closest(shown, value) is None:
            place.add_problem(f"The field '{shown}' is required but was missing", *steps)
