"""Parquet files from outside: their columns, and their rows as Python values, with constant memory.

Row groups may be of any size, and damaged: each is read in pieces, and the rows before the damage are given.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from pupline.errors import PuplineError
from pupline.parquet._extra import require
from pupline.text import printable

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS: Final = 1000
_BATCH_BYTES: Final = 32 * 1024 * 1024
_BUFFER_BYTES: Final = 256 * 1024  # read at once of each column, so that a row group may be of any size

_BYTES: Final = ("binary", "large_binary", "binary_view", "fixed_size_binary")

_NOT_HELD: Final = (ValueError, ArithmeticError, LookupError, TypeError, ImportError)
"""Raised by pyarrow, besides its own errors, for values that Python cannot hold: text that is not UTF-8, the year
10,000, nanoseconds, a struct with a repeated name, an unknown time zone."""


class DamagedParquet(PuplineError):
    """The file, or the rest of a row group, cannot be read. Its text says why, on one line."""


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """What a column holds. name: of its type, for people. fields: of a struct.

    is_text: texts or bytes, or nothing but null. is_nested: lists, maps or structs. has_bytes: it holds bytes, maybe in
    one of its fields.
    """

    name: str
    is_text: bool
    is_string: bool
    is_nested: bool
    has_bytes: bool
    fields: tuple[tuple[str, "ColumnShape"], ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """A column by its index, and the indexes of the fields inside, where it is a struct."""

    at: int
    fields: tuple[int, ...] = ()


class ParquetTable:
    """An open file. names: of its columns, which may come twice. groups: the rows of each row group, from 0.
    has_bytes: whether a text that is not UTF-8 has been read.

    source: seekable, and closed by its owner. Raises: ConfigurationError without the extra package; DamagedParquet.
    """

    def __init__(self, source: IO[bytes]) -> None:
        require()
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.has_bytes = False
        self._broken = (pa.ArrowException, OSError, MemoryError, *_NOT_HELD)
        try:
            self._file = pq.ParquetFile(source, buffer_size=_BUFFER_BYTES, pre_buffer=False)
            self._schema: pa.Schema = self._file.schema_arrow
            self.names = list(self._schema.names)
            self.row_count = int(self._file.metadata.num_rows)
            self.groups = list(self._groups())
        except self._broken as err:
            raise DamagedParquet(_said(err)) from err

    def _groups(self) -> Iterator[range]:
        start = 0
        for group in range(self._file.num_row_groups):
            end = start + self._file.metadata.row_group(group).num_rows
            yield range(start, end)
            start = end

    def shape(self, at: int) -> ColumnShape:
        """What the column at an index holds."""
        return _shape(self._schema.field(at).type)

    def batches(
        self, group: int, start: int, columns: Sequence[ColumnPath], note: Callable[[str], None]
    ) -> Iterator[tuple[int, list[list[Any]]]]:
        """The rows of a row group from row `start` of the file on: the row after each batch, and its values by column.

        A text that is not UTF-8 has surrogate escapes. A value that Python cannot hold is None, and `note` is called
        with the name of its type. Raises: DamagedParquet.
        """
        try:
            yield from self._batches(group, start, columns, note)
        except self._broken as err:
            raise DamagedParquet(_said(err)) from err

    def _batches(
        self, group: int, start: int, columns: Sequence[ColumnPath], note: Callable[[str], None]
    ) -> Iterator[tuple[int, list[list[Any]]]]:
        paths = list(map(self._full_path, columns))
        read = {names[0] for names in paths}
        ordered = [".".join(names) for _, names in sorted(zip((column.at for column in columns), paths, strict=True))]
        places = {at: number for number, at in enumerate(at for at, name in enumerate(self.names) if name in read)}
        row = self.groups[group].start
        for batch in self._file.iter_batches(self._batch_rows(group), row_groups=[group], columns=ordered):
            skipped = min(max(start - row, 0), batch.num_rows)
            row += batch.num_rows
            rest = [batch.column(places[column.at]).slice(skipped) for column in columns]
            inner = [_inside(values, names[1:]) for values, names in zip(rest, paths, strict=True)]
            yield row, [self._values(values, note) for values in inner]

    def _full_path(self, column: ColumnPath) -> list[str]:
        field = self._schema.field(column.at)
        names = [field.name]
        for number in column.fields:
            field = field.type.field(number)
            names.append(field.name)
        return names

    def _batch_rows(self, group: int) -> int:
        """Rows read at once; fewer if they are large."""
        found = self._file.metadata.row_group(group)
        size = max(found.total_byte_size, 1) / max(found.num_rows, 1)
        return int(min(max(_BATCH_BYTES / size, 1), _BATCH_ROWS))

    def _values(self, column: "pa.Array", note: Callable[[str], None]) -> list[Any]:
        try:
            return list(column.to_pylist())
        except self._broken:
            return [self._value(cell, note) for cell in column]

    def _value(self, cell: "pa.Scalar", note: Callable[[str], None]) -> Any:
        try:
            return cell.as_py()
        except self._broken as err:
            if isinstance(err, UnicodeDecodeError) and isinstance(err.object, bytes):
                self.has_bytes = True
                return err.object.decode("utf-8", "surrogateescape")
            note(str(cell.type))
            return None


def _inside(column: "pa.Array", names: Sequence[str]) -> "pa.Array":
    """The column, or a field inside. Only wanted fields were read, so their indexes are not the schema's."""
    import pyarrow.compute as pc

    for name in names:
        column = pc.struct_field(column, [max(column.type.get_field_index(name), 0)])  # -1: several of that name
    return column


def _shape(kind: "pa.DataType") -> ColumnShape:
    import pyarrow as pa

    fields = [kind.field(number) for number in range(kind.num_fields)] if pa.types.is_struct(kind) else []
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    return ColumnShape(
        name=str(kind),
        is_text=_is_text(held) or pa.types.is_null(held),
        is_string=pa.types.is_string(held),
        is_nested=pa.types.is_nested(kind),
        has_bytes=_has_bytes(held),
        fields=tuple((field.name, _shape(field.type)) for field in fields),
    )


def _has_bytes(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    if pa.types.is_nested(kind):
        return any(_has_bytes(kind.field(number).type) for number in range(kind.num_fields))
    return any(getattr(pa.types, f"is_{test}")(kind) for test in _BYTES)


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return any(getattr(pa.types, f"is_{test}")(kind) for test in ("string", "large_string", "string_view", *_BYTES))


def _said(err: BaseException) -> str:
    return printable(str(err).partition("\n")[0] or type(err).__name__)
