"""The listing of an API: a paginator says which page, credentials say who asks, an item reader reads what came."""

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from pupline.errors import ConfigurationError, HttpError, NotFound, SourceError, TaskFailure, UnreadableAnswer
from pupline.http import Origin
from pupline.sources._listing import Page
from pupline.sources._source import Opening
from pupline.sources.api._paginator import PageResponse, Paginator, digest_of
from pupline.sources.api._paginators import paginator_of
from pupline.sources.api._seen_items import SeenItems
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

# Pages in a row that are left out because they cannot be used, where others do not need them; then it is the API.
_MAX_BAD_PAGES = 5
# Statuses by which an API says that it does not answer this client: other pages would get the same.
_SHUT_OUT = frozenset({401, 402, 403, 407, 451})
_MAX_SHORTFALL = 300


class ApiListing:
    """A `Listing` over an API."""

    def __init__(self, spec: SourceSpec, opening: Opening) -> None:
        self._spec = spec
        self._allowed: frozenset[Origin] = frozenset({spec.base_url.origin})
        self._contact = opening.contact
        self._credentials: Credentials = credentials_of(spec.auth)
        self._paginator: Paginator = paginator_of(spec.paginator, opening.count)
        self._reader = ItemReader(spec)
        self._seen = SeenItems()
        self._pages = 0
        self._listed = 0
        self._left_out = 0  # pages that could not be used
        self._bad_in_a_row = 0
        self._ended = False
        self._cut: str | None = None  # why it ended before the API's own end
        self._own_notes: list[str] = []
        self._token_asked: PageRequest | None = None
        self._stuck: SourceError | None = None
        if opening.position is not None:
            self._restore(opening.position)

    @property
    def total(self) -> int | None:
        """As the paginator knows it, and not more than the terms allow."""
        total, cap = self._paginator.total, self._spec.terms.cap
        return total if total is None or cap is None else min(total, cap)

    @property
    def complete(self) -> bool:
        """Whether the last page was read, or the terms or `max_pages` allow no more."""
        return self._ended or self._paginator.complete

    @property
    def shortfall(self) -> str | None:
        """Why there is more than was named, once complete; None where it ended as it should, or goes on."""
        if not self.complete:
            return None
        told = [self._cut, None if self._ended else self._paginator.shortfall]
        if self._left_out:
            told.append(f"{self._left_out:,} of its pages could not be used and were left out")
        if not self._ended and self._reader.records and not self._reader.named:
            told.append(f"of {self._reader.records:,} entries none is an image to fetch; look at items in the spec")
        return mask("; ".join(filter(None, told)), self._credentials.secrets)[:_MAX_SHORTFALL] or None

    def request(self) -> PageRequest | None:
        """The next page, or a token first. Raises: SourceError where the last page does not tell which it is."""
        if self.complete:
            return None
        if self._stuck is not None:
            raise self._stuck
        # What was asked is kept: a token may expire while the answer to a page request is on its way, and the answer
        # is a page all the same.
        self._token_asked = self._credentials.token_request()
        return self._token_asked or page_request(
            self._spec, self._paginator.next_page(), self._credentials, self._contact
        )

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:
        """The items of the page that `request` asked for. Raises: SourceError, with the API's own words, masked."""
        if body is None:
            raise SourceError("an API's page is read from the answer to its request, and there was none")
        try:
            if self._token_asked is None:
                return self._read_page(body, headers)
            self._credentials.take_token(body)
        except SourceError as err:
            url = self._token_asked.url if self._token_asked else page_url(self._spec, self._paginator.next_page())
            raise self._told_of(url, err) from None
        self._token_asked = None
        return Page([])

    def skip(self, failure: TaskFailure) -> str | None:
        """Go on without the page that `failure` stands for: see `Listing.skip`.

        Asks for a new token where one has expired; ends where the status says that there is no such page; leaves out a
        page that no other needs, unless several in a row cannot be used.
        """
        if isinstance(failure, HttpError) and self._credentials.renew():
            return "the API refused the access token; a new one is asked for"
        if self._token_asked is not None:
            return None
        status = failure.details.get("status", 404 if isinstance(failure, NotFound) else None)
        if isinstance(status, int) and self._paginator.ends_at(status):
            self._pages += 1
            return "; ".join(self._paginator.take_notes()) or "the API answered that there is nothing"
        if not self._may_leave_out(failure, status) or not self._paginator.pass_over():
            return None
        self._pages += 1
        told = mask(failure.message, self._credentials.secrets)
        if isinstance(failure, NotFound):
            return f"left out, as the API has no such page: {told}"
        if status == 204:
            return f"nothing there: {told}"
        self._left_out += 1
        self._bad_in_a_row += 1
        return f"left out, as it cannot be used: {told}"

    def _may_leave_out(self, failure: TaskFailure, status: object) -> bool:
        if isinstance(failure, NotFound):
            return True
        is_bad = isinstance(failure, SourceError) or (isinstance(failure, HttpError) and status not in _SHUT_OUT)
        return is_bad and self._bad_in_a_row < _MAX_BAD_PAGES

    def position(self) -> str:
        """Pages, items and the paginator's state; with a digest of what decides which pages there are."""
        held: dict[str, Any] = {
            "asks": _asks_digest(self._spec),
            "pages": self._pages,
            "listed": self._listed,
            "complete": self.complete,
            "counts": self._reader.counts(),
            "at": self._paginator.state(),
        }
        held |= {"left_out": self._left_out} if self._left_out else {}
        held |= {"short": self.shortfall} if self.shortfall else {}
        return json.dumps(held, separators=(",", ":"))

    def close(self) -> None:
        """Nothing is open between two requests."""

    def _restore(self, position: str) -> None:
        try:
            held = json.loads(position)
            asks = held["asks"]
            self._pages, self._listed, self._ended = int(held["pages"]), int(held["listed"]), bool(held["complete"])
            # Positions of earlier versions do not have these.
            self._reader.restore(held.get("counts", (0, 0, 0, 0)))
            self._left_out, self._cut = int(held.get("left_out", 0)), held.get("short")
            if asks == _asks_digest(self._spec) and not self._ended:
                self._paginator.restore(held["at"])
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise ConfigurationError(f"{self._spec.name}: {printable(position, 80)} is no position of an API") from err
        if asks != _asks_digest(self._spec):
            raise ConfigurationError(
                f"{self._spec.name}: its requests (base_url, path, params or paginator) are not those of the run that "
                "is to go on; put them back, or begin a new run under another --run-id"
            )

    # ---- reading

    def _read_page(self, body: bytes, headers: Mapping[str, str]) -> Page:
        if not body.strip() and self._paginator.good and self._paginator.ends_at(200):
            self._pages += 1
            return Page([], self._notes())
        page = parse_page(body, headers)
        check_ok(self._spec, page)
        url = page_url(self._spec, self._paginator.next_page())
        # What only tells which pages there are is one thing, and no item.
        read = self._reader.read(page, url) if self._paginator.names_items else PageItems([], 1)
        items = [self._without_secrets(item) for item in read.items] if self._credentials.secrets else read.items
        answer = PageResponse(
            page=page,
            headers=headers,
            url=url,
            records=read.records,
            items=len(items),
            new=self._seen.add(items) if self._paginator.counts_new else len(items),
            digest=digest_of(b"".join(item.identity for item in items) or body),
            exact=lambda: parse_page(body, headers, fractions_as_text=True),
            allowed=self._allowed,
            clean=self._credentials.clean,
        )
        try:
            self._move_on(answer)
        except SourceError as err:
            if not items:
                raise
            # What this page names is there all the same; the next page is what cannot be asked for.
            self._stuck = self._told_of(url, err)
        items = self._within_cap(items)
        self._check_max_pages()
        return Page(items, self._notes())

    def _notes(self) -> tuple[str, ...]:
        notes = [*self._reader.take_notes(), *self._paginator.take_notes(), *self._own_notes]
        self._own_notes.clear()
        return tuple(mask(note, self._credentials.secrets) for note in notes)

    def _told_of(self, url: str, err: SourceError) -> SourceError:
        kind = UnreadableAnswer if isinstance(err, UnreadableAnswer) else SourceError
        return kind(mask(f"{printable(url)}: {err.message}", self._credentials.secrets))

    def _move_on(self, answer: PageResponse) -> None:
        self._paginator.advance(answer)
        self._pages += 1
        self._bad_in_a_row = 0
        self._credentials.accepted()

    def _without_secrets(self, item: SourceItem) -> SourceItem:
        """Some APIs repeat the key in the URLs of their images; it would be in every record."""
        clean = self._credentials.clean(item.url)
        return item if clean == item.url else replace(item, url=clean)

    def _within_cap(self, items: list[SourceItem]) -> list[SourceItem]:
        cap = self._spec.terms.cap
        if cap is not None and self._listed + len(items) >= cap:
            items = items[: cap - self._listed]
            self._ended = True
            self._own_notes.append(f"stopped after {cap:,} items: the terms of {self._spec.name} allow no more in bulk")
        self._listed += len(items)
        return items

    def _check_max_pages(self) -> None:
        most = self._spec.limits.max_pages
        if self._pages >= most and not self.complete:
            self._ended = True
            self._cut = f"stopped after {most:,} pages; if there are more, raise limits.max_pages in the spec"


def shortfall_of(position: str | None) -> str | None:
    """The `shortfall` of the listing that stood at `position`; None where it had none, or for another's position."""
    try:
        held = json.loads(position or "null")
    except ValueError:
        return None
    short = held.get("short") if isinstance(held, dict) else None
    return short if isinstance(short, str) else None


def _asks_digest(spec: SourceSpec) -> str:
    """Which pages there are, in 16 digits: a position of one set of pages means nothing in another."""
    settings = {name: str(getattr(value, "text", value)) for name, value in spec.paginator.settings.items()}
    what: list[Any] = [str(spec.base_url), spec.path, dict(spec.params), spec.paginator.type, settings]
    return sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
