"""JSON values for jsonata-python and back, and the functions that it lacks, or that need a bound.

AWS adds `$partition`, `$range`, `$hash`, `$random(seed)`, `$uuid` and `$parse`, and leaves out `$eval`. Time and
randomness come from the Scope, so that a replay gets the same.
"""

import json
import math
import random
import re
from collections.abc import Callable
from typing import Any

from jsonata import utils
from jsonata.functions import Functions
from jsonata.jsonata import Jsonata

from pupline.asl._expression import Scope
from pupline.asl._functions import FunctionFailure, digest, generator, new_uuid, parse_json
from pupline.asl._timestamp import epoch_seconds
from pupline.asl.jsonata._bounds import MAX_BYTES, MAX_INTEGER_TEXT, MAX_RANGE, UnsupportedResult, check_size
from pupline.json_values import AnyJSON, dumps

_NULL = utils.Utils.NULL_VALUE
_WIDE = re.compile(r"[,*-][0-9]{4}")


def to_library(value: AnyJSON) -> Any:
    """A JSON value for the library, which has its own null object, as None means undefined to it."""
    if value is None:
        return _NULL
    if not isinstance(value, (dict, list)) or "null" not in dumps(value):
        return value
    return _with_nulls(value)


def _with_nulls(value: AnyJSON) -> Any:
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]
    return _NULL if value is None else value


_NUMBERS_AS_TEXT = {math.inf: "Infinity", -math.inf: "-Infinity"}


def from_library(value: Any) -> AnyJSON:
    """A result of the library as a JSON value. Raises UnsupportedResult."""
    if value is None or value is _NULL:
        return None
    if isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _NUMBERS_AS_TEXT.get(value, "NaN")
    if isinstance(value, utils.Utils.RangeList):
        return list(range(value.a, value.b + 1))
    if isinstance(value, list):
        return [from_library(item) for item in value]
    if isinstance(value, dict):
        return {key: from_library(item) for key, item in value.items()}
    raise UnsupportedResult


def _function(function: Callable[..., Any], signature: str) -> Any:
    return Jsonata.JFunction(Jsonata.JLambda(function), signature)


def _partition(array: list[Any] | None = None, size: float | None = None) -> Any:
    """Chunks of `size` (rounded towards zero); undefined for an empty array or a size below one, as on AWS."""
    if not array or size is None or int(size) < 1:
        return None
    step = int(size)
    return [list(array[at : at + step]) for at in range(0, len(array), step)]


def _range(start: float | None = None, stop: float | None = None, step: float | None = None) -> Any:
    """Numbers from start to stop, which is included when hit; a single one comes bare, as on AWS."""
    if start is None or stop is None or step is None or int(step) == 0:
        return None
    first, last, by = int(start), int(stop), int(step)
    numbers = range(first, last + (1 if by > 0 else -1), by)
    if not numbers:
        return None
    check_size((numbers[-1] - first) // by + 1, MAX_RANGE)
    return utils.Utils.create_sequence_from_iter(numbers)


def _hash(text: str | None = None, algorithm: str | None = None) -> str | None:
    return None if text is None or algorithm is None else digest(text, algorithm)


def _parse(text: str | None = None) -> Any:
    return None if text is None else to_library(parse_json(text))


def _pad(text: str | None = None, width: float | None = None, char: str | None = None) -> Any:
    """The library's own $pad, with a limit on the length of its result."""
    check_size(abs(width or 0), MAX_BYTES)
    return Functions.pad(text, None if width is None else int(width), char)


def _distinct(array: Any = None) -> Any:
    """$distinct in linear time, with `true` and 1 distinct, unlike the library's own."""
    if not isinstance(array, list) or len(array) <= 1:
        return array
    found: dict[object, Any] = {}
    for item in array:
        found.setdefault(_equality_key(item), item)
    distinct = utils.Utils.create_sequence() if isinstance(array, utils.Utils.JList) else []
    distinct.extend(found.values())
    return distinct


def _equality_key(value: Any) -> object:
    """A hashable key: two values are equal exactly when their keys are."""
    try:
        return json.dumps(from_library(value), sort_keys=True)
    except UnsupportedResult:  # a function is equal to itself only
        return id(value)


def _parse_integer(text: str | None = None, picture: str | None = None) -> Any:
    check_size(MAX_BYTES * (len(text or "") > MAX_INTEGER_TEXT) * 2, MAX_BYTES)
    return Functions.parse_integer(text, picture)


def _from_millis(millis: float | None = None, picture: str | None = None, zone: str | None = None) -> Any:
    return Functions.datetime_from_millis(millis, _check_width(picture), zone)


def _to_millis(text: str | None = None, picture: str | None = None) -> Any:
    return Functions.datetime_to_millis(text, _check_width(picture))


def _check_width(picture: str | None) -> str | None:
    """The picture itself. Raises FunctionFailure for widths so large that the library would build huge numbers."""
    if picture is not None and _WIDE.search(picture):
        raise FunctionFailure(f"the picture {picture[:60]!r} has a width of over 999 characters")
    return picture


def _random(scope: Scope) -> Any:
    def draw(seed: float | None = None) -> float:
        return generator(scope).random() if seed is None else random.Random(int(seed)).random()  # noqa: S311

    return _function(draw, "<n?:n>")


def _shuffle(scope: Scope) -> Any:
    def shuffle(array: list[Any] | None = None) -> list[Any] | None:
        return None if array is None else generator(scope).sample(list(array), len(array))

    return _function(shuffle, "<a:a>")


def _milliseconds(scope: Scope) -> int:
    """The time at which the state was entered: a clock would differ in a replay."""
    context = scope.context if isinstance(scope.context, dict) else {}
    entered = epoch_seconds((context.get("State") or {}).get("EnteredTime"))
    return round((entered or 0) * 1000)


def _now(scope: Scope) -> Any:
    def now(picture: str | None = None, zone: str | None = None) -> Any:
        return _from_millis(_milliseconds(scope), picture, zone)

    return _function(now, "<s?s?:s>")


SCOPE_FUNCTIONS: dict[str, Callable[[Scope], Any]] = {
    "now": _now,
    "millis": lambda scope: _function(lambda: _milliseconds(scope), "<:n>"),
    "random": _random,
    "shuffle": _shuffle,
    "uuid": lambda scope: _function(lambda: new_uuid(scope), "<:s>"),
}
"""Functions whose results depend on the Scope; they are bound only for expressions that name them."""


def _base_frame() -> Any:
    frame = Jsonata.Frame(Jsonata.static_frame)
    functions = {
        "partition": _function(_partition, "<an:a>"),
        "range": _function(_range, "<nnn?:a>"),
        "hash": _function(_hash, "<ss?:s>"),
        "parse": _function(_parse, "<s:x>"),
        "pad": _function(_pad, "<s-ns?:s>"),
        "distinct": _function(_distinct, "<x:x>"),
        "parseInteger": _function(_parse_integer, "<s-s:n>"),
        "fromMillis": _function(_from_millis, "<n-s?s?:s>"),
        "toMillis": _function(_to_millis, "<s-s?:n>"),
        "eval": None,
    }
    for name, function in functions.items():
        frame.bind(name, function)
    return frame


BASE = _base_frame()
BUILT_IN = frozenset({*Jsonata.static_frame.bindings, *BASE.bindings, *SCOPE_FUNCTIONS, "", "$"})
