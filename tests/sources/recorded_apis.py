"""APIs in memory, made from the documented shapes, and the loop that lists them: what a caller of a listing does."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from pupline.errors import HttpError, NotFound, TaskFailure
from pupline.sources import Listing, PageRequest
from pupline.sources._resolve import source_of
from pupline.sources._source import ImageSource
from pupline.specs import SourceSpec, read_spec
from pupline.tasks.items import SourceItem


@dataclass
class Asked:
    """A request as an API sees it: path, query (one value each), headers in lower case, a form or the JSON sent."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: Any = None

    @classmethod
    def of(cls, request: PageRequest) -> "Asked":
        """The request that `request` stands for."""
        parts = urlsplit(request.url)
        sent = request.content
        is_json = request.content_type == "application/json"
        form = None if sent is None else json.loads(sent) if is_json else dict(parse_qsl(sent.decode()))
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return cls(parts.path, query, {name.lower(): value for name, value in request.headers.items()}, form)


Api = Callable[[Asked], Any]
"""Told a request, gives the page as JSON or as bytes, or (page, headers); raises a TaskFailure for an answer that is
none."""


@dataclass
class Listed:
    """What a listing gave. positions: after each page. requests: what was asked, secrets and all.

    shortfall: what it says that it did not give, once it is complete.
    """

    items: list[SourceItem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)
    requests: list[PageRequest] = field(default_factory=list)
    shortfall: str | None = None

    @property
    def urls(self) -> list[str]:
        """The items' URLs, in order."""
        return [item.url for item in self.items]


def answered(api: Api, request: PageRequest) -> tuple[bytes, Mapping[str, str]]:
    """Body and headers of the API's answer."""
    found = api(Asked.of(request))
    page, headers = found if isinstance(found, tuple) else (found, {})
    return page if isinstance(page, bytes) else json.dumps(page).encode(), headers


def list_all(listing: Listing, api: Api, most: int = 1000) -> Listed:
    """List until the end, at most `most` pages."""
    done = Listed()
    while not listing.complete:
        assert len(done.requests) < most, "the listing does not end"
        request = listing.request()
        assert request is not None
        assert request == listing.request(), "a request changed without an answer"
        done.requests.append(request)
        try:
            page = listing.read(*answered(api, request))
        except TaskFailure as failure:
            note = listing.skip(failure)
            if note is None:
                raise
            done.notes.append(note)
        else:
            done.items += page.items
            done.notes += page.notes
        done.positions.append(listing.position())
    assert listing.request() is None
    done.shortfall = listing.shortfall
    return done


def list_from_everywhere(source: ImageSource, api: Api, **opening: Any) -> Listed:
    """List from the beginning, and again from every position on the way: exactly the remaining items must come.

    A server that answers every page past the end with its last one may repeat that page once more after a resumption.
    """
    whole = list_all(source.open(**opening), api)
    before = 0
    listing = source.open(**opening)
    for position in whole.positions:
        rest = list_all(source.open(position=position, **opening), api)
        request = listing.request()
        assert request is not None
        before += len(_next_items(listing, api, request))
        assert list(dict.fromkeys(rest.urls)) == list(dict.fromkeys(whole.urls[before:]))
        assert len(position) < 1000
    return whole


def _next_items(listing: Listing, api: Api, request: PageRequest) -> list[SourceItem]:
    try:
        return listing.read(*answered(api, request)).items
    except TaskFailure as failure:
        listing.skip(failure)
        return []


def spec_of(text: str) -> SourceSpec:
    """A spec of the user's; what every spec needs is added where it is missing."""
    needed = {"name": "'kennel'", "base_url": "'https://api.example.org/v1'", "items": "'items'"}
    top = "\n" + f"\n{text}".partition("\n[")[0]
    head = "".join(f"{key} = {value}\n" for key, value in needed.items() if f"\n{key} =" not in top)
    return replace(read_spec((head + text).encode(), "kennel.toml"), is_trusted=True)


def spec_source(text: str) -> ImageSource:
    """The source of `spec_of(text)`."""
    return source_of(spec_of(text))


def numbered(first: int, last: int) -> list[str]:
    """URLs of images `first` to `last`, both included."""
    return [f"https://images.example.org/{number}.jpg" for number in range(first, last + 1)]


def status(code: int, url: str = "https://api.example.org/v1") -> HttpError:
    """The failure that an answer of this status is."""
    failure = HttpError(f"{url}: the server answered {code}")
    failure.details["status"] = code
    return failure


def missing(url: str = "https://api.example.org/v1/x") -> NotFound:
    """The failure that an answer of 404 is."""
    return NotFound(f"{url}: the server answered 404")


def failed_with(code: int) -> TaskFailure:
    """The failure that an answer of this status is."""
    failure = missing() if code in (404, 410) else status(code)
    failure.message = failure.message.replace("404", str(code))
    failure.details["status"] = code
    return failure


def flat(pages: list[list[str]]) -> list[str]:
    """The items of all pages."""
    return list(chain.from_iterable(pages))


def in_turn(*pages: Any) -> Api:
    """An API that answers with these pages, one after the other."""
    remaining = iter(pages)
    return lambda _: next(remaining)


def always(page: Any) -> Api:
    """An API that answers with this page, whatever it is asked."""
    return lambda _: page
