"""Audit records as a file: CSV, JSON Lines or Parquet, for the command line and the console alike.

    for chunk in record_file(pages, "csv"): ...  # bytes, one page of records in memory

Parquet keeps one row group in memory, and needs `pupline[parquet]`. A consumer that stops in the middle, or an error of
the records, leaves a file without its end: JSON Lines and CSV need a transport or a name that tells it.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Literal, TypeAlias

from pupline.line_formats import csv_lines, json_lines
from pupline.parquet import MEDIA_TYPE, ColumnKind, ParquetWriter
from pupline.tasks.records import AuditRecord

RecordFormat: TypeAlias = Literal["csv", "jsonl", "parquet"]

MEDIA_TYPES: dict[RecordFormat, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": MEDIA_TYPE,
}

RECORD_COLUMNS = tuple(field.name for field in fields(AuditRecord))

_KINDS: dict[str, ColumnKind] = {
    "upload_timestamp": "time",
    "alert_triggered": "flag",
    "alert_sent": "flag",
    "alert_reasons": "texts",
    "size_bytes": "int64",
    "width": "int64",
    "height": "int64",
}
"""Of columns that are not text."""


def record_file(pages: Iterable[Sequence[AuditRecord]], file_format: RecordFormat) -> Iterator[bytes]:
    """The file, piece by piece: one for each page. Raises: ConfigurationError where Parquet cannot be written."""
    if file_format == "parquet":
        yield from _parquet(pages)
    elif file_format == "jsonl":
        for page in pages:
            yield json_lines(record.as_dict() for record in page).encode()
    else:
        yield csv_lines([RECORD_COLUMNS]).encode()
        for page in pages:
            yield csv_lines(map(record_values, page)).encode()


def record_values(record: AuditRecord) -> list[Any]:
    """The values of a row, in the order of RECORD_COLUMNS."""
    return [getattr(record, name) for name in RECORD_COLUMNS]


class _Sink(io.RawIOBase):
    """What the writer has written since the last `taken`."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def taken(self) -> bytes:
        """The bytes, once."""
        taken, self._waiting = bytes(self._waiting), bytearray()
        return taken


def _parquet(pages: Iterable[Sequence[AuditRecord]]) -> Iterator[bytes]:
    sink = _Sink()
    writer = ParquetWriter(sink, [(name, _KINDS.get(name, "text")) for name in RECORD_COLUMNS])  # type: ignore[arg-type]
    try:
        for page in pages:
            writer.add(list(zip(*map(record_values, page), strict=True)) if page else [()] * len(RECORD_COLUMNS))
            yield sink.taken()
    except BaseException:
        writer.drop()
        raise
    writer.close()
    yield sink.taken()
