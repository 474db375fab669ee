"""What templates write with: text from outside, times, durations, sizes, numbers."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pupline import text
from pupline.tasks.log_to_dynamodb import readable_cause
from pupline.text import plain_number, printable, timestamp

_BYTES = ("B", "kB", "MB", "GB", "TB")


def outside(value: object, limit: int = 500) -> str:
    """Text from outside on one line, with control and bidirectional characters as escapes. None is an empty text."""
    return "" if value is None else printable(str(value), limit)


def rfc3339(seconds: float | None) -> str:
    """Seconds since the epoch as RFC 3339 in UTC."""
    return "" if seconds is None else timestamp(seconds)


def utc_time(seconds: float | None) -> str:
    """Seconds since the epoch for people: `2026-01-31 12:00:00 UTC`."""
    return "" if seconds is None else timestamp(seconds)[:19].replace("T", " ") + " UTC"


def duration(seconds: float | None) -> str:
    """A duration with its two largest units: `350 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`."""
    return "" if seconds is None else text.duration(seconds)


def size(count: float | None) -> str:
    """A number of bytes with a decimal unit: `512 B`, `1.5 MB`."""
    if count is None:
        return ""
    value = float(count)
    for unit in _BYTES:
        if value < 1000 or unit == _BYTES[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("the last unit has no bound")


def number(value: float | None) -> str:
    """A number with commas: `1,200`."""
    return "" if value is None else plain_number(value)


def pretty_json(value: object) -> str:
    """A JSON value over several lines. Characters that could mislead are escapes, as `outside` writes them."""
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    # An escape has at most ten characters.
    return "\n".join(printable(line, 10 * len(line)) for line in lines)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "outside": outside,
    "rfc3339": rfc3339,
    "utc_time": utc_time,
    "duration": duration,
    "size": size,
    "number": number,
    "pretty_json": pretty_json,
    "readable_cause": readable_cause,
}
