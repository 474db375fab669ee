"""Writing answers and errors as AWS JSON 1.0. Times are numbers: seconds since the epoch, with milliseconds."""

from typing import Any

from pupline.json_values import dumps
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions.protocol._model import Shape


def write_answer(answer: dict[str, Any], shape: Shape) -> bytes:
    """The body of an answer. Members that are None are left out; those that an older model does not have stay."""
    return _encoded(_value(answer, shape))


def write_error(error: ApiError) -> bytes:
    """The body of an error: its type is `__type`. AWS writes Message for a request that could not be read."""
    message = "Message" if error.code == "SerializationException" else "message"
    return _encoded({"__type": error.code, message: error.message, **error.members})


def _encoded(value: Any) -> bytes:
    return dumps(value).encode("utf-8", "replace")


def _value(value: Any, shape: Shape) -> Any:
    kind = shape.type_name
    if kind == "structure":
        members = shape.members
        return {
            name: _value(item, members[name]) if name in members else item
            for name, item in value.items()
            if item is not None
        }
    if kind == "list":
        return [_value(item, shape.member) for item in value]
    if kind == "map":
        return {key: _value(item, shape.value) for key, item in value.items()}
    return round(value, 3) if kind == "timestamp" else value
