"""The listing of an API: a paginator chooses the page, credentials authenticate it, an item reader reads it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from pupline.errors import (
    ConfigurationError,
    HttpError,
    IncompleteBody,
    NotFound,
    Refusal,
    RequestTimeout,
    ServerError,
    SourceError,
    TaskFailure,
    UnreadableAnswer,
)
from pupline.json_values import JSON
from pupline.sources._listing import ColumnUse, Page
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
    check_transient,
    credentials_of,
    mask,
    page_request,
    page_url,
    parse_page,
    quoted_error,
)
from pupline.tasks.items import SourceItem
from pupline.tasks.left_out import MAX_EXAMPLES, NO_SUCH_PAGE, NOT_GIVEN, UNUSABLE_PAGE, LeftOut
from pupline.text import printable

_MAX_UNUSABLE = 5
"""Unusable pages in a row that are left out where no other page depends on them; then the API itself has a problem."""

_REJECTED = frozenset({401, 402, 403, 407, 451})
"""Statuses that reject this client: other pages would get the same."""

_PASSING = (ServerError, RequestTimeout, IncompleteBody)
"""Errors that pass if the API has them; they do not if a page has."""

_MAX_FAILING = 3
"""Pages in a row that fail with an error that passes, and are requested again after all others; then the API fails."""

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
        self._unusable_in_a_row = self._failing_in_a_row = 0
        self._left_out_pages = LeftOut()
        self._nothing_there = 0  # pages with a status that means so
        self._final: LeftOut | None = None  # of a listing that was complete when its position was written
        self._is_cut = False  # ended before the API's own end
        self._has_cap = False  # as its terms demand
        self._cut_reason: str | None = None
        self._notes: list[str] = []
        self._token_request: PageRequest | None = None
        self._stuck: SourceError | None = None  # why there is no request for the next page
        if opening.position is not None:
            self._restore(opening.position)

    @property
    def total(self) -> int | None:
        """The paginator's total, within the terms; None where it counts other things than images."""
        if self._spec.each and self._spec.paginator.type != "single_page":
            return None
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
        if self._final is not None:
            return self._cut_reason
        reasons = [self._cut_reason, None if self._is_cut else self._paginator.shortfall]
        pages, records = self._left_out_pages.reasons, self._reader.left_out
        if pages[UNUSABLE_PAGE]:
            reasons.append(f"{pages[UNUSABLE_PAGE]:,} of its pages could not be used and were left out")
        if pages[NO_SUCH_PAGE]:
            reasons.append(f"{pages[NO_SUCH_PAGE]:,} of its pages do not exist")
        if records:
            reasons.append(f"left out: {records.sentence}; to leave them out on purpose, filter them in items")
        if self._nothing_there and not self._reader.records:
            reasons.append(f"{self._nothing_there:,} of its pages have nothing, and no other has; look at their path")
        if not self._is_cut and self._reader.records and not self._reader.named:
            reasons.append(f"of {self._reader.records:,} entries none is an image to fetch; look at items in the spec")
        return self._masked("; ".join(filter(None, reasons)))[:_MAX_SHORTFALL] or None

    @property
    def columns(self) -> Sequence[ColumnUse]:
        """None: its spec says what becomes of each value."""
        return ()

    @property
    def left_out(self) -> LeftOut:
        """Pages and records so far; once complete, also what the API announced and did not give."""
        if self._final is not None:
            return LeftOut.from_json(self._final.as_json())
        parts = (self._left_out_pages, self._reader.left_out)
        found = LeftOut(sum((part.reasons for part in parts), Counter()))
        found.examples = [self._masked(one) for part in parts for one in part.examples][:MAX_EXAMPLES]
        if self._is_cut and self._paginator.total and not self._has_cap:
            found.add(NOT_GIVEN, self._paginator.total - self._reader.records, self._cut_reason or "")
        elif self._paginator.complete and not self._is_cut:
            found.add(NOT_GIVEN, self._paginator.not_given, self._paginator.shortfall or "")
            found.add(NO_SUCH_PAGE, self._paginator.no_such_page, self._paginator.shortfall or "")
            found.add(UNUSABLE_PAGE, self._paginator.unusable_pages, self._paginator.shortfall or "")
        return found

    def request(self) -> PageRequest | None:
        """The next page, or a token first. Raises: SourceError where the last page does not say which page is next."""
        if self.complete:
            return None
        if self._stuck is not None:
            raise self._stuck
        # Kept until the response: the token may expire on the way, and the response is a page all the same.
        self._token_request = self._credentials.token_request()
        if self._token_request is not None:
            return self._token_request
        request = page_request(self._spec, self._paginator.next_page(), self._credentials, self._contact)
        # After a page that fails, the next one shows with all attempts whether it is the API.
        return replace(request, can_wait=self._paginator.can_defer and not self._failing_in_a_row)

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:
        """The items of the requested page.

        Raises: SourceError, with the API's own words, masked; RetryAfter, LongRetryAfter, TooManyRequests for errors
        that pass.
        """
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
        if status in (self._paginator.empty_statuses or ()) and self._paginator.skip_page():
            self._pages += 1
            self._nothing_there += 1
            return f"nothing there, as the API answered {status}"
        if isinstance(failure, _PASSING) and not self._paginator.is_deferred:
            return self._deferred(failure)
        is_bad = isinstance(failure, (SourceError, Refusal, *_PASSING)) or (
            isinstance(failure, HttpError) and status not in _REJECTED
        )
        may_leave_out = isinstance(failure, NotFound) or (is_bad and self._unusable_in_a_row < _MAX_UNUSABLE)
        if not may_leave_out or not self._paginator.skip_page():
            return None
        self._pages += 1
        message = self._masked(failure.message)
        if isinstance(failure, NotFound):
            self._left_out_pages.add(NO_SUCH_PAGE, example=message)
            return f"left out, as the API has no such page: {message}"
        if status == 204:
            return f"nothing there: {message}"
        self._left_out_pages.add(UNUSABLE_PAGE, example=message)
        self._unusable_in_a_row += 1
        return f"left out, as it cannot be used: {message}"

    def _deferred(self, failure: TaskFailure) -> str | None:
        """The note on a page that is requested again later; None where it is not, as another one fails as well.

        One page may fail forever, and must not keep the others from being listed.
        """
        if self._failing_in_a_row >= _MAX_FAILING or not self._paginator.defer_page():
            return None
        self._failing_in_a_row += 1
        return f"requested again after the other pages: {self._masked(failure.message)}"

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
        left_out = self.left_out
        state |= {"left_out": left_out.as_json()} if left_out else {}
        state |= {"nothing": self._nothing_there} if self._nothing_there else {}
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
            self._nothing_there, self._cut_reason = int(state.get("nothing", 0)), state.get("short")
            self._restore_left_out(state.get("left_out", 0))
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

    def _restore_left_out(self, found: Any) -> None:
        """found: as in a position; earlier versions had the number of unusable pages there."""
        left_out = LeftOut.from_json(found)
        if isinstance(found, int):
            left_out.add(UNUSABLE_PAGE, found)
        if self._is_cut:
            self._final = left_out
        else:
            self._left_out_pages.examples = left_out.examples
            for reason in (NO_SUCH_PAGE, UNUSABLE_PAGE):
                self._left_out_pages.add(reason, left_out.reasons[reason])

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
        url = self._page_url
        found, read = self._read_records(body, headers, url)
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
            self._unusable_in_a_row = self._failing_in_a_row = 0
            self._credentials.accepted()
        items = self._within_cap(items)
        most = self._spec.limits.max_pages
        if self._pages >= most and not self.complete:
            self._is_cut = True
            self._cut_reason = f"stopped after {most:,} pages; if there are more, raise limits.max_pages in the spec"
        return Page(items, self._take_notes())

    def _read_records(self, body: bytes, headers: Mapping[str, str], url: str) -> tuple[JSON, PageItems]:
        """The page's JSON, and what is on it. Raises: as `read`."""
        found = parse_page(body, headers)
        check_transient(self._spec, found, headers, url, self._masked)
        check_ok(self._spec, found, self._masked)
        if not self._paginator.names_items:
            return found, PageItems([], 1)  # a page of ids is one record, without items
        try:
            return found, self._reader.read(found, url)
        except SourceError as err:
            raise SourceError(f"{err.message}{quoted_error(found, self._masked)}") from None

    def _take_notes(self) -> tuple[str, ...]:
        notes = [*self._reader.take_notes(), *self._paginator.take_notes(), *self._notes]
        self._notes.clear()
        return tuple(map(self._masked, notes))

    def _without_secrets(self, item: SourceItem) -> SourceItem:
        """Some APIs repeat the key in the URLs of their images; it would be in every record."""
        clean = self._credentials.clean(item.url)
        return item if clean == item.url else item._replace(url=clean)

    def _within_cap(self, items: list[SourceItem]) -> list[SourceItem]:
        cap = self._spec.terms.cap
        if cap is not None and self._listed + len(items) >= cap:
            items = items[: cap - self._listed]
            self._is_cut = self._has_cap = True
            self._notes.append(f"stopped after {cap:,} items: the terms of {self._spec.name} allow no more in bulk")
        self._listed += len(items)
        return items


def _pages_digest(spec: SourceSpec) -> str:
    """16 digits for the set of pages: a position in one set means nothing in another."""
    settings = {name: str(getattr(value, "text", value)) for name, value in spec.paginator.settings.items()}
    what: list[Any] = [str(spec.base_url), spec.path, dict(spec.params), spec.paginator.type, settings]
    what += [spec.method, dict(spec.body)] if spec.body else []
    return sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
