"""ItemReader: the items of a Distributed Map, parsed from an object's bytes. Pure functions."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from pupline.errors import PuplineError
from pupline.json_values import AnyJSON, loads

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}

#: Well above the payload quota, which an item cannot exceed anyway.
_MAX_FIELD_BYTES = 8 * 1024 * 1024


class ItemReaderError(PuplineError):
    """The object is not a valid list of items; the text is the Cause of States.ItemReaderFailed."""


def parse_items(body: bytes, reader_config: dict[str, AnyJSON]) -> list[AnyJSON]:
    """The items in an object: of a JSON array, of JSON Lines, or of CSV rows as objects of strings.

    reader_config: InputType (JSON, JSONL or CSV), ItemsPointer for JSON; CSVHeaderLocation, CSVHeaders and CSVDelimiter
    for CSV; MaxItems (0 or missing: all). Raises ItemReaderError.
    """
    kind = reader_config.get("InputType", "JSON")
    limit = int(reader_config.get("MaxItems") or 0)
    try:
        text = body.decode("utf-8-sig")
        if kind == "CSV":
            with _long_fields():
                items = list(islice(_csv(text, reader_config), limit or None))
        elif kind == "JSONL":
            items = list(islice((loads(line) for line in text.split("\n") if line.strip()), limit or None))
        elif kind == "JSON":
            items = _json(text, reader_config.get("ItemsPointer"))
        else:
            raise ItemReaderError(f"InputType {kind} is not supported; use JSON, JSONL or CSV")
    except (ValueError, csv.Error, RecursionError) as err:
        raise ItemReaderError(f"Error parsing the {kind} file: {err}") from err
    return items[:limit] if limit else items


def _json(text: str, pointer: str | None) -> list[AnyJSON]:
    found = loads(text)
    for part in (pointer or "").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, TypeError, ValueError) as err:
            raise ItemReaderError(f"ItemsPointer {pointer} selects nothing in the file") from err
    if not isinstance(found, list):
        raise ItemReaderError("Attempting to map over non-iterable node.")
    return found


@contextmanager
def _long_fields() -> Iterator[None]:
    """Raise csv's field limit for now only: it is global, and other code relies on it."""
    before = csv.field_size_limit(_MAX_FIELD_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv(text: str, reader_config: dict[str, AnyJSON]) -> Iterator[AnyJSON]:
    """Rows as objects: missing cells are empty, cells beyond the header dropped, and the last of equal names wins."""
    delimiter = _DELIMITERS.get(reader_config.get("CSVDelimiter", "COMMA"), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    headers = reader_config.get("CSVHeaders")
    if reader_config.get("CSVHeaderLocation", "FIRST_ROW") == "FIRST_ROW":
        headers = next(rows, [])
    if not isinstance(headers, list):
        raise ItemReaderError("CSVHeaderLocation GIVEN needs CSVHeaders, an array of strings")
    width = len(headers)
    for row in rows:
        if row:
            cells = row[:width] + [""] * (width - len(row))
            yield dict(zip(headers, cells, strict=True))
