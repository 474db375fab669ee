"""Reading the body of a request: JSON of the types that the model names."""

import re
from collections.abc import Callable
from typing import Any

from pupline.errors import SourceError
from pupline.json_values import parse_json
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions.protocol._model import Shape
from pupline.text import printable

_SURROGATE = re.compile(r"[\ud800-\udfff]")

_MAX_DEPTH = 16
"""Levels in a request; the deepest of the model has five. Documents are texts in it."""

_A_STRUCTURE = "a structure"


def read_request(body: bytes, shape: Shape, max_bytes: int) -> dict[str, Any]:
    """The parameters in a body, without nulls. Members that the model does not have, as it may be older, stay.

    Raises: ApiError (SerializationException) for what is not JSON, or has a value of another type.
    """
    try:
        value = parse_json(body or b"{}", max_bytes=max_bytes, max_depth=_MAX_DEPTH)
    except SourceError as error:
        raise ApiError("SerializationException", printable(str(error), 300)) from error
    read: dict[str, Any] = _structure(value, shape)
    return read


def _structure(value: Any, shape: Shape) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mismatch(value, _A_STRUCTURE)
    members = shape.members
    return {
        name: _read(item, members[name]) if name in members else item
        for name, item in sorted(value.items())  # AWS reports the first of these
        if item is not None
    }


def _list(value: Any, shape: Shape) -> list[Any]:
    if not isinstance(value, list):
        raise _mismatch(value, "a list")
    return [None if item is None else _read(item, shape.member) for item in value]


def _map(value: Any, shape: Shape) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mismatch(value, "a map")
    return {key: _read(item, shape.value) for key, item in value.items() if item is not None}


def _string(value: Any, _shape: Shape) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, "a String")
    if _SURROGATE.search(value):  # half of a pair, which neither UTF-8 nor the database can hold
        raise ApiError("SerializationException", "Invalid UTF-16 surrogate in a String")
    return value


def _boolean(value: Any, _shape: Shape) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(value, "a Boolean")
    return value


def _integer(value: Any, _shape: Shape) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(value, "an Integer")
    return int(value)  # AWS drops a fraction


def _number(value: Any, _shape: Shape) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(value, "a Number")
    return value


_READERS: dict[str, Callable[[Any, Shape], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "timestamp": _number,
}


def _read(value: Any, shape: Shape) -> Any:
    return _READERS[shape.type_name](value, shape)


def _mismatch(value: Any, wanted: str) -> ApiError:
    """AWS names the kind of token that it found."""
    if isinstance(value, list):
        return ApiError("SerializationException", "Start of list found where not expected")
    if isinstance(value, dict):
        return ApiError("SerializationException", "Start of structure or map found where not expected.")
    if wanted == _A_STRUCTURE:
        return ApiError("SerializationException", "Expected null")
    token = {str: "STRING_VALUE", bool: "TRUE_VALUE" if value else "FALSE_VALUE"}.get(type(value), "NUMBER_VALUE")
    return ApiError("SerializationException", f"{token} can not be converted to {wanted}")
