"""The base of all paginators: which page is next, given the last one, as a state that can be saved.

A paginator knows nothing about HTTP, secrets or items; `ApiListing` makes the requests and reads the items. Rules for
all of them, each from a listing that once ended early without notice:

- a page without entries ends the listing, unless the API announces a next page: then up to `MAX_EMPTY_PAGES` such pages
  are passed. The spec may say otherwise;
- a page without new items is passed (items move while a listing runs); several in a row are a loop, and an error;
- a link or cursor that came before is an error;
- where the API announces more than it gave, `shortfall` says so.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar

from pupline.errors import SourceError
from pupline.http import Origin
from pupline.json_values import JSON
from pupline.specs import NextPage
from pupline.text import printable

MAX_EMPTY_PAGES = 10
"""Pages without entries in a row, where the API announces more: a database that filters gives a few of them."""

_REMEMBERED = 20  # links and cursors: loops are short, and the position must stay small


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResponse:
    """A page that was read. url: of the page. body: its JSON. exact: the same, with fractions as texts.

    records: things on it, usable or not. items: those that can be fetched. new: items that no earlier page had.
    digest: of its items; of its bytes where it has none. allowed: origins that a link may lead to. clean: removes the
    API key from a URL.
    """

    body: JSON
    headers: Mapping[str, str]
    url: str
    records: int
    items: int
    new: int
    digest: str
    exact: Callable[[], JSON]
    allowed: frozenset[Origin]
    clean: Callable[[str], str] = str


@dataclass(kw_only=True, eq=False)
class Paginator(ABC):
    """One way through the pages of an API.

    complete: there is no further page. total: items in all, where the API announces it. shortfall: why items are
    missing, once complete; not_given: how many items, or no_such_page: pages, where the API has announced a number.
    unusable_pages: those that it names and that cannot be requested.
    useful_pages: pages with new items.

    The other fields of each paginator are its settings in a spec. empty_statuses: those that mean a page without
    entries; None for the usual ones.
    """

    stop_after_empty_page: bool | None = None
    empty_statuses: tuple[int, ...] | None = None

    complete: bool = field(default=False, init=False)
    total: int | None = field(default=None, init=False)
    shortfall: str | None = field(default=None, init=False)
    not_given: int = field(default=0, init=False)
    no_such_page: int = field(default=0, init=False)
    unusable_pages: int = field(default=0, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    useful_pages: int = field(default=0, init=False)
    _empty: int = field(default=0, init=False)
    _stale: int = field(default=0, init=False)
    _last: str | None = field(default=None, init=False)

    counts_new: ClassVar[bool] = True
    """Whether it matters that a page has new items."""

    max_stale: ClassVar[int] = 3
    """Pages in a row without new items, where the API announces a next one."""

    @property
    def names_items(self) -> bool:
        """Whether the next page has items, or only the ids of those that have."""
        return True

    @abstractmethod
    def next_page(self) -> NextPage:
        """The next page; the same until `advance` or `skip_page`."""

    def advance(self, page: PageResponse) -> None:
        """Move on to the page after `page`. Raises: SourceError, and nothing has moved."""
        if not page.records:
            self._after_empty(page)
            self._empty += 1
            return
        if self.counts_new and self._is_stale(page):
            self._after_stale(page)
            self._stale += 1
            return
        self._move(page)
        self.useful_pages += 1
        self._empty = self._stale = 0
        self._last = page.digest

    def skip_page(self) -> bool:
        """Move on without the requested page; False where the next one depends on it."""
        return False

    @property
    def can_defer(self) -> bool:
        """Whether pages do not depend on one another, so that one may be requested later."""
        return False

    @property
    def is_deferred(self) -> bool:
        """Whether the requested page is one that failed before; see `defer_page`."""
        return False

    def defer_page(self) -> bool:
        """Move on, and request the page again after all others; False where that is not possible."""
        return False

    def ends_with(self, status: int) -> bool:  # noqa: ARG002 - most have an end of their own
        """Whether this status, instead of the requested page, ends the listing; then it is `complete`.

        status: of a response without a page: 200 with an empty body, 204, or a 4xx.
        """
        return False

    def take_notes(self) -> list[str]:
        """Sentences for people since the last call."""
        taken, self.notes = self.notes, []
        return taken

    def _is_empty_status(self, status: int, usual: frozenset[int]) -> bool:
        """Whether a status means a page without entries: by the spec, else as is usual. 404 on the first page never."""
        statuses = usual if self.empty_statuses is None else {200, *self.empty_statuses}
        return status in statuses and (status < 400 or self.useful_pages > 0)

    def _is_stale(self, page: PageResponse) -> bool:
        return page.digest == self._last or (page.items > 0 and not page.new)

    def _after_empty(self, page: PageResponse) -> None:
        if self.stop_after_empty_page is False:
            self._move(page)
        else:
            self.complete = True

    def _after_stale(self, page: PageResponse) -> None:
        """Move on from a page without new items. Raises: SourceError, and nothing has moved."""
        if self._stale + 1 >= self.max_stale:
            raise SourceError(
                f"{self._stale + 1} pages in a row named nothing that was not named before, and still there is a next "
                "one: the pages go in a circle; check the paginator of the spec"
            )
        self._move(page)

    @abstractmethod
    def _move(self, page: PageResponse) -> None: ...

    def state(self) -> dict[str, Any]:
        """Its state as a small JSON object."""
        seen = {"good": self.useful_pages, "empty": self._empty, "stale": self._stale, "last": self._last}
        return {**self._own_state(), "seen": {name: value for name, value in seen.items() if value}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`. Raises: KeyError, TypeError, ValueError for one that it did not write."""
        self._restore_own(state)
        # Positions of earlier versions do not have it.
        seen = state.get("seen", {})
        self.useful_pages, self._empty, self._stale = (int(seen.get(name, 0)) for name in ("good", "empty", "stale"))
        self._last = seen.get("last")

    @abstractmethod
    def _own_state(self) -> dict[str, Any]: ...

    @abstractmethod
    def _restore_own(self, state: Mapping[str, Any]) -> None: ...


def next_page_with(*values: tuple[str, str | None, int]) -> NextPage:
    """The page with these numbers. values: a query parameter, the path in the body instead of it, and the number."""
    in_query = {param: str(value) for param, path, value in values if path is None}
    in_body: dict[str, JSON] = {path: value for _, path, value in values if path is not None}
    return NextPage(params=in_query, body=in_body)


class PaginationLoop(SourceError):
    """The next page came before."""


class RecentLinks:
    """The latest links or cursors, to find a loop before its second round."""

    def __init__(self) -> None:
        self._digests: deque[str] = deque(maxlen=_REMEMBERED)

    def add(self, text: str, what: str) -> None:
        """Remember `text`. Raises: PaginationLoop for one that came before."""
        digest = digest_of(text.encode("utf-8", "surrogatepass"))
        if digest in self._digests:
            raise PaginationLoop(
                f"the API's {what} {printable(text, 120)!r} was there before: its pages go in a circle; "
                "check the paginator of the spec"
            )
        self._digests.append(digest)

    def state(self) -> list[str]:
        """For `restore`."""
        return list(self._digests)

    def restore(self, state: list[str]) -> None:
        self._digests = deque(map(str, state), maxlen=_REMEMBERED)


def digest_of(data: bytes) -> str:
    """16 hexadecimal digits, different for different data, barring malice."""
    return blake2b(data, digest_size=8).hexdigest()
