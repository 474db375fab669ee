"""Pages by key: the rows after, or before, the row that a cursor names, whatever arrived since.

An order is a sequence of segments, each sorted by its own columns: for "failed first", the failed rows by time, then
the others by time. A page may begin in one segment and end in another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pupline.local.database import Database
from pupline.local.pages._conditions import Conditions
from pupline.tasks.page_cursors import Key, cursor_of, invalid_cursor, key_of
from pupline.tasks.pages import PageQuery


@dataclass(frozen=True, slots=True)
class Segment:
    """Some of the rows. condition: which. columns: the key, which is unique, with the type of each value."""

    columns: tuple[str, ...]
    types: tuple[type, ...]
    is_descending: bool
    condition: str = "1"


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order of a list. name: of both, for cursors."""

    name: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a page with their keys; the first value of a key is the number of its segment."""

    rows: list[tuple[Any, ...]]
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Keyset:
    """A list. select: `SELECT columns FROM tables`, without conditions."""

    database: Database
    select: str
    ordering: Ordering
    conditions: Conditions = field(default_factory=Conditions)

    def page(self, query: PageQuery) -> Rows:
        """The page that the query asks for. Raises: InvalidQuery, StorageError."""
        backwards = query.before is not None
        cursor = query.before or query.after
        start = None if cursor is None else self._place(cursor)
        found = self._after(start, query.limit + 1, backwards=backwards)
        has_more = len(found) > query.limit
        del found[query.limit :]
        if backwards:
            found.reverse()
        keys = [key for key, _ in found]
        ends = [cursor_of(self.ordering.name, key) for key in (keys[0], keys[-1])] if keys else [cursor, cursor]
        previous, following = (has_more, True) if backwards else (start is not None, has_more)
        return Rows([row for _, row in found], ends[1] if following else None, ends[0] if previous else None)

    def count(self, limit: int) -> int:
        """How many rows there are, at most `limit`."""
        query = f"SELECT count(*) FROM ({self.select} WHERE {self.conditions.all()} LIMIT ?)"  # noqa: S608 - our texts
        return int(self.database.rows(query, (*self.conditions.values, limit))[0][0])

    def next_to(self, key: Key, *, backwards: bool) -> tuple[Any, ...] | None:
        """The row after the one with this key in the first segment, or before it; None at the end."""
        found = self._after((0, *key), 1, backwards=backwards)
        return found[0][1] if found else None

    def _place(self, cursor: str) -> Key:
        """The number of the segment, and the key in it. Raises: InvalidQuery."""
        number, *key = key_of(self.ordering.name, cursor)
        segments = dict(enumerate(self.ordering.segments))
        segment = segments.get(number) if isinstance(number, int) else None
        if segment is None or tuple(map(type, key)) != segment.types:
            raise invalid_cursor()
        return (number, *key)

    def _after(self, start: Key | None, limit: int, *, backwards: bool) -> list[tuple[Key, tuple[Any, ...]]]:
        """Rows with their keys that follow `start`, in the order or against it."""
        numbered: Sequence[tuple[int, Segment]] = list(enumerate(self.ordering.segments))
        found: list[tuple[Key, tuple[Any, ...]]] = []
        for number, segment in reversed(numbered) if backwards else numbered:
            if start is not None and (number > start[0] if backwards else number < start[0]):  # type: ignore[operator]
                continue
            inside = start[1:] if start is not None and number == start[0] else None
            found += self._of_segment(number, segment, inside, limit - len(found), backwards=backwards)
            if len(found) == limit:
                break
        return found

    def _of_segment(
        self, number: int, segment: Segment, inside: Key | None, limit: int, *, backwards: bool
    ) -> list[tuple[Key, tuple[Any, ...]]]:
        is_descending = segment.is_descending is not backwards
        keys = ", ".join(segment.columns)
        conditions = [segment.condition]
        values = list(self.conditions.values)
        if inside is not None:
            conditions.append(f"({keys}) {'<' if is_descending else '>'} ({', '.join('?' * len(inside))})")
            values += inside
        order = ", ".join(f"{column} {'DESC' if is_descending else 'ASC'}" for column in segment.columns)
        columns, tables = self.select.removeprefix("SELECT ").split(" FROM ", 1)
        where = self.conditions.all(conditions)
        text = f"SELECT {keys}, {columns} FROM {tables} WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        width = len(segment.columns)
        rows = self.database.rows(text, (*values, limit))
        return [((number, *row[:width]), row[width:]) for row in rows]
