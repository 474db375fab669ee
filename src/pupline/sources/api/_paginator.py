"""What every paginator is: it says what to ask next, is told the answer, and can write down where it stands.

A paginator knows nothing of HTTP, secrets or items; `ApiListing` puts the request together and reads the items. The
rules that hold for all, each for a listing that once ended early without a word:

- a page without entries is the end where nothing tells of a next page, or the spec says so; where the API itself tells
  of more, the listing goes on, past `MAX_EMPTY_PAGES` such pages at most;
- a page that names what was named before is passed over once (items move while a listing goes on), and after a few in a
  row the pages go in a circle;
- a link or cursor that was just there is an error, not a circle;
- where the API's own words tell of more than came, `shortfall` says it.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar

from pupline.errors import SourceError
from pupline.http import Origin
from pupline.json_values import JSON
from pupline.specs import NextPage
from pupline.text import printable

MAX_EMPTY_PAGES = 10
"""Pages without entries in a row that are passed over where the API tells of more: a database that filters may give
some, and one that gives so many gives no other."""

_REMEMBERED = 20  # links and cursors: circles are short, and the position must stay small


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResponse:
    """A page that came. url: of the page.

    records: how many things it holds, usable or not. items: how many of these can be asked for. new: how many of those
    no page before named. digest: tells its items from another page's; where it has none, its bytes.
    exact: the page once more, with fractions as the texts that they are. allowed: the origins that a link may lead to.
    clean: takes the API's own key out of a URL that repeats it.
    """

    page: JSON
    headers: Mapping[str, str]
    url: str
    records: int
    items: int
    new: int
    digest: str
    exact: Callable[[], JSON]
    allowed: frozenset[Origin]
    clean: Callable[[str], str] = str


class Paginator(ABC):
    """One way through the pages of an API.

    complete: there is nothing more to ask. total: items in all, where the API tells. shortfall: why there is more than
    came, once complete. good: pages that named something new.
    """

    independent: ClassVar[bool] = False
    """Whether a page that is not there can be passed over, since no other depends on it."""

    counts_new: ClassVar[bool] = True
    """Whether it matters which items were named before."""

    max_stale: ClassVar[int] = 3
    """How many pages in a row may name nothing new, where the API tells of a next one."""

    def __init__(self, *, stop_after_empty_page: bool | None = None) -> None:
        self.complete = False
        self.total: int | None = None
        self.shortfall: str | None = None
        self.notes: list[str] = []
        self.good = 0
        self._stop_after_empty_page = stop_after_empty_page
        self._empty = 0
        self._stale = 0
        self._last: str | None = None

    @property
    def names_items(self) -> bool:
        """Whether the page asked for now names items, or only what is needed to ask for those that do."""
        return True

    @abstractmethod
    def next_page(self) -> NextPage:
        """What to ask now; the same until `advance` or `pass_over`."""

    def advance(self, answer: PageResponse) -> None:
        """Move on to what follows `answer`. Raises: SourceError, and nothing has moved."""
        if not answer.records:
            self._after_empty(answer)
            self._empty += 1
            return
        if self.counts_new and self._is_stale(answer):
            self._after_stale(answer)
            self._stale += 1
            return
        self._move(answer)
        self.good += 1
        self._empty = self._stale = 0
        self._last = answer.digest

    def pass_over(self) -> bool:
        """Move on without the page that was asked for; False where that cannot be done."""
        return False

    def ends_at(self, status: int) -> bool:  # noqa: ARG002 - most have an end of their own
        """Whether this status, in place of the page asked for, is the listing's end; then it is `complete`.

        status: of an answer without a page: 200 for a body without a byte, 204, or a 4xx.
        """
        return False

    def take_notes(self) -> list[str]:
        """What it has to say since the last call, in sentences."""
        taken, self.notes = self.notes, []
        return taken

    def _is_stale(self, answer: PageResponse) -> bool:
        return answer.digest == self._last or (answer.items > 0 and not answer.new)

    def _after_empty(self, answer: PageResponse) -> None:
        """Move on from a page without entries."""
        if self._stop_after_empty_page is False:
            self._move(answer)
        else:
            self.complete = True

    def _after_stale(self, answer: PageResponse) -> None:
        """Move on from a page that named nothing new. Raises: SourceError, and nothing has moved."""
        if self._stale + 1 >= self.max_stale:
            raise SourceError(
                f"{self._stale + 1} pages in a row named nothing that was not named before, and still there is a next "
                "one: the pages go in a circle; check the paginator of the spec"
            )
        self._move(answer)

    @abstractmethod
    def _move(self, answer: PageResponse) -> None: ...

    def state(self) -> dict[str, Any]:
        """Where it stands, as a small JSON object."""
        seen = {"good": self.good, "empty": self._empty, "stale": self._stale, "last": self._last}
        return {**self._place(), "seen": {name: value for name, value in seen.items() if value}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Stand where `state` says. Raises: KeyError, TypeError, ValueError for one that it did not write."""
        self._go_to(state)
        # Positions of earlier versions know nothing of it: then it is counted from here on.
        seen = state.get("seen", {})
        self.good, self._empty, self._stale = (int(seen.get(name, 0)) for name in ("good", "empty", "stale"))
        self._last = seen.get("last")

    @abstractmethod
    def _place(self) -> dict[str, Any]: ...

    @abstractmethod
    def _go_to(self, place: Mapping[str, Any]) -> None: ...


class PaginationLoop(SourceError):
    """What comes next was there before."""


class RecentLinks:
    """The last links or cursors, so that a circle is found before it is walked a second time."""

    def __init__(self) -> None:
        self._digests: deque[str] = deque(maxlen=_REMEMBERED)

    def check(self, text: str, what: str) -> None:
        """Raises: PaginationLoop where `text` was here before."""
        if digest_of(text.encode("utf-8", "surrogatepass")) in self._digests:
            raise PaginationLoop(
                f"the API's {what} {printable(text, 120)!r} was there before: its pages go in a circle; "
                "check the paginator of the spec"
            )

    def add(self, text: str) -> None:
        """Remember `text`."""
        self._digests.append(digest_of(text.encode("utf-8", "surrogatepass")))

    def state(self) -> list[str]:
        """For `restore`."""
        return list(self._digests)

    def restore(self, state: list[str]) -> None:
        """Remember what `state` holds, and nothing else."""
        self._digests = deque(map(str, state), maxlen=_REMEMBERED)


def digest_of(data: bytes) -> str:
    """16 hexadecimal digits that tell `data` from other data, where nobody means harm."""
    return blake2b(data, digest_size=8).hexdigest()
