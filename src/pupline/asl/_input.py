"""The input of an execution, as StartExecution accepts it."""

from pupline.asl._errors import InvalidExecutionInput
from pupline.asl._size_quota import MAX_PAYLOAD_BYTES, SizeQuota
from pupline.json_values import AnyJSON, NotJSON, copy_and_text, depth_of

_LARGE = 1_000
"""Bytes of an input from which on its size is worth remembering: a smaller one is measured when a state changes it."""


def execution_input(value: AnyJSON) -> AnyJSON:
    """A copy of the input of a new execution. Raises: InvalidExecutionInput when it is not JSON, or too large."""
    return measured_input(value)[0]


def measured_input(value: AnyJSON) -> tuple[AnyJSON, SizeQuota]:
    """(a copy of the input of a new execution, its quota, which knows the size of a large one), for `Execution`.

    Raises: InvalidExecutionInput when it is not JSON, or too large.
    """
    try:
        copy, text = copy_and_text(value)
    except NotJSON as problem:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{problem}'") from problem
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_PAYLOAD_BYTES:
        raise InvalidExecutionInput(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_PAYLOAD_BYTES}",
            "ValidationException",
        )
    quota = SizeQuota()
    if size > _LARGE:
        quota.remember(copy, size, depth_of(copy))
    return copy, quota


def quota_for(value: AnyJSON) -> SizeQuota:
    """The quota of an input that was not measured. Raises: InvalidExecutionInput when it is nested too deeply."""
    quota = SizeQuota()
    try:
        quota.exceeds(value)
    except RecursionError as err:
        text = "Invalid State Machine Execution Input: 'the value is nested too deeply'"
        raise InvalidExecutionInput(text) from err
    return quota
