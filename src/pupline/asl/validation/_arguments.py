"""The arguments of a service integration: those that it needs, and those that it does not have.

What the well-known optimised integrations need stands here; for the rest, and for names that are not among these, the
API models of botocore are asked, where it is installed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pupline.asl._service_models import member_name, operation_model, sdk_member_name
from pupline.asl.states import Resource
from pupline.asl.validation._diagnostic import Step
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

_ITEM = frozenset({"TableName", "ExpressionAttributeNames", "ReturnConsumedCapacity"})
_CONDITION = frozenset(
    {
        "ConditionExpression", "ConditionalOperator", "Expected", "ExpressionAttributeValues",
        "ReturnItemCollectionMetrics", "ReturnValues", "ReturnValuesOnConditionCheckFailure",
    }
)  # fmt: skip

_ALL: dict[str, frozenset[str]] = {
    "lambda:invoke": frozenset(
        {
            "ClientContext", "DurableExecutionName", "FunctionName", "InvocationType", "LogType", "Payload",
            "Qualifier", "TenantId",
        }
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
    "states:startExecution": frozenset({"Input", "Name", "StateMachineArn", "TraceHeader"}),
    "events:putEvents": frozenset({"EndpointId", "Entries"}),
    "dynamodb:getItem": _ITEM | {"AttributesToGet", "ConsistentRead", "Key", "ProjectionExpression"},
    "dynamodb:putItem": _ITEM | _CONDITION | {"Item"},
    "dynamodb:deleteItem": _ITEM | _CONDITION | {"Key"},
    "dynamodb:updateItem": _ITEM | _CONDITION | {"AttributeUpdates", "Key", "UpdateExpression"},
}  # fmt: skip
"""All arguments of integrations that are used so often that they should not need a model."""


_LIKE_THE_API = frozenset(
    {"athena", "batch", "codebuild", "dynamodb", "ecs", "events", "glue", "sagemaker", "sns", "sqs", "states"}
)
"""Services whose optimised integrations have the arguments of the API, and no others."""


def check_arguments(place: Place, resource: Resource) -> None:
    """Check the arguments of a Task that calls a service."""
    if resource.kind not in ("optimized", "aws-sdk"):
        return
    field = "Arguments" if place.language == "JSONata" else "Parameters"
    call = f"{resource.service}:{resource.action}"
    arguments = place.value.get(field)
    if field not in place.value:
        needed = _required(resource)
        if needed and field not in place.meant:
            message = f"Without {field}, the state's input is the request: it must have {in_words(needed)}."
            place.warn("NO_ARGUMENTS", message)
        return
    if not isinstance(arguments, dict):
        return
    given = {_plain(key, place.language): key for key in arguments}
    if resource.kind == "aws-sdk":
        meant = _check_structure(place, (field,), arguments, _input_shape(resource))
    else:
        meant = _check_unknown(place, field, resource, given)
    lower = {name.lower() for name in given}
    for name in _required(resource):
        if name.lower() not in lower and name not in meant:
            place.add_problem(f"The field '{name}' is required but was missing", field)
    choice = _ONE_OF.get(call) if resource.kind == "optimized" else None
    if choice and not given.keys() & set(choice):
        place.add_problem(f"One of these fields is required: [{', '.join(choice)}]", field)


def _plain(key: str, language: str) -> str:
    return key.removesuffix(".$") if language == "JSONPath" else key


def _check_unknown(place: Place, field: str, resource: Resource, given: dict[str, str]) -> set[str]:
    """Report arguments that an optimised integration does not have, as far as that is certain.

    Returns: those that were probably meant.
    """
    call = f"{resource.service}:{resource.action}"
    known = _ALL.get(call, frozenset(_NEEDED.get(call, ())))
    unknown = [name for name in given if name not in known]
    if unknown and call not in _ALL:
        known |= _members(resource) or frozenset(unknown)
        lower = {name.lower() for name in known}
        unknown = [name for name in unknown if name.lower() not in lower or name[:1].islower()]
    is_token = call == "lambda:invoke" and "TaskToken" in unknown
    found = set()
    for name in unknown:
        hint = "Put the token into the Payload." if is_token and name == "TaskToken" else ""
        found.add(_report_unknown(place, (field, given[name]), name, known - {name}, hint))
    return found


def _members(resource: Resource) -> frozenset[str]:
    """All arguments of an optimised integration that has those of the API; empty when they are not known."""
    shape = _input_shape(resource) if resource.service in _LIKE_THE_API else None
    return frozenset(member_name(name) for name in shape.members) if shape is not None else frozenset()


def _input_shape(resource: Resource) -> Any:
    operation = operation_model(resource.service, resource.action)
    return None if operation is None else operation.input_shape


def _required(resource: Resource) -> tuple[str, ...]:
    """The arguments that a call cannot do without. The SDK fills in tokens of idempotency by itself."""
    if resource.kind == "optimized":
        return _NEEDED.get(f"{resource.service}:{resource.action}", ())
    shape = _input_shape(resource)
    required = () if shape is None else shape.required_members
    return tuple(sdk_member_name(name) for name in required if not shape.members[name].metadata.get("idempotencyToken"))


def _report_unknown(
    place: Place, steps: tuple[str | int, ...], name: str, names: Collection[str], hint: str = ""
) -> str:
    """Report a field that does not exist; returns the one that was probably meant, or an empty text."""
    *outer, key = steps
    meant = (closest(name, names) or "") if place.report.gives_hints else ""
    hint = hint or (f"Did you mean '{meant}'?" if meant else "")
    place.add_problem(f'The field "{name}" is not supported by Step Functions', *outer, hint=hint, field=str(key))
    return meant


def _check_against(place: Place, steps: tuple[Step, ...], value: AnyJSON, shape: Any) -> None:
    """Check the names of the fields in a value against botocore's shape."""
    if shape.type_name == "list" and isinstance(value, list):
        for at, item in enumerate(value):
            _check_against(place, (*steps, at), item, shape.member)
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, item in value.items():
            _check_against(place, (*steps, key), item, shape.value)
    elif shape.type_name == "structure" and isinstance(value, dict):
        _check_structure(place, steps, value, shape)


def _check_structure(place: Place, steps: tuple[Step, ...], value: dict[str, AnyJSON], shape: Any) -> set[str]:
    """Report fields that a structure does not have; returns those that were probably meant."""
    if shape is None or getattr(shape, "is_document_type", False):
        return set()
    members = {sdk_member_name(name): member for name, member in shape.members.items()}
    by_lower = {name.lower(): name for name in members}
    found = set()
    for key, item in value.items():
        name = _plain(key, place.language)
        known = by_lower.get(_in_the_api(name)) or by_lower.get(name.lower().removesuffix("value"))
        if known is None or name[:1].islower():
            found.add(_report_unknown(place, (*steps, key), name, members))
        elif key == name:
            _check_against(place, (*steps, key), item, members[known])
    return found


def _in_the_api(name: str) -> str:
    """A field in lower case, with the API's name: the SDK has DbInstanceIdentifier for DBInstanceIdentifier.

    Words of Java get another ending: `EqualsValue` for `equals`, and `Nul` for DynamoDB's NULL.
    """
    return "null" if name == "Nul" else name.lower()
