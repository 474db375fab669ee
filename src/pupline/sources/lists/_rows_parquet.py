"""Rows of Parquet: a column of URLs, and columns of other fields of an item."""

from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any, Final

from pupline.errors import ConfigurationError
from pupline.sources.lists._columns import NoColumn, column_at
from pupline.sources.lists._rows import RowPosition, Rows
from pupline.tasks.items import SourceItem
from pupline.text import printable

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS: Final = 1000
_BATCH_BYTES: Final = 32 * 1024 * 1024
_BUFFER_BYTES: Final = 256 * 1024  # read at once of each column, so that a row group may be of any size

_NOT_HELD: Final = (ValueError, ArithmeticError, LookupError, TypeError, ImportError)
"""Raised by pyarrow, besides its own errors, for values that Python cannot hold: text that is not UTF-8, the year
10,000, nanoseconds, a struct with a repeated name, an unknown time zone."""


class ParquetRows(Rows):
    """A Parquet file. Its `RowPosition` counts rows."""

    noun = "row"

    def __init__(self, name: str, source: IO[bytes], position: RowPosition, column: str | None) -> None:
        super().__init__(name, position)
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._broken = (pa.ArrowException, OSError, MemoryError, *_NOT_HELD)
        try:
            self._file = pq.ParquetFile(source, buffer_size=_BUFFER_BYTES, pre_buffer=False)
            self._schema: pa.Schema = self._file.schema_arrow
            self._names = list(self._schema.names)
        except self._broken as err:
            raise ConfigurationError(f"{name}: it is not a Parquet file that can be read: {_said(err)}") from err
        try:
            self._url, self._path = self._column_of_urls(column)
        except NoColumn as err:
            raise NoColumn(f"{name}: {err}") from err
        self._facts = self._fact_columns(self._names, self._url)
        self._fact_names = [name for _, name in self._facts]
        self._has_bytes = False  # whether there was a text that is not UTF-8

    def _column_of_urls(self, wanted: str | None) -> tuple[int, tuple[int, ...]]:
        """Its index, and the path to a field of a struct. Raises: NoColumn."""
        import pyarrow as pa

        at, path = self._find(wanted)
        kind = self._schema.field(at).type
        for number in path:
            kind = kind.field(number).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if _is_text(kind) or pa.types.is_null(kind):
            return at, path
        shown = printable(self._names[at], 40)
        advice = "unnest it first" if pa.types.is_nested(kind) else "name another as FILE#COLUMN"
        if pa.types.is_struct(kind) and kind.num_fields:
            fields = [kind.field(number) for number in range(kind.num_fields)]
            one = next((field for field in fields if pa.types.is_string(field.type)), fields[0])  # not the bytes
            advice = f"name a field of it, such as FILE#{shown}.{printable(one.name, 40)}"
        raise NoColumn(f"the column {shown!r} holds {printable(str(kind), 60)} where a text is wanted; {advice}")

    def _find(self, wanted: str | None) -> tuple[int, tuple[int, ...]]:
        import pyarrow as pa

        parts = (wanted or "").split(".")
        if wanted in self._names or len(parts) == 1 or self._names.count(parts[0]) != 1:
            return column_at(self._names, wanted), ()
        at, path = self._names.index(parts[0]), []
        kind = self._schema.field(at).type
        for part in parts[1:]:
            fields = [kind.field(number).name for number in range(kind.num_fields)] if pa.types.is_struct(kind) else []
            path.append(column_at(fields, part))
            kind = kind.field(path[-1]).type
        return at, tuple(path)

    def count(self) -> int:
        return int(self._file.metadata.num_rows)

    def _items(self) -> Iterator[tuple[int, int, SourceItem]]:
        """Rows count from 1. An unreadable row group is one item."""
        start = 0
        for group in range(self._file.num_row_groups):
            end = start + self._file.metadata.row_group(group).num_rows
            if self.at < end:
                row = self.at
                try:
                    for row, item in self._rows_of(group, start):
                        yield row, row, item
                    problem = None if row == end else "the file ends before"
                except self._broken as err:
                    if not row:
                        raise ConfigurationError(f"{self.name}: row 0 cannot be read: {_said(err)}") from err
                    problem = _said(err)
                if problem is not None:
                    yield end, end, self._unusable(row + 1, f"it and all to row {end:,} cannot be read: {problem}", "")
            start = end

    def _rows_of(self, group: int, start: int) -> Iterator[tuple[int, SourceItem]]:
        """The items from `at` on of the row group that begins with row `start`."""
        wanted = sorted({self._url, *(at for at, _ in self._facts)})
        names = [".".join(self._full_path()) if at == self._url else self._names[at] for at in wanted]
        first = [at for at, name in enumerate(self._names) if name in {self._names[each] for each in wanted}]
        row = start
        for batch in self._file.iter_batches(self._batch_rows(group), row_groups=[group], columns=names):
            skipped = min(max(self.at - row, 0), batch.num_rows)
            row += skipped
            columns = {at: batch.column(number).slice(skipped) for number, at in enumerate(first)}
            urls = self._values(_inside(columns[self._url], self._path))
            facts = [self._values(columns[at]) for at, _ in self._facts]
            for url, *values in zip(urls, *facts, strict=True):
                row += 1
                yield row, self._item_of(row, url, values)

    def _full_path(self) -> list[str]:
        path, kind = [self._names[self._url]], self._schema.field(self._url).type
        for number in self._path:
            path.append(kind.field(number).name)
            kind = kind.field(number).type
        return path

    def _batch_rows(self, group: int) -> int:
        """Rows read at once; fewer if they are large."""
        found = self._file.metadata.row_group(group)
        size = max(found.total_byte_size, 1) / max(found.num_rows, 1)
        return int(min(max(_BATCH_BYTES / size, 1), _BATCH_ROWS))

    def _values(self, column: "pa.Array") -> list[Any]:
        """The values in Python; None, with a note, for those that it cannot hold."""
        try:
            return list(column.to_pylist())
        except self._broken:
            return [self._value(cell) for cell in column]

    def _value(self, cell: "pa.Scalar") -> Any:
        try:
            return cell.as_py()
        except self._broken as err:
            if isinstance(err, UnicodeDecodeError) and isinstance(err.object, bytes):
                self._has_bytes = True
                return err.object.decode("utf-8", "surrogateescape")
            self._normal.note(f"value {cell.type}", f"a value of type {cell.type} cannot be read; such are left out")
            return None

    def _item_of(self, row: int, url: Any, values: Sequence[Any]) -> SourceItem:
        facts = dict(zip(self._fact_names, values, strict=True))
        if isinstance(url, bytes):
            url = url.decode("utf-8", "surrogateescape")
        return self._item(url or "", row, self._readable(facts) if self._has_bytes else facts)


def _inside(column: "pa.Array", path: Sequence[int]) -> "pa.Array":
    """The column, or the field at `path` of a struct, of which only that field was read."""
    import pyarrow.compute as pc

    for _ in path:
        column = pc.struct_field(column, [0])
    return column


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    tests = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "fixed_size_binary")
    return any(getattr(pa.types, f"is_{test}")(kind) for test in tests)


def _said(err: BaseException) -> str:
    return printable(str(err).partition("\n")[0] or type(err).__name__)
