"""What an ingest would fetch: the listing alone, nothing stored, no image asked for."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

from pupline.bulk._begin import PAGE_ACCEPT, checked_dataset, checked_source, policy_of
from pupline.bulk._request import IngestRequest
from pupline.errors import SourceError, TaskFailure
from pupline.fetch import HttpClient, Response
from pupline.items import SourceItem
from pupline.sources import MAX_PAGE_BYTES, ImageSource, Listing, PageRequest


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be fetched.

    items: each as the source names it, the same one maybe twice; at most as many as were asked for. Going through them
    asks the source for its list pages, and raises TaskFailure where it does not answer.
    """

    source: str
    dataset: str
    items: Iterator[SourceItem]
    _listing: Listing

    @property
    def total(self) -> int | None:
        """How many items the source names, as far as it has said."""
        return self._listing.total


def preview(request: IngestRequest, sleep: Callable[[float], None] = time.sleep) -> Preview:
    """The preview of an ingest. sleep: for the pauses that a source's limits ask for. Raises: ConfigurationError."""
    source = checked_source(request)
    dataset = checked_dataset(request.dataset or source.dataset)
    listing = source.open(count=request.count, contact=request.contact)
    items = _items(source, request, listing, sleep)
    return Preview(source.name, dataset, islice(items, request.count), listing)


def _items(
    source: ImageSource, request: IngestRequest, listing: Listing, sleep: Callable[[float], None]
) -> Iterator[SourceItem]:
    pause = 1 / source.limits.rps if source.limits.rps else 0.0
    with ExitStack() as stack:
        stack.callback(listing.close)
        client = HttpClient(policy_of(source, request, stack), idle_connections=1)
        stack.callback(client.close)
        while not listing.complete:
            asked = listing.request()
            if asked is None:
                yield from listing.read(None, {}).items
            else:
                yield from _page(listing, client, asked)
                sleep(pause)


def _page(listing: Listing, client: HttpClient, asked: PageRequest) -> list[SourceItem]:
    try:
        answer = _ask(client, asked)
    except TaskFailure as failure:
        if listing.skip(failure) is None:
            raise SourceError(asked.mask(failure.message)) from None  # whose own text may tell a secret
        return []
    return listing.read(answer.body, answer.headers).items


def _ask(client: HttpClient, asked: PageRequest) -> Response:
    if asked.content is None:
        return client.get(asked.url, accept=PAGE_ACCEPT, max_bytes=MAX_PAGE_BYTES, headers=asked.headers)
    return client.post(
        asked.url,
        content=asked.content,
        content_type=asked.content_type,
        accept=PAGE_ACCEPT,
        max_bytes=MAX_PAGE_BYTES,
        headers=asked.headers,
    )
