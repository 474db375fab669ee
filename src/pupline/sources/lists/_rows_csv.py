"""Rows of comma-separated values (RFC 4180), or with another delimiter.

Most lines have no quote, and are simply split. The others go through Python's `csv`, one row at a time, so that an
unclosed quote costs its own line and not the rest of the file.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import IO, Any, Final, TypeAlias

from pupline.errors import ConfigurationError
from pupline.sources.lists._dialect import ONE_COLUMN, CsvOptions, Dialect, dialect_of
from pupline.sources.lists._rows import LINE_ENDS, TOO_LONG, Line, RowPosition, TextFile
from pupline.tasks.items import SourceItem
from pupline.text import original_cell

_SAMPLE_LINES: Final = 200
_SAMPLE_BYTES: Final = 256 * 1024
_SHOWN_BYTES: Final = 2048
_QUOTE = b'"'
_QUOTE_TEXT = '"'
_APOSTROPHE = "'"
_ESCAPED_QUOTE = '\\"'


_HASH = ord("#")
_WHOLE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|hei[cf]|bmp|tiff?|svg)[,;|]", re.IGNORECASE)
"""A possible end of a URL and begin of the next cell, in a file with one column by its header."""


_Row: TypeAlias = tuple[int, int, int, bytes, list[str] | None, str | None]
"""One row: the byte after it, its last and first line, the content of the first line, its cells (None: not split yet),
and why it is unusable, if it is."""


class CsvRows(TextFile):
    """A file of cells separated by commas, semicolons, tabs or bars, with a header line; or of URLs alone."""

    def __init__(self, name: str, file: IO[bytes], position: RowPosition, options: CsvOptions) -> None:
        super().__init__(name, file, position)
        sample = list(_sample_lines(self._lines(RowPosition(), LINE_ENDS)))
        if sample and sample[0][3] == TOO_LONG:  # cut there, a header would have fewer columns than its rows
            raise ConfigurationError(f"{name}: its first row is longer than 1 MiB; shorten it")
        lines = [data.decode("utf-8", "surrogateescape") + "\n" for _, _, data, _ in sample]
        try:
            self._dialect = dialect_of(lines, options)
        except ConfigurationError as err:
            raise type(err)(f"{name}: {err}") from err
        header = self._dialect.header
        self._body = RowPosition(sample[header - 1][0] if header else 0, header)
        self._width = len(self._dialect.columns)
        self._may_be_cut = self._dialect.delimiter == ONE_COLUMN and options.delimiter is None
        names = list(map(original_cell, self._dialect.columns)) if header else [""] * self._width
        self._plan_of_columns, self._read = self._table_plan(names, self._dialect.url)
        if not position.at:
            self.at, self.row = self._body.at, self._body.row

    def _items(self) -> Iterator[tuple[int, int, SourceItem]]:
        delimiter = self._dialect.delimiter
        for at, last, number, data, cells, why in self._rows(self.position):
            text = data.decode("utf-8", "surrogateescape")
            if why is None:
                cells = text.split(delimiter) if cells is None else cells
                yield at, last, self._item_of(cells, number, text, is_open=at == self._open_end)
            else:
                yield at, last, self._unusable(number, why, text)

    def count(self) -> int:
        return sum(1 for _ in self._rows(self._body))

    def _item_of(self, cells: list[str], number: int, text: str, *, is_open: bool) -> SourceItem:
        """is_open: the row is the last one, and has no line end."""
        dialect = self._dialect
        if len(cells) != self._width:
            if dialect.trailing and len(cells) == self._width + 1 and not cells[-1] and not self._is_split_url(cells):
                del cells[-1]
            why = self._why_unlike_header(len(cells), number, is_open=is_open)
            if why is not None:
                return self._unusable(number, why, text)
        # The cheap tests come first, and suffice for nearly all rows.
        if (
            self._may_be_cut
            and ("," in text or ";" in text or "|" in text)
            and _QUOTE_TEXT not in text
            and _WHOLE.search(text)
        ):
            why = "it goes on after what may be the whole URL; quote it, or say --delimiter none, if it is all one"
            return self._unusable(number, why, text)
        if not self._read:
            return self._item(cells[dialect.url], number)
        values: Mapping[str, Any] = {name: cells[at] for at, name in self._read if at < len(cells) and cells[at]}
        if _APOSTROPHE in text:
            values = {name: original_cell(cell) for name, cell in values.items()}
        if not text.isascii() or _QUOTE_TEXT in text:  # a quoted cell may continue on other lines
            values = self._readable(values)
        return self._item(cells[dialect.url], number, self._plan_of_columns, values)

    def _why_unlike_header(self, found: int, number: int, *, is_open: bool) -> str | None:
        """Why a row of `found` cells is unusable. A short row is usable if it has the whole URL."""
        width, url = self._width, self._dialect.url
        if found == width:
            return None
        if found > width:
            return f"{_cells(found)} where the header has {width}; quote a cell that holds the delimiter"
        if url >= found:
            return f"{_cells(found)} where the header has {width}, and none for the URL"
        if url == found - 1 and is_open:
            return "the file ends in this row, which may have been cut"
        self._normal.note("short", f"line {number} and maybe others have fewer cells than the header; none is guessed")
        return None

    def _is_split_url(self, cells: list[str]) -> bool:
        """Whether the cell after the URL may be the rest of it, cut at a delimiter inside the URL."""
        behind = cells[self._dialect.url + 1]
        return "/" in behind and "://" not in behind

    def _rows(self, position: RowPosition) -> Iterator[_Row]:
        """The rows from a place on, without blank lines, comments and rows of empty cells."""
        lines, again = self._lines(position, LINE_ENDS), deque[Line]()
        delimiter = self._dialect.delimiter
        empty = b" \t" + delimiter.encode()
        special = empty + b"#"
        quoted = _Quoted(lines, again, self._dialect)
        while (line := again.popleft() if again else next(lines, None)) is not None:
            at, number, data, why = line
            if why is not None:
                yield at, number, number, data[:_SHOWN_BYTES], None, why
            elif data and not (data[0] in special and (not data.strip(empty) or self._is_comment(data))):
                if _QUOTE not in data:
                    yield at, number, number, data, None, None
                elif (row := quoted.row(line))[4] is None or any(row[4]):
                    yield row

    def _is_comment(self, line: bytes) -> bool:
        """Whether a line that begins with `#` is not a row: a row has all cells, and a URL after the first one."""
        if line[0] != _HASH:
            return False
        dialect = self._dialect
        text = line.decode("utf-8", "surrogateescape")
        try:
            cells = next(csv.reader([text], delimiter=dialect.delimiter), [])
        except csv.Error:
            return False
        return len(cells) != len(dialect.columns) or dialect.url == 0 or "://" not in cells[dialect.url]


class _Quoted:
    """Parses rows with quotes, each of which may span several lines.

    If a row is unreadable, the lines after its first one become rows again. No line is read more than a few times: a
    line that leaves a quote open closes it for the line before, or is an error at once.

    A line outside RFC 4180 may have `\\"` for a quote inside quotes (Spark, MySQL), or be in a file with tabs, where a
    quote is an ordinary character (IANA's text/tab-separated-values).
    """

    def __init__(self, lines: Iterator[Line], again: deque[Line], dialect: Dialect) -> None:
        self._lines = lines
        self._again = again
        self._dialect = dialect
        delimiter = dialect.delimiter
        self._taken: list[Line] = []
        self._reader = csv.reader(self, delimiter=delimiter, strict=True)
        self._one: deque[str] = deque()
        self._lone = csv.reader(iter(self._one.popleft, None), delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line of the row, for `csv`, whose limit of 128 KiB for a cell bounds a row."""
        line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append(line)
        if line[3] is not None:
            raise csv.Error(line[3])
        return line[2].decode("utf-8", "surrogateescape") + "\n"

    def row(self, line: Line) -> _Row:
        """The row that begins with `line`."""
        self._one.append(line[2].decode("utf-8", "surrogateescape"))
        try:
            return line[0], line[1], line[1], line[2], next(self._lone), None
        except IndexError:  # `csv` wants another line: the row continues
            return self._long_row(line)
        except csv.Error as err:
            return self._otherwise(line, err)

    def _long_row(self, line: Line) -> _Row:
        self._taken = []
        self._again.appendleft(line)
        try:
            cells = next(self._reader)
        except csv.Error as err:
            self._again.extendleft(reversed(self._taken[1:]))
            return self._otherwise(line, err)
        at, last, _, _ = self._taken[-1]
        return at, last, line[1], line[2], cells, None

    def _otherwise(self, line: Line, err: csv.Error) -> _Row:
        """The row of a single line outside RFC 4180, if it has all cells without doubt."""
        text, width, url = line[2].decode("utf-8", "surrogateescape"), len(self._dialect.columns), self._dialect.url
        cells: list[str] = []
        if _ESCAPED_QUOTE in text:
            self._one.append(text.replace(_ESCAPED_QUOTE, _QUOTE_TEXT * 2))
            with suppress(csv.Error, IndexError):
                cells = next(self._lone)
        if len(cells) != width and self._dialect.delimiter == "\t":
            cells = text.split("\t")
        if len(cells) == width and _QUOTE_TEXT not in cells[url]:
            return line[0], line[1], line[1], line[2], cells, None
        return line[0], line[1], line[1], line[2], None, f"its quotes cannot be read ({err})"


def _sample_lines(lines: Iterator[Line]) -> Iterator[Line]:
    """The first lines of a file, as a sample of its dialect."""
    size = 0
    for line in islice(lines, _SAMPLE_LINES):
        yield line
        size += len(line[2])
        if size > _SAMPLE_BYTES:
            return


def _cells(number: int) -> str:
    return f"{number} cell" if number == 1 else f"{number} cells"
