"""Audit records as files: the same rows in every format, safe to open, whole or visibly not."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import chain

import pytest

from pupline.tasks.record_files import RECORD_COLUMNS, RecordFormat, record_file
from pupline.tasks.records import AuditRecord

HOSTILE = AuditRecord(
    image_name="=HYPERLINK(0)\r\nnext\u202e.png",
    upload_timestamp="2026-01-31T12:00:00.000Z",
    alert_triggered=True,
    alert_reasons=("png_content", "@a,b"),
    outcome="failed",
    reason="http_error",
    execution="monday-00001",
    width=4_294_967_295,
    cause="größer\x1b[31m",
)
PLAIN = AuditRecord(
    image_name="a.jpg",
    upload_timestamp="2026-01-31T12:00:01.000Z",
    alert_triggered=False,
    outcome="stored",
    reason="accepted",
    execution="monday-00002",
)


def written(file_format: RecordFormat, *pages: list[AuditRecord]) -> bytes:
    """The file of these pages."""
    return b"".join(record_file(pages, file_format))


def test_csv_has_one_line_for_each_record_and_no_formula() -> None:
    """RFC 4180 with a header; a text from outside is one line, and a spreadsheet computes none."""
    text = written("csv", [HOSTILE], [PLAIN]).decode()
    header, hostile, plain = csv.reader(io.StringIO(text, newline=""))
    assert header == list(RECORD_COLUMNS)
    assert hostile[0] == "'=HYPERLINK(0)\\r\\nnext\\u202e.png"
    assert (plain[0], plain[-1]) == ("a.jpg", "")
    assert text.count("\r\n") == 3


def test_json_lines_keep_every_value() -> None:
    """Escaped, but the same value when read; letters of all languages stay readable."""
    body = written("jsonl", [HOSTILE, PLAIN])
    assert [json.loads(line) for line in body.splitlines()] == [HOSTILE.as_dict(), PLAIN.as_dict()]
    assert "größer".encode() in body
    assert b"\x1b" not in body


def test_parquet_has_typed_columns() -> None:
    """Times are times, reasons are lists, and a width that an image only claims still fits."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(written("parquet", [HOSTILE], [], [PLAIN])))
    assert table.column_names == list(RECORD_COLUMNS)
    assert str(table.schema.field("upload_timestamp").type) == "timestamp[ms, tz=UTC]"
    assert table.column("alert_reasons").to_pylist() == [["png_content", "@a,b"], []]
    assert table.column("width").to_pylist() == [4_294_967_295, None]
    assert table.column("image_name").to_pylist() == [HOSTILE.image_name, "a.jpg"]


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_an_error_of_the_records_ends_the_file_with_that_error(file_format: RecordFormat) -> None:
    """Nothing after it, above all not Parquet's end: the file is not taken for a whole one."""
    if file_format == "parquet":
        pytest.importorskip("pyarrow")

    def pages() -> Iterator[list[AuditRecord]]:
        yield [PLAIN]
        raise OSError("the disk is gone")

    body = bytearray()
    with pytest.raises(OSError, match="the disk is gone"):
        body.extend(chain.from_iterable(record_file(pages(), file_format)))
    assert len(body) <= 4 or not body.endswith(b"PAR1")
