"""Error Names of the States Language, and the exceptions of expressions, states and executions."""

from typing import Final

from pupline.errors import PuplineError

ALL: Final = "States.ALL"
RUNTIME: Final = "States.Runtime"
TASK_FAILED: Final = "States.TaskFailed"
TIMEOUT: Final = "States.Timeout"
HEARTBEAT_TIMEOUT: Final = "States.HeartbeatTimeout"
DATA_LIMIT_EXCEEDED: Final = "States.DataLimitExceeded"
QUERY_EVALUATION_ERROR: Final = "States.QueryEvaluationError"

#: The code of a valid definition that pupline does not support. AWS has no such code.
NOT_SUPPORTED: Final = "NOT_SUPPORTED"


class EvaluationError(Exception):
    """An expression, or another part of a state, failed at run time.

    error: the Error Name, such as "States.Runtime" or "States.QueryEvaluationError".
    cause: AWS's text, without the prefix "An error occurred while executing the state ...".
    location: for JSONata, the slash path of the field, such as "Output/result"; else None.
    """

    def __init__(self, error: str, cause: str, location: str | None = None) -> None:
        super().__init__(cause)
        self.error = error
        self.cause = cause
        self.location = location


class DataLimitExceeded(EvaluationError):
    """A result, output or Assign is larger than the quota. The cause stands alone, without the state and event id.

    name: the state's name, `lambda` for lambda:invoke, the function's ARN for a Lambda resource.
    """

    def __init__(self, name: str) -> None:
        text = "returned a result with a size exceeding the maximum number of bytes service limit."
        super().__init__(DATA_LIMIT_EXCEEDED, f"The state/task '{name}' {text}")


class TimestampProblem(EvaluationError):
    """Wait's Timestamp is invalid: its EvaluationFailed follows WaitStateEntered, unlike all others."""


class SyntaxProblem(Exception):
    """A path, template, intrinsic, rule or JSONata expression cannot be compiled.

    path: keys and indices to the problem inside the compiled value; empty for the value itself.
    code: AWS's code.
    reason: what is wrong in the expression, in plain words; the message may be AWS's, which says less.
    position: the index in the expression's text at which parsing stopped, or None.
    """

    def __init__(
        self,
        message: str,
        path: tuple[str | int, ...] = (),
        code: str = "SCHEMA_VALIDATION_FAILED",
        *,
        reason: str | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.code = code
        self.reason = message if reason is None else reason
        self.position = position

    def inside(self, *path: str | int) -> "SyntaxProblem":
        """The same problem, as seen from a value that holds the compiled one at `path`."""
        return self._changed(self.message, (*path, *self.path))

    def reworded(self, message: str) -> "SyntaxProblem":
        """The same problem with another message; reason and position stay."""
        return self._changed(message, self.path)

    def _changed(self, message: str, path: tuple[str | int, ...]) -> "SyntaxProblem":
        return SyntaxProblem(message, path, self.code, reason=self.reason, position=self.position)


class ProtocolError(PuplineError):
    """The driver answered a command that is not waiting: a bug of the driver, or the journal of another execution."""


class InvalidExecutionInput(PuplineError):
    """The input is not valid for an execution; the text is StartExecution's message, `code` its code."""

    def __init__(self, message: str, code: str = "InvalidExecutionInput") -> None:
        super().__init__(message)
        self.code = code
