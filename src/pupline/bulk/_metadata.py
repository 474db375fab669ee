"""Metadata files: JSON Lines and Parquet, in parts of at most 100,000 rows, with constant memory.

pyarrow is imported when the first part is opened: it takes a fifth of a second, and workers do not need it.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pupline.bulk._run_files import RowBatch, RunFile, RunFiles, text_of
from pupline.tasks.layout import JSON_LINES, partition
from pupline.tasks.metadata import METADATA_COLUMNS, ColumnType, milliseconds

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
        "json": pyarrow.string(),
    }
    return pyarrow.schema([(column.name, types[column.kind]) for column in METADATA_COLUMNS])


class MetadataWriter:
    """Writes rows in parts, each put into the bucket when it is full. json_lines: as JSON Lines too.

    A run that ends again overwrites the parts of its earlier end: it never has fewer rows.
    """

    def __init__(self, files: RunFiles, part_rows: int = PART_ROWS, *, json_lines: bool = True) -> None:
        self._files = files
        self._part_rows = part_rows
        self._json_lines = json_lines
        self._number = 0
        self._part = _Part(files, 0, json_lines=json_lines)

    def add(self, batch: RowBatch) -> None:
        """Write the batch, cut where a part is full. Raises: StorageError."""
        room = self._part_rows - self._part.rows
        if len(batch) <= room:
            self._part.add(batch)
            return
        self._part.add(batch.cut(0, room))
        self._part.put()
        self._number += 1
        self._part = _Part(self._files, self._number, json_lines=self._json_lines)
        self.add(batch.cut(room, None))

    def finish(self) -> None:
        """Put the last part; a run without items has one part without rows. Raises: StorageError."""
        self._part.put()

    def close(self) -> None:
        """Drop the part that was not put."""
        self._part.close()


class _Part:
    """One part: `metadata/parquet/run=<run>/part-00000.parquet`, and `metadata/jsonl/run=<run>/part-00000.jsonl`."""

    def __init__(self, files: RunFiles, number: int, *, json_lines: bool) -> None:
        from pyarrow import parquet

        self.rows = 0
        name = f"part-{number:05d}"
        folder = partition("metadata/parquet", files.dataset, files.run)
        self._parquet = RunFile(files, f"{folder}{name}.parquet", PARQUET)
        self._lines: RunFile | None = None
        if json_lines:
            folder = partition("metadata/jsonl", files.dataset, files.run)
            self._lines = RunFile(files, f"{folder}{name}.jsonl", JSON_LINES)
        self._schema = parquet_schema()
        self._writer = parquet.ParquetWriter(self._parquet.file, self._schema, compression=COMPRESSION)
        self._group: list[Any] = []
        self._group_rows = 0

    def add(self, batch: RowBatch) -> None:
        import pyarrow

        if self._lines:
            self._lines.file.write(text_of(batch.lines))
        kinds = (column.kind for column in METADATA_COLUMNS)
        arrays = list(map(_array, kinds, self._schema.types, batch.columns))
        self._group.append(pyarrow.record_batch(arrays, schema=self._schema))
        self.rows += len(batch)
        self._group_rows += len(batch)
        if self._group_rows >= ROW_GROUP_ROWS:
            self._write_group()

    def put(self) -> None:
        if self._lines:
            self._lines.put()
        self._write_group()
        self._writer.close()
        self._parquet.put()

    def close(self) -> None:
        with suppress(Exception):
            self._writer.close()
        self._parquet.close()
        if self._lines:
            self._lines.close()

    def _write_group(self) -> None:
        import pyarrow

        table = pyarrow.Table.from_batches(self._group, schema=self._schema)
        self._writer.write_table(table, row_group_size=max(self._group_rows, 1))
        self._group, self._group_rows = [], 0


def _array(kind: ColumnType, arrow_type: Any, values: Any) -> Any:
    import pyarrow

    if kind == "moment":
        return pyarrow.array(list(map(milliseconds, values)), arrow_type)
    if kind == "stamp":
        return pyarrow.array(values, pyarrow.string()).cast(arrow_type)
    return pyarrow.array(values, arrow_type)
