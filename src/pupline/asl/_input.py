"""The input of an execution, as StartExecution accepts it."""

from pupline.asl._errors import InvalidExecutionInput
from pupline.asl._size_quota import MAX_PAYLOAD_BYTES
from pupline.json_values import AnyJSON, NotJSON, copy_and_text


def execution_input(value: AnyJSON) -> AnyJSON:
    """A copy of the input of a new execution. Raises: InvalidExecutionInput when it is not JSON, or too large."""
    try:
        copy, text = copy_and_text(value)
    except NotJSON as problem:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{problem}'") from problem
    if len(text) > MAX_PAYLOAD_BYTES // 4 and len(text.encode("utf-8", "surrogatepass")) > MAX_PAYLOAD_BYTES:
        raise InvalidExecutionInput(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_PAYLOAD_BYTES}",
            "ValidationException",
        )
    return copy
