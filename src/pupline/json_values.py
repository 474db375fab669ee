"""JSON values: their types, and strict reading and compact writing of their texts.

A leaf: every room may import it. Python's own parser also takes NaN, infinities and numbers beyond a float; these do
not.
"""

import json
import json.encoder
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from pupline.errors import SourceError, UnreadableAnswer
from pupline.text import printable

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
"""A value that `json.loads` can return."""

AnyJSON: TypeAlias = Any
"""A JSON value that the type checker does not look into: the engine walks through documents of every shape, where
`JSON` would need a cast at nearly every step."""

MAX_JSON_BYTES = 4 * 1024 * 1024
MAX_JSON_DEPTH = 32

_MAX_DIGITS = 4000  # below what Python converts
_TOO_LONG = "it has a number of more than 4,300 digits"

# Whole strings, so that brackets inside them are not counted. The end quote is optional and the inside possessive, so
# that a missing quote costs one pass and not one for each character.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_json(
    body: bytes,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    max_depth: int = MAX_JSON_DEPTH,
    fractions_as_text: bool = False,
) -> JSON:
    """The value in `body` (UTF-8, RFC 8259).

    fractions_as_text: keep numbers with a fraction or an exponent as text, which a float would not preserve.
    Raises: SourceError when it is larger or deeper than the limits; UnreadableAnswer when it is not JSON. NaN,
    infinities, numbers too large for a float and objects with duplicate names are not accepted.
    """
    if len(body) > max_bytes:
        raise SourceError(f"the JSON answer has {len(body)} bytes, the limit is {max_bytes}")
    try:
        text = body.decode("utf-8-sig")
        _refuse_depth(text, max_depth)
        value: JSON = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=str if fractions_as_text else _finite_float,
        )
    except UnicodeDecodeError as err:
        raise UnreadableAnswer(f"the answer is not usable JSON: byte {err.start + 1} is not UTF-8") from err
    except ValueError as err:
        raise UnreadableAnswer(f"the answer is not usable JSON: {printable(str(err))}") from err
    return value


def _refuse_depth(text: str, max_depth: int) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        first = found.group()[0]
        depth += (first in "[{") - (first in "]}")
        if depth > max_depth:
            raise SourceError(f"the JSON answer is nested more than {max_depth} levels deep")


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same name twice")
    return found


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"it has a number of {len(text):,} digits; the limit is {_MAX_DIGITS:,}")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits} is too large")
    return value


def loads(text: str | bytes, make_object: Callable[[list[tuple[str, AnyJSON]]], AnyJSON] | None = None) -> AnyJSON:
    """The value of a JSON text, without limits on its size.

    make_object: what makes an object of its members, in place of `dict`.
    Raises: ValueError when it is not JSON; RecursionError when it is nested too deeply.
    """
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite_float, object_pairs_hook=make_object
        )
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError as err:
        raise ValueError(f"byte {err.start + 1} is not UTF-8") from err
    except ValueError as err:
        raise ValueError(_plain(err)) from err


def _plain(error: ValueError) -> str:
    """Why a value is not JSON; Python's own text speaks of its settings."""
    return _TOO_LONG if "sys.set_int_max_str_digits" in str(error) else str(error)


def _encoder(*, ascii_only: bool, separators: tuple[str, str]) -> Callable[[AnyJSON], str]:
    """A kept C encoder: `JSONEncoder.encode` builds one at each call, which doubles the time."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(ensure_ascii=ascii_only, check_circular=False, separators=separators).encode
    quote = json.encoder.encode_basestring_ascii if ascii_only else json.encoder.encode_basestring
    comma, colon = separators
    encode = make(None, _refuse_value, quote, None, colon, comma, False, False, False)
    join = "".join
    return lambda value: join(encode(value, 0))


def _refuse_value(value: object) -> None:
    raise TypeError(f"{type(value).__name__} is not a JSON value")


dumps: Callable[[AnyJSON], str] = _encoder(ascii_only=False, separators=(",", ":"))
"""Compact JSON text as AWS prints it: no spaces, characters beyond ASCII kept.

Raises: ValueError for NaN and infinities, TypeError for what is not JSON.
"""

stored_text: Callable[[AnyJSON], str] = _encoder(ascii_only=True, separators=(", ", ": "))
"""JSON text as the database holds it, in ASCII: SQLite does not store half of a surrogate pair. Raises as `dumps`."""


MAX_NESTING = 900
"""Levels of a value that `json_copy` takes; the JSON parser on AWS stops at 1,000."""

_scan: Callable[[str, int], tuple[AnyJSON, int]] = vars(json.JSONDecoder())["scan_once"]
"""The C parser itself, for a text of our own: nothing precedes or follows the value."""


class NotJSON(ValueError):
    """A value that is not JSON; the text says what in it."""


def json_copy(value: AnyJSON) -> AnyJSON:
    """The value after conversion to JSON text and back: tuples are arrays, keys are texts, nothing is shared.

    Raises: NotJSON, also for more than MAX_NESTING levels.
    """
    return copy_and_text(value)[0]


def copy_and_text(value: AnyJSON) -> tuple[AnyJSON, str]:
    """(`json_copy` of the value, its JSON text). Raises: NotJSON."""
    try:
        text = dumps(value)
        copy = _scan(text, 0)[0]
    except RecursionError as err:
        raise NotJSON("it is nested too deeply, or inside itself") from err
    except TypeError as err:
        raise NotJSON("a key of an object is not a text" if "keys must be" in str(err) else str(err)) from err
    except ValueError as err:
        plain = _plain(err)
        raise NotJSON(plain if plain == _TOO_LONG else "it holds NaN or an infinite number") from err
    if len(text) > MAX_NESTING:
        refuse_nesting(copy, text)
    return copy, text


_LEVELS = 32
"""Levels that Python itself walks through; what is nested deeper is left to C."""


def copied(value: AnyJSON, levels: int = _LEVELS) -> AnyJSON:
    """A copy of a value that is known to be JSON, of MAX_NESTING levels at most; nothing is shared."""
    if not isinstance(value, (dict, list)):
        return value
    if not levels:
        return json_copy(value)
    if isinstance(value, dict):
        return {
            key: copied(item, levels - 1) if isinstance(item, (dict, list)) else item for key, item in value.items()
        }
    return [copied(item, levels - 1) if isinstance(item, (dict, list)) else item for item in value]


UNBOUNDED = 1 << 62

_NUMBER_BYTES = 25
"""At least the length of a float, or of an integer of 64 bits."""


def most_bytes(value: AnyJSON, levels: int = _LEVELS) -> int:
    """An upper bound for the bytes of `dumps(value)` in UTF-8, without making that text.

    In plain Python it takes as long as the text; compiled, a fraction of that. UNBOUNDED for what is
    nested deeper than 32 levels, for very large integers, and for what is not JSON.
    """
    if isinstance(value, str):
        return 6 * len(value) + 2  # the longest escape has six characters
    if isinstance(value, (dict, list)):
        if not levels:
            return UNBOUNDED
        total = 2
        if isinstance(value, dict):
            for key, item in value.items():
                total += 6 * len(key) + 4
                total += 6 * len(item) + 2 if isinstance(item, str) else most_bytes(item, levels - 1)
        else:
            for item in value:
                total += most_bytes(item, levels - 1) + 1
        return total
    if value is None or value is True or value is False:
        return 5
    if isinstance(value, float):
        return _NUMBER_BYTES if math.isfinite(value) else UNBOUNDED
    return _NUMBER_BYTES if isinstance(value, int) and value.bit_length() <= 64 else UNBOUNDED


def refuse_nesting(value: AnyJSON, text: str | bytes) -> None:
    """Raises NotJSON for a value, with its JSON text, of more than MAX_NESTING levels.

    What Python's recursion allows depends on the caller, and on the libraries that are imported.
    """
    brackets = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    if brackets > MAX_NESTING and deeper_than(value, MAX_NESTING):
        raise NotJSON(f"it is nested more than {MAX_NESTING} levels deep")


def deeper_than(value: AnyJSON, most: int) -> bool:
    """Whether objects and arrays are nested more than `most` deep; counted level by level, without recursion."""
    level = [value]
    for _ in range(most):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))]
        level = [item for items in inner for item in items if isinstance(item, (dict, list))]
        if not level:
            return False
    return True


def depth_of(value: AnyJSON) -> int:
    """The levels of objects and arrays in a value that was read from JSON; 0 for one that is neither."""
    depth, level = 0, [value]
    while level := [item for item in level if type(item) is dict or type(item) is list]:
        level = [inner for item in level for inner in (item.values() if type(item) is dict else item)]
        depth += 1
    return depth
