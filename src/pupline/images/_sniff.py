"""The type of a body from its first bytes, regardless of its name and its declared type."""

import re
from typing import Final

from pupline.images._magic import by_magic

_SNIFFED_BYTES: Final = 4096
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>/]", re.IGNORECASE)
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|title|meta|iframe|div|table|h1|p|a|style)\b", re.IGNORECASE
)
_BLANKS = re.compile(rb"\s*")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(body: bytes) -> str:
    """A type of `IMAGE_TYPES`, or the short name of another format: `html`, `zip`, `empty`, `unknown`, ..."""
    if not body:
        return "empty"
    return by_magic(body) or _textual(body[:_SNIFFED_BYTES])


def _textual(start: bytes) -> str:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        if _HTML.match(text, _after_comments(text)):
            return "html"
        if _SVG.search(text):
            return "svg"
        if text.startswith(b"<!--"):  # as browsers do: WHATWG MIME Sniffing, section 7.1
            return "html"
        if text.startswith(b"<?xml"):
            return "html" if b"<html" in text.lower() else "xml"
    if _BINARY.search(start):
        return "unknown"
    try:
        start.decode()
    except UnicodeDecodeError as err:
        if err.reason != "unexpected end of data" or len(start) < _SNIFFED_BYTES:  # else a character may be cut in two
            return "unknown"
    return "json" if text[:1] in (b"{", b"[") else "text"


def _after_comments(text: bytes) -> int:
    """The offset after the comments at the start of `text`, and the blanks after them.

    One search finds the end of each comment. A regular expression that repeats comments would take exponential time
    on text that does not match.
    """
    offset = 0
    while text.startswith(b"<!--", offset):
        end = text.find(b"-->", offset + 4)
        if end < 0:
            break
        blanks = _BLANKS.match(text, end + 3)
        offset = blanks.end() if blanks else end + 3
    return offset
