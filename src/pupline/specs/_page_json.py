"""The JSON of a page: parsed within limits, and checked against the spec's `ok`."""

import json
from collections.abc import Mapping
from typing import Final

from pupline.errors import SourceError, UnreadableAnswer
from pupline.json_values import JSON, parse_json
from pupline.specs._requests import MAX_PAGE_BYTES
from pupline.specs._spec import SourceSpec
from pupline.text import printable

_MAX_DEPTH = 64
_ERROR_FIELDS: Final = ("message", "error", "errors", "detail", "title", "status", "code", "reason")
"""Where APIs commonly say what went wrong."""


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


def check_ok(spec: SourceSpec, page: JSON) -> None:
    """Raises: SourceError, with the API's own words, where `page` is an error by the spec's `ok`."""
    if spec.ok is not None and not spec.ok.search(page):
        raise SourceError(
            f"the API says that it could not answer ({_error_words(page)}); ok is {printable(spec.ok.text)}"
        )


def _error_words(page: JSON) -> str:
    if not isinstance(page, dict):
        return printable(json.dumps(page), 120)
    found = {name: page[name] for name in _ERROR_FIELDS if name in page} or page
    return printable(json.dumps(found, ensure_ascii=False), 200)
