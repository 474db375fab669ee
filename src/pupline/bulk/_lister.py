"""The listing of a run: read page by page, and added to the run with the position after each page.

List pages over HTTP are jobs like images, one at a time, since a page may say where the next one is. Parts of a file
are read here, a little ahead of what is fetched.
"""

from collections.abc import Mapping

from pupline.bulk._request import IngestRequest, ItemsListed
from pupline.errors import ConnectionFailed, LongRetryAfter, RetryAfter, SourceError, TaskFailure, TooManyRequests
from pupline.local import IngestRow, Ingests, ListedPage
from pupline.sources import Listing, PageRequest, dropped_of, is_final, left_out_at_stop, left_out_of, shortfall_of
from pupline.tasks.items import SourceItem
from pupline.tasks.left_out import LeftOut
from pupline.text import printable

AHEAD_ITEMS = 20_000
"""Items that a file may be listed ahead of what is read from the run: enough for hosts to take turns."""

_NOTE_CHARACTERS = 400


class Lister:
    """Continues a run's listing. items, total, repeated, known, other_shards: of the run.

    trouble: why the run's items are not all that the source has: the listing stopped, or ended before the source did.
    left_out: what the source has and the listing could not name. columns_dropped: of a list, with the reasons.
    error: the Error Name of what stopped it for good; None where the same command can continue there.
    """

    def __init__(self, ingests: Ingests, row: IngestRow, request: IngestRequest, listing: Listing | None) -> None:
        """listing: None where the run has all its items."""
        self._ingests = ingests
        self._row = row
        self._request = request
        self._listing = listing
        self._is_waiting = False
        self.complete = row.listed
        self.error: str | None = None
        self.items = row.items
        self.total = row.total
        self.repeated = row.repeated
        self.known = row.known
        self.other_shards = row.other_shards
        self._shard = request.own_shard
        self.notes: list[str] = []
        self._shortfall = shortfall_of(row.position) if row.listed and not self._has_count else None
        self.trouble: str | None = self._shortfall or (request.shortage(row.items) if row.listed else None)
        self.left_out = LeftOut() if self._has_count else left_out_of(row.position)
        self.columns_dropped = dropped_of(row.position)
        self._fail_without_items()

    @property
    def over(self) -> bool:
        """Whether it gives nothing more in this process."""
        return self.complete or self.trouble is not None

    @property
    def event(self) -> ItemsListed:
        """Its progress."""
        return ItemsListed(self.items, self.expected, self.complete)

    @property
    def expected(self) -> int | None:
        """How many items the run will have, where that is known."""
        if self.complete:
            return self.items
        if self._shard is not None:
            return None  # the total counts other shards too
        wanted = [count for count in (self.total, self._request.count) if count is not None]
        return min(wanted) if self.total is not None else None

    def next_request(self) -> PageRequest | None:
        """The next page to request; None while the last one is awaited, and where no request is needed."""
        if self.over or self._is_waiting or self._listing is None:
            return None
        try:
            request = self._listing.request()
        except TaskFailure as failure:
            self._stop(failure)
            return None
        self._is_waiting = request is not None
        return request

    def read_part(self, read_items: int) -> bool:
        """Read the next part of a file, unless enough is listed beyond the first `read_items`; whether it did."""
        if self.over or self._is_waiting or self._listing is None or self.items - read_items >= AHEAD_ITEMS:
            return False
        try:
            self._read(self._listing, None, {})
        except TaskFailure as failure:
            self._stop(failure)
        return True

    def page_received(self, page: PageRequest, body: bytes, headers: Mapping[str, str]) -> TaskFailure | None:
        """Read the requested page. Returns why it is unusable, if so: then it is still awaited."""
        assert self._listing is not None  # noqa: S101 - it made the request
        try:
            self._read(self._listing, body, headers, page)
        except (SourceError, RetryAfter, LongRetryAfter, TooManyRequests) as failure:
            return failure
        self._is_waiting = False
        return None

    def page_failed(self, page: PageRequest | None, failure: TaskFailure) -> None:
        """The requested page could not be fetched, or not be used."""
        self._is_waiting = False
        if self._listing is None:
            return
        note = self._listing.skip(failure)
        if note is None:
            self._stop(failure, page)
            return
        self.notes.append(_shown(note, page))
        self._add(self._listing, [])  # the skip is in the position: a restart must not depend on requesting it again

    def close(self) -> None:
        """Close the listing's files."""
        if self._listing is not None:
            self._listing.close()

    def _read(
        self, listing: Listing, body: bytes | None, headers: Mapping[str, str], request: PageRequest | None = None
    ) -> None:
        page = listing.read(body, headers)
        self.notes += [_shown(note, request) for note in page.notes]
        self._add(listing, page.items)

    def _add(self, listing: Listing, items: list[SourceItem]) -> None:
        request, position = self._request, listing.position()
        self.total = listing.total if listing.total is not None else self.total
        own = self._shard.own(items) if self._shard else items
        page = ListedPage(
            own,
            position=position,
            listed=listing.complete,
            skip_known=request.incremental or request.stop_after_known is not None,
            limit=request.count,
            total=self.total,
            stop_after_known=request.stop_after_known,
            other_shards=len(items) - len(own),
        )
        added = self._ingests.add_page(self._row.ingest_id, page)
        self.items += added.added
        self.repeated += added.repeated
        self.known += added.known
        self.other_shards += page.other_shards
        self.complete = listing.complete
        self._shortfall = None if self._has_count else listing.shortfall
        self.trouble = self._shortfall or (self._request.shortage(self.items) if listing.complete else None)
        self.left_out = LeftOut() if self._has_count else listing.left_out
        self.columns_dropped = dropped_of(position)
        self._fail_without_items()
        has_known = request.stop_after_known is not None and added.known_in_a_row >= request.stop_after_known
        if not self.complete and (self._has_count or has_known):
            self.complete = True
            end = ListedPage([], position=position, listed=True, total=self.items)
            self._ingests.add_page(self._row.ingest_id, end)

    def _fail_without_items(self) -> None:
        """A source with entries of which none can be used is no empty one: the run has failed."""
        if self.complete and self._shortfall and not (self.items or self.known or self.other_shards):
            self.error = SourceError.__name__

    @property
    def _has_count(self) -> bool:
        return self._request.count is not None and self.items >= self._request.count

    def _stop(self, failure: TaskFailure, request: PageRequest | None = None) -> None:
        self.trouble = _shown(failure.message, request)
        self.error = type(failure).__name__ if is_final(failure) or self._is_wrong_address(failure) else None
        if self._listing is not None and is_final(failure):
            self.left_out = left_out_at_stop(
                self._listing, failure, self.items + self.repeated + self.known + self.other_shards
            )

    def _is_wrong_address(self, failure: TaskFailure) -> bool:
        """Whether the source was never reached: the address is probably wrong, and nothing would be continued."""
        return isinstance(failure, ConnectionFailed) and not self.items and self._row.position is None


def _shown(text: str, request: PageRequest | None) -> str:
    return printable(request.mask(text) if request else text, _NOTE_CHARACTERS)
