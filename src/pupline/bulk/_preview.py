"""The items that an ingest would fetch: it lists them, stores nothing, and requests no image."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from pupline.bulk._request import IngestRequest
from pupline.bulk._source_rules import checked_dataset, checked_source, fetch_policy
from pupline.http import HttpClient
from pupline.sources import ColumnUse, Listing, Pages
from pupline.tasks.items import SourceItem
from pupline.tasks.left_out import LeftOut


@dataclass(frozen=True, slots=True)
class Preview:
    """The items that an ingest would fetch.

    items: as the source lists them, with repeated ones, up to as many distinct ones as the request counts. Iterating
    requests the list pages, and raises TaskFailure where the source does not answer. notes: what was skipped or
    corrected so far, in words for people.
    """

    source: str
    dataset: str
    items: Iterator[SourceItem]
    notes: list[str]
    _listing: Listing
    _others: list[int]

    @property
    def shortfall(self) -> str | None:
        """Why the source has more items than it listed, once all were iterated."""
        return self._listing.shortfall

    @property
    def other_shards(self) -> int:
        """How many items other machines would fetch, of those listed so far."""
        return sum(self._others)

    @property
    def left_out(self) -> LeftOut:
        """What the source has, or announces, and could not be listed so far."""
        return self._listing.left_out

    @property
    def columns(self) -> Sequence[ColumnUse]:
        """What the columns of a list become, as far as they were read."""
        return self._listing.columns

    @property
    def total(self) -> int | None:
        """How many items the source has, if its pages so far say so."""
        return self._listing.total


def preview(
    request: IngestRequest,
    waiting: Callable[[float, str], None] = lambda _seconds, _why: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Preview:
    """The preview of an ingest. waiting: as of `Pages`. sleep: for its pauses. Raises: ConfigurationError."""
    source = checked_source(request)
    dataset = checked_dataset(request.dataset or source.dataset)
    listing = source.open(count=request.count, contact=request.contact, delimiter=request.delimiter)
    notes: list[str] = []
    others: list[int] = []
    shard = request.own_shard

    def items() -> Iterator[SourceItem]:
        with ExitStack() as stack:
            stack.callback(listing.close)
            client = HttpClient(fetch_policy(source, request, stack), idle_connections=1)
            stack.callback(client.close)
            pages = replace(Pages.of_source(client, source), waiting=waiting, sleep=sleep)
            for page, page_request in pages.of(listing):
                notes.extend(page_request.mask(note) if page_request else note for note in page.notes)
                own = shard.own(page.items) if shard else page.items
                others.append(len(page.items) - len(own))
                yield from own

    return Preview(source.name, dataset, _up_to(items(), request.count), notes, listing, others)


def _up_to(items: Iterator[SourceItem], count: int | None) -> Iterator[SourceItem]:
    """The items up to the distinct one of that number: an ingest fetches repeated ones once, and counts them once."""
    seen = set()
    for item in items:
        yield item
        if count is not None:
            seen.add(item.identity)
            if len(seen) == count:
                return
