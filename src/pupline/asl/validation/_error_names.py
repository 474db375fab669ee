"""Warnings about Error Names that are mistyped, and so match nothing."""

from pupline.asl import _errors as errors
from pupline.asl.validation._report import Place
from pupline.asl.validation._suggest import closest

_STATES = (
    errors.ALL, errors.RUNTIME, errors.TASK_FAILED, errors.TIMEOUT, errors.HEARTBEAT_TIMEOUT,
    errors.DATA_LIMIT_EXCEEDED, errors.QUERY_EVALUATION_ERROR, "States.BranchFailed",
    "States.ExceedToleratedFailureThreshold", "States.IntrinsicFailure", "States.ItemReaderFailed",
    "States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions", "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
)  # fmt: skip
"""Source: States Language, "Errors"; AWS, "Handling errors in Step Functions workflows"."""

_LAMBDA = (
    "Lambda.AWSLambdaException", "Lambda.ClientExecutionTimeoutException", "Lambda.SdkClientException",
    "Lambda.ServiceException", "Lambda.TooManyRequestsException", "Lambda.Unknown",
)  # fmt: skip
"""Those that AWS recommends to retry. The service has more, so only a name close to one of these is in doubt."""


def warn_about_error_name(place: Place) -> None:
    """Warn when an Error Name cannot occur: names that begin with `States.` are reserved."""
    name: str = place.value
    if name.startswith("States.") and name not in _STATES and not name.startswith("States.Http."):
        meant = closest(name, _STATES)
        hint = f"Did you mean '{meant}'?" if meant else "Only Step Functions raises errors that begin with 'States.'."
        place.warn("UNKNOWN_ERROR_NAME", f"There is no error '{name}'.", hint=hint)
    elif name.startswith("Lambda.") and name not in _LAMBDA:
        meant = closest(name, _LAMBDA)
        if meant is not None:
            place.warn("UNKNOWN_ERROR_NAME", f"Lambda does not raise '{name}'.", hint=f"Did you mean '{meant}'?")
