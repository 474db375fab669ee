"""Adding a page of a listing to a run: which items are new, repeated, known."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pupline.local.database import MANY, execute_many, marks, storable
from pupline.local.ingests._previous import PreviousFetches
from pupline.local.ingests._rows import PageCounts
from pupline.tasks.items import SourceItem

_ROW = "SELECT dataset, items, known_in_a_row FROM ingests WHERE ingest_id = ?"
_UPDATE = (
    "UPDATE ingests SET position = ?, listed = ?, total = coalesce(?, total), items = items + ?,"
    " repeated = repeated + ?, known = known + ?, known_in_a_row = ? WHERE ingest_id = ?"
)
_INSERT = "INSERT INTO ingest_items (ingest_id, item_index, identity, url, facts)"


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page as `Ingests.add_items` was given it."""

    items: Sequence[SourceItem]
    position: str | None
    listed: bool
    skip_known: bool
    limit: int | None
    total: int | None
    stop_after_known: int | None


@dataclass(slots=True)
class _Sorted:
    """The items of a page, sorted. in_a_row: known ones up to here; longest: the longest such row that the page saw.

    enough: known ones in a row behind which nothing is looked at.
    """

    fresh: list[tuple[bytes, SourceItem]]
    in_a_row: int
    longest: int
    enough: int | None
    repeated: int = 0
    known: int = 0

    def add_known(self) -> None:
        self.known += 1
        self.in_a_row += 1
        self.longest = max(self.longest, self.in_a_row)

    def add_fresh(self, identity: bytes, item: SourceItem) -> None:
        self.fresh.append((identity, item))
        self.in_a_row = 0


def add_page(connection: sqlite3.Connection, ingest_id: int, page: ListedPage, previous: PreviousFetches) -> PageCounts:
    """Add what is new, and say where the listing goes on. The caller commits."""
    dataset, count, in_a_row = connection.execute(_ROW, (ingest_id,)).fetchone()
    items = [(item.identity, item) for item in page.items]
    identities = [identity for identity, _ in items]
    stored = previous.in_dataset(connection, dataset, ingest_id, identities) if page.skip_known else set()
    room = len(items) if page.limit is None else max(page.limit - count, 0)
    found = _Sorted([], in_a_row, in_a_row, page.stop_after_known)
    _sort(items, _named(connection, ingest_id, identities), stored, found, room)
    rows = [
        (ingest_id, index, identity, storable(item.url), _facts(item))
        for index, (identity, item) in enumerate(found.fresh, start=count)
    ]
    execute_many(connection, _INSERT, rows)
    counts = (len(rows), found.repeated, found.known, found.in_a_row)
    connection.execute(_UPDATE, (page.position, page.listed, page.total, *counts, ingest_id))
    return PageCounts(added=len(rows), repeated=found.repeated, known=found.known, known_in_a_row=found.longest)


def _sort(
    items: Sequence[tuple[bytes, SourceItem]], named: set[bytes], stored: set[bytes], found: _Sorted, room: int
) -> None:
    """Sort the items in their order, until there is a new one too many, or enough known ones in a row.

    A repeated one does not end a row of known.
    """
    for identity, item in items:
        if found.enough is not None and found.in_a_row >= found.enough:
            break
        if identity in named:
            found.repeated += 1
        elif identity in stored:
            found.add_known()
        elif len(found.fresh) == room:
            break
        else:
            found.add_fresh(identity, item)
            named.add(identity)


def _named(connection: sqlite3.Connection, ingest_id: int, identities: Sequence[bytes]) -> set[bytes]:
    """Those of the identities that the run has."""
    found: set[bytes] = set()
    for start in range(0, len(identities), MANY):
        some = identities[start : start + MANY]
        query = f"SELECT identity FROM ingest_items WHERE ingest_id = ? AND identity IN ({marks(len(some))})"  # noqa: S608
        found.update(identity for (identity,) in connection.execute(query, (ingest_id, *some)))
    return found


def _facts(item: SourceItem) -> str | None:
    """What the source tells besides the URL, as JSON; ASCII, so that it holds whatever a text is made of."""
    facts = item.as_dict()
    del facts["url"]
    return json.dumps(facts, separators=(",", ":")) if facts else None
