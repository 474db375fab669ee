"""Files from outside are read in pieces: from any row, any column, any field of a struct; damage is one error."""

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pupline.parquet import ColumnPath, DamagedParquet, ParquetTable


def table_of(columns: dict[str, Any], **options: Any) -> ParquetTable:
    """An open file with these columns."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return ParquetTable(sink)


def rows_of(table: ParquetTable, group: int, start: int, columns: Sequence[ColumnPath]) -> list[tuple[Any, ...]]:
    """The rows of a row group, where every value can be held."""
    notes: list[str] = []
    batches = list(table.batches(group, start, columns, notes.append))
    assert notes == []
    return [row for _, values in batches for row in zip(*values, strict=True)]


def test_columns_come_in_the_order_asked_for() -> None:
    """From the row asked for on, whatever the order in the file."""
    table = table_of({"a": [1, 2, 3, 4, 5], "b": list("vwxyz"), "c": [0] * 5}, row_group_size=2)
    assert (table.names, table.row_count, table.groups) == (["a", "b", "c"], 5, [range(2), range(2, 4), range(4, 5)])
    assert rows_of(table, 1, 3, [ColumnPath(1), ColumnPath(0)]) == [("y", 4)]
    assert rows_of(table, 1, 0, [ColumnPath(0)]) == [(3,), (4,)]


def test_fields_of_one_struct_together_and_with_the_struct() -> None:
    """Each path has the values of its own field."""
    image = {"url": "u", "by": {"name": "n", "id": 7}, "w": 1}
    table = table_of({"id": [1], "image": [image]})
    width, name = ColumnPath(1, (2,)), ColumnPath(1, (1, 0))
    assert [field for field, _ in table.shape(1).fields] == ["url", "by", "w"]
    assert rows_of(table, 0, 0, [width, name]) == [(1, "n")]
    assert rows_of(table, 0, 0, [width, ColumnPath(1), ColumnPath(0)]) == [(1, image, 1)]


def test_values_that_python_cannot_hold_are_noted() -> None:
    """With their type; the others are there."""
    table = table_of({"t": pa.array([10**15, 2], pa.timestamp("ms")), "n": [1, 2]})
    notes: list[str] = []
    ((_, (times, numbers)),) = table.batches(0, 0, [ColumnPath(0), ColumnPath(1)], notes.append)
    assert (times[0], numbers, notes) == (None, [1, 2], ["timestamp[ms]"])


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1" + bytes(50) + b"PAR1", b"url\n" * 9])
def test_what_is_not_parquet_is_one_error(body: bytes) -> None:
    """Of our own, on one line."""
    with pytest.raises(DamagedParquet) as raised:
        ParquetTable(io.BytesIO(body))
    assert "\n" not in str(raised.value)
