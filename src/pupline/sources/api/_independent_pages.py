"""Paginators whose pages do not depend on one another: date windows, ids, and repeats of a random request.

A page that fails costs itself: the pages after it are requested first, and then it is requested again.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any, ClassVar
from urllib.parse import quote

from pupline.errors import SourceError
from pupline.sources.api._paginator import PageResponse, Paginator, digest_of
from pupline.specs import Expression, NextPage, described
from pupline.text import nearest, plural, printable

_MAX_LATER = 20  # they are part of the position
_MAX_ID = 1024


@dataclass(kw_only=True, eq=False)
class _Independent(Paginator):
    """Pages by keys that are known beforehand. A page without items is not the end."""

    counts_new: ClassVar[bool] = False

    stop_after_empty_page: bool | None = False

    _later: list[str] = field(default_factory=list, init=False)  # keys of pages that failed

    @abstractmethod
    def _upcoming(self) -> str | None:
        """The key of the next page; None after the last one."""

    @abstractmethod
    def _go_on(self) -> None:
        """Move on from the upcoming page."""

    def _requested(self) -> str:
        """The key of the requested page: the upcoming one, else the first of those that failed."""
        upcoming = self._upcoming()
        return self._later[0] if upcoming is None else upcoming

    def skip_page(self) -> bool:
        if self._upcoming() is None:
            self._later.pop(0)
        else:
            self._go_on()
        self.complete = self._upcoming() is None and not self._later
        return True

    @property
    def can_defer(self) -> bool:
        return self.names_items

    @property
    def is_deferred(self) -> bool:
        return self._upcoming() is None and bool(self._later)

    def defer_page(self) -> bool:
        upcoming = self._upcoming()
        if upcoming is None or len(self._later) >= _MAX_LATER:
            return False
        self._later.append(upcoming)
        return self.skip_page()

    def _move(self, page: PageResponse) -> None:  # noqa: ARG002 - the key says what comes next
        self.skip_page()

    def state(self) -> dict[str, Any]:
        """See `Paginator.state`."""
        return {**super().state(), **({"later": self._later} if self._later else {})}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Paginator.restore`."""
        self._later = [str(key) for key in state.get("later", ())]
        super().restore(state)


@dataclass(kw_only=True, eq=False)
class DateWindow(_Independent):
    """Windows of `step` days from `start` to `end`, inclusive."""

    start: date
    end: date
    step: int = 30
    start_param: str = "start_date"
    end_param: str = "end_date"

    def __post_init__(self) -> None:
        self.complete = self.start > self.end

    def next_page(self) -> NextPage:
        first = date.fromisoformat(self._requested())
        last = min(first + timedelta(days=self.step - 1), self.end)
        return NextPage(params={self.start_param: first.isoformat(), self.end_param: last.isoformat()})

    def _upcoming(self) -> str | None:
        return self.start.isoformat() if self.start <= self.end else None

    def _go_on(self) -> None:
        self.start += timedelta(days=self.step)

    def _own_state(self) -> dict[str, Any]:
        return {"from": self.start.isoformat(), "end": self.end.isoformat()}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        """`today` keeps the meaning that it had when the listing began."""
        self.start, self.end = date.fromisoformat(state["from"]), date.fromisoformat(state["end"])
        self.complete = self.start > self.end and not self._later


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
class IdsThenDetail(_Independent):
    """A page of ids, then a page for each id. ids: a list, or an object of lists. only: of those, the wanted ones.

    An object of lists means its keys, and the members below each key: `hound: [afghan]` is `hound` and `hound/afghan`.
    After a restart the ids are requested again: a position is written with every page, so it holds not all ids but
    a number, a digest of the ids so far, and one of all. Ids that cannot be requested are left out.
    """

    ids: Expression
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()

    _ids: list[str] | None = field(default=None, init=False)
    _digest: str | None = field(default=None, init=False)
    _next: int = field(default=0, init=False)
    _done: str = field(default="", init=False)  # the digest of the ids so far, of the restored position
    _so_far: blake2b = field(default_factory=lambda: blake2b(digest_size=8), init=False)

    @property
    def names_items(self) -> bool:
        return self._ids is not None

    def next_page(self) -> NextPage:
        if self._ids is None:
            return NextPage()
        here = {"id": self._requested()}
        return NextPage(path=self.path, params=self.params, own_params=False, fills=here)

    def advance(self, page: PageResponse) -> None:
        if self._ids is None:
            self._take(self.ids.search(page.body))
        else:
            super().advance(page)

    def skip_page(self) -> bool:
        return self._ids is not None and super().skip_page()

    def _upcoming(self) -> str | None:
        ids = self._ids or ()
        return ids[self._next] if self._next < len(ids) else None

    def _go_on(self) -> None:
        self._so_far.update(f"{self._upcoming()}\n".encode())
        self._next += 1

    def _take(self, found: Any) -> None:
        ids, unusable = _ids_in(found, self.ids.text)
        self._ids = self._wanted(ids) if self.only else ids
        digest = digest_of("\n".join(self._ids).encode())
        self._so_far = self._digest_before(self._next)
        if self._digest is not None and digest != self._digest:
            self._find_place()
        self._digest = digest
        self.complete = self._upcoming() is None and not self._later
        if unusable and not self.only:
            self.unusable_pages = len(unusable)
            first = f"{plural(len(unusable), 'id')} cannot be requested, the first: {described(unusable[0])}"
            self.notes.append(first)
            self.shortfall = first

    def _wanted(self, ids: list[str]) -> list[str]:
        for name in self.only:
            if name not in ids:
                near = nearest(name, ids)
                advice = f"; did you mean {printable(near, 60)}?" if near else ""
                raise SourceError(f"the API has no {printable(name, 60)} among its {len(ids):,} ids{advice}")
        return [one for one in ids if one in self.only]

    def _find_place(self) -> None:
        """The API's ids have changed since the restart: go on only where those so far are the same.

        An id that has moved to an earlier place would be lost at any other place than the beginning.
        """
        if self._so_far.hexdigest() == self._done:
            self.notes.append("the API's list of ids has changed since this listing began, after the ids so far")
            return
        self._next, self._later, self._so_far = 0, [], self._digest_before(0)
        self.notes.append("the API's list of ids has changed since this listing began; some pages are requested again")

    def _digest_before(self, place: int) -> blake2b:
        return blake2b("".join(f"{one}\n" for one in (self._ids or ())[:place]).encode(), digest_size=8)

    def _own_state(self) -> dict[str, Any]:
        done = self._done if self._ids is None else self._so_far.hexdigest()
        return {"next": self._next, "done": done, "ids": self._digest}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        # Positions of earlier versions have the next id instead of the digest.
        self._next, self._done, self._digest = int(state["next"]), str(state.get("done")), state["ids"]


def _ids_in(found: Any, expression: str) -> tuple[list[str], list[Any]]:
    """The ids, percent-encoded, in the API's order; and the values that cannot be one.

    Raises: SourceError for another shape, and where no value is an id.
    """
    if not isinstance(found, dict | list):
        raise _no_ids(found, expression)
    if isinstance(found, dict) and found and not any(subs is None or isinstance(subs, list) for subs in found.values()):
        raise _no_ids(next(iter(found.values())), expression)
    usable, unusable = [], []
    for parts in _candidates(found):
        encoded = [_encoded(part) for part in parts]
        if all(encoded):
            usable.append("/".join(map(str, encoded)))
        else:
            unusable.append(parts[encoded.index(None)])
    if unusable and not usable:
        raise _no_ids(unusable[0], expression)
    return usable, unusable


def _candidates(found: dict[str, Any] | list[Any]) -> Iterator[tuple[Any, ...]]:
    """Each id, and each member below it, as the parts of its path."""
    for one in found:
        yield (one,)
        if isinstance(found, dict) and (members := found[one]) is not None:
            # A value that is no list is no member either, whatever it is: in a list of its own it is left out.
            yield from ((one, member) for member in (members if isinstance(members, list) else [[members]]))


def _encoded(one: Any) -> str | None:
    """The id as a part of a path; None for what cannot be one."""
    # Dots alone would climb out of the path; no id looks like that.
    if isinstance(one, bool) or not isinstance(one, str | int) or str(one) in ("", ".", ".."):
        return None
    try:
        encoded = quote(str(one), safe="")
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return encoded if len(encoded) <= _MAX_ID else None


def _no_ids(found: Any, expression: str) -> SourceError:
    return SourceError(
        f"ids ({printable(expression, 60)}) gives {described(found)}; it should be a list of ids, or an object of "
        "lists, an empty one where there is nothing"
    )
