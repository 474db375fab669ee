"""The listing of an API: a paginator chooses the page, credentials authenticate it, an item reader reads it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from pupline.errors import ConfigurationError, HttpError, NotFound, SourceError, TaskFailure, UnreadableAnswer
from pupline.sources._listing import Page
from pupline.sources._source import Opening
from pupline.sources.api._paginator import PageResponse, Paginator, digest_of
from pupline.sources.api._paginators import paginator_of
from pupline.specs import (
    Credentials,
    ItemReader,
    PageItems,
    PageRequest,
    SourceSpec,
    check_ok,
    credentials_of,
    mask,
    page_request,
    page_url,
    parse_page,
)
from pupline.tasks.items import SourceItem
from pupline.text import printable

_MAX_UNUSABLE = 5
"""Unusable pages in a row that are left out where no other page depends on them; then the API itself has a problem."""

_REJECTED = frozenset({401, 402, 403, 407, 451})
"""Statuses that reject this client: other pages would get the same."""

_MAX_SHORTFALL = 300
_REMEMBERED_ITEMS = 100_000  # at least; twice as many at most, some 15 MB


class SeenItems:
    """Which items a listing has had, as far as a bounded memory goes."""

    def __init__(self) -> None:
        self._newer: set[int] = set()
        self._older: set[int] = set()

    def add(self, items: Iterable[SourceItem]) -> int:
        """Remember `items`; the number of new ones."""
        new = 0
        for one in {int.from_bytes(item.identity[:8]) for item in items}:
            if one not in self._newer:
                new += one not in self._older
                self._newer.add(one)
        if len(self._newer) > _REMEMBERED_ITEMS:
            self._older, self._newer = self._newer, set()
        return new


class ApiListing:
    """A `Listing` of an API."""

    def __init__(self, spec: SourceSpec, opening: Opening) -> None:
        self._spec = spec
        self._contact = opening.contact
        self._credentials: Credentials = credentials_of(spec.auth)
        self._paginator: Paginator = paginator_of(spec.paginator, opening.count)
        self._reader = ItemReader(spec)
        self._seen = SeenItems()
        self._pages = self._listed = 0
        self._unusable_pages = self._unusable_in_a_row = 0
        self._is_cut = False  # ended before the API's own end
        self._cut_reason: str | None = None
        self._notes: list[str] = []
        self._token_request: PageRequest | None = None
        self._stuck: SourceError | None = None  # why there is no request for the next page
        if opening.position is not None:
            self._restore(opening.position)

    @property
    def total(self) -> int | None:
        """The paginator's total, within the terms."""
        total, cap = self._paginator.total, self._spec.terms.cap
        return total if total is None or cap is None else min(total, cap)

    @property
    def complete(self) -> bool:
        """Whether the last page was read, or the terms or `max_pages` ended the listing."""
        return self._is_cut or self._paginator.complete

    @property
    def shortfall(self) -> str | None:
        """Why items are missing, once complete; None where none are."""
        if not self.complete:
            return None
        reasons = [self._cut_reason, None if self._is_cut else self._paginator.shortfall]
        if self._unusable_pages:
            reasons.append(f"{self._unusable_pages:,} of its pages could not be used and were left out")
        if not self._is_cut and self._reader.records and not self._reader.named:
            reasons.append(f"of {self._reader.records:,} entries none is an image to fetch; look at items in the spec")
        return self._masked("; ".join(filter(None, reasons)))[:_MAX_SHORTFALL] or None

    def request(self) -> PageRequest | None:
        """The next page, or a token first. Raises: SourceError where the last page does not say which page is next."""
        if self.complete:
            return None
        if self._stuck is not None:
            raise self._stuck
        # Kept until the response: the token may expire on the way, and the response is a page all the same.
        self._token_request = self._credentials.token_request()
        return self._token_request or page_request(
            self._spec, self._paginator.next_page(), self._credentials, self._contact
        )

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:
        """The items of the requested page. Raises: SourceError, with the API's own words, masked."""
        if body is None:
            raise SourceError("an API's page is read from the response to its request, and there was none")
        try:
            if self._token_request is None:
                return self._read_page(body, headers)
            self._credentials.take_token(body)
        except SourceError as err:
            url = self._token_request.url if self._token_request else self._page_url
            raise self._error_at(url, err) from None
        self._token_request = None
        return Page([])

    def skip(self, failure: TaskFailure) -> str | None:
        """See `Listing.skip`.

        Requests a new token where one has expired; ends at a status that says that there is no such page; leaves out a
        page that no other depends on, unless several in a row are unusable.
        """
        if isinstance(failure, HttpError) and self._credentials.renew():
            return "the API refused the access token; a new one is requested"
        if self._token_request is not None:
            return None
        status = failure.details.get("status", 404 if isinstance(failure, NotFound) else None)
        if isinstance(status, int) and self._paginator.ends_with(status):
            self._pages += 1
            return "; ".join(self._paginator.take_notes()) or "the API answered that there is nothing"
        is_bad = isinstance(failure, SourceError) or (isinstance(failure, HttpError) and status not in _REJECTED)
        may_leave_out = isinstance(failure, NotFound) or (is_bad and self._unusable_in_a_row < _MAX_UNUSABLE)
        if not may_leave_out or not self._paginator.skip_page():
            return None
        self._pages += 1
        message = self._masked(failure.message)
        if isinstance(failure, NotFound):
            return f"left out, as the API has no such page: {message}"
        if status == 204:
            return f"nothing there: {message}"
        self._unusable_pages += 1
        self._unusable_in_a_row += 1
        return f"left out, as it cannot be used: {message}"

    def position(self) -> str:
        """Counts and the paginator's state, with a digest of what decides which pages there are."""
        state: dict[str, Any] = {
            "asks": _pages_digest(self._spec),
            "pages": self._pages,
            "listed": self._listed,
            "complete": self.complete,
            "counts": self._reader.counts(),
            "at": self._paginator.state(),
        }
        state |= {"left_out": self._unusable_pages} if self._unusable_pages else {}
        state |= {"short": self.shortfall} if self.shortfall else {}
        return json.dumps(state, separators=(",", ":"))

    def close(self) -> None:
        """Nothing is open between two requests."""

    def _restore(self, position: str) -> None:
        try:
            state = json.loads(position)
            digest = state["asks"]
            self._pages, self._listed, self._is_cut = int(state["pages"]), int(state["listed"]), bool(state["complete"])
            # Positions of earlier versions do not have these.
            self._reader.restore(state.get("counts", (0, 0, 0, 0)))
            self._unusable_pages, self._cut_reason = int(state.get("left_out", 0)), state.get("short")
            if digest == _pages_digest(self._spec) and not self._is_cut:
                self._paginator.restore(state["at"])
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise ConfigurationError(
                f"{self._spec.name}: {printable(position, 80)} is not a position of an API"
            ) from err
        if digest != _pages_digest(self._spec):
            raise ConfigurationError(
                f"{self._spec.name}: its requests (base_url, path, params or paginator) are not those of the run that "
                "is to be resumed; restore them, or begin a new run under another --run-id"
            )

    # ---- reading

    @property
    def _page_url(self) -> str:
        return page_url(self._spec, self._paginator.next_page())

    def _masked(self, text: str) -> str:
        return mask(text, self._credentials.secrets)

    def _error_at(self, url: str, err: SourceError) -> SourceError:
        kind = UnreadableAnswer if isinstance(err, UnreadableAnswer) else SourceError
        return kind(self._masked(f"{printable(url)}: {err.message}"))

    def _read_page(self, body: bytes, headers: Mapping[str, str]) -> Page:
        if not body.strip() and self._paginator.useful_pages and self._paginator.ends_with(200):
            self._pages += 1
            return Page([], self._take_notes())
        found = parse_page(body, headers)
        check_ok(self._spec, found)
        url = self._page_url
        # A page of ids is one record, without items.
        read = self._reader.read(found, url) if self._paginator.names_items else PageItems([], 1)
        items = [self._without_secrets(item) for item in read.items] if self._credentials.secrets else read.items
        page = PageResponse(
            body=found,
            headers=headers,
            url=url,
            records=read.records,
            items=len(items),
            new=self._seen.add(items) if self._paginator.counts_new else len(items),
            digest=digest_of(b"".join(item.identity for item in items) or body),
            exact=lambda: parse_page(body, headers, fractions_as_text=True),
            allowed=frozenset({self._spec.base_url.origin}),
            clean=self._credentials.clean,
        )
        try:
            self._paginator.advance(page)
        except SourceError as err:
            if not items:
                raise
            # The items of this page are good all the same; it is the next page that cannot be requested.
            self._stuck = self._error_at(url, err)
        else:
            self._pages += 1
            self._unusable_in_a_row = 0
            self._credentials.accepted()
        items = self._within_cap(items)
        most = self._spec.limits.max_pages
        if self._pages >= most and not self.complete:
            self._is_cut = True
            self._cut_reason = f"stopped after {most:,} pages; if there are more, raise limits.max_pages in the spec"
        return Page(items, self._take_notes())

    def _take_notes(self) -> tuple[str, ...]:
        notes = [*self._reader.take_notes(), *self._paginator.take_notes(), *self._notes]
        self._notes.clear()
        return tuple(map(self._masked, notes))

    def _without_secrets(self, item: SourceItem) -> SourceItem:
        """Some APIs repeat the key in the URLs of their images; it would be in every record."""
        clean = self._credentials.clean(item.url)
        return item if clean == item.url else replace(item, url=clean)

    def _within_cap(self, items: list[SourceItem]) -> list[SourceItem]:
        cap = self._spec.terms.cap
        if cap is not None and self._listed + len(items) >= cap:
            items = items[: cap - self._listed]
            self._is_cut = True
            self._notes.append(f"stopped after {cap:,} items: the terms of {self._spec.name} allow no more in bulk")
        self._listed += len(items)
        return items


def shortfall_of(position: str | None) -> str | None:
    """The `shortfall` of the listing at `position`; None where it had none, or for another kind of position."""
    try:
        state = json.loads(position or "null")
    except ValueError:
        return None
    short = state.get("short") if isinstance(state, dict) else None
    return short if isinstance(short, str) else None


def _pages_digest(spec: SourceSpec) -> str:
    """16 digits for the set of pages: a position in one set means nothing in another."""
    settings = {name: str(getattr(value, "text", value)) for name, value in spec.paginator.settings.items()}
    what: list[Any] = [str(spec.base_url), spec.path, dict(spec.params), spec.paginator.type, settings]
    return sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
