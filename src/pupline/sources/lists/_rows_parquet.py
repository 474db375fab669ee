"""Rows of Parquet: a column of URLs, and columns of other fields of an item."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, Any

from pupline.errors import ConfigurationError
from pupline.parquet import ColumnPath, ColumnShape, DamagedParquet, ParquetTable
from pupline.sources.lists._columns import NoColumn, column_at
from pupline.sources.lists._rows import RowPosition, Rows
from pupline.tasks.items import SourceItem
from pupline.text import printable


class ParquetRows(Rows):
    """A Parquet file. Its `RowPosition` counts rows."""

    noun = "row"

    def __init__(self, name: str, source: IO[bytes], position: RowPosition, column: str | None) -> None:
        super().__init__(name, position)
        try:
            self._table = ParquetTable(source)
        except DamagedParquet as err:
            raise ConfigurationError(f"{name}: it is not a Parquet file that can be read: {err}") from err
        try:
            self._url = self._column_of_urls(column)
        except NoColumn as err:
            raise NoColumn(f"{name}: {err}") from err
        names = self._table.names
        binary = {at for at in range(len(names)) if self._table.shape(at).has_bytes and at != self._url.at}
        self._plan_of_columns, read = self._table_plan(names, self._url.at, binary)
        if self._url.fields and len(self._table.shape(self._url.at).fields) > 1:
            self._normal.drop(names[self._url.at], "nothing but the URL is read from it")
        self._names = [name for _, name in read]
        self._columns = [self._url, *(ColumnPath(at) for at, _ in read)]

    def _column_of_urls(self, wanted: str | None) -> ColumnPath:
        """Raises: NoColumn."""
        found = self._find(wanted)
        shape = self._table.shape(found.at)
        for number in found.fields:
            shape = shape.fields[number][1]
        if shape.is_text:
            return found
        shown = printable(self._table.names[found.at], 40)
        advice = "unnest it first" if shape.is_nested else "name another as FILE#COLUMN"
        if shape.fields:
            one = next((name for name, field in shape.fields if field.is_string), shape.fields[0][0])  # not the bytes
            advice = f"name a field of it, such as FILE#{shown}.{printable(one, 40)}"
        raise NoColumn(f"the column {shown!r} holds {printable(shape.name, 60)} where a text is wanted; {advice}")

    def _find(self, wanted: str | None) -> ColumnPath:
        names, parts = self._table.names, (wanted or "").split(".")
        if wanted is None:
            return ColumnPath(self._likeliest())
        if wanted in names or len(parts) == 1 or names.count(parts[0]) != 1:
            return ColumnPath(column_at(names, wanted))
        at, path = names.index(parts[0]), []
        shape: ColumnShape = self._table.shape(at)
        for part in parts[1:]:
            path.append(column_at([name for name, _ in shape.fields], part))
            shape = shape.fields[path[-1]][1]
        return ColumnPath(at, tuple(path))

    def _likeliest(self) -> int:
        """The column of URLs by its name. Of several, it is not one that holds pictures. Raises: NoColumn."""
        names = self._table.names
        try:
            return column_at(names, None)
        except NoColumn:
            shapes = map(self._table.shape, range(len(names)))
            others = [
                "" if shape.has_bytes and shape.is_nested else name for name, shape in zip(names, shapes, strict=True)
            ]
            with suppress(NoColumn):
                return column_at(others, None)
            raise

    def count(self) -> int:
        return self._table.row_count

    def _items(self) -> Iterator[tuple[int, int, SourceItem]]:
        """Rows count from 1. The rest of a damaged row group is one item."""
        for group, rows in enumerate(self._table.groups):
            if self.at < rows.stop:
                row = self.at
                try:
                    for row, item in self._rows_of(group):
                        yield row, row, item
                    problem = None if row == rows.stop else "the file ends before"
                except DamagedParquet as err:
                    if not row:
                        raise ConfigurationError(f"{self.name}: row 0 cannot be read: {err}") from err
                    problem = str(err)
                if problem is not None:
                    end = rows.stop
                    yield end, end, self._unusable(row + 1, f"it and all to row {end:,} cannot be read: {problem}", "")

    def _rows_of(self, group: int) -> Iterator[tuple[int, SourceItem]]:
        """The items of the row group, from `at` on."""
        for end, (urls, *facts) in self._table.batches(group, self.at, self._columns, self._note_type):
            row = end - len(urls)
            for url, *values in zip(urls, *facts, strict=True):
                row += 1
                yield row, self._item_of(row, url, dict(zip(self._names, values, strict=True)))

    def _note_type(self, kind: str) -> None:
        self._normal.note(f"value {kind}", f"a value of type {kind} cannot be read; such are left out")

    def _item_of(self, row: int, url: Any, values: Mapping[str, Any]) -> SourceItem:
        if isinstance(url, bytes):
            url = url.decode("utf-8", "surrogateescape")
        readable = self._readable(values) if self._table.has_bytes else values
        return self._item(url or "", row, self._plan_of_columns, readable)
