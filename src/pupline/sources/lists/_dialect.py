"""The delimiter of a CSV file and the names of its columns, from its first lines.

Commas, semicolons and bars are also characters of URLs, so a wrong guess would make other URLs. Only an unambiguous
delimiter is inferred; otherwise the user has to name it.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pupline.errors import ConfigurationError
from pupline.sources.lists._columns import column_at, is_url_name, key_of
from pupline.sources.lists._rows import as_written
from pupline.sources.lists._url_text import trimmed, url_in

DELIMITERS: Final = (",", ";", "\t", "|")

ONE_COLUMN: Final = "\x1f"
"""No delimiter at all: no line of text contains it."""

_NAMES: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "none": ONE_COLUMN}
_SHOWN: Final = {"\t": "tab", ONE_COLUMN: "none"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is read. columns: the names in its header; their numbers where it has none.

    header: lines before the first row. url: index of the column of URLs. trailing: whether every row ends in one more
    delimiter.
    """

    delimiter: str
    columns: tuple[str, ...]
    header: int
    url: int
    trailing: bool = False


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """delimiter, column: as the user named them. usual: the delimiter of this kind of file."""

    delimiter: str | None = None
    column: str | None = None
    usual: str = ","

    def is_for(self, name: str) -> bool:
        """Whether `name` may be the name of the URLs' column."""
        return is_url_name(name) if self.column is None else key_of(name) == key_of(self.column)


def delimiter_of(name: str) -> str:
    """The delimiter that the user names. Raises: ConfigurationError."""
    delimiter = _NAMES.get(name.lower(), name)
    if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
        raise ConfigurationError(
            f"--delimiter {name!r}: give one character, such as ';', or comma, semicolon, tab, pipe; or none for "
            "lists of a single column"
        )
    return delimiter


def dialect_of(lines: Sequence[str], options: CsvOptions) -> Dialect:
    """The dialect of the file that begins with these lines. Raises: ConfigurationError for an ambiguous file."""
    first, delimiter = _first_row(lines, options.delimiter)
    rest = [line for line in lines[first:] if line.strip()]
    if not rest:
        return Dialect(delimiter or options.usual, ("url",), len(lines), 0)
    options = replace(options, delimiter=delimiter)
    # A comment that names a column of URLs is the header.
    rest = [rest[0].lstrip("#"), *(line for line in rest[1:] if not line.startswith("#"))]
    if "://" in rest[0] and not (options.column and any(_delimiters_for(rest[0], options))):
        return _without_header(rest, options, first)
    return _with_header(rest, options, first)


def _first_row(lines: Sequence[str], delimiter: str | None) -> tuple[int, str | None]:
    """The first line that is neither blank nor a comment, and the delimiter in Excel's line `sep=;`."""
    for at, line in enumerate(lines):
        bare = trimmed(line)
        if len(bare) == 5 and bare.lower().startswith("sep="):
            delimiter = delimiter or (bare[4] if _separates(bare[4]) else None)
        elif line.rstrip("\r\n").lower() == "sep=\t":
            delimiter = delimiter or "\t"
        elif bare and not (bare.startswith("#") and not is_header(bare[1:])):
            return at, delimiter
    return len(lines), delimiter


def _separates(letter: str) -> bool:
    return letter.isprintable() and not letter.isalnum() and letter not in "\"'"


def is_header(line: str) -> bool:
    """Whether one of its cells, with any delimiter, has a name for URLs."""
    return any(_delimiters_for(line, CsvOptions()))


def _delimiters_for(line: str, options: CsvOptions) -> Iterator[str]:
    """The delimiters with which a cell of the line is the name of the wanted column."""
    for delimiter in (*DELIMITERS, ONE_COLUMN):
        if any(options.is_for(cell) for cell in _header([line], delimiter)[0]):
            yield delimiter


def _header(lines: Sequence[str], delimiter: str) -> tuple[list[str], int]:
    """The names in the first row, and its number of lines."""
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        return [as_written(url_in(cell)) for cell in next(reader, [])], reader.line_num
    except csv.Error:  # a cell beyond the limit
        return [], 1


def _parsed(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows of a sample, as far as they can be parsed."""
    rows: list[list[str]] = []
    try:
        rows += (row for row in csv.reader(lines, delimiter=delimiter) if any(row))
    except csv.Error:  # a cell beyond the limit, reported when its row is read
        rows.append([])
    return rows


# ---- with a header


def _with_header(lines: Sequence[str], options: CsvOptions, first: int) -> Dialect:
    delimiter = options.delimiter or _delimiter(lines, options)
    columns, height = _header(lines, delimiter)
    if not columns:
        raise ConfigurationError(
            "its first row has a cell that is too long for the name of a column; put a header first, such as url,title"
        )
    trailing = False
    if len(columns) == 1:
        end = _common_end(lines[height:]) if options.delimiter is None else None
        delimiter, trailing = end or ONE_COLUMN, end is not None
    elif columns[-1] != "":
        trailing = _are_even(_parsed(lines[height:], delimiter), len(columns) + 1, last="")
    return Dialect(delimiter, tuple(columns), first + height, column_at(columns, options.column), trailing)


def _delimiter(lines: Sequence[str], options: CsvOptions) -> str:
    """The delimiter that makes a known column name, else the one with which all rows are as long as the header."""
    several = [delimiter for delimiter in DELIMITERS if len(_header(lines, delimiter)[0]) > 1]
    named = [delimiter for delimiter in _delimiters_for(lines[0], options) if delimiter in several]
    if not several or (not named and options.is_for(url_in(lines[0]))):
        return ONE_COLUMN
    candidates = named or several
    if len(candidates) > 1:
        split = {each: _parsed(lines, each) for each in candidates}
        candidates = [each for each in candidates if _are_even(split[each][1:], len(split[each][0]))] or candidates
    if len(candidates) > 1:
        raise ConfigurationError(
            f"it is not clear what separates its cells, {_listed(candidates)}; say which with --delimiter"
        )
    return candidates[0]


def _are_even(rows: Sequence[Sequence[str]], cells: int, last: str | None = None) -> bool:
    """Whether all rows have this number of cells, except the last one, which the end of the sample may have cut."""
    rows = rows[:-1] or rows
    return bool(rows) and all(len(row) == cells and last in (None, row[-1]) for row in rows)


def _common_end(lines: Sequence[str]) -> str | None:
    """The delimiter at the end of every line, if there is one."""
    ends = {line.rstrip("\r\n")[-1:] for line in lines}
    return ends.pop() if len(ends) == 1 and ends <= set(DELIMITERS) else None


# ---- without one


def _without_header(lines: Sequence[str], options: CsvOptions, first: int) -> Dialect:
    """A file with a URL in its first row."""
    column = options.column
    end = _common_end(lines)
    if options.delimiter is None and end is not None and all(line.count(end) == 1 for line in lines):
        return Dialect(end, ("url",), first, 0, trailing=True)
    delimiter = options.delimiter or _unambiguous_delimiter(lines)
    rows = _parsed(lines, delimiter)
    width = max((len(row) for row in rows), default=1)
    columns = ["url"] if width == 1 else [str(number) for number in range(1, width + 1)]
    if column is None and width > 1:
        urls = [at for at in range(width) if all("://" in row[at] for row in rows if at < len(row))]
        column = str(urls[0] + 1) if len(urls) == 1 else None
    return Dialect(delimiter, tuple(columns), first, column_at(columns, column))


def _unambiguous_delimiter(lines: Sequence[str]) -> str:
    """The delimiter that cannot be part of a URL: a tab, or one next to a quote. Without any, each line is a URL."""
    found = [each for each in DELIMITERS if all(each in line for line in lines)]
    for each in found:
        if each == "\t" or all(f'"{each}' in line or f'{each}"' in line for line in lines):
            return each
    if found:
        raise ConfigurationError(
            f"it has no header, and {_listed(found)} may separate its cells or be a part of its URLs; put a header "
            "first, such as url,title, or say --delimiter (none where each line is a URL)"
        )
    return ONE_COLUMN


def _listed(delimiters: Sequence[str]) -> str:
    return " or ".join(repr(_SHOWN.get(each, each)) for each in delimiters)
