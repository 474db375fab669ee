"""Integrations: the events of a Task, the driver's call, and the result, for each kind of Resource.

Another optimised integration is one more class, and a line in `integration_for`.
"""

import base64
from contextlib import suppress

from pupline.asl._context import REGION
from pupline.asl._errors import RUNTIME, EvaluationError
from pupline.asl._history import EventKind, HistoryEvent, ToText, failure, fixed, named, output
from pupline.asl.states._resource import UNFILLED, read_resource
from pupline.json_values import AnyJSON, dumps, loads


class Integration:
    """A service: the driver's callable gets the arguments, and its answer is the result, unchanged.

    limited_name: the task's name in the cause of States.DataLimitExceeded.
    waits_for_token: the task ends when its token is sent back. submits: TaskSubmitted comes before the result.
    Values of `scheduled`: payload, timeout, heartbeat, role ARN of the Credentials (each of the last three or None).
    """

    __slots__ = (
        "failed",
        "limited_name",
        "resource",
        "scheduled",
        "started",
        "submit_failed",
        "submits",
        "submitted",
        "succeeded",
        "timed_out",
        "waits_for_token",
    )

    def __init__(self, resource: str, service: str, action: str) -> None:
        names: dict[str, AnyJSON] = {"resourceType": service, "resource": action}
        self.resource = resource
        self.limited_name = service
        self.waits_for_token = action.endswith(".waitForTaskToken")
        self.submits = self.waits_for_token or ".sync" in action
        self.scheduled = _task_scheduled(names)
        self.started = fixed("TaskStarted", **names)
        self.submitted = output("TaskSubmitted", **names)
        self.submit_failed = failure("TaskSubmitFailed", **names)
        self.succeeded = output("TaskSucceeded", **names)
        self.failed = failure("TaskFailed", **names)
        self.timed_out = failure("TaskTimedOut", **names)

    def call(self, arguments: AnyJSON) -> tuple[str, AnyJSON]:
        """(resource, payload) of the InvokeTask command."""
        return self.resource, arguments

    def result(self, answer: AnyJSON, arguments: AnyJSON) -> AnyJSON:  # noqa: ARG002 - for subclasses
        """The state's result for the driver's answer to a call with `arguments`."""
        return answer

    def cause(self, cause: str | None) -> str | None:
        """The Cause of a failure that the driver reports with `cause`."""
        return cause


class LambdaFunction(Integration):
    """A Lambda function by its ARN: the input is the event, and the function's answer is the result."""

    __slots__ = ()

    def __init__(self, resource: str) -> None:
        super().__init__(resource, "lambda", "function")
        self.limited_name = resource
        self.scheduled = _lambda_function_scheduled(resource)
        self.started = EventKind("LambdaFunctionStarted")
        self.succeeded = output("LambdaFunctionSucceeded")
        self.failed = failure("LambdaFunctionFailed")
        self.timed_out = failure("LambdaFunctionTimedOut")


class Activity(Integration):
    """An activity by its ARN: the arguments are the worker's input, and its answer is the result."""

    __slots__ = ()

    def __init__(self, resource: str) -> None:
        super().__init__(resource, "activity", "activity")
        self.limited_name = resource
        self.scheduled = _activity_scheduled(resource)
        self.started = named("ActivityStarted", "workerName")
        self.succeeded = output("ActivitySucceeded")
        self.failed = failure("ActivityFailed")
        self.timed_out = failure("ActivityTimedOut")


_LOG = "START RequestId: {0} Version: $LATEST\nEND RequestId: {0}\nREPORT RequestId: {0}\n"
_LOG_RESULT = base64.b64encode(_LOG.format("00000000-0000-0000-0000-000000000000").encode()).decode()


class LambdaInvoke(Integration):
    """The optimised Lambda integration: the arguments name the function, and the result holds its answer as Payload."""

    __slots__ = ()

    def call(self, arguments: AnyJSON) -> tuple[str, AnyJSON]:
        """The function named by FunctionName, with Payload as the event.

        No Payload, or null, is {}. A string is sent as it is, so the function gets the JSON value that it holds.
        """
        if not isinstance(arguments, dict) or not isinstance(arguments.get("FunctionName"), str):
            raise EvaluationError(RUNTIME, "The Parameters of lambda:invoke must name a FunctionName (a string)")
        payload = arguments.get("Payload")
        if isinstance(payload, str):
            with suppress(ValueError, RecursionError):
                payload = loads(payload)
        return arguments["FunctionName"], {} if payload is None else payload

    def result(self, answer: AnyJSON, arguments: AnyJSON) -> AnyJSON:
        """The answer as Payload, with the other fields of the Invoke API's response.

        The two SDK objects hold HTTP headers on AWS; there is no HTTP here, so they hold only the status. LogResult,
        for LogType "Tail", holds the lines that Lambda itself writes; the function's own output is not captured.
        """
        asks_for_log = isinstance(arguments, dict) and arguments.get("LogType") == "Tail"
        return {
            "ExecutedVersion": "$LATEST",
            **({"LogResult": _LOG_RESULT} if asks_for_log else {}),
            "Payload": answer,
            "SdkHttpMetadata": {"HttpStatusCode": 200},
            "SdkResponseMetadata": {},
            "StatusCode": 200,
        }

    def cause(self, cause: str | None) -> str | None:
        """A function's error object in compact JSON, as AWS prints it here."""
        if cause is None or not cause.startswith("{"):
            return cause
        try:
            return dumps(loads(cause))
        except (ValueError, RecursionError):
            return cause


def integration_for(arn: str) -> Integration:
    """The integration of a Task's Resource; one that AWS does not recognise is taken for a service's."""
    resource = read_resource(arn)
    if resource is None or resource is UNFILLED:
        # A name or a placeholder alone is a Lambda function of that name, here as in the answers for Tasks.
        parts = arn.rsplit(":", 2)
        is_service = len(parts) == 3 and arn.startswith("arn:") and ":lambda:" not in arn
        return Integration(arn, parts[1], parts[2]) if is_service else LambdaFunction(arn)
    if resource.kind == "activity":
        return Activity(arn)
    if resource.kind == "function":
        return LambdaFunction(arn)
    action = resource.action + resource.pattern
    if resource.kind == "aws-sdk":
        return Integration(arn, f"aws-sdk:{resource.service}", action)
    return (LambdaInvoke if resource.service == "lambda" else Integration)(arn, resource.service, action)


def _task_scheduled(names: dict[str, AnyJSON]) -> EventKind:
    def details(event: HistoryEvent, text: ToText) -> dict[str, AnyJSON]:
        found = {**names, "region": REGION, "parameters": text(event[3])}
        _, _, _, _, timeout, heartbeat, role = event
        return _with_options(found, timeout, heartbeat, role)

    return EventKind("TaskScheduled", "taskScheduledEventDetails", details)


def _lambda_function_scheduled(arn: str) -> EventKind:
    def details(event: HistoryEvent, text: ToText) -> dict[str, AnyJSON]:
        found = {"resource": arn, "input": text(event[3]), "inputDetails": {"truncated": False}}
        _, _, _, _, timeout, _, role = event  # the event has no heartbeatInSeconds
        return _with_options(found, timeout, None, role)

    return EventKind("LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails", details)


def _activity_scheduled(arn: str) -> EventKind:
    def details(event: HistoryEvent, text: ToText) -> dict[str, AnyJSON]:
        found = {"resource": arn, "input": text(event[3]), "inputDetails": {"truncated": False}}
        _, _, _, _, timeout, heartbeat, _ = event  # the event has no taskCredentials
        return _with_options(found, timeout, heartbeat, None)

    return EventKind("ActivityScheduled", "activityScheduledEventDetails", details)


def _with_options(
    details: dict[str, AnyJSON], timeout: int | None, heartbeat: int | None, role: str | None
) -> dict[str, AnyJSON]:
    if timeout is not None:
        details["timeoutInSeconds"] = timeout
    if heartbeat is not None:
        details["heartbeatInSeconds"] = heartbeat
    if role is not None:
        details["taskCredentials"] = {"roleArn": role}
    return details
