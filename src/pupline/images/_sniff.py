"""The type of a body from its first bytes, whatever its name or its server says."""

import re
from typing import Final

from pupline.images._magic import by_magic

IMAGE_TYPES: Final = ("jpg", "png", "gif", "webp", "avif", "heic", "bmp", "tiff")

_LOOKED_AT: Final = 4096
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>/]", re.IGNORECASE)
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|title|meta|iframe|div|table|h1|p|a|style)\b", re.IGNORECASE
)
_BLANKS = re.compile(rb"\s*")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(body: bytes) -> str:
    """A type of `IMAGE_TYPES`, or the short name of something else: `html`, `zip`, `empty`, `unknown`, ..."""
    if not body:
        return "empty"
    return by_magic(body) or _textual(body[:_LOOKED_AT])


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
        if err.reason != "unexpected end of data" or len(start) < _LOOKED_AT:  # else a character is cut in two
            return "unknown"
    return "json" if text[:1] in (b"{", b"[") else "text"


def _after_comments(text: bytes) -> int:
    """Where the comments that `text` begins with end, with the blanks after them.

    Each comment is found with one search, from where the last one ended. A regular expression that repeats comments
    would try every way to divide them before it gave up: their number doubles with each comment.
    """
    offset = 0
    while text.startswith(b"<!--", offset):
        end = text.find(b"-->", offset + 4)
        if end < 0:
            break
        blanks = _BLANKS.match(text, end + 3)
        offset = blanks.end() if blanks else end + 3
    return offset
