"""The intrinsic functions. Source: States Language, appendix B; edge cases as recorded on AWS."""

import base64
import binascii
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from pupline.asl._expression import Scope
from pupline.asl._functions import FunctionFailure, JavaRandom, digest, generator, limited, new_uuid, parse_json, shown
from pupline.asl._values import java_text
from pupline.choice_rules import is_number
from pupline.json_values import AnyJSON, dumps

MAX_RANGE = 1_000
"""Elements that ArrayRange makes. Source: the same page."""


@dataclass(frozen=True, slots=True)
class IntrinsicFunction:
    """An intrinsic function: apply(scope, *arguments), and how many arguments it takes."""

    apply: Callable[..., AnyJSON]
    least: int
    most: int


def _array(name: str, value: AnyJSON) -> list[AnyJSON]:
    if not isinstance(value, list):
        raise FunctionFailure(f"Invalid arguments in {name}: expected an array but got {shown(value)}")
    return value


def _text(name: str, value: AnyJSON) -> str:
    if not isinstance(value, str):
        raise FunctionFailure(f"Invalid arguments in {name}: expected a string but got {shown(value)}")
    return value


def _integer(name: str, value: AnyJSON) -> int:
    """A number rounded as Java's Math.round does: halves towards plus infinity."""
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)):
        raise FunctionFailure(f"Invalid arguments in {name}: expected a number but got {shown(value)}")
    floor: int = math.floor(value)
    return floor + 1 if value - floor >= 0.5 else floor


def equality_key(value: AnyJSON) -> object:
    """A hashable key: two JSON values are equal exactly when their keys are. True is not 1, but 1 is 1.0."""
    if isinstance(value, dict):
        return ("object", frozenset((key, equality_key(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(equality_key(item) for item in value))
    return ("boolean", value) if isinstance(value, bool) else value


def format_parts(template: str) -> list[str]:
    r"""A States.Format template split at its `{}` placeholders, with `\{`, `\}`, `\'` and `\\` unescaped."""
    parts = [""]
    for piece in re.findall(r"\\[{}'\\]|\{\}|[^\\{]+|[\\{]", template):
        if piece == "{}":
            parts.append("")
        else:
            parts[-1] += piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece
    return parts


def _format(_: Scope, template: AnyJSON, *values: AnyJSON) -> AnyJSON:
    parts = format_parts(_text("States.Format", template))
    if len(parts) != len(values) + 1:
        raise FunctionFailure(f"the template has {len(parts) - 1} placeholders but {len(values)} arguments were given")
    return parts[0] + "".join(java_text(value) + part for value, part in zip(values, parts[1:], strict=True))


def _partition(_: Scope, array: AnyJSON, size: AnyJSON) -> AnyJSON:
    items, step = _array("States.ArrayPartition", array), _integer("States.ArrayPartition", size)
    if step <= 0:
        raise FunctionFailure(f"Invalid arguments in States.ArrayPartition: the chunk size {step} is not positive")
    return [items[at : at + step] for at in range(0, len(items), step)]


def _contains(_: Scope, array: AnyJSON, value: AnyJSON) -> AnyJSON:
    wanted = equality_key(value)
    return any(equality_key(item) == wanted for item in _array("States.ArrayContains", array))


def _range(_: Scope, first: AnyJSON, last: AnyJSON, step: AnyJSON) -> AnyJSON:
    start, stop, by = (_integer("States.ArrayRange", value) for value in (first, last, step))
    if by == 0:
        raise FunctionFailure("Invalid arguments in States.ArrayRange: the step must not be 0")
    numbers = range(start, stop + (1 if by > 0 else -1), by)
    if (abs(stop - start) // abs(by)) >= MAX_RANGE and numbers:
        raise FunctionFailure(f"Invalid arguments in States.ArrayRange: more than {MAX_RANGE} elements")
    return list(numbers)


def _get_item(_: Scope, array: AnyJSON, index: AnyJSON) -> AnyJSON:
    items, at = _array("States.ArrayGetItem", array), _integer("States.ArrayGetItem", index)
    if not 0 <= at < len(items):
        message = f"Invalid arguments in States.ArrayGetItem: index {at} is not in an array of {len(items)}"
        raise FunctionFailure(message)
    return items[at]


def _unique(_: Scope, array: AnyJSON) -> AnyJSON:
    return list({equality_key(item): item for item in reversed(_array("States.ArrayUnique", array))}.values())[::-1]


def _base64_encode(_: Scope, value: AnyJSON) -> AnyJSON:
    text = limited("States.Base64Encode", _text("States.Base64Encode", value))
    return base64.b64encode(text.encode(errors="replace")).decode()


def _base64_decode(_: Scope, value: AnyJSON) -> AnyJSON:
    text = limited("States.Base64Decode", _text("States.Base64Decode", value))
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode(errors="replace")
    except (binascii.Error, ValueError) as err:
        raise FunctionFailure(f"Invalid arguments in States.Base64Decode: {shown(text)} is not Base64") from err


def _merge(_: Scope, left: AnyJSON, right: AnyJSON, deep: AnyJSON) -> AnyJSON:
    if not isinstance(left, dict) or not isinstance(right, dict):
        raise FunctionFailure("Invalid arguments in States.JsonMerge: the first two must be objects")
    if deep is not False:
        raise FunctionFailure("Invalid arguments in States.JsonMerge: deep merging is not supported; pass false")
    return {**left, **right}


def _math_add(_: Scope, left: AnyJSON, right: AnyJSON) -> AnyJSON:
    return _integer("States.MathAdd", left) + _integer("States.MathAdd", right)


def _math_random(scope: Scope, first: AnyJSON, last: AnyJSON, seed: AnyJSON = None) -> AnyJSON:
    start, stop = _integer("States.MathRandom", first), _integer("States.MathRandom", last)
    if stop <= start:
        raise FunctionFailure(f"Invalid arguments in States.MathRandom: {stop} is not greater than {start}")
    size = stop - start
    if seed is None:
        return generator(scope).randrange(start, stop)
    seeded = JavaRandom(_integer("States.MathRandom", seed))
    return start + (seeded.below(size) if size < 2**31 else int(seeded.random() * size))


def _split(_: Scope, value: AnyJSON, delimiters: AnyJSON) -> AnyJSON:
    """The second argument is a set of single-character delimiters, and empty parts are dropped, as on AWS."""
    text, marks = _text("States.StringSplit", value), _text("States.StringSplit", delimiters)
    if not marks:
        return [text] if text else []
    return [part for part in re.split(f"[{re.escape(marks)}]", text) if part]


FUNCTIONS: dict[str, IntrinsicFunction] = {
    "States.Format": IntrinsicFunction(_format, 1, 1000),
    "States.StringToJson": IntrinsicFunction(lambda _, text: parse_json(_text("States.StringToJson", text)), 1, 1),
    "States.JsonToString": IntrinsicFunction(lambda _, value: dumps(value), 1, 1),
    "States.Array": IntrinsicFunction(lambda _, *values: list(values), 0, 1000),
    "States.ArrayPartition": IntrinsicFunction(_partition, 2, 2),
    "States.ArrayContains": IntrinsicFunction(_contains, 2, 2),
    "States.ArrayRange": IntrinsicFunction(_range, 3, 3),
    "States.ArrayGetItem": IntrinsicFunction(_get_item, 2, 2),
    "States.ArrayLength": IntrinsicFunction(lambda _, array: len(_array("States.ArrayLength", array)), 1, 1),
    "States.ArrayUnique": IntrinsicFunction(_unique, 1, 1),
    "States.Base64Encode": IntrinsicFunction(_base64_encode, 1, 1),
    "States.Base64Decode": IntrinsicFunction(_base64_decode, 1, 1),
    "States.Hash": IntrinsicFunction(lambda _, value, algorithm: digest(value, algorithm), 2, 2),
    "States.JsonMerge": IntrinsicFunction(_merge, 3, 3),
    "States.MathRandom": IntrinsicFunction(_math_random, 2, 3),
    "States.MathAdd": IntrinsicFunction(_math_add, 2, 2),
    "States.StringSplit": IntrinsicFunction(_split, 2, 2),
    "States.UUID": IntrinsicFunction(lambda scope: new_uuid(scope), 0, 0),
}
