"""Paginators that count pages and items: offsets and page numbers.

Such an API never says that a page is its last one, unless it tells how many there are; each has its own way of having
no further page. These are taken for the end, after at least one page that named something, with a note: a page without
entries, the statuses 204, 404 and 416, a body without a byte, and the last page over again. 400, 410 and 422 may mean
that too (WordPress answers 400), or that the API shows nobody more than its first ten thousand (search engines answer
400 or 422, image boards 410): they are the end after a page that was shorter than another one, else nobody can tell,
and that is a `shortfall`.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from pupline.errors import SourceError
from pupline.sources.api._page_values import total_from
from pupline.sources.api._paginator import MAX_EMPTY_PAGES, PageResponse, Paginator
from pupline.specs import Expression, NextPage
from pupline.text import printable

_PAST_THE_END = frozenset({200, 204, 404, 416})
_MAYBE_THE_END = frozenset({400, 410, 422})


class _Numbered(Paginator):
    """Pages told apart by a number."""

    max_stale: ClassVar[int] = 2

    def __init__(
        self, *, param: str, first: int, total_path: Expression | None, stop_after_empty_page: bool | None
    ) -> None:
        super().__init__(stop_after_empty_page=stop_after_empty_page)
        self._param = param
        self._number = self._first = first
        self._total_path = total_path
        self._told: int | None = None  # how many there are in all, by the API's newest word
        self._largest = self._latest = 0  # records of the largest page, and of the latest one

    def advance(self, answer: PageResponse) -> None:
        """As any paginator, with the API's newest word on how many there are. Raises: SourceError."""
        if self._total_path is not None:
            what = f"total_path ({printable(self._total_path.text, 60)})"
            told = total_from(self._total_path.search(answer.page), what)
            self._told = self._told if told is None else told
        super().advance(answer)
        if not self.complete and self._has_all():
            self._finish()

    def ends_at(self, status: int) -> bool:
        """See the head of this file."""
        if not self.good:
            self.complete = status == 204  # there is nothing, and the API says so
            return self.complete
        here = f"the API answered {status} {'without a body ' if status == 200 else ''}to {self._here}"
        if status in _PAST_THE_END or (status in _MAYBE_THE_END and self._latest < self._largest):
            self.notes.append(f"{here}, which is taken for the end of its listing")
        elif status in _MAYBE_THE_END:
            self.notes.append(here)
            self.shortfall = f"{here}, after a full page: that may be its end, or as much as it shows"
        else:
            return False
        self._finish()
        return True

    @property
    def _here(self) -> str:
        return f"{printable(self._param, 40)}={self._number}"

    def _after_empty(self, answer: PageResponse) -> None:
        if self._stop_after_empty_page is False:
            self._step(answer)
        else:
            self._finish()

    def _after_stale(self, answer: PageResponse) -> None:
        if self._stale + 1 < self.max_stale:
            self._step(answer)
        elif self.good > 1:
            self.notes.append(f"from {self._here} on the API repeats itself, which is taken for the end of its listing")
            self._finish()
        else:
            raise SourceError(
                f"the page for {self._here} is the same as the one before it; check that the API knows the parameter "
                f"{printable(self._param, 40)}"
            )

    def _move(self, answer: PageResponse) -> None:
        self._latest = answer.records
        self._largest = max(self._largest, answer.records)
        self._step(answer)

    def _finish(self) -> None:
        """There is nothing more to ask for; say what the API told of and did not give."""
        self.complete = True
        self.shortfall = self.shortfall or self._missing()

    @abstractmethod
    def _step(self, answer: PageResponse) -> None:
        """Go to the next number."""

    @abstractmethod
    def _has_all(self) -> bool:
        """Whether all that the API told of was asked for."""

    @abstractmethod
    def _missing(self) -> str | None:
        """What the API told of and did not give, in words."""

    def _place(self) -> dict[str, Any]:
        return {"number": self._number, "told": self._told, "sizes": [self._largest, self._latest]}

    def _go_to(self, place: Mapping[str, Any]) -> None:
        self._number = int(place["number"])
        told = place.get("told")
        self._told = None if told is None else int(told)
        self._largest, self._latest = map(int, place.get("sizes", (0, 0)))


class Offset(_Numbered):
    """`limit` items from an offset on. total_path: where the body tells how many items there are in all.

    The offset grows by what came: an API that gives fewer than were asked for is not asked past the others.
    """

    def __init__(
        self,
        *,
        limit: int,
        offset_param: str = "offset",
        limit_param: str = "limit",
        total_path: Expression | None = None,
        stop_after_empty_page: bool | None = None,
    ) -> None:
        super().__init__(
            param=offset_param, first=0, total_path=total_path, stop_after_empty_page=stop_after_empty_page
        )
        self._limit = limit
        self._limit_param = limit_param
        self._came = 0  # on pages that named something new
        self._is_told_wrong = False  # more came than the API says that there are

    def next_page(self) -> NextPage:
        return NextPage(params={self._param: str(self._number), self._limit_param: str(self._limit)})

    def _move(self, answer: PageResponse) -> None:
        super()._move(answer)
        self._came += answer.records
        if self._told is not None and self._came > self._told:
            if not self._is_told_wrong:
                self.notes.append(f"the API says that it has {self._told:,} items, and gave more: its total is ignored")
            self._is_told_wrong = True
        self.total = None if self._is_told_wrong else self._told

    def _step(self, answer: PageResponse) -> None:
        self._number += answer.records or self._limit

    def _has_all(self) -> bool:
        return self.total is not None and self._number >= self.total

    def _missing(self) -> str | None:
        if self._is_told_wrong or self._told is None or self._came >= self._told:
            return None
        return f"the API says that it has {self._told:,} items, and gave {self._came:,}"

    def _place(self) -> dict[str, Any]:
        return {**super()._place(), "came": self._came}

    def _go_to(self, place: Mapping[str, Any]) -> None:
        super()._go_to(place)
        self._came = int(place.get("came", self._number))


class PageNumber(_Numbered):
    """Pages by number, from `base_page` on. total_path: where the body tells how many pages there are."""

    def __init__(
        self,
        *,
        base_page: int = 0,
        page_param: str = "page",
        total_path: Expression | None = None,
        stop_after_empty_page: bool | None = None,
    ) -> None:
        super().__init__(
            param=page_param, first=base_page, total_path=total_path, stop_after_empty_page=stop_after_empty_page
        )

    def next_page(self) -> NextPage:
        return NextPage(params={self._param: str(self._number)})

    @property
    def _asked(self) -> int:
        """Pages that were answered."""
        return self._number - self._first

    def _after_empty(self, answer: PageResponse) -> None:
        goes_on = self._stop_after_empty_page is None and self._told is not None and self._asked + 1 < self._told
        if goes_on and self._empty + 1 < MAX_EMPTY_PAGES:
            self.notes.append(f"the page for {self._here} holds nothing, and the API says that it is not the last one")
            self._step(answer)
        else:
            super()._after_empty(answer)

    def _step(self, answer: PageResponse) -> None:  # noqa: ARG002 - a page is a page, whatever it holds
        self._number += 1

    def _has_all(self) -> bool:
        # Where a page came, a number of pages that is 0 is not one.
        return bool(self._told) and self._asked >= (self._told or 0)

    def _missing(self) -> str | None:
        given = self._asked - self._empty - self._stale
        if not self._told or given >= self._told or (self._told == 1 and not self.good):
            return None
        return f"the API says that it has {self._told:,} pages, and gave {given:,}"
