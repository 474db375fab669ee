"""Values of a source that are no field of ours, as JSON. What cannot be kept is dropped whole, and its name noted.

Texts, numbers, true and false stay what they are. Lists, objects and maps stay nested. Dates and times become ISO 8601
text, and decimals and long integers that readers of JSON do not hold exactly become text. Null is no value, and nor is
NaN, which data frames write for it. Bytes are dropped: JSON has no form for them.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pupline.json_values import JSON
from pupline.text import printable

MAX_EXTRAS: Final = 100
"""Of one item."""

MAX_EXTRA_NAME: Final = 128
MAX_EXTRA_VALUE: Final = 8 * 1024
"""Characters of one value as JSON."""

MAX_EXTRA: Final = 16 * 1024
"""Characters of all values of an item as JSON: a batch of a state machine has 200,000 bytes for its items."""

_MAX_DEPTH = 16
_MAX_INTEGER = 2**63

BINARY: Final = "binary values"


class _Dropped(ValueError):
    """A value that cannot be kept; its text says why."""


def kept_extra(values: Mapping[str, Any], drop: Callable[[str, str], None]) -> dict[str, JSON]:
    """The values that can be kept, by name. drop: gets the name of each other one, and why."""
    found: dict[str, JSON] = {}
    room = MAX_EXTRA
    unwanted = why_no_extras([name for name, value in values.items() if value is not None])
    for name, value in values.items():
        try:
            if name in unwanted:
                raise _Dropped(unwanted[name])  # noqa: TRY301
            kept, size = _kept(value)
            if kept is None:
                continue
            if size + len(name) > room:
                raise _Dropped(f"more than {MAX_EXTRA:,} characters in one row")  # noqa: TRY301
            room -= size + len(name)
        except _Dropped as why:
            drop(name, str(why))
        else:
            found[_encodable(name)] = kept
    return found


def why_no_extras(names: Sequence[str]) -> dict[str, str]:
    """Which of these columns of one row are not kept whatever their values, and why."""
    found = {name: f"a name of more than {MAX_EXTRA_NAME} characters" for name in names if len(name) > MAX_EXTRA_NAME}
    rest = [name for name in names if name not in found][MAX_EXTRAS:]
    return found | dict.fromkeys(rest, f"more than {MAX_EXTRAS} columns")


def _kept(value: Any) -> tuple[JSON, int]:
    """The value as JSON, and its length. Raises: _Dropped."""
    if isinstance(value, str):
        size = len(value)
        if size <= MAX_EXTRA_VALUE:
            return _encodable(value), size
    else:
        value = _as_json(value, 0)
        size = len(json.dumps(value, ensure_ascii=False)) if isinstance(value, list | dict) else 20
    if size > MAX_EXTRA_VALUE:
        raise _Dropped(f"values of more than {MAX_EXTRA_VALUE:,} characters")
    return value, size


def _as_json(value: Any, depth: int) -> JSON:
    if depth > _MAX_DEPTH:
        raise _Dropped(f"values nested more than {_MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        return {_encodable(str(name)): _as_json(one, depth + 1) for name, one in value.items()}
    if _is_map(value):
        return _as_json(dict(value), depth)
    if isinstance(value, list | tuple):
        return [_as_json(one, depth + 1) for one in value]
    return _scalar(value)


def _is_map(value: Any) -> bool:
    """Whether it is a map of Parquet, which pyarrow gives as a list of pairs."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in value)


def _scalar(value: Any) -> JSON:
    if isinstance(value, str):
        return _encodable(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_MAX_INTEGER <= value < _MAX_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return _number_in(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta | UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        raise _Dropped(BINARY)
    raise _Dropped(f"values of type {printable(type(value).__name__, 40)}")


def _number_in(value: Decimal) -> JSON:
    """A float has the value exactly, or the digits do as text."""
    if not value.is_finite():
        return None
    number = float(value)
    return number if math.isfinite(number) and Decimal(repr(number)) == value else str(value)


def _encodable(text: str) -> str:
    """`text` as UTF-8 can hold it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
