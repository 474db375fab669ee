"""Pages over what AWS only lists from the newest on: at most so many rows are looked at for one page.

AWS has no place to begin a listing at, so a page is found by walking to its cursor. That stays cheap, as a call of
Step Functions or DynamoDB brings about a thousand rows, and it needs no token that expires.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from pupline.tasks.page_cursors import Key, cursor_of, invalid_cursor, key_of
from pupline.tasks.pages import COUNT_LIMIT, Count, Page, PageQuery

T = TypeVar("T")

MOST_ROWS = COUNT_LIMIT
"""Rows that are looked at for one page."""


@dataclass(frozen=True, slots=True)
class Window(Generic[T]):
    """A list. rows: all of it, in order, read as far as needed. key: of a row; it is unique, and rises in that order.

    name: of the list and its order, for cursors. time: of a row. matches: whether a row is wanted, where telling takes
    a call of its own: it is asked at most `most_asked` times for a page.
    """

    name: str
    rows: Callable[[], Iterable[T]]
    key: Callable[[T], Key]
    time: Callable[[T], float]
    matches: Callable[[T], bool] = lambda _: True
    most_asked: int = MOST_ROWS

    def page(self, query: PageQuery) -> Page[T]:
        """The page that the query asks for. Raises: InvalidQuery."""
        if query.before is not None:
            return self._before(self._place(query.before), query.limit)
        place = None if query.after is None else self._place(query.after)
        found: list[T] = []
        last: T | None = None
        asked = 0
        for number, row in enumerate(self.rows()):
            if last is not None and (number >= MOST_ROWS or asked >= self.most_asked):
                return self._stopped(found, last, has_previous=place is not None)
            last = row
            if place is not None and self.key(row) <= place:
                continue
            if len(found) == query.limit:
                return self._made(found, has_previous=place is not None, has_next=True)
            asked += 1
            if self.matches(row):
                found.append(row)
        return self._made(found, has_previous=place is not None, has_next=False)

    def count(self) -> Count:
        """How many rows are wanted, as far as is looked."""
        number = 0
        for asked, row in enumerate(self.rows()):
            if asked >= min(MOST_ROWS, self.most_asked):
                return Count(number, is_capped=True)
            number += self.matches(row)
        return Count(number)

    def at(self, offset: int, limit: int) -> list[T]:
        """At most `limit` wanted rows from the one at `offset` on."""
        wanted = (row for row in islice(self.rows(), min(MOST_ROWS, self.most_asked)) if self.matches(row))
        return list(islice(wanted, offset, offset + limit))

    def first(self) -> Iterator[T]:
        """The wanted rows, as far as is looked."""
        return (row for row in islice(self.rows(), min(MOST_ROWS, self.most_asked)) if self.matches(row))

    def _before(self, place: Key, limit: int) -> Page[T]:
        """The page that ends before the place; a shorter one where enough was looked at."""
        passed: deque[T] = deque(maxlen=min(MOST_ROWS, self.most_asked))
        for row in islice(self.rows(), MOST_ROWS):
            if self.key(row) >= place:
                break
            passed.append(row)
        found: list[T] = []
        while passed and len(found) < limit:
            row = passed.pop()
            if self.matches(row):
                found.insert(0, row)
        return self._made(found, has_previous=bool(passed), has_next=True)

    def _made(self, found: list[T], *, has_previous: bool, has_next: bool) -> Page[T]:
        following = cursor_of(self.name, self.key(found[-1])) if found and has_next else None
        previous = cursor_of(self.name, self.key(found[0])) if found and has_previous else None
        return Page(tuple(found), following, previous)

    def _stopped(self, found: list[T], last: T, *, has_previous: bool) -> Page[T]:
        """A page that ends because enough was looked at."""
        page = self._made(found, has_previous=has_previous, has_next=False)
        return Page(page.items, cursor_of(self.name, self.key(last)), page.previous, self.time(last))

    def _place(self, cursor: str) -> Key:
        key = key_of(self.name, cursor)
        if tuple(map(type, key)) != (float, str):
            raise invalid_cursor()
        return key
