"""Paginators that count: offsets and page numbers.

Unless it announces a total, such an API does not mark its last page, and each has its own response to a request for one
more. After at least one useful page, these end the listing, with a note: the statuses 204, 404 and 416, an empty body,
and a repeated last page; and two pages without entries, as a single one may be a gap. 400, 410 and 422 may mean the end
too (WordPress: 400), or a limit of ten thousand items (search engines: 400 or 422; image boards: 410). They are the end
after a page shorter than another one; otherwise it is unknown, which is a `shortfall`.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pupline.errors import SourceError
from pupline.sources.api._page_values import larger_total, says_more, total_on_page
from pupline.sources.api._paginator import MAX_EMPTY_PAGES, PageResponse, Paginator, next_page_with
from pupline.specs import Expression, NextPage
from pupline.text import printable

_PAST_THE_END = frozenset({200, 204, 404, 416})
_MAYBE_THE_END = frozenset({400, 410, 422})


@dataclass(kw_only=True, eq=False)
class _Numbered(Paginator):
    """Pages with a number in one parameter."""

    max_stale: ClassVar[int] = 2

    total_path: Expression | None = None
    has_more_path: Expression | None = None

    _number: int = field(default=0, init=False)
    _announced: int | None = field(default=None, init=False)  # the largest total so far
    _more: bool | None = field(default=None, init=False)  # what the latest page says of a further one
    _largest: int = field(default=0, init=False)  # records of the largest page
    _latest: int = field(default=0, init=False)  # records of the latest page

    @property
    @abstractmethod
    def _param(self) -> str: ...

    def advance(self, page: PageResponse) -> None:
        """See `Paginator.advance`; also reads the total."""
        more = says_more(self.has_more_path, page, is_first=not self.useful_pages)
        if self.total_path is not None:
            self._announced = larger_total(self._announced, total_on_page(self.total_path, page))
        self._more = more
        super().advance(page)
        if not self.complete and (more is False or (self._has_all() and not more)):
            self._finish()

    def ends_with(self, status: int) -> bool:
        """See the head of this file."""
        if not self.useful_pages:
            self.complete = status == 204
            return self.complete
        if self.empty_statuses is not None:
            return self._ends_by_spec(status)
        here = f"the API answered {status} {'without a body ' if status == 200 else ''}to {self._here}"
        if status in _PAST_THE_END or (status in _MAYBE_THE_END and self._latest < self._largest):
            self.notes.append(f"{here}, which ends its listing")
        elif status in _MAYBE_THE_END:
            self.notes.append(here)
            self.shortfall = f"{here}, after a full page: that may be its end, or as much as it shows"
        else:
            return False
        self._finish()
        return True

    def _ends_by_spec(self, status: int) -> bool:
        if not self._is_empty_status(status, frozenset()):
            return False
        self.notes.append(f"the API answered {status} to {self._here}, which ends its listing")
        self._finish()
        return True

    @property
    def _here(self) -> str:
        return f"{printable(self._param, 40)}={self._number}"

    def _after_empty(self, page: PageResponse) -> None:
        """Look beyond it: at one page, or at several where the API announces more."""
        self._latest = 0
        is_announced = self._more is not False and (self._more or self._is_announced_beyond())
        most = MAX_EMPTY_PAGES if is_announced else 2 if self.useful_pages and self._more is None else 1
        if self.stop_after_empty_page is False:
            self._step(page)
        elif self.stop_after_empty_page is None and self._empty + 1 < most:
            if is_announced:
                self.notes.append(
                    f"the page for {self._here} holds nothing, and the API says that it is not the last one"
                )
            self._step(page)
        else:
            self._finish()

    def _after_stale(self, page: PageResponse) -> None:
        if self._stale + 1 < self.max_stale:
            self._step(page)
        elif self.useful_pages > 1 or self._empty:
            self.notes.append(f"from {self._here} on the API repeats itself, which ends its listing")
            self._finish()
        else:
            raise SourceError(
                f"the page for {self._here} is the same as the one before it; check that the API knows the parameter "
                f"{printable(self._param, 40)}"
            )

    def _move(self, page: PageResponse) -> None:
        self._latest = page.records
        self._largest = max(self._largest, page.records)
        self._step(page)

    def _finish(self) -> None:
        """End the listing, and note what the API announced and did not give."""
        self.complete = True
        missing = self._missing()
        if missing is None and self._more and not self._has_all():
            missing = f"the API says that there is more, and {self._here} gave nothing new"
        self.shortfall = self.shortfall or missing

    @abstractmethod
    def _is_announced_beyond(self) -> bool:
        """Whether the API announced items or pages after the requested page."""

    @abstractmethod
    def _step(self, page: PageResponse) -> None: ...

    @abstractmethod
    def _has_all(self) -> bool:
        """Whether all that the API announced was requested."""

    @abstractmethod
    def _missing(self) -> str | None:
        """What the API announced and did not give, in words; sets its number."""

    def _own_state(self) -> dict[str, Any]:
        more = {} if self._more is None else {"more": self._more}
        return {"number": self._number, "told": self._announced, "sizes": [self._largest, self._latest], **more}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        self._number = int(state["number"])
        announced = state.get("told")
        self._announced = None if announced is None else int(announced)
        self._more = state.get("more")
        self._largest, self._latest = map(int, state.get("sizes", (0, 0)))


@dataclass(kw_only=True, eq=False)
class Offset(_Numbered):
    """`limit` items from an offset. total_path: the number of items in all, in the body.

    The offset grows by the number of items received, as an API may give fewer than `limit`.
    """

    limit: int
    offset_param: str = "offset"
    limit_param: str = "limit"
    offset_body_path: str | None = None
    limit_body_path: str | None = None

    _received: int = field(default=0, init=False)  # on useful pages
    _is_total_wrong: bool = field(default=False, init=False)  # more items came than the API announced

    @property
    def _param(self) -> str:
        return self.offset_param

    def next_page(self) -> NextPage:
        return next_page_with(
            (self.offset_param, self.offset_body_path, self._number),
            (self.limit_param, self.limit_body_path, self.limit),
        )

    def _move(self, page: PageResponse) -> None:
        super()._move(page)
        self._received += page.records
        if self._announced is not None and self._received > self._announced:
            if not self._is_total_wrong:
                self.notes.append(
                    f"the API says that it has {self._announced:,} items, and gave more: its total is ignored"
                )
            self._is_total_wrong = True
        self.total = None if self._is_total_wrong else self._announced

    def _is_announced_beyond(self) -> bool:
        return self.total is not None and self._number + self.limit < self.total

    def _step(self, page: PageResponse) -> None:
        self._number += page.records or self.limit

    def _has_all(self) -> bool:
        return self.total is not None and self._number >= self.total

    def _missing(self) -> str | None:
        if self._is_total_wrong or self._announced is None or self._received >= self._announced:
            return None
        self.not_given = self._announced - self._received
        return f"the API says that it has {self._announced:,} items, and gave {self._received:,}"

    def _own_state(self) -> dict[str, Any]:
        return {**super()._own_state(), "came": self._received}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        super()._restore_own(state)
        self._received = int(state.get("came", self._number))
        self._is_total_wrong = self._announced is not None and self._received > self._announced
        self.total = None if self._is_total_wrong else self._announced


@dataclass(kw_only=True, eq=False)
class PageNumber(_Numbered):
    """Page numbers from `base_page`. total_path: the number of pages, in the body."""

    base_page: int = 0
    page_param: str = "page"
    page_body_path: str | None = None

    def __post_init__(self) -> None:
        self._number = self.base_page

    @property
    def _param(self) -> str:
        return self.page_param

    def next_page(self) -> NextPage:
        return next_page_with((self.page_param, self.page_body_path, self._number))

    @property
    def _done(self) -> int:
        return self._number - self.base_page

    def _is_announced_beyond(self) -> bool:
        return self._done + 1 < (self._announced or 0)

    def _step(self, page: PageResponse) -> None:  # noqa: ARG002 - a page is a page
        self._number += 1

    def _has_all(self) -> bool:
        # Where a page came, a number of pages that is 0 is not one.
        return bool(self._announced) and self._done >= (self._announced or 0)

    def _missing(self) -> str | None:
        received = self._done - self._empty - self._stale
        if not self._announced or received >= self._announced or (self._announced == 1 and not self.useful_pages):
            return None
        self.no_such_page = self._announced - received
        return f"the API says that it has {self._announced:,} pages, and gave {received:,}"
