"""Paginators whose pages do not depend on one another: date windows, ids, and repeats of a random request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from pupline.errors import SourceError
from pupline.sources.api._page_values import sendable
from pupline.sources.api._paginator import PageResponse, Paginator, digest_of
from pupline.specs import Expression, NextPage, described
from pupline.text import nearest, printable


@dataclass(kw_only=True, eq=False)
class DateWindow(Paginator):
    """Windows of `step` days from `start` to `end`, inclusive. A window without items is not the end."""

    counts_new: ClassVar[bool] = False

    start: date
    end: date
    step: int = 30
    start_param: str = "start_date"
    end_param: str = "end_date"
    stop_after_empty_page: bool | None = False

    def __post_init__(self) -> None:
        self.complete = self.start > self.end

    def next_page(self) -> NextPage:
        last = min(self.start + timedelta(days=self.step - 1), self.end)
        return NextPage(params={self.start_param: self.start.isoformat(), self.end_param: last.isoformat()})

    def skip_page(self) -> bool:
        self.start += timedelta(days=self.step)
        self.complete = self.start > self.end
        return True

    def _move(self, page: PageResponse) -> None:  # noqa: ARG002 - the calendar says what comes next
        self.skip_page()

    def _own_state(self) -> dict[str, Any]:
        return {"from": self.start.isoformat(), "end": self.end.isoformat()}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        """`today` keeps the meaning that it had when the listing began."""
        self.start, self.end = date.fromisoformat(state["from"]), date.fromisoformat(state["end"])
        self.complete = self.start > self.end


@dataclass(kw_only=True, eq=False)
class Repeat(Paginator):
    """The same request to a random API, repeated.

    times: most requests; None: no limit. max_empty: pages in a row without new items that end the listing. size: fills
    `{size}` in the path, the number of images in one request.
    """

    times: int | None = None
    max_empty: int = 5
    size: int | None = None

    _done: int = field(default=0, init=False)
    _useless: int = field(default=0, init=False)  # in a row

    def next_page(self) -> NextPage:
        return NextPage(fills={} if self.size is None else {"size": str(self.size)})

    def advance(self, page: PageResponse) -> None:
        self._move(page)
        self._last = page.digest

    def _move(self, page: PageResponse) -> None:
        self._done += 1
        self.useful_pages += page.items > 0
        self._useless = 0 if page.new else self._useless + 1
        self.complete = self._done == self.times or self._useless >= self.max_empty

    def _own_state(self) -> dict[str, Any]:
        return {"done": self._done, "empty": self._useless}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        self._done, self._useless = int(state["done"]), int(state["empty"])


@dataclass(kw_only=True, eq=False)
class IdsThenDetail(Paginator):
    """A page of ids, then a page for each id. ids: a list, or an object of lists. only: of those, the wanted ones.

    An object of lists means its keys, and the members below each key: `hound: [afghan]` is `hound` and `hound/afghan`.
    After a restart the ids are requested again: a position is written with every page, so it holds not all ids but
    a number, its id, and a digest of all.
    """

    counts_new: ClassVar[bool] = False

    ids: Expression
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    stop_after_empty_page: bool | None = False

    _ids: list[str] | None = field(default=None, init=False)
    _digest: str | None = field(default=None, init=False)
    _next: int = field(default=0, init=False)
    _resume_at: str | None = field(default=None, init=False)  # the id to resume with

    @property
    def names_items(self) -> bool:
        return self._ids is not None

    def next_page(self) -> NextPage:
        if self._ids is None:
            return NextPage()
        here = {"id": self._ids[self._next]}
        return NextPage(path=self.path, params=self.params, own_params=False, fills=here)

    def advance(self, page: PageResponse) -> None:
        if self._ids is None:
            self._take(self.ids.search(page.body))
        else:
            super().advance(page)

    def skip_page(self) -> bool:
        if self._ids is None:
            return False
        self._next += 1
        self.complete = self._next >= len(self._ids)
        return True

    def _move(self, page: PageResponse) -> None:  # noqa: ARG002 - the list says what comes next
        self.skip_page()

    def _take(self, found: Any) -> None:
        ids = _ids_in(found, self.ids.text)
        self._ids = self._wanted(ids) if self.only else ids
        digest = digest_of("\n".join(self._ids).encode())
        if self._digest is not None and digest != self._digest:
            self._find_place()
        self._digest, self._resume_at = digest, None
        self.complete = self._next >= len(self._ids)

    def _wanted(self, ids: list[str]) -> list[str]:
        for name in self.only:
            if name not in ids:
                near = nearest(name, ids)
                advice = f"; did you mean {printable(near, 60)}?" if near else ""
                raise SourceError(f"the API has no {printable(name, 60)} among its {len(ids):,} ids{advice}")
        return [one for one in ids if one in self.only]

    def _find_place(self) -> None:
        """The API's ids have changed since the restart: resume at the same id, else from the beginning."""
        assert self._ids is not None  # noqa: S101 - they were just taken
        self._next = self._ids.index(self._resume_at) if self._resume_at in self._ids else 0
        self.notes.append("the API's list of ids has changed since this listing began; some pages are requested again")

    def _own_state(self) -> dict[str, Any]:
        if self._ids is None:
            return {"next": self._next, "id": self._resume_at, "ids": self._digest}
        upcoming = self._ids[self._next] if self._next < len(self._ids) else None
        return {"next": self._next, "id": upcoming, "ids": self._digest}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        self._next, self._resume_at, self._digest = int(state["next"]), state["id"], state["ids"]


def _ids_in(found: Any, expression: str) -> list[str]:
    """The ids, percent-encoded, in the API's order. Raises: SourceError for anything else."""
    if isinstance(found, dict):
        return [one for key, subs in found.items() for one in _with_subs(key, subs, expression)]
    if isinstance(found, list):
        return [_encoded(one, expression) for one in found]
    raise _no_ids(found, expression)


def _with_subs(key: str, subs: Any, expression: str) -> list[str]:
    if subs is not None and not isinstance(subs, list):
        raise _no_ids(subs, expression)
    above = _encoded(key, expression)
    return [above, *(f"{above}/{_encoded(sub, expression)}" for sub in subs or [])]


def _encoded(one: Any, expression: str) -> str:
    # Dots alone would climb out of the path; no id looks like that.
    if isinstance(one, bool) or not isinstance(one, str | int) or str(one) in ("", ".", ".."):
        raise _no_ids(one, expression)
    return quote(sendable(str(one), f"ids ({printable(expression, 60)})"), safe="")


def _no_ids(found: Any, expression: str) -> SourceError:
    return SourceError(
        f"ids ({printable(expression, 60)}) gives {described(found)}; it should be a list of ids, or an object of "
        "lists, an empty one where there is nothing"
    )
