"""The input of an execution, as StartExecution accepts it."""

from pupline.asl._errors import InvalidExecutionInput
from pupline.asl._texts import MAX_PAYLOAD_BYTES, Texts, payload_bytes
from pupline.json_values import AnyJSON, NotJSON, copy_and_text


def execution_input(value: AnyJSON) -> AnyJSON:
    """A copy of the input of a new execution. Raises: InvalidExecutionInput when it is not JSON, or too large."""
    return measured_input(value)[0]


def measured_input(value: AnyJSON, *, for_history: bool = True) -> tuple[AnyJSON, Texts]:
    """(a copy of the input of a new execution, its texts, which have that of the input), for `Execution`.

    for_history: of `Texts`.

    Raises: InvalidExecutionInput when it is not JSON, or too large.
    """
    try:
        copy, text = copy_and_text(value)
    except NotJSON as problem:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{problem}'") from problem
    if payload_bytes(text) > MAX_PAYLOAD_BYTES:
        raise InvalidExecutionInput(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_PAYLOAD_BYTES}",
            "ValidationException",
        )
    texts = Texts(for_history=for_history)
    texts.remember(copy, text)
    return copy, texts


def texts_for(value: AnyJSON) -> Texts:
    """The texts for an input that was not measured. Raises: InvalidExecutionInput when it is nested too deeply."""
    texts = Texts()
    try:
        texts.exceeds_quota(value)
    except RecursionError as err:
        text = "Invalid State Machine Execution Input: 'the value is nested too deeply'"
        raise InvalidExecutionInput(text) from err
    return texts
