"""Pages by key: the rows after, or before, the row that a cursor names, whatever arrived since.

An order is a sequence of segments, each sorted by its own columns: for "failed first", the failed rows by time, then
the others by time. A page may begin in one segment and end in another.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pupline.local.database import Database
from pupline.local.pages._conditions import Conditions
from pupline.tasks.page_cursors import Key, cursor_of, invalid_cursor, key_of
from pupline.tasks.pages import PageQuery

PATIENCE_SECONDS = 0.4
"""How long one search looks."""

_CHUNK = 5_000
"""Rows of one query of a search."""


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
class Ids:
    """The row IDs of a page, in its order. stopped_at: the row ID that a search came to, where it took too long."""

    ids: list[int]
    next: str | None
    previous: str | None
    stopped_at: int | None = None


@dataclass(frozen=True, slots=True)
class _Walk:
    """Part of an order. place: a key in the segment, after which to begin."""

    number: int
    segment: Segment
    place: Key | None
    is_descending: bool


@dataclass(slots=True)
class _Found:
    """Row IDs with their keys. stopped_at: where a search would continue, when it has looked long enough."""

    limit: int
    deadline: float
    rows: list[tuple[Key, int]] = field(default_factory=list)
    stopped_at: Key | None = None

    @property
    def missing(self) -> int:
        """How many rows may be added."""
        return self.limit - len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyset:
    """A list. table: with its alias. row_id: its integer key, also within the keys of the segments.

    is_search: conditions read much of each row, so that looking ends in time, as far as the order is that of the IDs.
    """

    database: Database
    table: str
    row_id: str
    ordering: Ordering
    conditions: Conditions = field(default_factory=Conditions)
    is_search: bool = False

    def page(self, query: PageQuery) -> Ids:
        """The page that the query asks for. Raises: InvalidQuery, StorageError."""
        backwards = query.before is not None
        cursor = query.before or query.after
        start = None if cursor is None else self._place(cursor)
        found = self._after(start, query.limit + 1, backwards=backwards)
        has_more, rows = not found.missing, found.rows[: query.limit]
        further = self._cursor(rows[-1][0] if has_more else found.stopped_at)
        back = None if start is None else self._cursor(rows[0][0] if rows else start)
        ids = [row_id for _, row_id in (reversed(rows) if backwards else rows)]
        following, previous = (back, further) if backwards else (further, back)
        stopped_at = None if has_more or found.stopped_at is None else int(found.stopped_at[-1])
        return Ids(ids, following, previous, stopped_at)

    def count(self, limit: int) -> tuple[int, bool]:
        """How many rows there are, at most `limit`, and whether all were looked at."""
        if not self.is_search:
            rows = f"SELECT 1 FROM {self.table} WHERE {self.conditions.all()} LIMIT ?"  # noqa: S608 - our texts
            query = f"SELECT count(*) FROM ({rows})"  # noqa: S608 - our texts
            return int(self.database.rows(query, (*self.conditions.values, limit))[0][0]), True
        number, deadline = 0, time.monotonic() + PATIENCE_SECONDS
        where = self.conditions.all([f"{self.row_id} > ?", f"{self.row_id} <= ?"])
        text = f"SELECT count(*) FROM {self.table} WHERE {where}"  # noqa: S608 - our texts
        for bounds in self._ranges(0, self._last(), is_descending=True):
            if number >= limit or time.monotonic() > deadline:
                return min(number, limit), False
            number += int(self.database.rows(text, (*self.conditions.values, *bounds))[0][0])
        return min(number, limit), True

    def _cursor(self, key: Key | None) -> str | None:
        return None if key is None else cursor_of(self.ordering.name, key)

    def _place(self, cursor: str) -> Key:
        """The number of the segment, and the key in it. Raises: InvalidQuery."""
        number, *key = key_of(self.ordering.name, cursor)
        segments = dict(enumerate(self.ordering.segments))
        segment = segments.get(number) if isinstance(number, int) else None
        if segment is None or tuple(map(type, key)) != segment.types:
            raise invalid_cursor()
        return (number, *key)

    def _after(self, start: Key | None, limit: int, *, backwards: bool) -> _Found:
        """What follows `start`, in the order or against it."""
        numbered: Sequence[tuple[int, Segment]] = list(enumerate(self.ordering.segments))
        found = _Found(limit, time.monotonic() + PATIENCE_SECONDS)
        for number, segment in reversed(numbered) if backwards else numbered:
            if start is not None and (number > start[0] if backwards else number < start[0]):  # type: ignore[operator]
                continue
            place = start[1:] if start is not None and number == start[0] else None
            walk = _Walk(number, segment, place, segment.is_descending is not backwards)
            if self.is_search and segment.columns == (self.row_id,):
                self._search(walk, found)
            else:
                found.rows += self._of_segment(walk, found.missing)
            if not found.missing or found.stopped_at is not None:
                break
        return found

    def _search(self, walk: _Walk, found: _Found) -> None:
        """Add what a segment has, range by range, until enough is found or the time is over."""
        first, last = 0, self._last()
        if walk.place is not None:
            place = int(walk.place[0])
            first, last = (first, min(last, place - 1)) if walk.is_descending else (place, last)
        for number, (low, high) in enumerate(self._ranges(first, last, is_descending=walk.is_descending)):
            if number and time.monotonic() > found.deadline:
                found.stopped_at = (walk.number, high + 1 if walk.is_descending else low)
                return
            found.rows += self._of_segment(walk, found.missing, (low, high))
            if not found.missing:
                return

    def _ranges(self, first: int, last: int, *, is_descending: bool) -> Iterator[tuple[int, int]]:
        """Ranges of row IDs: above the first number, up to the second."""
        starts = range(first, last, _CHUNK)
        return ((start, min(start + _CHUNK, last)) for start in (reversed(starts) if is_descending else starts))

    def _last(self) -> int:
        """The highest row ID."""
        text = f"SELECT coalesce(max({self.row_id}), 0) FROM {self.table}"  # noqa: S608 - our texts
        return int(self.database.rows(text)[0][0])

    def _of_segment(self, walk: _Walk, limit: int, within: tuple[int, int] | None = None) -> list[tuple[Key, int]]:
        keys = ", ".join(walk.segment.columns)
        conditions, values = [walk.segment.condition], list(self.conditions.values)
        if walk.place is not None:
            sign, marks = "<" if walk.is_descending else ">", ", ".join("?" * len(walk.place))
            conditions.append(f"({keys}) {sign} ({marks})")
            values += walk.place
        if within is not None:
            conditions += [f"{self.row_id} > ?", f"{self.row_id} <= ?"]
            values += within
        direction = "DESC" if walk.is_descending else "ASC"
        order = ", ".join(f"{column} {direction}" for column in walk.segment.columns)
        where = self.conditions.all(conditions)
        text = f"SELECT {keys}, {self.row_id} FROM {self.table} WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        return [((walk.number, *key), row_id) for *key, row_id in self.database.rows(text, (*values, limit))]
