"""Words for messages: text from outside made safe to print, numbers with their nouns, what was probably meant.

A leaf: every room may import it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

_LONGEST_ASKED = 40
"""Letters of a mistyped name that are looked at: the time for a suggestion grows with their square."""

UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: line breaks, tabs, the escape that begins ANSI sequences
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls: they make text read as other text
    "\u2028\u2029"  # line and paragraph separators
    "\u00ad\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible ones, tags
    "\ud800-\udfff"  # lone surrogates: they cannot be written as UTF-8
    "\ufdd0-\ufdef\ufffe\uffff"  # noncharacters: XML, and so an S3 listing, cannot hold them
    "]"
)
"""One character that must not reach a terminal, a log, a page or a file name as it is.

The zero-width joiners (U+200C, U+200D) are left alone: words of some languages, and emoji, need them. The ranges are
spelt out rather than asked of `unicodedata`, whose answers differ between Python versions.
"""


def printable(text: str, limit: int = 200) -> str:
    r"""`text` on one line, at most `limit` characters, with every unsafe character written as an escape.

    A line feed becomes `\n`, an escape `\x1b`, a right-to-left override `\u202e`. Cut text ends in an ellipsis. The
    work done is bounded by `limit`, not by the length of `text`.
    """
    shown = UNSAFE.sub(_escape, text[: limit + 1])
    return shown if len(shown) <= limit else shown[: max(limit - 1, 0)] + "…"[:limit]


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "surrogatepass").decode("ascii")


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 image`, `12 images`, `1,200 images`. nouns: the plural, where it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def plain_number(value: float) -> str:
    """A number as people write it: `30`, `0.5`, `1,000,000`. Beyond 15 digits, or below 0.0001, it gets an exponent."""
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:,.15g}"


def timestamp(seconds: float) -> str:
    """Seconds since the epoch in RFC 3339, UTC, to the millisecond: `2026-01-31T12:00:00.000Z`."""
    # isoformat is twice as fast as strftime, and an execution of the pipeline has five of these.
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that was probably meant by `name`; None where none is close.

    Close means: it begins with all of `name` (from three letters on), or one edit for each three letters of `name`
    makes the one from the other. A measure of common letters, as difflib has it, takes `--output` for `--count`.
    """
    asked = name.lstrip("-").lower()[:_LONGEST_ASKED]
    known = {one.lstrip("-").lower(): one for one in names}
    begun = [one for one in known if len(asked) >= 3 and one.startswith(asked)]
    if begun:
        return known[min(begun, key=len)]
    by_distance = sorted((_edits(asked, one), one) for one in known)
    if by_distance and by_distance[0][0] <= max(1, len(asked) // 3):
        return known[by_distance[0][1]]
    return None


def _edits(first: str, second: str) -> int:
    """How many letters have to be added, taken away, changed or swapped with their neighbours, to come from one to the
    other: the optimal string alignment distance."""
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
