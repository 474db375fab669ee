"""A source listed into a manifest: JSON Lines, an item a line, as BulkIngest's Distributed Map reads it.

The list is complete before the first image is requested, because a state machine maps over its input. Memory stays
flat: lines go to a file, and the URLs seen so far to a table that SQLite spills to the disk.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from pupline.bulk import IngestRequest, ItemsListed, ListingNote, fetch_policy
from pupline.errors import ConfigurationError, LocalTrouble, PuplineError, TaskFailure
from pupline.http import HttpClient
from pupline.sources import ImageSource, Listing, Pages, Reader, dropped_of, is_final, left_out_at_stop
from pupline.tasks.bulk_limits import MAX_IMAGES_PER_RUN, MAX_MANIFEST_BYTES
from pupline.tasks.items import SourceItem
from pupline.tasks.left_out import LeftOut
from pupline.text import printable

ListingListener = Callable[[ItemsListed | ListingNote], None]

IN_PARTS = "ingest the list in parts, each a run of its own, with examples/scale/parts.sh"
"""What to do with a list that is too large for one run."""


@dataclass(frozen=True, slots=True)
class ManifestLimits:
    """The most that the manifest of one run holds. images: its lines."""

    images: int = MAX_IMAGES_PER_RUN
    size_bytes: int = MAX_MANIFEST_BYTES

    def check_images(self, wanted: str, images: int) -> None:
        """Refuse a run of more images than the limit. wanted: what says so, for people. Raises: ConfigurationError."""
        if images > self.images:
            raise ConfigurationError(
                f"{wanted}: {images:,} images are more than the {self.images:,} that one run through Step Functions"
                f" takes; {IN_PARTS}"
            )


@dataclass(frozen=True, slots=True)
class Manifest:
    """A written manifest. items: lines in the file. repeated: items left out because their URL was listed before.

    trouble: why these are not all items of the source, for people. left_out: what it has besides.
    columns_dropped: columns of a list, and why they are not kept.
    """

    items: int
    repeated: int
    trouble: str | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    columns_dropped: Mapping[str, str] = field(default_factory=dict)


def list_source(
    path: Path, source: ImageSource, request: IngestRequest, read: Reader, listener: ListingListener
) -> Manifest:
    """As `write_manifest`, with a client of its own."""
    with ExitStack() as opened:
        policy = fetch_policy(source, request, opened)
        client = opened.enter_context(closing(HttpClient(policy, idle_connections=1)))
        return write_manifest(path, source, request, Pages.of_source(client, source, read), listener)


def write_manifest(
    path: Path,
    source: ImageSource,
    request: IngestRequest,
    pages: Pages,
    listener: ListingListener,
    limits: ManifestLimits = ManifestLimits(),
) -> Manifest:
    """List the source into the file `path`, each URL once, at most `request.count`.

    A listing that cannot become complete is kept as far as it goes, with its trouble.
    Raises: ConfigurationError, also for a list that one run cannot take; PuplineError when the listing gave nothing, or
    stopped where a later attempt may continue: no image was fetched then.
    """
    opened = source.open(count=request.count, read=pages.read, contact=request.contact, delimiter=request.delimiter)
    with closing(opened) as listing, closing(_Seen()) as seen, path.open("w", encoding="utf-8") as file:
        writer = _ManifestWriter(file, request.count, seen, listener, limits)
        try:
            writer.write(listing, pages)
        except LocalTrouble:
            raise
        except TaskFailure as failure:
            if writer.items and is_final(failure):
                return Manifest(
                    writer.items,
                    writer.repeated,
                    printable(failure.message, 400),
                    left_out_at_stop(listing, failure, writer.items + writer.repeated),
                    dropped_of(listing.position()),
                )
            advice = "look at the source" if is_final(failure) else "repeat the command"
            raise PuplineError(
                f"the listing of {printable(source.name)} stopped: {printable(failure.message, 400)}; no image was"
                f" requested yet, {advice}"
            ) from failure
        if not writer.items and listing.shortfall:
            raise PuplineError(
                f"{printable(source.name)} named no image that can be used: {printable(listing.shortfall, 400)}; no"
                " image was requested"
            )
        if writer.items == request.count:
            return Manifest(writer.items, writer.repeated, columns_dropped=dropped_of(listing.position()))
        return Manifest(
            writer.items,
            writer.repeated,
            listing.shortfall or request.shortage(writer.items),
            listing.left_out,
            dropped_of(listing.position()),
        )


class _ManifestWriter:
    """Writes the items of a listing."""

    def __init__(
        self, file: TextIO, count: int | None, seen: "_Seen", listener: ListingListener, limits: ManifestLimits
    ) -> None:
        self._file = file
        self._count = count
        self._seen = seen
        self._listener = listener
        self._limits = limits
        self._size_bytes = 0
        self.items = 0
        self.repeated = 0

    def write(self, listing: Listing, pages: Pages) -> None:
        """Write all items, or as many as are wanted. Raises: TaskFailure where the listing stops."""
        for page, request in pages.of(listing):
            for note in page.notes:
                self._listener(ListingNote(printable(request.mask(note) if request else note, 300)))
            new = [item for item in page.items if self._seen.is_new(item)]
            self.repeated += len(page.items) - len(new)
            wanted = new if self._count is None else new[: self._count - self.items]
            lines = [manifest_line(self.items + number, item) for number, item in enumerate(wanted)]
            self._file.writelines(lines)
            self.items += len(wanted)
            self._size_bytes += sum(map(len, lines))  # they are ASCII
            self._check_size(listing.total if self._count is None else None)
            self._listener(ItemsListed(self.items, listing.total, listing.complete))
            if self.items == self._count:
                break

    def _check_size(self, announced: int | None) -> None:
        """Stop as soon as it is clear that one run is not enough. Raises: ConfigurationError."""
        if announced is not None:
            self._limits.check_images("what the source announces", announced)
        self._limits.check_images("the list", self.items)
        if self._size_bytes > self._limits.size_bytes:
            raise ConfigurationError(
                f"the list: {self.items:,} images fill the {self._limits.size_bytes / 10**9:g} GB that the manifest of"
                f" one run through Step Functions may have; {IN_PARTS}"
            )


def manifest_line(index: int, item: SourceItem) -> str:
    """`{"index":0,"url":"https://...",...}`; lone surrogates cannot be written as UTF-8, hence the escapes."""
    return json.dumps({"index": index, **item.as_dict()}, separators=(",", ":")) + "\n"


class _Seen:
    """The items seen so far. An unnamed database of SQLite is a temporary file that its cache spills to."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("CREATE TABLE seen (identity BLOB PRIMARY KEY) WITHOUT ROWID")
        self._connection.execute("BEGIN")

    def is_new(self, item: SourceItem) -> bool:
        added = self._connection.execute("INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (item.identity,))
        return added.rowcount == 1

    def close(self) -> None:
        self._connection.close()
