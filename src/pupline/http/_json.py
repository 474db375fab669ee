"""JSON from outside, bounded in size and depth, and without the freedoms that Python's parser takes."""

import json
import math
import re
from typing import NoReturn, TypeAlias

from pupline.errors import SourceError, UnreadableAnswer
from pupline.text import printable

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MAX_JSON_BYTES = 4 * 1024 * 1024
MAX_JSON_DEPTH = 32

_MAX_DIGITS = 4000  # below what Python converts

# Whole strings, so that brackets inside them are not counted; the end quote is optional and the inside possessive, so
# that a missing quote costs one pass and not one per character.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_json(
    body: bytes,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    max_depth: int = MAX_JSON_DEPTH,
    fractions_as_text: bool = False,
) -> JSON:
    """The value in `body` (UTF-8, RFC 8259).

    fractions_as_text: numbers with a fraction or an exponent as the texts that they are in `body`, which no float
    gives back.
    Raises: SourceError when it is larger or deeper than the limits; UnreadableAnswer when it is not JSON. NaN,
    infinities, numbers too large for a float and objects with a name given twice are not.
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
        raise ValueError("an object gives the same name twice")
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
