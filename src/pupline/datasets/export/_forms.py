"""The forms of an export: folders of images, tar shards, or a table alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from io import TextIOWrapper
from typing import BinaryIO, Literal, Protocol, TypeAlias

from pupline.datasets._objects import ImageBytes
from pupline.datasets.export._list import ListKind, TableWriter
from pupline.datasets.export._parquet_rows import ParquetRows
from pupline.datasets.export._plan import ExportPlan, PlannedSample
from pupline.datasets.export._target import ExportTarget
from pupline.datasets.selection import Row
from pupline.datasets.training import (
    Kind,
    Shard,
    TrainingSchema,
    csv_header,
    csv_line,
    json_line,
    shard_name,
)
from pupline.parquet import ColumnKind, installed

ExportFormat: TypeAlias = Literal["folders", "webdataset", "jsonl", "csv", "parquet", "list"]
"""list: of addresses, in a form that the request has besides."""

_PARQUET_KINDS: dict[Kind, ColumnKind] = {
    "flag": "flag",
    "integer": "int64",
    "number": "float64",
    "text": "text",
    "moment": "time",
}
_GUESSED_ROWS = 2_000
"""Rows of JSON Lines that `datasets` certainly reads at once; it guesses types for each 10 MB."""


def metadata_kind(schema: TrainingSchema, sizes: Mapping[str, int]) -> Literal["jsonl", "parquet"]:
    """The kind of table that imagefolder can read. sizes: how many rows each split has.

    Parquet, if that is installed, where guesses from JSON Lines may differ between splits or between parts of a file.
    """
    is_guessed_at_once = len(sizes) == 1 and max(sizes.values()) <= _GUESSED_ROWS
    return "parquet" if schema.ambiguous and not is_guessed_at_once and installed() else "jsonl"


class ExportForm(Protocol):
    """Writes the samples of an export. A context manager: left by an error, unfinished files do not appear."""

    def paths(self, plan: ExportPlan) -> Iterator[str]:
        """All files that may be made."""

    def add(self, sample: PlannedSample, row: Row, image: ImageBytes) -> None:
        """Write one sample. Raises: StorageError."""

    def finish(self) -> None:
        """Write what is left, so that all files are whole. Raises: StorageError."""


class Folders:
    """`train/pug/0a1b….jpg`, and `train/metadata.jsonl` or `.parquet`, which imagefolder of Hugging Face reads."""

    def __init__(
        self, target: ExportTarget, schema: TrainingSchema, opened: ExitStack, kind: Literal["jsonl", "parquet"]
    ) -> None:
        self._target = target
        writer = TABLE_WRITERS[kind]
        self._tables = _Tables(target, "{split}/metadata." + kind, lambda file: writer(file, schema), opened)

    def paths(self, plan: ExportPlan) -> Iterator[str]:
        """Each image, and each table."""
        yield from self._tables.paths(plan)
        for sample in plan.samples():
            yield sample.path

    def add(self, sample: PlannedSample, row: Row, image: ImageBytes) -> None:
        """Place the image, and add its row. Raises: StorageError."""
        self._target.place(sample.path, image)
        self._tables.add(sample.split, row | {"file_name": f"{sample.folder}/{sample.file_name}"})

    def finish(self) -> None:
        """Write the tables, which name images that are all there now. Raises: StorageError."""
        self._tables.finish()


class Shards:
    """`train-00000.tar` and on, of `size` images each, in webdataset's layout."""

    def __init__(self, target: ExportTarget, schema: TrainingSchema, opened: ExitStack, size: int) -> None:
        self._target = target
        self._schema = schema
        self._opened = opened
        self._size = size
        self._counts: dict[str, int] = {}
        self._open: dict[str, tuple[Shard, ExitStack]] = {}

    def paths(self, plan: ExportPlan) -> Iterator[str]:
        """As many shards as there are if no image is missing."""
        for split, count in plan.sizes().items():
            for number in range(-(-count // self._size)):
                yield f"{split}-{shard_name(number)}"

    def add(self, sample: PlannedSample, row: Row, image: ImageBytes) -> None:
        """Add the sample to its split's shard. Raises: StorageError."""
        count = self._counts.get(sample.split, 0)
        if count % self._size == 0:
            self._finish(sample.split)
            closing = self._opened.enter_context(ExitStack())
            file = closing.enter_context(self._target.file(f"{sample.split}-{shard_name(count // self._size)}"))
            self._open[sample.split] = Shard(file, self._schema), closing
        self._open[sample.split][0].add(sample.number, row, image.body)
        self._counts[sample.split] = count + 1
        self._target.added += 1

    def finish(self) -> None:
        """Write the shards that are not full. Raises: StorageError."""
        for split in list(self._open):
            self._finish(split)

    def _finish(self, split: str) -> None:
        if split in self._open:
            shard, closing = self._open.pop(split)
            shard.close()
            closing.close()


class TableAlone:
    """A table without the images: of training rows, one for each split, or a list of addresses in one file.

    name: of the file, with `{split}` where there is one for each.
    """

    def __init__(
        self, target: ExportTarget, schema: TrainingSchema, opened: ExitStack, *, name: str, writer: TableWriter
    ) -> None:
        self._tables = _Tables(target, name, lambda file: writer(file, schema), opened)
        self._target = target

    def paths(self, plan: ExportPlan) -> Iterator[str]:
        """The tables."""
        return self._tables.paths(plan)

    def add(self, sample: PlannedSample, row: Row, image: ImageBytes) -> None:  # noqa: ARG002 - the form's
        """Add the row."""
        self._tables.add(sample.split, row)
        self._target.added += 1

    def finish(self) -> None:
        """Write the tables. Raises: StorageError."""
        self._tables.finish()


class _Table(Protocol):
    def add(self, row: Row) -> None: ...

    def finish(self) -> None: ...


class _Tables:
    """A table for each split, opened at its first row. name: of its file, with `{split}`."""

    def __init__(
        self, target: ExportTarget, name: str, writer: Callable[[BinaryIO], _Table], opened: ExitStack
    ) -> None:
        self._target = target
        self._name = name
        self._writer = writer
        self._opened = opened
        self._open: dict[str, tuple[_Table, ExitStack]] = {}

    def paths(self, plan: ExportPlan) -> Iterator[str]:
        return (self._name.format(split=split) for split in plan.sizes())

    def add(self, split: str, row: Row) -> None:
        if split not in self._open:
            closing = self._opened.enter_context(ExitStack())
            file = closing.enter_context(self._target.file(self._name.format(split=split)))
            self._open[split] = self._writer(file), closing
        self._open[split][0].add(row)

    def finish(self) -> None:
        for table, closing in self._open.values():
            table.finish()
            closing.close()
        self._open.clear()


class _JsonLines:
    def __init__(self, file: BinaryIO, schema: TrainingSchema) -> None:
        self._file = file
        self._schema = schema

    def add(self, row: Row) -> None:
        self._file.write(json_line(self._schema, row).encode() + b"\n")

    def finish(self) -> None:
        """Every line is written."""


class _Csv:
    def __init__(self, file: BinaryIO, schema: TrainingSchema) -> None:
        self._text = TextIOWrapper(file, encoding="utf-8", newline="")
        self._schema = schema
        self._text.write(csv_header(schema))

    def add(self, row: Row) -> None:
        self._text.write(csv_line(self._schema, row))

    def finish(self) -> None:
        self._text.flush()
        self._text.detach()


class _Parquet:
    def __init__(self, file: BinaryIO, schema: TrainingSchema) -> None:
        self._schema = schema
        self._rows = ParquetRows(file, [(column.name, _PARQUET_KINDS[column.kind]) for column in schema.columns])

    def add(self, row: Row) -> None:
        self._rows.add(self._schema.values(row))

    def finish(self) -> None:
        self._rows.finish()


TABLE_WRITERS: Mapping[ListKind, TableWriter] = {"jsonl": _JsonLines, "csv": _Csv, "parquet": _Parquet}
"""For tables of training rows; `LIST_WRITERS` are those for lists of addresses."""
