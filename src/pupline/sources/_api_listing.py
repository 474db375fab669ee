"""The listing of an API: a paginator says which page, credentials say who asks, an item reader reads what came."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from pupline.errors import ConfigurationError, HttpError, NotFound, SourceError, TaskFailure
from pupline.fetch import JSON, Origin, parse_json
from pupline.items import SourceItem
from pupline.sources._auth import Credentials, credentials_of
from pupline.sources._items import ItemReader
from pupline.sources._listing import MAX_PAGE_BYTES, Page, PageRequest, mask
from pupline.sources._paginator import Answer, Ask, Paginator, digest_of
from pupline.sources._paginators import paginator_of
from pupline.sources._source import Opening
from pupline.sources._spec import SourceSpec
from pupline.text import printable

_MAX_DEPTH = 64
# Of items seen, to tell what is new of an API that answers at random; those known longest are forgotten.
_MAX_REMEMBERED = 200_000
# Where APIs commonly say what went wrong.
_SAID = ("message", "error", "errors", "detail", "title", "status", "code", "reason")


class ApiListing:
    """A `Listing` over an API."""

    def __init__(self, spec: SourceSpec, opening: Opening, trusted: frozenset[Origin] = frozenset()) -> None:
        self._spec = spec
        self._allowed = trusted | {spec.base_url.origin}
        self._contact = opening.contact
        self._credentials: Credentials = credentials_of(spec.auth)
        self._paginator: Paginator = paginator_of(spec.paginator, opening.count)
        self._reader = ItemReader(spec)
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._pages = 0
        self._listed = 0
        self._ended = False
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

    def request(self) -> PageRequest | None:
        """The next page, or a token first. Raises: SourceError where the last page does not tell which it is."""
        if self.complete:
            return None
        if self._stuck is not None:
            raise self._stuck
        # What was asked is kept: a token may expire while the answer to a page request is on its way, and the answer
        # is a page all the same.
        self._token_asked = self._credentials.token_request()
        return self._token_asked or self._page_request(self._paginator.ask())

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:
        """The items of the page that `request` asked for. Raises: SourceError, with the API's own words, masked."""
        if body is None:
            raise SourceError("an API's page is read from the answer to its request, and there was none")
        try:
            if self._token_asked is None:
                return self._read_page(body, headers)
            self._credentials.take_token(body)
        except SourceError as err:
            url = self._token_asked.url if self._token_asked else self._page_url(self._paginator.ask())
            raise self._told_of(url, err) from None
        self._token_asked = None
        return Page([])

    def skip(self, failure: TaskFailure) -> str | None:
        """Pass over a page that is not there, where no other needs it; ask anew where a token has expired."""
        if isinstance(failure, HttpError) and self._credentials.renew():
            return "the API refused the access token; a new one is asked for"
        if isinstance(failure, NotFound) and self._paginator.pass_over():
            self._pages += 1
            return f"left out, as the API has no such page: {mask(failure.message, self._credentials.secrets)}"
        return None

    def position(self) -> str:
        """Pages, items and the paginator's state; with a digest of what decides which pages there are."""
        held = {
            "asks": _asks_digest(self._spec),
            "pages": self._pages,
            "listed": self._listed,
            "complete": self.complete,
            "at": self._paginator.state(),
        }
        return json.dumps(held, separators=(",", ":"))

    def close(self) -> None:
        """Nothing is open between two requests."""

    def _restore(self, position: str) -> None:
        try:
            held = json.loads(position)
            asks = held["asks"]
            self._pages, self._listed, self._ended = int(held["pages"]), int(held["listed"]), bool(held["complete"])
            if asks == _asks_digest(self._spec) and not self._ended:
                self._paginator.restore(held["at"])
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise ConfigurationError(f"{self._spec.name}: {printable(position, 80)} is no position of an API") from err
        if asks != _asks_digest(self._spec):
            raise ConfigurationError(
                f"{self._spec.name}: its requests (base_url, path, params or paginator) are not those of the run that "
                "is to go on; put them back, or begin a new run under another --run-id"
            )

    # ---- asking

    def _page_request(self, ask: Ask) -> PageRequest:
        held = self._credentials
        url = _with_params(self._page_url(ask), held.params)
        headers = {name: self._filled(value) for name, value in self._spec.headers.items()}
        return PageRequest(url, {**headers, **held.headers}, secrets=held.secrets)

    def _page_url(self, ask: Ask) -> str:
        """The page's URL without any secret."""
        if ask.url is not None:
            return ask.url
        path = self._spec.path if ask.path is None else ask.path
        for name, value in ask.fills.items():
            path = path.replace(f"{{{name}}}", value)
        url = str(self._spec.base_url).rstrip("/") + ("/" + path.lstrip("/") if path else "")
        return _with_params(url, {**(self._spec.params if ask.own_params else {}), **ask.params})

    def _filled(self, value: str) -> str:
        return value.replace("{contact}", self._contact or "no contact given")

    # ---- reading

    def _read_page(self, body: bytes, headers: Mapping[str, str]) -> Page:
        page = parse_json(body, max_bytes=MAX_PAGE_BYTES, max_depth=_MAX_DEPTH)
        self._check_ok(page)
        url = self._page_url(self._paginator.ask())
        items, found = self._reader.read(page, url) if self._paginator.names_items else ([], 0)
        items = [self._without_secrets(item) for item in items] if self._credentials.secrets else items
        found = self._count_new(items) if self._paginator.counts_new else found
        answer = Answer(
            page=page,
            headers=headers,
            url=url,
            found=found,
            body_digest=digest_of(body),
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
        notes = [*self._reader.take_notes(), *self._paginator.take_notes()]
        items = self._within_cap(items, notes)
        self._check_max_pages(notes)
        return Page(items, tuple(mask(note, self._credentials.secrets) for note in notes))

    def _told_of(self, url: str, err: SourceError) -> SourceError:
        return SourceError(mask(f"{printable(url)}: {err.message}", self._credentials.secrets))

    def _move_on(self, answer: Answer) -> None:
        self._paginator.advance(answer)
        self._pages += 1
        self._credentials.used()

    def _without_secrets(self, item: SourceItem) -> SourceItem:
        """Some APIs repeat the key in the URLs of their images; it would be in every record."""
        clean = self._credentials.clean(item.url)
        return item if clean == item.url else replace(item, url=clean)

    def _check_ok(self, page: JSON) -> None:
        ok = self._spec.ok
        if ok is not None and not ok.search(page):
            raise SourceError(f"the API says that it could not answer ({_said(page)}); ok is {printable(ok.text)}")

    def _count_new(self, items: list[SourceItem]) -> int:
        """How many of `items` were not named before, as far as is remembered."""
        before = {item.identity for item in items}
        fresh = [identity for identity in before if identity not in self._seen]
        self._seen.update(dict.fromkeys(fresh))
        while len(self._seen) > _MAX_REMEMBERED:
            self._seen.popitem(last=False)
        return len(fresh)

    def _within_cap(self, items: list[SourceItem], notes: list[str]) -> list[SourceItem]:
        cap = self._spec.terms.cap
        if cap is not None and self._listed + len(items) >= cap:
            items = items[: cap - self._listed]
            self._ended = True
            notes.append(f"stopped after {cap:,} items: the terms of {self._spec.name} allow no more in bulk")
        self._listed += len(items)
        return items

    def _check_max_pages(self, notes: list[str]) -> None:
        most = self._spec.limits.max_pages
        if self._pages >= most and not self.complete:
            self._ended = True
            notes.append(f"stopped after {most:,} pages; if there are more, raise limits.max_pages in the spec")


def _with_params(url: str, params: Mapping[str, str]) -> str:
    """`url` with `params` in its query; those of the same name that it has are replaced."""
    if not params:
        return url
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and pair.partition("=")[0] not in params]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(params, quote_via=quote, safe=",:")])))


def _asks_digest(spec: SourceSpec) -> str:
    """Which pages there are, in 16 digits: a position of one set of pages means nothing in another."""
    settings = {name: str(getattr(value, "text", value)) for name, value in spec.paginator.settings.items()}
    what: list[Any] = [str(spec.base_url), spec.path, dict(spec.params), spec.paginator.type, settings]
    return sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def _said(page: JSON) -> str:
    """What an answer says of itself, in short."""
    if not isinstance(page, dict):
        return printable(json.dumps(page), 120)
    told = {name: page[name] for name in _SAID if name in page} or page
    return printable(json.dumps(told, ensure_ascii=False), 200)
