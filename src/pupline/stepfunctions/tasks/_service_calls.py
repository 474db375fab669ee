"""A call of a service as Step Functions makes it: arguments in, result or failure out, by botocore's model."""

import base64
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pupline.asl import operation_model
from pupline.json_values import JSON, dumps, loads

_OLD_NAMES: Mapping[str, str] = {
    "dynamodb": "AmazonDynamoDBv2",
    "lambda": "AWSLambda",
    "batch": "AWSBatch",
    "glue": "AWSGlue",
    "codebuild": "AWSCodeBuild",
    "athena": "AmazonAthena",
    "events": "AmazonCloudWatchEvents",
    "ecs": "AmazonECS",
    "sns": "AmazonSNS",
    "sqs": "AmazonSQS",
}
"""The services' names in the texts of optimised integrations."""

_PREFIXES: Mapping[str, str] = {
    "dynamodb": "DynamoDB",
    "lambda": "Lambda",
    "batch": "Batch",
    "glue": "Glue",
    "codebuild": "CodeBuild",
    "athena": "Athena",
    "events": "EventBridge",
    "ecs": "ECS",
    "sns": "SNS",
    "sqs": "SQS",
    "sagemaker": "SageMaker",
    "eks": "EKS",
}
"""The prefixes of their Error Names."""

Spelling = Callable[[str], str]
"""The name of a member in a result, by its name in the API."""


class ServiceFailure(Exception):
    """A call that failed. error: the Error Name, such as `DynamoDB.ResourceNotFoundException`; cause: its text."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error = error
        self.cause = cause


def call_service(client: Any, service: str, action: str, arguments: JSON, *, is_sdk: bool, spell: Spelling) -> JSON:
    """The result of an action. is_sdk: of an `aws-sdk` integration. Raises: ServiceFailure."""
    from botocore.exceptions import BotoCoreError, ClientError

    operation = operation_model(service, action)
    names = _Names(service, str(client.meta.service_model.service_id), is_sdk=is_sdk)
    if operation is None:
        raise ServiceFailure(names.general, f"{service} has no action {action}")
    try:
        parameters = to_request(arguments, operation.input_shape) if operation.input_shape else {}
        answer = client._make_api_call(operation.name, parameters)  # noqa: SLF001 - what each method of a client calls
    except ClientError as error:
        raise names.failure(error.response, client.meta.service_model.error_shapes) from error
    except (BotoCoreError, TypeError, ValueError, AttributeError) as error:  # the last three: arguments of a wrong type
        raise ServiceFailure(names.client_side, str(error)) from error
    metadata = answer.pop("ResponseMetadata", {})
    result = to_result(answer, operation.output_shape, spell) if operation.output_shape else {}
    assert isinstance(result, dict)  # noqa: S101 - the output of an operation is a structure
    return result if is_sdk else {**result, **_metadata(metadata)}


def to_request(value: Any, shape: Any) -> Any:
    """Arguments as botocore wants them. An object for a text is its JSON. Raises: ServiceFailure for unknown ones."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        names = {name.lower(): name for name in shape.members} | {"nul": "NULL"}
        found: dict[str, Any] = {}
        for given, each in value.items():
            name = names.get(given.lower(), "")
            if name not in shape.members:
                raise ServiceFailure("States.Runtime", f'The field "{given}" is not supported by Step Functions')
            if each is not None:
                found[name] = to_request(each, shape.members[name])
        return found
    if kind == "list" and isinstance(value, list):
        return [to_request(each, shape.member) for each in value]
    if kind == "map" and isinstance(value, dict):
        return {name: to_request(each, shape.value) for name, each in value.items()}
    if kind == "blob":
        return (value if isinstance(value, str) else dumps(value)).encode()
    if kind == "string" and not isinstance(value, str):
        return dumps(value)
    return value


def to_result(value: Any, shape: Any, spell: Spelling) -> JSON:
    """botocore's answer in the spelling of Step Functions. Bytes are text; times are ISO 8601."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        known = {name: each for name, each in value.items() if name in shape.members}
        return {spell(name): to_result(each, shape.members[name], spell) for name, each in known.items()}
    if kind == "list":
        return [to_result(each, shape.member, spell) for each in value]
    if kind == "map":
        return {name: to_result(each, shape.value, spell) for name, each in value.items()}
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    plain: JSON = value
    return plain


def _metadata(found: Mapping[str, Any]) -> dict[str, JSON]:
    """The two SDK objects of an optimised integration's result."""
    headers = dict(found.get("HTTPHeaders", {}))
    http = {
        "AllHttpHeaders": {name: [value] for name, value in headers.items()},
        "HttpHeaders": headers,
        "HttpStatusCode": found.get("HTTPStatusCode", 200),
    }
    return {"SdkHttpMetadata": http, "SdkResponseMetadata": {"RequestId": found.get("RequestId", str(uuid.uuid4()))}}


class _Names:
    """The Error Names and texts of one service, which depend on the kind of integration."""

    def __init__(self, service: str, service_id: str, *, is_sdk: bool) -> None:
        self._is_sdk = is_sdk
        self._name = java_name(service_id)
        self._old_name = _OLD_NAMES.get(service, f"Amazon{self._name}")
        self._prefix = self._name if is_sdk else _PREFIXES.get(service, self._name)

    @property
    def general(self) -> str:
        """For an error that the service's model does not have."""
        return f"{self._prefix}.{self._name if self._is_sdk else self._old_name}Exception"

    @property
    def client_side(self) -> str:
        """For a request that got no answer."""
        return f"{self._prefix}.SdkClientException"

    def failure(self, response: Mapping[str, Any], shapes: Iterable[Any]) -> ServiceFailure:
        """The failure for an error answer. shapes: of the service's errors, whichever operation they belong to."""
        error, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
        code, text = str(error.get("Code", "")), str(error.get("Message", ""))
        known = {str(shape.error_code): str(shape.name) for shape in shapes}
        known |= {name: name for name in known.values()}
        name = self.general
        if code in known:
            name = f"{self._prefix}.{self._exception(known[code])}"
        status, request_id = metadata.get("HTTPStatusCode", 400), metadata.get("RequestId", "")
        if self._is_sdk:
            detail = f"Service: {self._name}, Status Code: {status}, Request ID: {request_id}"
        else:
            detail = f"Service: {self._old_name}; Status Code: {status}; Error Code: {code}; Request ID: {request_id}"
            detail += "; Proxy: null"
        return ServiceFailure(name, f"{text} ({detail})")

    def _exception(self, shape: str) -> str:
        """The name of an exception in the SDK: `DbClusterNotFoundException` for DBClusterNotFoundFault."""
        name = shape.removesuffix("Exception")
        return f"{java_name(name.removesuffix('Fault')) if self._is_sdk else name}Exception"


def java_name(service_id: str) -> str:
    """A name of a class in AWS's SDK for Java: `DynamoDb` for DynamoDB, `Sqs` for SQS, `S3` for S3."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", service_id)
    return "".join(word if word.isdigit() else word[:1].upper() + word[1:].lower() for word in words)


def invoke_function(client: Any, name: str, payload: JSON) -> JSON:
    """The answer of a Lambda function. Raises: ServiceFailure, with the function's own error where it raised one."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client.invoke(FunctionName=name, Payload=dumps(payload).encode())
        body = answer["Payload"].read().decode("utf-8", "replace")
    except ClientError as error:
        names = _Names("lambda", "Lambda", is_sdk=False)
        raise names.failure(error.response, client.meta.service_model.error_shapes) from error
    except BotoCoreError as error:
        raise ServiceFailure("Lambda.SdkClientException", str(error)) from error
    if answer.get("FunctionError"):
        raise function_failure(body)
    try:
        result: JSON = loads(body) if body else None
    except (ValueError, RecursionError):
        result = body
    return result


def function_failure(body: str) -> ServiceFailure:
    """The failure for the error object of a Lambda function."""
    try:
        error = loads(body)
    except (ValueError, RecursionError):
        error = None
    name = error.get("errorType") if isinstance(error, dict) else None
    return ServiceFailure(str(name or "Lambda.Unknown"), body)
