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
    " repeated = repeated + ?, known = known + ?, known_in_a_row = ?,"
    " other_shards = other_shards + ? WHERE ingest_id = ?"
)
_INSERT = "INSERT INTO ingest_items (ingest_id, item_index, identity, url, facts)"
_NO_FACTS = SourceItem("")[1:]


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of a listing. position: where the listing continues. listed: it is complete with this page.

    skip_known: leave out items that the dataset has. limit: the most items that the run may have in all.
    stop_after_known: so many known items in a row end the listing, and earlier pages count. What comes after either
    limit is left out and not counted. total: the number of items that the listing announced. other_shards: items of
    the page that are not among `items`, because other machines fetch them.
    """

    items: Sequence[SourceItem]
    position: str | None
    listed: bool
    skip_known: bool = False
    limit: int | None = None
    total: int | None = None
    stop_after_known: int | None = None
    other_shards: int = 0


def add_page(connection: sqlite3.Connection, ingest_id: int, page: ListedPage, previous: PreviousFetches) -> PageCounts:
    """Add the new items of a page and store the listing's position. The caller commits.

    A repeated item does not end a sequence of known ones.
    """
    dataset, count, in_a_row = connection.execute(_ROW, (ingest_id,)).fetchone()
    identities = [item.identity for item in page.items]
    named = _identities_in_run(connection, ingest_id, identities)
    stored = previous.in_dataset(connection, dataset, ingest_id, identities) if page.skip_known else set()
    room = len(identities) if page.limit is None else max(page.limit - count, 0)
    rows: list[tuple[int, int, bytes, str, str | None]] = []
    repeated, known, longest = 0, 0, in_a_row
    for identity, item in zip(identities, page.items, strict=True):
        if page.stop_after_known is not None and in_a_row >= page.stop_after_known:
            break
        if identity in named:
            repeated += 1
        elif identity in stored:
            known += 1
            in_a_row += 1
            longest = max(longest, in_a_row)
        elif len(rows) == room:
            break
        else:
            rows.append((ingest_id, count + len(rows), identity, storable(item.url), _facts(item)))
            named.add(identity)
            in_a_row = 0
    execute_many(connection, _INSERT, rows)
    counts = (len(rows), repeated, known, in_a_row, page.other_shards)
    connection.execute(_UPDATE, (page.position, page.listed, page.total, *counts, ingest_id))
    return PageCounts(added=len(rows), repeated=repeated, known=known, known_in_a_row=longest)


def _identities_in_run(connection: sqlite3.Connection, ingest_id: int, identities: Sequence[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for start in range(0, len(identities), MANY):
        some = identities[start : start + MANY]
        query = f"SELECT identity FROM ingest_items WHERE ingest_id = ? AND identity IN ({marks(len(some))})"  # noqa: S608
        found.update(identity for (identity,) in connection.execute(query, (ingest_id, *some)))
    return found


def _facts(item: SourceItem) -> str | None:
    """The source's facts besides the URL, as JSON in ASCII, which can represent any text."""
    if item[1:] == _NO_FACTS:
        return None
    facts = item.as_dict()
    del facts["url"]
    return json.dumps(facts, separators=(",", ":")) if facts else None
