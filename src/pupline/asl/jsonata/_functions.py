"""JSON values for jsonata-python and back, and the functions that it lacks, or that need a bound.

AWS adds `$partition`, `$range`, `$hash`, `$random(seed)`, `$uuid` and `$parse`, and leaves out `$eval`. Time and
randomness come from the Scope, so that a replay gets the same.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from jsonata import jexception, utils
from jsonata.functions import Functions
from jsonata.jsonata import Jsonata

from pupline.asl._expression import Scope
from pupline.asl._functions import FunctionFailure, JavaRandom, digest, generator, new_uuid
from pupline.asl._timestamp import epoch_seconds
from pupline.asl.jsonata._bounds import MAX_BYTES, MAX_INTEGER_TEXT, MAX_RANGE, UnsupportedResult, check_size
from pupline.asl.jsonata._builtins import CORRECTED, Native, library_function
from pupline.asl.jsonata._dates import iso_to_millis
from pupline.asl.jsonata._failure import QueryFailure
from pupline.asl.jsonata._numbers import LONG, double, whole
from pupline.asl.jsonata._signatures import signature_of
from pupline.json_values import AnyJSON, dumps

_NULL = utils.Utils.NULL_VALUE
_PICTURE_CODES = {"sequence starting with": "D3130", "modifier can only be": "D3133", "closing bracket": "D3135"}
"""Words in the library's messages that have no code there -> the code."""

_ACTIVE = re.compile(r"[0-9#.,]")
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
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if -LONG <= value < LONG else double(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _NUMBERS_AS_TEXT.get(value, "NaN")
    if isinstance(value, utils.Utils.RangeList):
        return list(range(value.a, value.b + 1))
    if isinstance(value, list):
        return [from_library(item) for item in value]
    if isinstance(value, dict):
        return {key: from_library(item) for key, item in value.items()}
    raise UnsupportedResult


def _partition(array: list[Any] | None = None, size: float | None = None) -> Any:
    """Chunks of `size` (rounded towards zero), one without a size; undefined for an empty array or size, as on AWS."""
    step = len(array or ()) if size is None else int(size)
    if step < 0:
        raise FunctionFailure("Second argument must be zero or greater")
    if not array or step == 0:
        return None
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
    """The value of a JSON text. Raises: FunctionFailure, also for blanks and an object with the same key twice."""
    if text is None:
        return None
    try:
        found = json.loads(text, parse_float=_parsed_number, parse_constant=_refuse, object_pairs_hook=_object)
    except (ValueError, RecursionError) as err:
        raise FunctionFailure("Invalid JSON") from err
    return to_library(found)


def _parsed_number(digits: str) -> float:
    number = float(digits)
    return whole(number) if math.isfinite(number) else _refuse(digits)


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _refuse("the same key twice")


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
    with _picture_errors(picture):
        try:
            return Functions.parse_integer(text, picture)
        except (ValueError, LookupError):  # the text is not a number in this picture
            return math.nan


def _format_integer(value: float | None = None, picture: str | None = None) -> Any:
    with _picture_errors(picture):
        return Functions.format_integer(value, picture)


def _format_number(value: float | None = None, picture: str = "", options: Any = None) -> Any:
    """AWS has D3086, and not D3085, for a picture without any character that has a meaning."""
    try:
        return Functions.format_number(value, picture, options)
    except jexception.JException as err:
        if err.error == "D3085" and not _ACTIVE.search(picture):
            raise QueryFailure("D3086") from err
        raise


def _from_millis(millis: float | None = None, picture: str | None = None, zone: str | None = None) -> Any:
    with _picture_errors(picture):
        return Functions.datetime_from_millis(millis, _check_width(picture), zone)


def _to_millis(text: str | None = None, picture: str | None = None) -> Any:
    if text is None or picture is None:
        return None if text is None else iso_to_millis(text)
    with _picture_errors(picture):
        return Functions.datetime_to_millis(text, _check_width(picture))


@contextmanager
def _picture_errors(picture: str | None) -> Iterator[None]:
    """Gives errors their code where the library raises one of Python's: an unknown specifier, an unknown sequence."""
    try:
        yield
    except KeyError as err:
        if picture is None or f"[{err.args[0]}" not in picture:
            raise
        raise QueryFailure("D3132", value=err.args[0]) from err
    except RuntimeError as err:
        for text, code in _PICTURE_CODES.items():
            if text in str(err):
                component = re.search(r"\[([^MF\]])", picture or "")
                value = component[1] if component and code == "D3133" else picture
                raise QueryFailure(code, value=value) from err
        raise


def _check_width(picture: str | None) -> str | None:
    """The picture itself. Raises FunctionFailure for widths so large that the library would build huge numbers."""
    if picture is not None and _WIDE.search(picture):
        raise FunctionFailure(f"the picture {picture[:60]!r} has a width of over 999 characters")
    return picture


def _random(scope: Scope) -> Any:
    def draw(seed: float | None = None) -> float:
        return generator(scope).random() if seed is None else JavaRandom(int(seed)).random()

    return Native("random", draw, signature_of("<n?:n>"))


def _shuffle(scope: Scope) -> Any:
    def shuffle(array: list[Any] | None = None) -> list[Any] | None:
        return None if array is None else generator(scope).sample(list(array), len(array))

    return Native("shuffle", shuffle, signature_of("<a:a>"))


def _milliseconds(scope: Scope) -> int:
    """The time at which the state was entered: a clock would differ in a replay."""
    context = scope.context if isinstance(scope.context, dict) else {}
    entered = epoch_seconds((context.get("State") or {}).get("EnteredTime"))
    return round((entered or 0) * 1000)


def _now(scope: Scope) -> Any:
    def now(picture: str | None = None, zone: str | None = None) -> Any:
        return _from_millis(_milliseconds(scope), picture, zone)

    return Native("now", now, signature_of("<s?s?:s>"))


SCOPE_FUNCTIONS: dict[str, Callable[[Scope], Any]] = {
    "now": _now,
    "millis": lambda scope: Native("millis", lambda: _milliseconds(scope), signature_of("<:n>")),
    "random": _random,
    "shuffle": _shuffle,
    "uuid": lambda scope: Native("uuid", lambda: new_uuid(scope), signature_of("<:s>")),
}
"""Functions whose results depend on the Scope; they are bound only for expressions that name them."""


def _base_frame() -> Any:
    frame = Jsonata.Frame(Jsonata.static_frame)
    functions: dict[str, tuple[Callable[..., Any], str]] = {
        **CORRECTED,
        "partition": (_partition, "<an?:a>"),
        "range": (_range, "<nnn?:a>"),
        "hash": (_hash, "<ss?:s>"),
        "parse": (_parse, "<s:x>"),
        "distinct": (_distinct, "<x:x>"),
        "formatNumber": (_format_number, "<n-so?:s>"),
        "formatInteger": (_format_integer, "<n-s:s>"),
        "parseInteger": (_parse_integer, "<s-s:n>"),
        "fromMillis": (_from_millis, "<n-s?s?:s>"),
        "toMillis": (_to_millis, "<s-s?:n>"),
    }
    for name, function in Jsonata.static_frame.bindings.items():
        if isinstance(function, Jsonata.JNativeFunction):
            frame.bind(name, library_function(name, function))
    for name, (function, signature) in functions.items():
        frame.bind(name, Native(name, function, signature_of(signature), 1 if name == "string" else None))
    frame.bind("eval", None)
    return frame


BASE = _base_frame()
BUILT_IN = frozenset({*Jsonata.static_frame.bindings, *BASE.bindings, *SCOPE_FUNCTIONS, "", "$"})
