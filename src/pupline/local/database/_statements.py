"""Many rows in few statements.

`executemany` releases and takes the interpreter lock for every row; with busy threads each time is a wait. A statement
with many rows does so once.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
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
            _execute(connection, _statement(before, len(rows[start]), size, after), rows[start : start + size])
            start += size


def marks(count: int) -> str:
    """`?, ?, ?` for `count` values."""
    return ", ".join("?" * count)


def _execute(connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    try:
        connection.execute(statement, [value for row in rows for value in row])
    except UnicodeEncodeError:
        values = [storable(value) if isinstance(value, str) else value for row in rows for value in row]
        connection.execute(statement, values)


@cache
def _statement(before: str, columns: int, rows: int, after: str) -> str:
    row = f"({marks(columns)})"
    return f"{before} VALUES {', '.join([row] * rows)}{after}"
