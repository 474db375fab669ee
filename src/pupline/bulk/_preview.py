"""What an ingest would fetch: the listing alone, nothing stored, no image asked for."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

from pupline.bulk._request import IngestRequest
from pupline.bulk._source_rules import checked_dataset, checked_source, fetch_policy
from pupline.http import HttpClient
from pupline.sources import PREVIEW_ATTEMPTS, ImageSource, Listing, Pages
from pupline.tasks.items import SourceItem


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be fetched.

    items: each as the source names it, the same one maybe twice; at most as many as were asked for. Going through them
    asks the source for its list pages, and raises TaskFailure where it does not answer. notes: what was left out or put
    right so far, in words for people.
    """

    source: str
    dataset: str
    items: Iterator[SourceItem]
    notes: list[str]
    _listing: Listing

    @property
    def shortfall(self) -> str | None:
        """Why the source has more than it named, once all items were seen."""
        return self._listing.shortfall

    @property
    def total(self) -> int | None:
        """How many items the source names, as far as it has said."""
        return self._listing.total


def preview(request: IngestRequest, sleep: Callable[[float], None] = time.sleep) -> Preview:
    """The preview of an ingest. sleep: for the pauses that a source's limits ask for. Raises: ConfigurationError."""
    source = checked_source(request)
    dataset = checked_dataset(request.dataset or source.dataset)
    listing = source.open(count=request.count, contact=request.contact, delimiter=request.delimiter)
    notes: list[str] = []
    items = _items(source, request, listing, notes, sleep)
    return Preview(source.name, dataset, islice(items, request.count), notes, listing)


def _items(
    source: ImageSource,
    request: IngestRequest,
    listing: Listing,
    notes: list[str],
    sleep: Callable[[float], None],
) -> Iterator[SourceItem]:
    with ExitStack() as stack:
        stack.callback(listing.close)
        client = HttpClient(fetch_policy(source, request, stack), idle_connections=1)
        stack.callback(client.close)
        interval = 1 / source.limits.rps if source.limits.rps else 0.0
        pages = Pages(client=client, interval=interval, max_attempts=PREVIEW_ATTEMPTS, sleep=sleep)
        for page, asked in pages.of(listing):
            notes += [asked.mask(note) if asked else note for note in page.notes]
            yield from page.items
