"""The lines and rows of list files, read with constant memory: each reader gives items and knows the byte or row after.

Nothing that stands in a list is lost: a line that is no URL becomes an item all the same, and ends in the audit as
`invalid_url`. Only blank lines and, in .txt, comments are passed over.
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Any, Final

from pupline.errors import ConfigurationError
from pupline.items import SourceItem
from pupline.sources._fields import did_you_mean
from pupline.sources._normal import FACTS, Normaliser, kept_url
from pupline.text import printable

MAX_LINE_BYTES: Final = 1024 * 1024
"""What follows in a longer line is passed over; no URL is that long, so the item is refused, not cut to another one."""

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_HASH = ord("#")


class Rows(ABC):
    """The items of one open file. at: where the next one begins, to go on from; notes: what was left out of items."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.at = 0
        self._normal = Normaliser()

    def take_notes(self) -> tuple[str, ...]:
        """What values were left out, in sentences; each is told once."""
        return self._normal.take_notes()

    @abstractmethod
    def take(self, most: int) -> list[SourceItem]:
        """The next items; fewer than `most` only at the end."""

    @abstractmethod
    def count(self) -> int:
        """How many items there are in all. Reads the file once; call it before the first `take`."""


class _Lines(Rows):
    """Text in UTF-8, line by line, from byte `start` on."""

    def __init__(self, name: str, file: IO[bytes], start: int) -> None:
        super().__init__(name)
        self._file = file
        self.at = start
        self._refuse_utf_16()

    def _refuse_utf_16(self) -> None:
        self._file.seek(0)
        if self._file.read(2) in _UTF_16:
            raise ConfigurationError(f"{self.name}: it is UTF-16; save it as UTF-8")

    def _raw(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Each line from `start` on, stripped, and the byte after it."""
        readline, at = self._file.readline, start
        self._file.seek(start)
        while line := readline(MAX_LINE_BYTES):
            at += len(line)
            rest = line
            while rest and rest[-1] != 10 and len(rest) == MAX_LINE_BYTES:
                rest = readline(MAX_LINE_BYTES)
                at += len(rest)
            yield at, (line.removeprefix(_BOM) if at == len(line) else line).strip()


class TextRows(_Lines):
    """One URL a line; `#` begins a comment line."""

    def __init__(self, name: str, file: IO[bytes], start: int) -> None:
        super().__init__(name, file, start)
        self._lines = self._raw(start)

    def take(self, most: int) -> list[SourceItem]:
        items: list[SourceItem] = []
        add = items.append
        for at, line in self._lines:
            self.at = at
            if line and line[0] != _HASH:
                add(SourceItem(url=kept_url(line.decode("utf-8", "backslashreplace"))))
                if len(items) == most:
                    break
        return items

    def count(self) -> int:
        found = sum(1 for _, line in self._raw(0) if line and line[0] != _HASH)
        self._file.seek(self.at)
        return found


class JsonRows(_Lines):
    """One JSON value a line: a URL, or an object with `url` and other fields of an item."""

    def __init__(self, name: str, file: IO[bytes], start: int, column: str | None) -> None:
        super().__init__(name, file, start)
        self._column = column or "url"
        self._lines = self._raw(start)

    def take(self, most: int) -> list[SourceItem]:
        items: list[SourceItem] = []
        for at, line in self._lines:
            self.at = at
            if line:
                items.append(self._item(line))
                if len(items) == most:
                    break
        return items

    def _item(self, line: bytes) -> SourceItem:
        text = line.decode("utf-8", "backslashreplace")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return SourceItem(url=kept_url(text))
        if isinstance(value, dict) and isinstance(url := value.get(self._column), str):
            facts = {name: value[name] for name in FACTS if name in value}
            return self._normal.item(url, facts)
        return SourceItem(url=kept_url(value if isinstance(value, str) else text))

    def count(self) -> int:
        found = sum(1 for _, line in self._raw(0) if line)
        self._file.seek(self.at)
        return found


class CsvRows(_Lines):
    """Comma-separated values (RFC 4180), or tab-separated, with a header line."""

    def __init__(self, name: str, file: IO[bytes], start: int, column: str | None, delimiter: str) -> None:
        super().__init__(name, file, start)
        self._delimiter = delimiter
        self._end = 0
        header = next(self._parsed(0), [])
        self._body = 0 if _is_bare(header) else self._end
        columns = ["url"] if _is_bare(header) else [cell.strip() for cell in header]
        self._url = columns.index(column_of(name, columns, column))
        self._facts = [(at, cell) for at, cell in enumerate(columns) if cell in FACTS and at != self._url]
        self.at = max(start, self._body)
        self._rows = self._parsed(self.at)

    def _parsed(self, start: int) -> Iterator[list[str]]:
        """The rows from byte `start` on. A row may span lines, so `_end` says where it ended."""

        def lines() -> Iterator[str]:
            for end, line in self._whole_lines(start):
                self._end = end
                yield line.decode("utf-8", "backslashreplace")

        try:
            yield from csv.reader(lines(), delimiter=self._delimiter, strict=True)
        except csv.Error as err:
            raise ConfigurationError(
                f"{self.name}: near byte {self._end:,}: {printable(str(err))}; look for a quote that is not closed"
            ) from err

    def _whole_lines(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Lines with their ends, which belong to the value where a quoted one spans lines."""
        self._file.seek(start)
        at = start
        while line := self._file.readline(MAX_LINE_BYTES):
            at += len(line)
            yield at, (line.removeprefix(_BOM) if at == len(line) else line)

    def take(self, most: int) -> list[SourceItem]:
        found = list(islice((row for row in self._rows if row), most))
        self.at = self._end
        return [self._item(row) for row in found]

    def _item(self, row: list[str]) -> SourceItem:
        url = row[self._url].strip() if self._url < len(row) else ""
        if not self._facts:
            return SourceItem(url=kept_url(url))
        return self._normal.item(url, {name: row[at] for at, name in self._facts if at < len(row)})

    def count(self) -> int:
        found = sum(1 for row in self._parsed(self._body) if row)
        self._end = self.at
        self._rows = self._parsed(self.at)
        return found


class ParquetRows(Rows):
    """A Parquet file's column of URLs, and the columns that are fields of an item. `start` is a row."""

    def __init__(self, name: str, source: Any, start: int, column: str | None) -> None:
        super().__init__(name)
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._broken: type[Exception] = pa.ArrowException
        try:
            self._file = pq.ParquetFile(source)
        except (pa.ArrowException, OSError) as err:
            raise ConfigurationError(f"{name}: it is no Parquet file: {printable(str(err))}") from err
        columns = list(self._file.schema_arrow.names)
        self._column = column_of(name, columns, column)
        self._facts = [each for each in columns if each in FACTS and each != self._column]
        self.at = start
        self._items = self._read(start)

    def _read(self, start: int) -> Iterator[SourceItem]:
        first, skipped = self._group_of(start)
        groups = range(first, self._file.num_row_groups)
        wanted = [self._column, *self._facts]
        for batch in self._file.iter_batches(batch_size=1000, row_groups=list(groups), columns=wanted):
            if batch.num_rows <= skipped:
                skipped -= batch.num_rows
                continue
            columns = [batch.column(name).slice(skipped).to_pylist() for name in wanted]
            skipped = 0
            for url, *facts in zip(*columns, strict=True):
                yield self._normal.item(str(url or ""), dict(zip(self._facts, facts, strict=True)))

    def _group_of(self, row: int) -> tuple[int, int]:
        """The row group that holds `row`, and how many of its rows come before."""
        before = 0
        for group in range(self._file.num_row_groups):
            rows = self._file.metadata.row_group(group).num_rows
            if row < before + rows:
                return group, row - before
            before += rows
        return self._file.num_row_groups, 0

    def take(self, most: int) -> list[SourceItem]:
        try:
            items = list(islice(self._items, most))
        except (self._broken, OSError) as err:
            raise ConfigurationError(f"{self.name}: row {self.at:,} cannot be read: {printable(str(err))}") from err
        self.at += len(items)
        return items

    def count(self) -> int:
        return int(self._file.metadata.num_rows)


def _is_bare(header: Sequence[str]) -> bool:
    """Whether what should be a header is the first URL already."""
    return len(header) == 1 and "://" in header[0]


def column_of(name: str, columns: Sequence[str], wanted: str | None) -> str:
    """The column that holds the URLs. Raises: ConfigurationError where it cannot be told."""
    if wanted is not None and wanted in columns:
        return wanted
    if wanted is None:
        for column in columns:
            if column.lower() == "url":
                return column
        if len(columns) == 1:
            return columns[0]
    said = f"there is no column {printable(wanted or 'url', 40)!r}"
    known = ", ".join(printable(column, 40) for column in columns[:20]) or "no columns at all"
    near = did_you_mean(wanted or "url", columns)
    raise ConfigurationError(f"{name}: {said}; it has {known}{near}. Name one as FILE#COLUMN")
