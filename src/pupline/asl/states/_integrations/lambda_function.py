"""A Lambda function by its ARN as the Resource: the input is the event, the result is what the function returns."""

import re

from pupline.asl._history import Event, EventKind, Text, failure, output, plain
from pupline.asl.states._integrations.base import Integration, with_options
from pupline.json_values import AnyJSON

_ARN = re.compile(r"arn:aws(?:-[a-z-]+)?:lambda:[^:]*:[^:]*:function:(.+)")


class LambdaFunction(Integration):
    """LambdaFunctionScheduled, ...Started, ...Succeeded, ...Failed, ...TimedOut."""

    __slots__ = ()

    def __init__(self, resource: str) -> None:
        super().__init__(resource, "lambda", "function")
        self.limited_name = resource
        self.scheduled = _scheduled(resource)
        self.started = plain("LambdaFunctionStarted")
        self.succeeded = output("LambdaFunctionSucceeded")
        self.failed = failure("LambdaFunctionFailed")
        self.timed_out = failure("LambdaFunctionTimedOut")


def _scheduled(resource: str) -> EventKind:
    def details(event: Event, text: Text) -> dict[str, AnyJSON]:
        found: dict[str, AnyJSON] = {
            "resource": resource,
            "input": text(event[3]),
            "inputDetails": {"truncated": False},
        }
        return with_options(found, (*event[:5], None, event[6]))  # the event has no heartbeatInSeconds

    return EventKind("LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails", details)


def find(resource: str) -> Integration | None:
    """The integration, when `resource` is a function's ARN."""
    return LambdaFunction(resource) if _ARN.fullmatch(resource) else None
