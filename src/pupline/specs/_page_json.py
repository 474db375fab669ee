"""The JSON of a page, parsed within limits."""

from collections.abc import Mapping

from pupline.errors import UnreadableAnswer
from pupline.json_values import JSON, parse_json
from pupline.specs._requests import MAX_PAGE_BYTES
from pupline.text import printable

_MAX_DEPTH = 64


def parse_page(body: bytes, headers: Mapping[str, str], *, fractions_as_text: bool = False) -> JSON:
    """The page in `body`. Raises: SourceError; UnreadableAnswer, with what came instead of JSON."""
    try:
        return parse_json(body, max_bytes=MAX_PAGE_BYTES, max_depth=_MAX_DEPTH, fractions_as_text=fractions_as_text)
    except UnreadableAnswer as err:
        begin = body[:1024].lstrip()
        if begin.startswith(b"<"):
            kind = "HTML" if b"<html" in begin.lower() or b"<!doctype html" in begin.lower() else "markup"
            raise UnreadableAnswer(f"the API answered with {kind}, where JSON was expected") from err
        if not begin:
            raise UnreadableAnswer("the API answered with an empty body, where JSON was expected") from err
        declared = printable(headers.get("content-type", "without a Content-Type"), 60)
        raise UnreadableAnswer(f"{err.message} ({len(body):,} bytes, {declared})") from err
