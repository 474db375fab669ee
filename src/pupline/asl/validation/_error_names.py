"""Warnings about Error Names that are mistyped, and so match nothing."""

from pupline.asl import _errors as errors
from pupline.asl.validation._report import Report
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


def warn_about_error_names(report: Report) -> None:
    """Warn of each Error Name in Retry and Catch that cannot occur, and is close to one that can."""
    for place in report.handled:
        name: str = place.value
        if name in report.raised or name in _STATES or name in _LAMBDA or not report.gives_hints:
            continue
        known = _STATES if name.startswith("States.") else _LAMBDA if name.startswith("Lambda.") else ()
        meant = closest(name, known)
        if meant is not None:
            place.warn("UNKNOWN_ERROR_NAME", f"There is no error '{name}'.", hint=f"Did you mean '{meant}'?")
