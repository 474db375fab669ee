"""Many rows in few statements.

`executemany` releases and takes the interpreter lock for every row; with busy threads each time is a wait. A statement
with many rows does so once.
"""

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from pupline.local.database._database import storable

_SIZES = (64, 8, 1)
"""Rows in one statement: three sizes make any number in few steps, with only three prepared statements."""

MANY = 500
"""Values in one `IN (...)`."""


def execute_many(connection: sqlite3.Connection, before: str, rows: Sequence[Sequence[Any]], after: str = "") -> None:
    """Execute `before VALUES (...), (...), ... after` for all rows, which are of one length.

    Text with half a surrogate pair is stored as `storable` returns it. That is checked only when SQLite refuses some
    rows, which are then executed again.
    """
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            _execute(connection, before, rows[start : start + size], after)
            start += size


def marks(count: int) -> str:
    """`?, ?, ?` for `count` values."""
    return ", ".join("?" * count)


def _execute(connection: sqlite3.Connection, before: str, rows: Sequence[Sequence[Any]], after: str) -> None:
    columns = list(zip(*rows, strict=True))
    # A NULL takes three times as long to bind as a text, and a failed image has twenty.
    is_null = tuple([column[0] is None and column.count(None) == len(rows) for column in columns])
    bound = [column for column, null in zip(columns, is_null, strict=True) if not null]
    values = list(chain.from_iterable(zip(*bound, strict=True)))
    statement = _statement(before, is_null, len(rows), after)
    try:
        connection.execute(statement, values)
    except UnicodeEncodeError:
        connection.execute(statement, [storable(value) if isinstance(value, str) else value for value in values])


@lru_cache(maxsize=256)
def _statement(before: str, is_null: Sequence[bool], rows: int, after: str) -> str:
    row = f"({', '.join('NULL' if null else '?' for null in is_null)})"
    return f"{before} VALUES {', '.join([row] * rows)}{after}"
