"""The listing of a run: asked for page by page, added to the run with the position to go on from.

A page over HTTP is asked for by whoever makes the requests; one at a time, since a page may say where the next one is.
Parts of a file are read when they are wanted, a little ahead of what is fetched.
"""

from pupline.bulk._hosts import Job
from pupline.bulk._messages import Answer
from pupline.bulk._request import IngestRequest, ItemsListed
from pupline.errors import TaskFailure
from pupline.items import SourceItem
from pupline.local import IngestRow, Ingests
from pupline.sources import Listing, Page, PageRequest
from pupline.text import printable

AHEAD_ITEMS = 20_000
"""Items that a file may be listed ahead of what is read from the run: enough for hosts to take turns."""

_NOTE_CHARACTERS = 300


class Lister:
    """Goes on with a run's listing. items, total, repeated, known: of the run. trouble: why it stopped for now.

    listing: None where the run has all its items.
    """

    def __init__(self, ingests: Ingests, row: IngestRow, request: IngestRequest, listing: Listing | None) -> None:
        self._ingests = ingests
        self._row = row
        self._request = request
        self._listing = listing
        self._asking = False
        self.complete = row.listed
        self.trouble: str | None = None
        self.items = row.items
        self.total = row.total
        self.repeated = row.repeated
        self.known = row.known
        self.notes: list[str] = []

    @property
    def over(self) -> bool:
        """Whether it gives nothing more in this process."""
        return self.complete or self.trouble is not None

    @property
    def event(self) -> ItemsListed:
        """How far it is."""
        return ItemsListed(self.items, self.expected, self.complete)

    @property
    def expected(self) -> int | None:
        """How many items the run will have, where that is known."""
        if self.complete:
            return self.items
        wanted = [count for count in (self.total, self._request.count) if count is not None]
        return min(wanted) if self.total is not None else None

    def next_request(self) -> PageRequest | None:
        """The next page to ask for; None while one is asked for, and where no request is needed."""
        if self.over or self._asking or self._listing is None:
            return None
        try:
            request = self._listing.request()
        except TaskFailure as failure:
            self._stop(failure.message)
            return None
        self._asking = request is not None
        return request

    def read_part(self, read_items: int) -> bool:
        """Add the next part of a file, unless enough is listed beyond the `read_items` first; whether it did."""
        if self.over or self._asking or self._listing is None or self.items - read_items >= AHEAD_ITEMS:
            return False
        self._read(None, {})
        return True

    def answered(self, job: Job, answer: Answer) -> None:
        """The page that was asked for is there."""
        self._asking = False
        headers, body = answer[5:7]
        self._read(body, headers, job.page)

    def failed(self, job: Job, failure: TaskFailure) -> None:
        """The page that was asked for is not to be had."""
        self._asking = False
        if self._listing is None:
            return
        note = self._listing.skip(failure)
        if note is None:
            self._stop(failure.message, job.page)
            return
        self._note(note, job.page)
        # Whatever it skipped, what comes next must not depend on asking for it again after a restart.
        self._add([])

    def close(self) -> None:
        """Close what it holds open."""
        if self._listing is not None:
            self._listing.close()

    def _read(self, body: bytes | None, headers: dict[str, str], asked: PageRequest | None = None) -> None:
        assert self._listing is not None  # noqa: S101 - who reads has asked
        try:
            page: Page = self._listing.read(body, headers)
        except TaskFailure as failure:
            self._stop(failure.message, asked)
            return
        for note in page.notes:
            self._note(note, asked)
        self._add(page.items)

    def _add(self, items: list[SourceItem]) -> None:
        assert self._listing is not None  # noqa: S101 - as above
        request, position = self._request, self._listing.position()
        self.total = self._listing.total if self._listing.total is not None else self.total
        added = self._ingests.add_items(
            self._row.ingest_id,
            items,
            position=position,
            listed=self._listing.complete,
            skip_known=request.incremental or request.stop_after_known is not None,
            limit=request.count,
            total=self.total,
            stop_after_known=request.stop_after_known,
        )
        self.items += added.added
        self.repeated += added.repeated
        self.known += added.known
        self.complete = self._listing.complete
        if not self.complete and self._has_enough(added.known_in_a_row):
            self.complete = True
            self._ingests.add_items(self._row.ingest_id, [], position=position, listed=True, total=self.items)

    def _has_enough(self, known_in_a_row: int) -> bool:
        count, row = self._request.count, self._request.stop_after_known
        return (count is not None and self.items >= count) or (row is not None and known_in_a_row >= row)

    def _stop(self, why: str, asked: PageRequest | None = None) -> None:
        self.trouble = _shown(why, asked)

    def _note(self, note: str, asked: PageRequest | None) -> None:
        self.notes.append(_shown(note, asked))


def _shown(text: str, asked: PageRequest | None) -> str:
    return printable(asked.mask(text) if asked else text, _NOTE_CHARACTERS)
