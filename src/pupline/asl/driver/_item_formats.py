"""The items in one object of a Distributed Map's ItemReader, by InputType. Pure functions."""

import csv
import io
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from pupline.errors import ConfigurationError, PuplineError
from pupline.json_values import AnyJSON, dumps, loads
from pupline.parquet import ColumnPath, DamagedParquet, ParquetTable

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}

#: Well above the payload quota, which an item cannot exceed anyway.
_MAX_FIELD_BYTES = 8 * 1024 * 1024


MAX_PARQUET_CHARACTERS = 512 * 1024 * 1024
"""Characters of JSON that the rows of one Parquet file may have here: a few bytes can stand for any number of rows."""


class ItemReaderError(PuplineError):
    """The object is not a valid list of items; the text is the Cause of States.ItemReaderFailed."""


def parse_items(body: bytes, reader_config: dict[str, AnyJSON]) -> list[AnyJSON]:
    """The items in an object: of a JSON array, of JSON Lines, of CSV rows as objects of strings, or of Parquet rows.

    reader_config: InputType (JSON, JSONL, CSV or PARQUET), ItemsPointer for JSON; CSVHeaderLocation, CSVHeaders and
    CSVDelimiter for CSV; MaxItems (0 or missing: all). Raises: ItemReaderError.
    """
    kind = reader_config.get("InputType", "JSON")
    limit = int(reader_config.get("MaxItems") or 0) or None
    parse = _PARSERS.get(kind)
    if parse is None:
        raise ItemReaderError(f"InputType {kind} is not supported; use {', '.join(_PARSERS)}")
    try:
        with _long_fields():
            return list(islice(parse(body, reader_config), limit))
    except UnicodeDecodeError as err:
        raise ItemReaderError(f"Error parsing the {kind} file: byte {err.start + 1} is not UTF-8") from err
    except RecursionError as err:
        raise ItemReaderError(f"Error parsing the {kind} file: it is nested too deeply") from err
    except (ValueError, csv.Error, DamagedParquet) as err:
        raise ItemReaderError(f"Error parsing the {kind} file: {err}") from err
    except ConfigurationError as err:  # no package that reads Parquet
        raise ItemReaderError(str(err)) from err


def _text(body: bytes) -> str:
    return body.decode("utf-8-sig")


def _json(body: bytes, reader_config: dict[str, AnyJSON]) -> Iterator[AnyJSON]:
    found = loads(_text(body))
    pointer = reader_config.get("ItemsPointer")
    for part in (pointer or "").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, TypeError, ValueError) as err:
            raise ItemReaderError(f"ItemsPointer {pointer} selects nothing in the file") from err
    if not isinstance(found, list):
        raise ItemReaderError("Attempting to map over non-iterable node.")
    return iter(found)


def _json_lines(body: bytes, reader_config: dict[str, AnyJSON]) -> Iterator[AnyJSON]:  # noqa: ARG001 - as the others
    return (loads(line) for line in _text(body).split("\n") if line.strip())


@contextmanager
def _long_fields() -> Iterator[None]:
    """Raise csv's field limit for now only: it is global, and other code relies on it."""
    before = csv.field_size_limit(_MAX_FIELD_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv(body: bytes, reader_config: dict[str, AnyJSON]) -> Iterator[AnyJSON]:
    """Rows as objects: missing cells are empty, cells beyond the header dropped, and the last of equal names wins."""
    delimiter = _DELIMITERS.get(reader_config.get("CSVDelimiter", "COMMA"), ",")
    rows = csv.reader(io.StringIO(_text(body), newline=""), delimiter=delimiter)
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


def _parquet(body: bytes, reader_config: dict[str, AnyJSON]) -> Iterator[AnyJSON]:  # noqa: ARG001 - as the others
    """Rows as objects by column name. A value that JSON cannot hold is null or a text, see `_json_value`."""
    table = ParquetTable(io.BytesIO(body))
    size = 0
    columns = [ColumnPath(at) for at in range(len(table.names))]
    if not columns:
        raise ItemReaderError("the Parquet file has no columns")
    for group, rows in enumerate(table.groups):
        for _, values in table.batches(group, rows.start, columns, _refuse_type):
            for row in zip(*values, strict=True):
                item = {name: _json_value(value) for name, value in zip(table.names, row, strict=True)}
                size += len(dumps(item))
                if size > MAX_PARQUET_CHARACTERS:
                    raise ItemReaderError(f"the rows have more than {MAX_PARQUET_CHARACTERS:,} characters of JSON")
                yield item


def _refuse_type(name: str) -> None:
    raise ItemReaderError(f"the Parquet file holds a value of type {name} that cannot be an item's")


def _json_value(value: Any) -> AnyJSON:
    """The JSON value of a Parquet value.

    Times are ISO 8601 texts, those with a zone in UTC; decimals are numbers; bytes are their UTF-8 text, or Base64;
    durations are seconds; NaN and infinities are null. A map is an array of [key, value].
    """
    if isinstance(value, float):
        return value if value - value == 0 else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    for kind, convert in _CONVERTED:
        if isinstance(value, kind):
            return convert(value)
    raise ItemReaderError(f"the Parquet file holds a value of type {type(value).__name__} that cannot be an item's")


def _datetime(value: datetime) -> str:
    return value.isoformat() if value.tzinfo is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return b64encode(value).decode()


def _decimal(value: Decimal) -> AnyJSON:
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else _json_value(float(value))


_CONVERTED: tuple[tuple[type, Callable[[Any], AnyJSON]], ...] = (
    (datetime, _datetime),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, timedelta.total_seconds),
    (Decimal, _decimal),
    (bytes, _bytes),
)

_PARSERS: dict[str, Callable[[bytes, dict[str, AnyJSON]], Iterator[AnyJSON]]] = {
    "JSON": _json,
    "JSONL": _json_lines,
    "CSV": _csv,
    "PARQUET": _parquet,
}
