"""Rows as lines of text: JSON Lines and CSV as every command and page writes them, safe to show and to open.

Letters of all languages stay as they are. Control characters and what reorders text are escapes, so that neither a
terminal nor an editor is misled; no cell of CSV is a formula for a spreadsheet.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pupline.text import UNSAFE, harmless_cell, printable

_UTF = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ASCII = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode

_FORMULA_BEGINNINGS = frozenset("=+-@'")
"""Of cells that `harmless_cell` looks at."""


def json_lines(values: Iterable[Mapping[str, Any]], *, ascii_only: bool = False) -> str:
    """A line of JSON for each value, each with its line feed. What is escaped is escaped as JSON does it."""
    encode = _ASCII if ascii_only else _UTF
    return "".join(f"{_json_line(encode(value))}\n" for value in values)


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """A line of CSV (RFC 4180) for each row. Text from outside is one line, and never a formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(list(map(_csv_cell, row)) for row in rows)
    return text.getvalue()


def _json_line(text: str) -> str:
    # Most lines are plain, which takes a fraction of the time to see.
    return text if text.isascii() and text.isprintable() else UNSAFE.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value.isascii() and value.isprintable() and value[:1] not in _FORMULA_BEGINNINGS:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return harmless_cell(printable(text, len(text) * 10 + 1))
