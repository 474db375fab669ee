"""Paginators that follow the next link or cursor of each page, in its body or headers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pupline.errors import SourceError
from pupline.sources.api._link_header import LinkHeader
from pupline.sources.api._page_values import (
    cursor_from,
    cursor_on_page,
    followed,
    larger_total,
    link_from,
    says_more,
    sendable,
    total_on_page,
)
from pupline.sources.api._paginator import MAX_EMPTY_PAGES, PageResponse, PaginationLoop, Paginator, RecentLinks
from pupline.specs import Expression, NextPage, described
from pupline.text import printable

_MAX_CONTINUE = 4096
_CONTINUE = Expression.parse("continue")
# Some APIs write these where there is no next page. All may be cursors too, so the page that they lead to decides.
_NO_CURSORS = frozenset({"0", "-1", "null", "None", "undefined"})
# Where APIs commonly have the next link. Only texts count: `next: true` or a page number is not a link.
_USUAL_LINKS = [
    Expression.parse(text) for text in ("next", "next_url", "links.next", "paging.next", "pagination.next_url")
]


class SinglePage(Paginator):
    """One request, all items."""

    def next_page(self) -> NextPage:
        return NextPage()

    def ends_with(self, status: int) -> bool:
        self.complete = self._is_empty_status(status, frozenset({204}))
        return self.complete

    def _move(self, page: PageResponse) -> None:
        self.total = page.items
        self.complete = True

    def _own_state(self) -> dict[str, Any]:
        return {}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        """One page has no state."""


@dataclass(kw_only=True, eq=False)
class _Following(Paginator):
    """Each page announces the next one, or the end. total_path: the number of items in all, in the body."""

    total_path: Expression | None = None

    _received: int = field(default=0, init=False)  # records on useful pages
    _more: bool | None = field(default=None, init=False)  # what the latest page says of a further one, in so many words

    def advance(self, page: PageResponse) -> None:
        """See `Paginator.advance`; also reads the total, and compares it at the end."""
        total = None if self.total_path is None else total_on_page(self.total_path, page)
        useful = self.useful_pages
        super().advance(page)
        self._received += page.records if self.useful_pages > useful else 0
        self.total = larger_total(self.total, total)
        self._compare()

    def _compare(self) -> None:
        """Note, at the end, what the API announced and did not give."""
        if self.complete and self.total is not None and self.total > self._received:
            self.not_given = self.total - self._received
            missing = f"the API says that it has {self.total:,} items, and gave {self._received:,}"
            self.shortfall = self.shortfall or missing
        if self.complete and self._more:
            self.shortfall = self.shortfall or "the API says that there is a further page, and gave none"

    def state(self) -> dict[str, Any]:
        """See `Paginator.state`."""
        counts = {"came": self._received, "told": self.total} if self.total_path is not None else {}
        more = {} if self._more is None else {"more": self._more}
        return {**super().state(), **counts, **more}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Paginator.restore`."""
        super().restore(state)
        self._received = int(state.get("came", 0))
        told = state.get("told")
        self.total = None if told is None else int(told)
        self._more = state.get("more")

    def ends_with(self, status: int) -> bool:
        """204, or as the spec says, is a page without entries and without a next one.

        200 without a body is not: a page has announced this one, and servers that fail answer so.
        """
        if not self._is_empty_status(status, frozenset({204})):
            return False
        if self.useful_pages:
            self.notes.append("the API answered without a page, which ends its listing")
        self.complete = True
        self._compare()
        return True

    def _after_empty(self, page: PageResponse) -> None:
        if self.stop_after_empty_page is False:
            self._move(page)
            return
        try:
            self._move(page)
        except PaginationLoop:
            self.notes.append("a page without entries names itself as the next one, which ends the listing")
            self.complete = True
        if not self.complete and self.stop_after_empty_page:
            self.notes.append("a page holds nothing and names a next one; stop_after_empty_page ends the listing there")
            self.complete = True
        elif not self.complete and self._empty + 1 >= MAX_EMPTY_PAGES:
            self.shortfall = (
                f"{MAX_EMPTY_PAGES} pages in a row held nothing, and still there is a next one; with "
                "stop_after_empty_page = false in the paginator such pages are followed without end"
            )
            self.complete = True


@dataclass(kw_only=True, eq=False)
class _Links(_Following):
    """Follows links, in the body or in headers."""

    _url: str | None = field(default=None, init=False)
    _recent: RecentLinks = field(default_factory=RecentLinks, init=False)

    def next_page(self) -> NextPage:
        return NextPage(url=self._url)

    def _follow(self, link: str | None, page: PageResponse) -> None:
        if link is None:
            self.complete = True
            return
        if link == page.url and self.useful_pages:
            self.notes.append("the page names itself as the next one, which ends the listing")
            self.complete = True
            return
        if link == page.url:
            raise PaginationLoop(f"the API's next link {printable(link, 120)} leads to the same page again")
        self._recent.add(link, "next link")
        self._url = link

    def _own_state(self) -> dict[str, Any]:
        return {"url": self._url, "recent": self._recent.state()}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        url = state["url"]
        self._url = None if url is None else str(url)
        self._recent.restore(state["recent"])


@dataclass(kw_only=True, eq=False)
class JsonLink(_Links):
    """The URL of the next page is in the body, at `next_url_path`."""

    next_url_path: Expression

    def _move(self, page: PageResponse) -> None:
        what = f"next_url_path ({printable(self.next_url_path.text, 60)})"
        self._follow(link_from(self.next_url_path.search(page.body), page, what), page)


@dataclass(kw_only=True, eq=False)
class HeaderLink(_Links):
    """The URL of the next page is in the Link header (RFC 8288), with the relation `links_next_key`."""

    links_next_key: str = "next"

    def _move(self, page: PageResponse) -> None:
        self._follow(_header_link(page, self.links_next_key), page)


class Auto(_Links):
    """Follows a Link header, or a next link in one of the usual places of the body; otherwise one page is all.

    It never guesses page numbers or offsets: a wrong guess would lose items without notice.
    """

    def _move(self, page: PageResponse) -> None:
        link: str | None = None
        for place in _USUAL_LINKS:
            if link is None and isinstance(found := place.search(page.body), str):
                link = link_from(found, page, place.text)
        link = _header_link(page, "next", otherwise=link)
        if link is None and self._url is None:
            self.notes.append("no next link was found, so this page is all; name a paginator if there is more")
        self._follow(link, page)


@dataclass(kw_only=True, eq=False)
class _Cursors(_Following):
    """Sends the cursor of each page with the request for the next one."""

    cursor_param: str | None = None
    cursor_body_path: str | None = None

    _cursor: str | None = field(default=None, init=False)
    _is_number: bool = field(default=False, init=False)  # in the page's JSON, and so in the body of the next request
    _is_repeated: bool = field(default=False, init=False)  # the page has the cursor that was sent for it
    _recent: RecentLinks = field(default_factory=RecentLinks, init=False)

    def next_page(self) -> NextPage:
        if self._cursor is None:
            return NextPage()
        if self.cursor_param is not None:
            return NextPage(params={self.cursor_param: self._cursor})
        return NextPage(body={str(self.cursor_body_path): int(self._cursor) if self._is_number else self._cursor})

    @property
    def _param(self) -> str:
        return printable(self.cursor_param or f"{self.cursor_body_path} of the body", 60)

    def _after_empty(self, page: PageResponse) -> None:
        super()._after_empty(page)
        if self._is_repeated and self.stop_after_empty_page is not False and not self.complete:
            self.notes.append("a page without entries gives its own cursor, which ends the listing")
            self.complete = True

    def _after_stale(self, page: PageResponse) -> None:
        if self._cursor in _NO_CURSORS:
            self.notes.append(f"the cursor {self._cursor} leads to the beginning, which ends the listing")
            self.complete = True
            return
        super()._after_stale(page)
        if self._is_repeated and self.useful_pages > 1:
            self.notes.append("a page comes again under its own cursor, which ends the listing")
            self.complete = True
        elif self._is_repeated:
            raise SourceError(
                f"the page for {self._param}={printable(str(self._cursor), 60)} is the same as "
                f"the one before it; check that the API knows the parameter {self._param}"
            )

    def _send(self, cursor: str | None, *, is_number: bool = False) -> None:
        # The cursor of a scroll stays the same, and gives the next page each time.
        self._is_repeated = cursor is not None and cursor == self._cursor
        if cursor is None:
            self.complete = True
        elif not self._is_repeated:
            self._recent.add(cursor, "cursor")
            self._cursor, self._is_number = cursor, is_number

    def _own_state(self) -> dict[str, Any]:
        number = {"number": True} if self._is_number else {}
        return {"cursor": self._cursor, "recent": self._recent.state(), **number}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        cursor = state["cursor"]
        self._cursor = None if cursor is None else str(cursor)
        self._is_number = bool(state.get("number", False))
        self._recent.restore(state["recent"])


@dataclass(kw_only=True, eq=False)
class JsonCursor(_Cursors):
    """The cursor is in the body, at `cursor_path`."""

    cursor_path: Expression
    has_more_path: Expression | None = None

    def _move(self, page: PageResponse) -> None:
        more = says_more(self.has_more_path, page, is_first=not self.useful_pages)
        if more is False:
            self._more, self.complete = more, True
            return
        what = f"cursor_path ({printable(self.cursor_path.text, 60)})"
        cursor = cursor_on_page(self.cursor_path, page, what)
        if more and cursor is None:
            raise SourceError(f"{what} gives no cursor, and has_more_path says that there is a further page")
        self._more = more
        self._send(cursor, is_number=isinstance(self.cursor_path.search(page.body), int))


@dataclass(kw_only=True, eq=False)
class HeaderCursor(_Cursors):
    """The cursor is in the header `cursor_key`."""

    cursor_key: str

    def _move(self, page: PageResponse) -> None:
        self._send(cursor_from(page.headers.get(self.cursor_key.lower()), f"header {self.cursor_key}"))


@dataclass(kw_only=True, eq=False)
class ContinueObject(_Following):
    """MediaWiki: the members of the object at `path` are parameters of the next request.

    A page without items is not the end, as the API cuts its responses anywhere. Nor is one without new items: a file
    comes once for each batch of its properties.
    """

    max_stale: ClassVar[int] = 50

    path: Expression = _CONTINUE
    stop_after_empty_page: bool | None = False

    _params: dict[str, str] = field(default_factory=dict, init=False)
    _recent: RecentLinks = field(default_factory=RecentLinks, init=False)

    def next_page(self) -> NextPage:
        return NextPage(params=self._params)

    def _move(self, page: PageResponse) -> None:
        found = self.path.search(page.body)
        if isinstance(found, dict) and any(isinstance(value, float) for value in found.values()):
            found = self.path.search(page.exact())
        params = self._read(found)
        if not params:
            self.complete = True
            return
        text = json.dumps(params, sort_keys=True)
        self._recent.add(text, "continue object")
        self._params = params

    def _read(self, found: Any) -> dict[str, str]:
        if found is None:
            return {}
        what = f"path ({printable(self.path.text, 60)})"
        is_flat = isinstance(found, dict) and all(isinstance(value, str | int) for value in found.values())
        if not is_flat or len(json.dumps(found)) > _MAX_CONTINUE:
            raise SourceError(
                f"{what} gives {described(found)}; it should be an object of texts and numbers, absent at the end"
            )
        return {sendable(name, what): sendable(_as_param(value), what) for name, value in found.items()}

    def _own_state(self) -> dict[str, Any]:
        return {"params": self._params, "recent": self._recent.state()}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        self._params = {str(name): str(value) for name, value in state["params"].items()}
        self._recent.restore(state["recent"])


def _as_param(value: str | int) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _header_link(page: PageResponse, relation: str, otherwise: str | None = None) -> str | None:
    """The URL with this relation in the Link header. otherwise: the one in the body.

    Raises: SourceError where the header cannot be read, or leads to another origin, and the body has no link.
    """
    try:
        target = LinkHeader.parse(page.headers.get("link", "")).target_of(relation, page.url)
    except SourceError:
        if otherwise is None:
            raise
        return otherwise
    return otherwise if target is None else followed(target, page, "the Link header")
