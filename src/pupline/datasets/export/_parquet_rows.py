"""Rows as Parquet, written in pages."""

from collections.abc import Sequence
from typing import Any, BinaryIO

from pupline.parquet import ColumnKind, ParquetWriter

_PAGE = 1000


class ParquetRows:
    """Takes rows one by one, where a `ParquetWriter` takes columns. The last page is written by `finish`."""

    def __init__(self, file: BinaryIO, columns: Sequence[tuple[str, ColumnKind]]) -> None:
        self._writer = ParquetWriter(file, columns)
        self._rows: list[Sequence[Any]] = []

    def add(self, values: Sequence[Any]) -> None:
        """Add a row: a value for each column."""
        self._rows.append(values)
        if len(self._rows) >= _PAGE:
            self._write()

    def finish(self) -> None:
        """Write what is left, and the end of the file."""
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if self._rows:
            self._writer.add(list(zip(*self._rows, strict=True)))
            self._rows = []
