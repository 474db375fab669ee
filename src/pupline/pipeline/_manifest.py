"""A source listed into a manifest: JSON Lines, an item a line, as BulkIngest's Distributed Map reads it.

The whole list is there before the first image is asked for: a state machine maps over what it is given. Memory stays
flat: lines go to a file, and which URLs were named is kept in a table that SQLite spills to the disk.
"""

import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from pupline.bulk import IngestRequest, ItemsListed, ListingNote
from pupline.bulk._begin import policy_of
from pupline.errors import LocalTrouble, PuplineError, RetryAfter, SourceError, TaskFailure
from pupline.fetch import HttpClient, Response
from pupline.functions.ingesting import MAX_ATTEMPTS
from pupline.items import SourceItem
from pupline.sources import ImageSource, Listing, Page, PageRequest, Reader, ask
from pupline.text import printable

Tell = Callable[[ItemsListed | ListingNote], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was listed. items: lines in the file. repeated: URLs that were named again, and left out."""

    items: int
    repeated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Asks for the pages of a listing, one at a time. interval: seconds between two requests.

    read: gets the objects of `s3://bucket/key` lists.
    """

    client: HttpClient
    read: Reader | None = None
    interval: float = 0.0
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    @classmethod
    def of_source(cls, client: HttpClient, source: ImageSource, read: Reader) -> "Pages":
        """As fast as the source allows."""
        rps = source.limits.rps
        return cls(client=client, read=read, interval=1 / rps if rps else 0.0)

    def of(self, listing: Listing) -> Iterator[tuple[Page, PageRequest | None]]:
        """Page after page until the listing is complete. Raises: TaskFailure, without secrets, when it cannot go on."""
        while not listing.complete:
            request = listing.request()
            try:
                yield (self._asked(listing, request) if request else listing.read(None, {})), request
            except LocalTrouble:
                raise
            except TaskFailure as failure:
                raise SourceError(request.mask(failure.message) if request else failure.message) from None

    def _asked(self, listing: Listing, request: PageRequest) -> Page:
        self.sleep(self.interval)
        try:
            response = self._response(request)
        except LocalTrouble:
            raise
        except TaskFailure as failure:
            note = listing.skip(failure)
            if note is None:
                raise
            return Page([], (note,))
        return listing.read(response.body, response.headers)

    def _response(self, request: PageRequest) -> Response:
        for attempt in range(1, MAX_ATTEMPTS):
            try:
                return ask(self.client, request)
            except TaskFailure as failure:
                if not failure.may_pass:
                    raise
                self.sleep(self._pause(failure, attempt))
        return ask(self.client, request)

    def _pause(self, failure: TaskFailure, attempt: int) -> float:
        if isinstance(failure, RetryAfter):
            return float(failure.seconds)
        return self.chance.uniform(0, 2.0**attempt)


def list_source(path: Path, source: ImageSource, request: IngestRequest, read: Reader, tell: Tell) -> Manifest:
    """As `write_manifest`, with a client of its own. Raises: as that."""
    with ExitStack() as opened:
        policy = policy_of(source, request, opened)
        client = opened.enter_context(closing(HttpClient(policy, idle_connections=1)))
        return write_manifest(path, source, request, Pages.of_source(client, source, read), tell)


def write_manifest(path: Path, source: ImageSource, request: IngestRequest, pages: Pages, tell: Tell) -> Manifest:
    """List the source into the file `path`, each URL once, at most `request.count`.

    Raises: ConfigurationError; PuplineError when the listing stops before its end: nothing was fetched then.
    """
    opened = source.open(count=request.count, read=pages.read, contact=request.contact, delimiter=request.delimiter)
    with closing(opened) as listing, closing(_Seen()) as seen:
        try:
            with path.open("w", encoding="utf-8") as file:
                return _Writing(file, request.count, seen, tell).write(listing, pages)
        except LocalTrouble:
            raise
        except TaskFailure as failure:
            raise PuplineError(
                f"the listing of {printable(source.name)} stopped: {printable(failure.message, 400)}; no image was "
                "asked for yet, repeat the command"
            ) from failure


class _Writing:
    """A manifest that is being written."""

    def __init__(self, file: TextIO, count: int | None, seen: "_Seen", tell: Tell) -> None:
        self._file = file
        self._count = count
        self._seen = seen
        self._tell = tell
        self.items = 0
        self.repeated = 0

    def write(self, listing: Listing, pages: Pages) -> Manifest:
        for page, request in pages.of(listing):
            for note in page.notes:
                self._tell(ListingNote(printable(request.mask(note) if request else note, 300)))
            self._add(page.items)
            self._tell(ItemsListed(self.items, listing.total, listing.complete))
            if self.items == self._count:
                break
        return Manifest(self.items, self.repeated)

    def _add(self, items: list[SourceItem]) -> None:
        new = [item for item in items if self._seen.is_new(item)]
        self.repeated += len(items) - len(new)
        wanted = new if self._count is None else new[: self._count - self.items]
        self._file.writelines(manifest_line(self.items + number, item) for number, item in enumerate(wanted))
        self.items += len(wanted)


def manifest_line(index: int, item: SourceItem) -> str:
    """`{"index":0,"url":"https://...",...}`; lone surrogates cannot be written as UTF-8, hence the escapes."""
    return json.dumps({"index": index, **item.as_dict()}, separators=(",", ":")) + "\n"


class _Seen:
    """Which images were named. An unnamed database of SQLite is a temporary file that its cache spills to."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("CREATE TABLE seen (identity BLOB PRIMARY KEY) WITHOUT ROWID")
        self._connection.execute("BEGIN")

    def is_new(self, item: SourceItem) -> bool:
        added = self._connection.execute("INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (item.identity,))
        return added.rowcount == 1

    def close(self) -> None:
        self._connection.close()
