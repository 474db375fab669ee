"""The constraints of the model: what a request must have, lengths, ranges, patterns, enums; in AWS's words."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pupline.regex import safe_compile
from pupline.stepfunctions._errors import ApiError, invalid
from pupline.stepfunctions.protocol._model import Shape

_SHOWN = 4096
"""Characters of a value in a message; the longest token that AWS was seen to repeat has 3,097."""

_BUCKETS = 32
"""Of the Java set; the recorded orders fit this number."""


def check_constraints(parameters: dict[str, Any], shape: Shape) -> None:
    """Raises: ApiError (ValidationException) with every constraint that is not met."""
    found = list(_structure(parameters, shape, ""))
    if found:
        raise _error(found)


def _error(found: list[str]) -> ApiError:
    count = "1 validation error" if len(found) == 1 else f"{len(found)} validation errors"
    return invalid(f"{count} detected: {'; '.join(found)}")


def _structure(value: dict[str, Any], shape: Shape, path: str) -> Iterator[str]:
    for name, member in sorted(shape.members.items()):  # AWS's order
        where = f"{path}{name}"
        if name in value:
            yield from _problems(value[name], member, where)
        elif name in shape.required_members:
            yield f"Value null at '{where}' failed to satisfy constraint: Member must not be null"


def _problems(value: Any, shape: Shape, path: str) -> Iterator[str]:
    kind = shape.type_name
    if value is None:
        yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"
    elif kind == "structure":
        yield from _structure(value, shape, f"{path}.")
    elif kind == "list":
        yield from _bounds(len(value), value, shape, path, "length")
        for at, item in enumerate(value, start=1):
            yield from _problems(item, shape.member, f"{path}.{at}.member")
    elif kind == "string":
        yield from _bounds(len(value), value, shape, path, "length")
        yield from _words(value, shape, path)
    elif kind in ("integer", "long", "float", "double"):
        yield from _bounds(value, value, shape, path, "value")


def _bounds(size: float, value: Any, shape: Shape, path: str, measure: str) -> Iterator[str]:
    limits = shape.metadata
    if "min" in limits and size < limits["min"]:
        yield _broken(value, shape, path, f"Member must have {measure} greater than or equal to {limits['min']}")
    if "max" in limits and size > limits["max"]:
        yield _broken(value, shape, path, f"Member must have {measure} less than or equal to {limits['max']}")


def _words(value: str, shape: Shape, path: str) -> Iterator[str]:
    limits = shape.metadata
    if "enum" in limits and value not in limits["enum"]:
        yield _broken(
            value, shape, path, f"Member must satisfy enum value set: [{', '.join(_in_java_order(limits['enum']))}]"
        )
    if "pattern" in limits and not _compiled(limits["pattern"]).fullmatch(value):
        yield _broken(value, shape, path, f"Member must satisfy regular expression pattern: {limits['pattern']}")


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the model, which is Java's."""
    return safe_compile(pattern.replace(r"\p{ASCII}", r"[\x00-\x7f]"))


def _in_java_order(words: Iterable[str]) -> list[str]:
    """The words of an enum in AWS's order, which is that of a Java set: by their hash codes."""
    return sorted(words, key=_hash_code)


def _hash_code(word: str) -> int:
    code = 0
    for letter in word:
        code = 31 * code + ord(letter)
    return code % _BUCKETS


def _broken(value: Any, shape: Shape, path: str, constraint: str) -> str:
    """One constraint. AWS leaves out values that the model calls sensitive."""
    text = _text(value, shape)
    shown = f"'{text if len(text) <= _SHOWN else text[:_SHOWN]}' " if not shape.metadata.get("sensitive") else ""
    return f"Value {shown}at '{path}' failed to satisfy constraint: {constraint}"


def _text(value: Any, shape: Shape) -> str:
    """A value as Java prints it."""
    if shape.type_name == "structure":
        members = (f"{name}={_text(item, shape.members[name])}" for name, item in value.items())
        return f"{shape.name}({', '.join(members)})"
    if shape.type_name == "list":
        return f"[{', '.join(_text(item, shape.member) for item in value)}]"
    return str(value)
