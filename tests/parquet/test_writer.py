"""Typed columns become Parquet: the types that query engines expect, and the same bytes for the same rows."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as pq
import pytest

from pupline.parquet import ColumnKind, ParquetWriter

COLUMNS: list[tuple[str, ColumnKind]] = [
    ("name", "text"),
    ("labels", "texts"),
    ("kept", "flag"),
    ("width", "int32"),
    ("bytes", "int64"),
    ("blur", "float64"),
    ("seen", "time"),
    ("made", "time"),
    ("extra", "json"),
]
ROWS: list[list[Any]] = [
    ["rex", None],
    [("a", "b"), None],
    [True, None],
    [640, None],
    [2**40, None],
    [0.5, None],
    [1_764_000_000_123, None],
    [None, "2026-11-22T17:00:07.001Z"],
    ['{"a":1}', None],
]


def body_of(*batches: list[list[Any]]) -> bytes:
    """A file with these rows."""
    sink = io.BytesIO()
    with ParquetWriter(sink, COLUMNS) as writer:
        for batch in batches:
            writer.add(batch)
    return sink.getvalue()


def test_each_kind_has_its_type_and_takes_null() -> None:
    """Times are UTC to the millisecond, from numbers and from texts."""
    table = pq.read_table(io.BytesIO(body_of(ROWS)))
    text, time = pyarrow.string(), pyarrow.timestamp("ms", tz="UTC")
    numbers = [pyarrow.bool_(), pyarrow.int32(), pyarrow.int64(), pyarrow.float64()]
    assert table.schema.types[0] == text
    assert table.schema.types[1].value_type == text
    assert table.schema.types[2:] == [*numbers, time, time, text]
    first, second = table.to_pylist()
    assert first == {
        "name": "rex",
        "labels": ["a", "b"],
        "kept": True,
        "width": 640,
        "bytes": 2**40,
        "blur": 0.5,
        "seen": datetime(2025, 11, 24, 16, 0, 0, 123_000, UTC),
        "made": None,
        "extra": '{"a":1}',
    }
    assert second["made"] == datetime(2026, 11, 22, 17, 0, 7, 1_000, UTC)
    assert {name for name, value in second.items() if value is not None} == {"made"}


def test_the_same_rows_give_the_same_bytes() -> None:
    """However they are divided into calls, and to whatever they are written."""
    whole = body_of([values * 4 for values in ROWS])
    assert body_of(*[ROWS] * 4) == whole


def test_a_file_without_rows_has_its_columns() -> None:
    """So a query over it finds none, rather than no column."""
    table = pq.read_table(io.BytesIO(body_of()))
    assert (table.num_rows, table.column_names) == (0, [name for name, _ in COLUMNS])


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    """Some of the rows are not taken for all of them."""
    writer = ParquetWriter(tmp_path / "part.parquet", [("width", "int32")])
    writer.add([[640]])
    with pytest.raises(pyarrow.ArrowInvalid), writer:
        writer.add([["wide"]])
    assert list(tmp_path.iterdir()) == []
