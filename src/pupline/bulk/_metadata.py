"""Metadata files: JSON Lines and Parquet, in parts of at most 100,000 rows, with constant memory."""

from collections.abc import Iterator
from typing import Any, Final, Literal, TypeAlias

from pupline.bulk._run_files import RowBatch, RunFile, RunFiles, text_of
from pupline.parquet import MEDIA_TYPE, ColumnKind, ParquetWriter
from pupline.tasks.layout import JSON_LINES, partition
from pupline.tasks.metadata import METADATA_COLUMNS, ColumnType, milliseconds

PART_ROWS = 100_000

Formats: TypeAlias = frozenset[Literal["jsonl", "parquet"]]
BOTH: Final[Formats] = frozenset({"jsonl", "parquet"})
LINES_ONLY: Final[Formats] = frozenset({"jsonl"})
PARQUET_ONLY: Final[Formats] = frozenset({"parquet"})

_KINDS: dict[ColumnType, ColumnKind] = {
    **{kind: kind for kind in ("text", "texts", "flag", "int32", "int64", "json")},
    "moment": "time",
    "stamp": "time",
}


def parquet_columns() -> list[tuple[str, ColumnKind]]:
    """The columns of the metadata with their kinds in Parquet."""
    return [(column.name, _KINDS[column.kind]) for column in METADATA_COLUMNS]


class MetadataWriter:
    """Writes rows in parts, which are put into the bucket at the end. formats: one of them or both.

    A run that ends again overwrites the parts of its earlier end: it never has fewer rows.
    """

    def __init__(self, files: RunFiles, part_rows: int = PART_ROWS, formats: Formats = BOTH) -> None:
        self._files = files
        self._part_rows = part_rows
        self._formats = formats
        self._parts = [_Part(files, 0, formats)]

    def add(self, batch: RowBatch) -> None:
        """Write the batch, cut where a part is full. Raises: StorageError."""
        part = self._parts[-1]
        room = self._part_rows - part.rows
        if len(batch) <= room:
            part.add(batch)
            return
        part.add(batch.cut(0, room))
        part.complete()
        self._parts.append(_Part(self._files, len(self._parts), self._formats))
        self.add(batch.cut(room, None))

    def finish(self) -> None:
        """Put all parts; a run without items has one part without rows. Raises: StorageError."""
        self._parts[-1].complete()
        for part in self._parts:
            part.put()

    def close(self) -> None:
        """Drop the parts that were not put."""
        for part in self._parts:
            part.close()


class _Part:
    """One part: `metadata/parquet/run=<run>/part-00000.parquet`, and `metadata/jsonl/run=<run>/part-00000.jsonl`."""

    def __init__(self, files: RunFiles, number: int, formats: Formats) -> None:
        self.rows = 0
        name = f"part-{number:05d}"
        self._lines: RunFile | None = None
        self._parquet: RunFile | None = None
        self._writer: ParquetWriter | None = None
        if "jsonl" in formats:
            folder = partition("metadata/jsonl", files.dataset, files.run)
            self._lines = RunFile(files, f"{folder}{name}.jsonl", JSON_LINES)
        if "parquet" in formats:
            folder = partition("metadata/parquet", files.dataset, files.run)
            self._parquet = RunFile(files, f"{folder}{name}.parquet", MEDIA_TYPE)
            self._writer = ParquetWriter(self._parquet.file, parquet_columns())

    def add(self, batch: RowBatch) -> None:
        if self._lines:
            self._lines.file.write(text_of(batch.lines))
        if self._writer:
            kinds = (column.kind for column in METADATA_COLUMNS)
            self._writer.add(list(map(_values, kinds, batch.columns)))
        self.rows += len(batch)

    def complete(self) -> None:
        """Write the end of the files, and close them."""
        if self._writer:
            self._writer.close()
            self._writer = None
        for file in self._files():
            file.file.close()

    def put(self) -> None:
        for file in self._files():
            file.put()

    def close(self) -> None:
        if self._writer:
            self._writer.drop()
        for file in self._files():
            file.close()

    def _files(self) -> Iterator[RunFile]:
        return filter(None, (self._lines, self._parquet))


def _values(kind: ColumnType, values: Any) -> Any:
    return milliseconds(values) if kind == "moment" else values
