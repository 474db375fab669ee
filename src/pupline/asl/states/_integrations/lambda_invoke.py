"""`arn:aws:states:::lambda:invoke`: Arguments name the function and hold its Payload; the result wraps the answer."""

import base64
import re

from pupline.asl._errors import EvaluationError
from pupline.asl.states._integrations.base import Integration
from pupline.json_values import AnyJSON, dumps, loads

_RESOURCE = re.compile(r"arn:aws(?:-[a-z-]+)?:states:[^:]*:[^:]*:lambda:(invoke(?:\.waitForTaskToken)?)")

_LOG = "START RequestId: {0} Version: $LATEST\nEND RequestId: {0}\nREPORT RequestId: {0}\n"
_LOG_RESULT = base64.b64encode(_LOG.format("00000000-0000-0000-0000-000000000000").encode()).decode()


class LambdaInvoke(Integration):
    """The optimised Lambda integration."""

    __slots__ = ()

    def call(self, arguments: AnyJSON) -> tuple[str, AnyJSON]:
        """The function named by FunctionName, with Payload as the event.

        No Payload, or null, is {}. A string is sent as it is, so its JSON is what the function sees.
        """
        if not isinstance(arguments, dict) or not isinstance(arguments.get("FunctionName"), str):
            raise EvaluationError(
                "States.Runtime", "The Parameters of lambda:invoke must name a FunctionName (a string)"
            )
        payload = arguments.get("Payload")
        if isinstance(payload, str):
            payload = _json_or_text(payload)
        return arguments["FunctionName"], {} if payload is None else payload

    def result(self, answer: AnyJSON, arguments: AnyJSON) -> AnyJSON:
        """The answer as Payload, among what the Invoke API says of itself.

        The two SDK objects hold HTTP headers at AWS; there is no HTTP here, so they hold the status alone. LogResult,
        where LogType asks for it, holds the lines that Lambda itself writes: what a function printed is not caught.
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
        """A function's error object is printed anew, without the spaces that the function put in."""
        if cause is None or not cause.startswith("{"):
            return cause
        try:
            return dumps(loads(cause))
        except (ValueError, RecursionError):
            return cause


def _json_or_text(text: str) -> AnyJSON:
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return text


def find(resource: str) -> Integration | None:
    """The integration, when `resource` is lambda:invoke."""
    match = _RESOURCE.fullmatch(resource)
    return LambdaInvoke(resource, "lambda", match[1]) if match else None
