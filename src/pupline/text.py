"""Text from outside, made fit for a terminal, a log or a message. A leaf: every room may import it."""

import re

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
