"""The delimiter of a CSV file and the names of its columns, from its first lines.

Commas, semicolons and bars are also characters of URLs, so a wrong guess would make other URLs. Only an unambiguous
delimiter is inferred; otherwise the user has to name it.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


def delimiter_of(asked: str) -> str:
    """The delimiter that the user names. Raises: ConfigurationError."""
    delimiter = _NAMES.get(asked.lower(), asked)
    if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
        raise ConfigurationError(
            f"--delimiter {asked!r}: give one character, such as ';', or comma, semicolon, tab, pipe; or none for "
            "lists of a single column"
        )
    return delimiter


def dialect_of(lines: Sequence[str], asked: str | None, column: str | None, usual: str = ",") -> Dialect:
    """The dialect of the file that begins with these lines. usual: the delimiter of its kind of file.

    asked, column: the delimiter and the column that the user named. Raises: ConfigurationError for an ambiguous file.
    """
    first, asked = _begin(lines, asked)
    rest = [line for line in lines[first:] if line.strip()]
    if not rest:
        return Dialect(asked or usual, ("url",), len(lines), 0)
    wish = _Wish(asked, column, usual)
    # A comment that names a column of URLs is the header.
    rest = [rest[0].lstrip("#"), *(line for line in rest[1:] if not line.startswith("#"))]
    if "://" in rest[0] and not (column and any(_names(rest[0], wish))):
        return _without_header(rest, wish, first)
    return _with_header(rest, wish, first)


@dataclass(frozen=True, slots=True)
class _Wish:
    """The user's options for the file."""

    delimiter: str | None
    column: str | None
    usual: str

    def is_for(self, name: str) -> bool:
        return is_url_name(name) if self.column is None else key_of(name) == key_of(self.column)


def _begin(lines: Sequence[str], asked: str | None) -> tuple[int, str | None]:
    """The first line that is neither blank nor a comment, and the delimiter in Excel's line `sep=;`."""
    for at, line in enumerate(lines):
        bare = trimmed(line)
        if len(bare) == 5 and bare.lower().startswith("sep="):
            asked = asked or (bare[4] if _separates(bare[4]) else None)
        elif line.rstrip("\r\n").lower() == "sep=\t":
            asked = asked or "\t"
        elif bare and not (bare.startswith("#") and not is_header(bare[1:])):
            return at, asked
    return len(lines), asked


def _separates(letter: str) -> bool:
    return letter.isprintable() and not letter.isalnum() and letter not in "\"'"


def is_header(line: str) -> bool:
    """Whether one of its cells, with any delimiter, has a name for URLs."""
    return any(_names(line, _Wish(None, None, ",")))


def _names(line: str, wish: _Wish) -> Iterator[str]:
    """The delimiters with which a cell of the line is the name of the wanted column."""
    for delimiter in (*DELIMITERS, ONE_COLUMN):
        if any(wish.is_for(cell) for cell in _header([line], delimiter)[0]):
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


def _with_header(lines: Sequence[str], wish: _Wish, first: int) -> Dialect:
    delimiter = wish.delimiter or _delimiter(lines, wish)
    columns, height = _header(lines, delimiter)
    if not columns:
        raise ConfigurationError(
            "its first row has a cell that is too long for the name of a column; put a header first, such as url,title"
        )
    trailing = False
    if len(columns) == 1:
        end = _common_end(lines[height:]) if wish.delimiter is None else None
        delimiter, trailing = end or ONE_COLUMN, end is not None
    elif columns[-1] != "":
        trailing = _are_even(_parsed(lines[height:], delimiter), len(columns) + 1, last="")
    return Dialect(delimiter, tuple(columns), first + height, column_at(columns, wish.column), trailing)


def _delimiter(lines: Sequence[str], wish: _Wish) -> str:
    """The delimiter that makes a known column name, else the one with which all rows are as long as the header."""
    several = [delimiter for delimiter in DELIMITERS if len(_header(lines, delimiter)[0]) > 1]
    named = [delimiter for delimiter in _names(lines[0], wish) if delimiter in several]
    if not several or (not named and wish.is_for(url_in(lines[0]))):
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


def _without_header(lines: Sequence[str], wish: _Wish, first: int) -> Dialect:
    """A file with a URL in its first row."""
    asked, column = wish.delimiter, wish.column
    end = _common_end(lines)
    if asked is None and end is not None and all(line.count(end) == 1 for line in lines):
        return Dialect(end, ("url",), first, 0, trailing=True)
    delimiter = asked or _certain(lines)
    rows = _parsed(lines, delimiter)
    width = max((len(row) for row in rows), default=1)
    columns = ["url"] if width == 1 else [str(number) for number in range(1, width + 1)]
    if column is None and width > 1:
        urls = [at for at in range(width) if all("://" in row[at] for row in rows if at < len(row))]
        column = str(urls[0] + 1) if len(urls) == 1 else None
    return Dialect(delimiter, tuple(columns), first, column_at(columns, column))


def _certain(lines: Sequence[str]) -> str:
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
