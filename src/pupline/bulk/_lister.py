"""The listing of a run: asked for page by page, added to the run with the position to go on from.

A page over HTTP is asked for by whoever makes the requests; one at a time, since a page may say where the next one is.
Parts of a file are read when they are wanted, a little ahead of what is fetched.
"""

from pupline.bulk._hosts import Job
from pupline.bulk._request import IngestRequest, ItemsListed
from pupline.bulk._worker_messages import Answer
from pupline.errors import SourceError, TaskFailure
from pupline.local import IngestRow, Ingests
from pupline.sources import Listing, Page, PageRequest, is_final, shortfall_of
from pupline.tasks.items import SourceItem
from pupline.text import printable

AHEAD_ITEMS = 20_000
"""Items that a file may be listed ahead of what is read from the run: enough for hosts to take turns."""

_NOTE_CHARACTERS = 300


class Lister:
    """Goes on with a run's listing. items, total, repeated, known: of the run.

    trouble: why its items are not all that the source has: the listing stopped, or came to an end before the source's.
    error: the Error Name of what stopped it for good; None where the same command can go on there.
    listing: None where the run has all its items.
    """

    def __init__(self, ingests: Ingests, row: IngestRow, request: IngestRequest, listing: Listing | None) -> None:
        self._ingests = ingests
        self._row = row
        self._request = request
        self._listing = listing
        self._asking = False
        self.complete = row.listed
        self.error: str | None = None
        self.items = row.items
        self.total = row.total
        self.repeated = row.repeated
        self.known = row.known
        self.notes: list[str] = []
        self.trouble: str | None = shortfall_of(row.position) if row.listed and not self._has_count else None

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
            self._stop(failure)
            return None
        self._asking = request is not None
        return request

    def read_part(self, read_items: int) -> bool:
        """Add the next part of a file, unless enough is listed beyond the `read_items` first; whether it did."""
        if self.over or self._asking or self._listing is None or self.items - read_items >= AHEAD_ITEMS:
            return False
        try:
            self._read(None, {})
        except TaskFailure as failure:
            self._stop(failure)
        return True

    def answered(self, job: Job, answer: Answer) -> TaskFailure | None:
        """The page that was asked for is there. Gives why it cannot be used, if so: then it is asked for, still."""
        headers, body = answer[5:7]
        try:
            self._read(body, headers, job.page)
        except SourceError as failure:
            return failure
        self._asking = False
        return None

    def failed(self, job: Job, failure: TaskFailure) -> None:
        """The page that was asked for is not to be had, or not to be used."""
        self._asking = False
        if self._listing is None:
            return
        note = self._listing.skip(failure)
        if note is None:
            self._stop(failure, job.page)
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
        page: Page = self._listing.read(body, headers)
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
        self.trouble = None if self._has_count else self._listing.shortfall
        if not self.complete and self._has_enough(added.known_in_a_row):
            self.complete = True
            self._ingests.add_items(self._row.ingest_id, [], position=position, listed=True, total=self.items)

    def _has_enough(self, known_in_a_row: int) -> bool:
        row = self._request.stop_after_known
        return self._has_count or (row is not None and known_in_a_row >= row)

    @property
    def _has_count(self) -> bool:
        return self._request.count is not None and self.items >= self._request.count

    def _stop(self, failure: TaskFailure, asked: PageRequest | None = None) -> None:
        self.trouble = _shown(failure.message, asked)
        self.error = type(failure).__name__ if is_final(failure) else None

    def _note(self, note: str, asked: PageRequest | None) -> None:
        self.notes.append(_shown(note, asked))


def _shown(text: str, asked: PageRequest | None) -> str:
    return printable(asked.mask(text) if asked else text, _NOTE_CHARACTERS)
