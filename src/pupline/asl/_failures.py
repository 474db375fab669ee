"""Failures of a state that are not an expression's own: they are raised like one and end the state like one."""

from pupline.asl._retry import DATA_LIMIT_EXCEEDED
from pupline.asl._values import EvaluationError

QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"

#: The code of what is good States Language, and not done here. AWS has no such code.
NOT_SUPPORTED = "NOT_SUPPORTED"


class DataLimitExceeded(EvaluationError):
    """A result, output or Assign is larger than the quota. The cause stands alone, without the state and event id.

    name: the state's name, `lambda` for lambda:invoke, the function's ARN for a Lambda resource.
    """

    def __init__(self, name: str) -> None:
        text = "returned a result with a size exceeding the maximum number of bytes service limit."
        super().__init__(DATA_LIMIT_EXCEEDED, f"The state/task '{name}' {text}")


class TimestampProblem(EvaluationError):
    """Wait's Timestamp is none: its EvaluationFailed follows WaitStateEntered, unlike all others."""
