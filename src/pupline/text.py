"""Text for messages and records: untrusted text made safe to print, numbers, times, suggestions for mistyped names."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""The begin of a formula for spreadsheets, or of one that apostrophes make harmless."""

_AGE = re.compile(r"([0-9]{1,6})([smhdw])")
_AGE_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DAYS = {"today": 0, "yesterday": 1}
_FIRST_TIME = datetime.min.replace(tzinfo=UTC).timestamp()
_LAST_TIME = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()

TIME_FORMS = "2026-01-31, 2026-01-31T12:00:00Z, 2h, 30m, 7d, today or yesterday"
"""What `time_named` understands, for people."""

_MAX_LETTERS = 40
"""Letters of a mistyped name that count: the time for a suggestion is quadratic in them."""

UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: line breaks, tabs, the escape that begins ANSI sequences
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls: they make text read as other text
    "\u2028\u2029"  # line and paragraph separators
    "\u00ad\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible ones, tags
    r"\ud800-\udfff"  # lone surrogates: they cannot be written as UTF-8
    "\ufdd0-\ufdef\ufffe\uffff"  # noncharacters: XML, and so an S3 listing, cannot hold them
    "]"
)
"""One character that must not reach a terminal, a log, a page or a file name as it is.

The zero-width joiners (U+200C, U+200D) are allowed: words of some languages, and emoji, need them. The ranges do not
come from `unicodedata`, whose data differs between Python versions.
"""


def printable(text: str, limit: int = 200) -> str:
    r"""`text` on one line, at most `limit` characters, with every unsafe character written as an escape.

    A line feed becomes `\n`, an escape `\x1b`, a right-to-left override `\u202e`. Cut text ends in an ellipsis. The
    time depends on `limit`, not on the length of `text`.
    """
    shown = text[: limit + 1]
    if not (shown.isascii() and shown.isprintable()):  # most texts are, and need no search
        shown = UNSAFE.sub(_escape, shown)
    return shown if len(shown) <= limit else shown[: max(limit - 1, 0)] + "…"[:limit]


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "surrogatepass").decode("ascii")


def harmless_cell(text: str) -> str:
    """`text` as a cell of CSV that no spreadsheet takes for a formula: with an apostrophe before it, where needed.

    Text that looks as if it had one already gets another, so that `original_cell` returns exactly `text`.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def original_cell(cell: str) -> str:
    """The text of which `harmless_cell` made this cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 image`, `12 images`, `1,200 images`. nouns: the plural, where it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def plain_number(value: float) -> str:
    """A number for people: `30`, `0.5`, `1,000,000`. With more than 15 digits, or below 0.0001, it has an exponent."""
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:,.15g}"


_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """A duration with its two largest units: `350 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`. Below zero it is `0 ms`."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    at = next(at for at, (size, _) in enumerate(_UNITS) if whole >= size)
    (size, unit), (smaller, name) = _UNITS[at], _UNITS[at + 1]
    rest = whole % size // smaller
    return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")


@lru_cache(maxsize=64)
def timestamp(seconds: float) -> str:
    """Seconds since the epoch in RFC 3339, UTC, to the millisecond: `2026-01-31T12:00:00.000Z`."""
    # isoformat is twice as fast as strftime. An execution of the pipeline has five of these, most of them equal.
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def timestamp_or_none(seconds: float | None) -> str | None:
    """The same; None for a time that is not known, or has not come yet."""
    return None if seconds is None else timestamp(seconds)


def time_named(text: str, now: datetime) -> float | None:
    """The time that the text names, in seconds since the epoch; None where it names none.

    A date or a time without an offset is UTC, as in every output.
    """
    days = _DAYS.get(text.lower())
    if days is not None:
        return datetime.combine((now - timedelta(days=days)).date(), time(), UTC).timestamp()
    age = seconds_named(text.lower().removesuffix(" ago"))
    if age is not None:
        return _known_time(now.timestamp() - age)
    try:
        found = datetime.fromisoformat(text)
        return _known_time((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _known_time(seconds: float) -> float | None:
    """The time, if `timestamp` can write it: an offset may lead out of the years 1 to 9999."""
    return seconds if _FIRST_TIME <= seconds <= _LAST_TIME else None


def seconds_named(text: str) -> int | None:
    """The seconds of a duration such as `30m`, `2h` or `7d`; None where the text is none."""
    found = _AGE.fullmatch(text.lower())
    return None if found is None else int(found[1]) * _AGE_UNITS[found[2]]


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `name` probably stands for; None where none is close.

    A name is close if it begins with `name` (of three letters or more), or differs by at most one edit for each three
    letters. The common letters that difflib counts would suggest `--count` for `--output`.
    """
    typed = name.lstrip("-").lower()[:_MAX_LETTERS]
    candidates = {one.lstrip("-").lower(): one for one in names}
    longer = [one for one in candidates if len(typed) >= 3 and one.startswith(typed)]
    if longer:
        return candidates[min(longer, key=len)]
    by_distance = sorted((_edits(typed, one), one) for one in candidates)
    if by_distance and by_distance[0][0] <= max(1, len(typed) // 3):
        return candidates[by_distance[0][1]]
    return None


def _edits(first: str, second: str) -> int:
    """The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours."""
    before: list[int] = []
    last = list(range(len(second) + 1))
    for row, letter in enumerate(first, 1):
        this = [row]
        for column, other in enumerate(second, 1):
            cost = min(last[column] + 1, this[-1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == second[column - 2] and first[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            this.append(cost)
        before, last = last, this
    return last[-1]
