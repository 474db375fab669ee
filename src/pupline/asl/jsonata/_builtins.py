"""Built-in functions in which jsonata-python differs from the reference implementation, and what calls them all.

Every function of the library is called through `Native`, which checks its arguments by `Signature`, also where one is
passed to `$map` or a similar function.
"""

import base64
import binascii
import functools
import inspect
import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from jsonata import utils
from jsonata.functions import Functions
from jsonata.jsonata import Jsonata

from pupline.asl.jsonata import _patterns as patterns
from pupline.asl.jsonata._bounds import MAX_BYTES, check_size, count_call
from pupline.asl.jsonata._failure import QueryFailure
from pupline.asl.jsonata._numbers import arithmetic, double, fifteen_digits, number_text, parse_number, rounded, whole
from pupline.asl.jsonata._signatures import Signature

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NULL = utils.Utils.NULL_VALUE


class InternalFailure(Exception):
    """What AWS calls an internal error: it has no code."""


class _Checked(list[Any]):
    """Arguments that have been checked."""


class Native(Jsonata.JFunction):  # type: ignore[misc]
    """A function that is not written in JSONata. arity: how many arguments `$map` and similar functions give it."""

    def __init__(self, name: str, function: Callable[..., Any], signature: Signature, arity: int | None = None) -> None:
        super().__init__(None, None)
        self.function_name = name
        self.signature = self  # where the library asks for the arity, and gives the name
        self._function = function
        self._checks = signature
        self._arity = len(inspect.signature(function).parameters) if arity is None else arity

    def validate(self, args: Sequence[Any], context: Any) -> list[Any]:
        """The arguments after the checks. Raises QueryFailure."""
        return _Checked(self._checks.validate(args or [], context, self.function_name))

    def call(self, input: Any, args: Sequence[Any]) -> Any:  # noqa: A002 - the library's name
        """The result for checked arguments, or for those of a function such as `$map`."""
        checked = args if isinstance(args, _Checked) else self.validate(args, input)
        result = self._function(*checked)
        count_call(checked, result)
        return result

    def get_min_number_of_args(self) -> int:
        """The arity."""
        return self._arity

    def set_function_name(self, name: str) -> None:
        """The function has its name already."""


def library_function(name: str, function: Any) -> Native:
    """A function of the library, called through `Native`."""
    method, count = function.method, function.nargs
    signature = Signature(function.signature._params)  # noqa: SLF001 - the library does not show them
    return Native(name, lambda *args: Functions._call(method, count, list(args)), signature, count)  # noqa: SLF001


def _when_given(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with an undefined first argument giving an undefined result."""

    @functools.wraps(function)  # so that the number of parameters is the function's
    def call(first: Any = None, *rest: Any) -> Any:
        return None if first is None else function(first, *rest)

    return call


# ---------------------------------------------------------------- text


def stringify(value: Any, pretty: bool | None = None) -> str | None:
    """`$string`: a text as it is, anything else as JSON with numbers of 15 digits.

    Raises: QueryFailure (D3001, D1001).
    """
    if value is None or isinstance(value, str):
        return value
    if _is_function(value):
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        raise QueryFailure("D3001")
    return _json(value, "\n" if pretty else None)


def _is_function(value: Any) -> bool:
    return bool(utils.Utils.is_function(value) or Functions.is_lambda(value) or Functions.is_regex(value))


def _json(value: Any, line: str | None) -> str:
    """JSON text; line: the line break with the indentation, None for compact text."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or value is _NULL:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if isinstance(value, float) and math.isinf(value):
            raise QueryFailure("D1001", value=value)
        return "null" if value != value else number_text(fifteen_digits(value))
    if not isinstance(value, (list, dict)):
        return '""'
    inner = None if line is None else line + "  "
    if isinstance(value, dict):
        colon = ":" if line is None else ": "
        parts = [json.dumps(key, ensure_ascii=False) + colon + _json(item, inner) for key, item in value.items()]
    else:
        parts = [_json(item, inner) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    if line is None or not parts:
        return start + ",".join(parts) + end
    return f"{start}{inner}{f',{inner}'.join(parts)}{line}{end}"


def _pad(text: str, width: float, char: str | None = None) -> Any:
    """The library's own $pad, with a limit on the length of its result."""
    check_size(abs(width or 0), MAX_BYTES)
    return Functions.pad(text, None if width is None else int(width), char)


def _join(texts: list[str], separator: str | None = None) -> str:
    """The library's own $join, with a limit on the length of its result."""
    check_size(sum(map(len, texts)) + len(separator or "") * max(0, len(texts) - 1), MAX_BYTES)
    return (separator or "").join(texts)


def _substring(text: str, start: float | None = None, length: float | None = None) -> str:
    """Characters from `start`, which counts from the end when negative; fractions are cut off."""
    size = len(text)
    if start is None:
        return text if length is None else ""
    start = 0 if math.isnan(double(start)) else max(min(start, size), -size)
    if length is None:
        return text[int(start) :]
    if not length > 0:
        return ""
    end = min(length + (start if start >= 0 else size + start), size)
    return text[int(start) : int(end)]


def _error(message: str | None = None) -> None:
    raise QueryFailure("D3137", message=message or "$error() function evaluated")


def _assert(condition: bool, message: str | None = None) -> None:
    if not condition:
        raise QueryFailure("D3141", message=message or "$assert() statement failed")


def _base64encode(text: str) -> str:
    return base64.b64encode(text.encode(errors="replace")).decode()


def _url_function(function: Callable[[str], Any], name: str) -> Callable[[str], Any]:
    """The library's function, with D3140 for a text that is not valid."""

    def call(text: str) -> Any:
        if name.startswith("decode") and _BAD_ESCAPE.search(text):
            raise QueryFailure("D3140", functionName=name, function_name=name, value=text)
        try:
            return function(text)
        except ValueError as err:
            raise QueryFailure("D3140", functionName=name, function_name=name, value=text) from err

    return call


def _base64decode(text: str) -> str:
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError) as err:
        raise InternalFailure from err


def _match(text: str, pattern: Any, limit: float | None = None) -> Any:
    """The matches as objects. Raises: QueryFailure."""
    if limit is not None and limit < 0:
        raise QueryFailure("D3040")
    _require_pattern(pattern, "match")
    found = utils.Utils.create_sequence()
    for number, each in enumerate(patterns.matches(pattern, text)):
        if limit is not None and number >= limit:
            break
        match = patterns.match_object(each)
        found.append({"match": match["match"], "index": match["start"], "groups": match["groups"]})
    return found


def _contains(text: str, token: Any) -> bool | None:
    if token is None:
        return None
    if not isinstance(token, str):
        _require_pattern(token, "contains")
    return patterns.contains(text, token)


def _split(text: str, separator: Any, limit: float | None = None) -> Any:
    if not isinstance(separator, str):
        _require_pattern(separator, "split")
    return patterns.split(text, separator, limit)


def _replace(text: str, pattern: Any, replacement: Any, limit: float | None = None) -> str:
    if not isinstance(pattern, str):
        _require_pattern(pattern, "replace")
    if isinstance(replacement, str) or replacement is None:
        return patterns.replace(text, pattern, replacement or "", limit)
    return patterns.replace(
        text, pattern, lambda found: Functions.func_apply(replacement, [patterns.match_object(found)]), limit
    )


def _require_pattern(value: Any, function: str) -> None:
    """A matcher written in JSONata is not supported. Raises QueryFailure (T1010)."""
    if not Functions.is_regex(value):
        raise QueryFailure("T1010", token=function)


# ---------------------------------------------------------------- numbers


def _number(value: Any) -> float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    number = parse_number(value)
    if number is None:
        raise QueryFailure("D3030", value=value)
    return number


def _round(value: float, precision: float | None = None) -> float:
    return value if not math.isfinite(double(value)) else rounded(value, int(precision or 0))


def _floor(value: float) -> float:
    return math.floor(value) if math.isfinite(double(value)) else value


def _ceil(value: float) -> float:
    return math.ceil(value) if math.isfinite(double(value)) else value


def _power(base: float, exponent: float | None = None) -> float:
    if exponent is None:
        raise QueryFailure("D3061", value=base)
    try:
        found = whole(math.pow(double(base), double(exponent)))
    except (OverflowError, ValueError, ZeroDivisionError):
        raise QueryFailure("D3061", value=base, exp=exponent) from None
    if not math.isfinite(double(found)):
        raise QueryFailure("D3061", value=base, exp=exponent)
    return found


def _square_root(value: float) -> float:
    if value < 0:
        raise QueryFailure("D3060", value=value)
    return whole(math.sqrt(double(value)))


def _format_base(value: float, radix: float | None = None) -> Any:
    base = 10 if radix is None else int(rounded(radix))
    if not 2 <= base <= 36:
        raise QueryFailure("D3100", value=base)
    return Functions.format_base(int(rounded(value)), base)


def _sum(numbers: list[float]) -> float:
    total: float = 0
    for each in numbers:
        total = arithmetic(total, each, "+")
    return total


def _average(numbers: list[float]) -> float | None:
    return arithmetic(_sum(numbers), len(numbers), "/") if numbers else None


# ---------------------------------------------------------------- arrays


def _sort(array: list[Any], comparator: Any = None) -> list[Any]:
    """A stable merge sort, which ends whatever the comparator says. Raises QueryFailure (D3070)."""
    if len(array) <= 1:
        return array
    if comparator is not None:
        return _merge_sort(
            list(array), lambda a, b: bool(Functions.to_boolean(Functions.func_apply(comparator, [a, b])))
        )
    if not (utils.Utils.is_array_of_numbers(array) or utils.Utils.is_array_of_strings(array)):
        raise QueryFailure("D3070")
    return sorted(array)


def _merge_sort(array: list[Any], is_after: Callable[[Any, Any], bool]) -> list[Any]:
    if len(array) <= 1:
        return array
    middle = len(array) // 2
    left, right = _merge_sort(array[:middle], is_after), _merge_sort(array[middle:], is_after)
    made: list[Any] = []
    at = to = 0
    while at < len(left) and to < len(right):
        if is_after(left[at], right[to]):
            made.append(right[to])
            to += 1
        else:
            made.append(left[at])
            at += 1
    return made + left[at:] + right[to:]


CORRECTED: dict[str, tuple[Callable[..., Any], str]] = {
    "lowercase": (_when_given(lambda text: text.lower()), "<s-:s>"),
    "string": (stringify, "<x-b?:s>"),
    "substring": (_when_given(_substring), "<s-nn?:s>"),
    **{
        name: (_when_given(_url_function(function, name)), "<s-:s>")
        for name, function in (
            ("encodeUrl", Functions.encode_url),
            ("encodeUrlComponent", Functions.encode_url_component),
            ("decodeUrl", Functions.decode_url),
            ("decodeUrlComponent", Functions.decode_url_component),
        )
    },
    "error": (_error, "<s?:x>"),
    "assert": (_assert, "<bs?:x>"),
    "floor": (_when_given(_floor), "<n-:n>"),
    "ceil": (_when_given(_ceil), "<n-:n>"),
    "join": (_when_given(_join), "<a<s>s?:s>"),
    "pad": (_when_given(_pad), "<s-ns?:s>"),
    "base64encode": (_when_given(_base64encode), "<s-:s>"),
    "base64decode": (_when_given(_base64decode), "<s-:s>"),
    "match": (_when_given(_match), "<s-f<s:o>n?:a<o>>"),
    "contains": (_when_given(_contains), "<s-(sf):b>"),
    "split": (_when_given(_split), "<s-(sf)n?:a<s>>"),
    "replace": (_when_given(_replace), "<s-(sf)(sf)n?:s>"),
    "number": (_when_given(_number), "<(nsb)-:n>"),
    "round": (_when_given(_round), "<n-n?:n>"),
    "power": (_when_given(_power), "<n-n:n>"),
    "sqrt": (_when_given(_square_root), "<n-:n>"),
    "formatBase": (_when_given(_format_base), "<n-n?:s>"),
    "sum": (_when_given(_sum), "<a<n>:n>"),
    "average": (_when_given(_average), "<a<n>:n>"),
    "sort": (_when_given(_sort), "<af?:a>"),
}
"""Functions that are not the library's, and their signatures."""
