"""Metadata as files: JSON Lines and Parquet, in parts of at most 100,000 rows, with flat memory however many there are.

pyarrow is imported when the first part is begun: it takes a fifth of a second, and no worker needs it.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pupline.bulk._run_files import RowBatch, RunFile, RunFiles, text_of
from pupline.tasks.layout import JSON_LINES, Partitioned, partition
from pupline.tasks.metadata import METADATA_COLUMNS, Columns, ColumnType, milliseconds

if TYPE_CHECKING:
    import pyarrow

PART_ROWS = 100_000
ROW_GROUP_ROWS = 25_000
"""Rows that Parquet keeps together: some 10 MB in memory, and enough for its encodings and statistics to pay."""

COMPRESSION = "zstd"
"""Half the size of snappy here, and no slower; Athena (engine version 3), DuckDB, Spark and pandas all read it."""

PARQUET = "application/vnd.apache.parquet"


def parquet_schema() -> "pyarrow.Schema":
    """The columns of the metadata with their pyarrow types."""
    import pyarrow

    types: dict[ColumnType, Any] = {
        "text": pyarrow.string(),
        "texts": pyarrow.list_(pyarrow.string()),
        "flag": pyarrow.bool_(),
        "int32": pyarrow.int32(),
        "int64": pyarrow.int64(),
        "moment": pyarrow.timestamp("ms", tz="UTC"),
        "stamp": pyarrow.timestamp("ms", tz="UTC"),
    }
    return pyarrow.schema([(column.name, types[column.kind]) for column in METADATA_COLUMNS])


class TablePart:
    """One part as Parquet: `metadata/parquet/run=<run>/part-00000.parquet`."""

    def __init__(self, spool: RunFiles, number: int) -> None:
        self.rows = 0
        self._parquet = RunFile(spool, f"{_place(spool, 'metadata/parquet', number)}.parquet", PARQUET)
        self._table = _TableWriter(self._parquet)

    def add(self, batch: RowBatch) -> None:
        """Write the batch."""
        self._table.add(batch.columns)
        self.rows += len(batch)

    def put(self) -> None:
        """Put it into the bucket. Raises: StorageError."""
        self._table.finish()
        self._parquet.put()

    def close(self) -> None:
        """Drop it, unless it was put."""
        self._table.close()
        self._parquet.close()


class DoublePart(TablePart):
    """One part in both forms: the same rows also as `metadata/jsonl/run=<run>/part-00000.jsonl`."""

    def __init__(self, spool: RunFiles, number: int) -> None:
        super().__init__(spool, number)
        self._lines = RunFile(spool, f"{_place(spool, 'metadata/jsonl', number)}.jsonl", JSON_LINES)

    def add(self, batch: RowBatch) -> None:
        """Write the batch."""
        self._lines.file.write(text_of(batch.lines))
        super().add(batch)

    def put(self) -> None:
        """Put both into the bucket. Raises: StorageError."""
        self._lines.put()
        super().put()

    def close(self) -> None:
        """Drop what was not put."""
        super().close()
        self._lines.close()


def _place(spool: RunFiles, form: Partitioned, number: int) -> str:
    return f"{partition(form, spool.dataset, spool.run)}part-{number:05d}"


class MetadataWriter:
    """Writes rows in parts, each put into the bucket when it is full. form: what a part is.

    A run that ends again overwrites the parts of its earlier end: its rows only become more.
    """

    def __init__(self, spool: RunFiles, part_rows: int = PART_ROWS, form: type[TablePart] = DoublePart) -> None:
        self._run_files = spool
        self._part_rows = part_rows
        self._form = form
        self._number = 0
        self._part = form(spool, 0)

    def add(self, batch: RowBatch) -> None:
        """Write the batch, cut where a part is full. Raises: StorageError."""
        room = self._part_rows - self._part.rows
        if len(batch) <= room:
            self._part.add(batch)
            return
        self._part.add(batch.cut(0, room))
        self._part.put()
        self._number += 1
        self._part = self._form(self._run_files, self._number)
        self.add(batch.cut(room, None))

    def finish(self) -> None:
        """Put the last part; a run without items has one part without rows. Raises: StorageError."""
        self._part.put()

    def close(self) -> None:
        """Drop the part that was not put."""
        self._part.close()


class _TableWriter:
    """Gathers batches to row groups of one Parquet file."""

    def __init__(self, target: RunFile) -> None:
        from pyarrow import parquet

        self._schema = parquet_schema()
        self._writer = parquet.ParquetWriter(target.file, self._schema, compression=COMPRESSION)
        self._batches: list[Any] = []
        self._rows = 0

    def add(self, columns: Columns) -> None:
        import pyarrow

        kinds = (column.kind for column in METADATA_COLUMNS)
        arrays = list(map(_array, kinds, self._schema.types, columns))
        self._batches.append(pyarrow.record_batch(arrays, schema=self._schema))
        self._rows += len(columns[0])
        if self._rows >= ROW_GROUP_ROWS:
            self._flush()

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def close(self) -> None:
        with suppress(Exception):
            self._writer.close()

    def _flush(self) -> None:
        import pyarrow

        table = pyarrow.Table.from_batches(self._batches, schema=self._schema)
        self._writer.write_table(table, row_group_size=max(self._rows, 1))
        self._batches, self._rows = [], 0


def _array(kind: ColumnType, arrow_type: Any, values: Any) -> Any:
    import pyarrow

    if kind == "moment":
        return pyarrow.array(list(map(milliseconds, values)), arrow_type)
    if kind == "stamp":
        return pyarrow.array(values, pyarrow.string()).cast(arrow_type)
    return pyarrow.array(values, arrow_type)
