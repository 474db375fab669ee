"""What every integration has."""

from pupline.asl._context import REGION
from pupline.asl._history import Event, EventKind, Text, failure, fixed, output
from pupline.json_values import AnyJSON

_WHOLE: dict[str, AnyJSON] = {"truncated": False}


class Integration:
    """How tasks of one Resource are called and written down.

    limited_name: what the cause of States.DataLimitExceeded calls the task.
    waits_for_token: the task ends when somebody sends its token back. submits: TaskSubmitted comes before the result.
    Values of `scheduled`: payload, timeout, heartbeat, role ARN of the Credentials (each of the last three or None).
    """

    __slots__ = (
        "failed",
        "limited_name",
        "resource",
        "scheduled",
        "started",
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
        self.succeeded = output("TaskSucceeded", **names)
        self.failed = failure("TaskFailed", **names)
        self.timed_out = failure("TaskTimedOut", **names)

    def call(self, arguments: AnyJSON) -> tuple[str, AnyJSON]:
        """(resource, payload) of the InvokeTask command."""
        return self.resource, arguments

    def result(self, answer: AnyJSON, arguments: AnyJSON) -> AnyJSON:  # noqa: ARG002 - other integrations need them
        """The state's result for the driver's answer to a call with `arguments`."""
        return answer

    def cause(self, cause: str | None) -> str | None:
        """The Cause for the driver's one."""
        return cause


def _task_scheduled(names: dict[str, AnyJSON]) -> EventKind:
    def details(event: Event, text: Text) -> dict[str, AnyJSON]:
        found: dict[str, AnyJSON] = {**names, "region": REGION, "parameters": text(event[3])}
        return with_options(found, event)

    return EventKind("TaskScheduled", "taskScheduledEventDetails", details)


def with_options(details: dict[str, AnyJSON], event: Event) -> dict[str, AnyJSON]:
    """The details with the time-outs and credentials that the task has."""
    _, _, _, _, timeout, heartbeat, role = event
    if timeout is not None:
        details["timeoutInSeconds"] = timeout
    if heartbeat is not None:
        details["heartbeatInSeconds"] = heartbeat
    if role is not None:
        details["taskCredentials"] = {"roleArn": role}
    return details
