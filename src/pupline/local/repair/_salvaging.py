"""Copies everything that can still be read of a damaged database, row by row, into a new one.

An unreadable page costs its rows and no others: reading continues at the next key that can be found. Rows that cannot
be as they were written are left out. Lost pages that define the tables are taken from an empty database with the same
tables: pupline creates its tables in one order, so their first pages have fixed numbers.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pupline.errors import ConfigurationError
from pupline.local.database import (
    APPLICATION_ID,
    MIGRATIONS,
    DamagedValue,
    Table,
    check_row,
    connect,
    marks,
    migrate,
    tables,
)

_ERRORS = (sqlite3.Error, UnicodeDecodeError)
_JUMPS = 40
"""Doubled steps over unreadable keys: 2 to the 40th is more than any key in use."""

_PAGE_BYTES = 4096
_ROOT = 100
"""Offset of the first page's B-tree, after the header of the file."""

_INTERIOR = 5
"""The type of a table's page that points to others."""

_PAGES, _JOURNAL = slice(28, 32), slice(18, 20)
"""In SQLite's first page: the number of pages (0: SQLite counts them, those in the WAL too), and the journal mode."""


@dataclass(slots=True)
class TableCounts:
    """The salvage of one table. kept, lost: rows; has_gap: an unknown number of rows could not be read at all."""

    table: str
    kept: int = 0
    lost: int = 0
    has_gap: bool = False


def salvage(copy: Path, new: sqlite3.Connection) -> list[TableCounts]:
    """Put what can be read of the database at `copy`, a private copy that may be changed, into `new`.

    Raises: ConfigurationError where it is another program's, or of a newer version.
    """
    for prepare in (_fill_empty_file, _replace_first_page, _replace_schema, _remove_wal):
        prepare(copy)
        with closing(connect(copy, "mode=ro")) as old:  # leaves the WAL for the next attempt
            old.text_factory = bytes
            try:
                version = _version(old)
            except _ERRORS:
                continue
            if version:
                return [_copy_table(old, new, table) for table in tables(version)]
    return [TableCounts(table.name, has_gap=True) for table in tables()]


def _fill_empty_file(copy: Path) -> None:
    """Give an empty file its first page: otherwise SQLite would remove its WAL."""
    if not copy.stat().st_size:
        _replace_first_page(copy)


def _replace_first_page(copy: Path) -> None:
    _put_pages(copy, _schema_pages(copy)[:1])


def _replace_schema(copy: Path) -> None:
    _put_pages(copy, _schema_pages(copy))


def _remove_wal(copy: Path) -> None:
    for end in ("-wal", "-shm"):
        copy.with_name(copy.name + end).unlink(missing_ok=True)


def _schema_pages(copy: Path) -> list[tuple[int, bytes]]:
    """The pages of an empty database that define the tables, with their numbers from 0, in order.

    Source: the SQLite file format, sections 1.3 and 1.6. The schema is a table B-tree whose root is the first page; in
    an empty database, that page points to leaves.
    """
    model = copy.with_name("model.sqlite")
    with closing(connect(model, "mode=rwc")) as empty:
        migrate(empty, model)
    body = model.read_bytes()
    model.unlink()
    children = []
    if body[_ROOT] == _INTERIOR:
        cells = int.from_bytes(body[_ROOT + 3 : _ROOT + 5])
        places = [int.from_bytes(body[at : at + 2]) for at in range(_ROOT + 12, _ROOT + 12 + 2 * cells, 2)]
        children = [int.from_bytes(body[at : at + 4]) - 1 for at in (*places, _ROOT + 8)]
    return [(page, body[page * _PAGE_BYTES : (page + 1) * _PAGE_BYTES]) for page in (0, *children)]


def _put_pages(copy: Path, new: list[tuple[int, bytes]]) -> None:
    """Write the pages; the first one gets a header that fits this file."""
    pages = max(-(-copy.stat().st_size // _PAGE_BYTES), *(number + 1 for number, _ in new), 1)
    with copy.open("r+b") as file:
        file.truncate(pages * _PAGE_BYTES)
        for number, body in new:
            page = bytearray(body)
            if number == 0:
                page[_PAGES], page[_JOURNAL] = b"\0\0\0\0", b"\2\2"
            file.seek(number * _PAGE_BYTES)
            file.write(page)


def _version(old: sqlite3.Connection) -> int:
    """The version whose tables the file has; 0 for none. Raises: ConfigurationError; sqlite3.Error."""
    (number,) = old.execute("PRAGMA user_version").fetchone()
    (application,) = old.execute("PRAGMA application_id").fetchone()
    names = {name.decode() for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if application != APPLICATION_ID and names and not names & {table.name for table in tables()}:
        raise ConfigurationError("it is another program's database")
    for version in range(len(MIGRATIONS), 0, -1):
        columns = {table.name: old.execute(f"PRAGMA table_info({table.name})").fetchall() for table in tables(version)}
        if all([name.decode() for _, name, *_ in columns[table.name]] == table.names for table in tables(version)):
            if len(MIGRATIONS) < number < 2 * len(MIGRATIONS) + 10:
                raise ConfigurationError(f"it was written by a newer pupline (schema {number}): upgrade pupline first")
            return version
    return 0


def _copy_table(old: sqlite3.Connection, new: sqlite3.Connection, table: Table) -> TableCounts:
    found = TableCounts(table.name)
    insert = f"INSERT INTO {table.name} ({', '.join(table.names)}) VALUES ({marks(len(table.columns))})"  # noqa: S608
    for row in _readable_rows(_Rows(old, table), found):
        try:
            new.execute(insert, check_row(table, row))
            found.kept += 1
        except (DamagedValue, sqlite3.IntegrityError):
            found.lost += 1
    return found


def _readable_rows(rows: "_Rows", found: TableCounts) -> Iterator[Sequence[Any]]:
    """The rows that can be read, each once. Sets `found.has_gap` when some could not be."""
    last: tuple[Any, ...] | None = None
    while True:
        try:
            for row in rows.after(last):
                key = rows.table.key_of(row)
                if not _follows(key, last):  # a page that points back
                    raise sqlite3.DatabaseError("keys out of order")
                last = key
                yield row
        except _ERRORS:
            found.has_gap = True
        else:
            return
        jumped = rows.jump(last)
        if jumped is None:
            break
        last = jumped
    # What follows a gap that no number bridges is read from its end.
    try:
        for row in rows.backwards():
            if not _follows(rows.table.key_of(row), last):
                return
            yield row
    except _ERRORS:
        return


def _follows(key: tuple[Any, ...], last: tuple[Any, ...] | None) -> bool:
    try:
        return last is None or bool(key > last)
    except TypeError:  # a number where there was text
        return False


class _Rows:
    """Reads one table in the order of its primary key."""

    def __init__(self, old: sqlite3.Connection, table: Table) -> None:
        self.table = table
        self._old = old
        self._width = len(table.key)
        kinds = {column.name: column.kind for column in table.columns}
        self._numbers = [place for place, name in enumerate(table.key) if kinds[name] == "INTEGER"]
        self._select = f"SELECT {', '.join(table.names)} FROM {table.name}"  # noqa: S608 - the names are ours

    def after(self, last: tuple[Any, ...] | None) -> Iterator[Sequence[Any]]:
        """From the first row, or from the one after that key."""
        key = ", ".join(self.table.key)
        where = "" if last is None else f" WHERE ({key}) > ({marks(self._width)})"
        # Text was read as bytes, and is compared as text.
        values = [part.decode("utf-8", "replace") if isinstance(part, bytes) else part for part in last or ()]
        return self._old.execute(f"{self._select}{where} ORDER BY {key}", values)

    def backwards(self) -> Iterator[Sequence[Any]]:
        """From the last row."""
        return self._old.execute(f"{self._select} ORDER BY {', '.join(f'{name} DESC' for name in self.table.key)}")

    def jump(self, last: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """A key beyond `last` after which something can be read; None where no number reaches one."""
        if len(self._numbers) < self._width and (last is None or not self._numbers):
            return None
        start = last if last is not None else (0,) * self._width
        for place in reversed(self._numbers):
            for power in range(_JUMPS):
                target = (*start[:place], start[place] + (1 << power), *start[place + 1 :])
                if self._is_readable(target):
                    return self._nearest(start, target, place)
        return None

    def _nearest(self, start: tuple[Any, ...], target: tuple[Any, ...], place: int) -> tuple[Any, ...]:
        """The smallest such key: the last jump may have skipped rows that can be read."""
        low, high = start[place] + ((target[place] - start[place]) >> 1), target[place]
        while low + 1 < high:
            middle = (low + high) // 2
            candidate = (*start[:place], middle, *start[place + 1 :])
            low, high = (low, middle) if self._is_readable(candidate) else (middle, high)
        return (*start[:place], high, *start[place + 1 :])

    def _is_readable(self, key: tuple[Any, ...]) -> bool:
        try:
            return next(self.after(key), None) is not None
        except _ERRORS:
            return False
