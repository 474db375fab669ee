"""The runs of bulk ingestion and their items.

An item occurs once in a run, by the identity of its URL. It is done when it has an `outcome`, which is committed in one
transaction with its audit record and its object (`_committer`). So after any crash, what is not done can be requested
again, and what is done needs nothing more.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from pupline.errors import NoSuchName
from pupline.local.alerts import Alert, insert_alert
from pupline.local.bucket import LocalBucket
from pupline.local.database import Database, storable
from pupline.local.ingests._listing import ListedPage, add_page
from pupline.local.ingests._previous import PreviousFetches
from pupline.local.ingests._rows import AbortRequest, IngestCounts, IngestRow, NewIngest, PageCounts, PendingItem
from pupline.local.tables import AUDIT_COLUMNS, RUN_CONDITION, record_of, run_range
from pupline.tasks.items import SourceItem
from pupline.tasks.ports import Clock
from pupline.tasks.records import AuditRecord
from pupline.tasks.run_ids import check_run_id
from pupline.text import printable

_PAGE = 1000
_FIELDS = [field.name for field in fields(IngestRow)]
_SELECT = (
    "SELECT ingest_id, run_id, dataset, source, settings, CASE WHEN stopped_at IS NULL THEN status ELSE 'ABORTED' END,"
    " position, listed, total, items, repeated, known, other_shards, created_at, ended_at, error, cause FROM ingests"
)
_COUNT = (
    "SELECT outcome, reason, count(*), sum(alert_triggered),"  # noqa: S608 - the texts are ours
    " sum(CASE WHEN outcome IN ('stored', 'quarantined') THEN size_bytes ELSE 0 END)"
    f" FROM audit WHERE {RUN_CONDITION} GROUP BY outcome, reason"
)
_VERIFICATION = (
    "SELECT verification, count(*) FROM ingest_items WHERE ingest_id = ? AND verification IS NOT NULL"
    " GROUP BY verification"
)
_ALERTED = f"SELECT {AUDIT_COLUMNS} FROM audit WHERE alert_triggered = 1 AND {RUN_CONDITION}"  # noqa: S608
_PENDING = (
    "SELECT item_index, url, facts FROM ingest_items"
    " WHERE ingest_id = ? AND item_index > ? AND outcome IS NULL ORDER BY item_index LIMIT ?"
)
_FIRST_PENDING = (
    "SELECT item_index FROM ingest_items WHERE ingest_id = ? AND item_index > ? AND outcome IS NULL"
    " ORDER BY item_index LIMIT 1"
)
_LISTED = "SELECT listed, items FROM ingests WHERE ingest_id = ?"
_FAILED_ITEMS = (
    " FROM ingest_items AS i WHERE ingest_id = ? AND (outcome = 'failed' OR (outcome IN ('refused', 'quarantined') AND"
    " (SELECT reason FROM audit WHERE execution = ? || printf('%08d', i.item_index))"
    " IN (SELECT value FROM json_each(?))))"
)
_FAILED = (
    "INSERT INTO ingest_items (ingest_id, item_index, identity, url, facts)"
    " SELECT ?, row_number() OVER (ORDER BY item_index) - 1, identity, url, facts"
    f"{_FAILED_ITEMS}"
)
_COUNT_FAILED = f"SELECT count(*){_FAILED_ITEMS}"


def item_execution(run_id: str, index: int) -> str:
    """The execution name in an item's audit record: `monday-00000042` for item 42 of the run `monday`."""
    return f"{run_id}-{index:08}"


class Ingests:
    """The runs of this data directory. Methods raise StorageError, and others where they say so."""

    def __init__(self, database: Database, clock: Clock, bucket: LocalBucket) -> None:
        self.database = database
        self.clock = clock
        self.bucket = bucket
        self._previous = PreviousFetches(bucket)

    def open(self, new: NewIngest) -> IngestRow:
        """The run of that id: a new one, RUNNING and empty, or the one that exists.

        Raises: ConfigurationError for an id that cannot begin an execution's name.
        """
        check_run_id(new.run_id)
        settings = json.dumps(dict(new.settings))
        row = (new.run_id, new.dataset, storable(new.source), settings, self.clock.now())

        def work(connection: sqlite3.Connection) -> IngestRow:
            columns = "run_id, dataset, source, settings, created_at"
            connection.execute(f"INSERT INTO ingests ({columns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)  # noqa: S608
            return _ingest(connection.execute(f"{_SELECT} WHERE run_id = ?", (new.run_id,)).fetchone())

        return self.database.write(work)

    def find(self, run_id: str) -> IngestRow | None:
        """The run of that id, if any."""
        found = self.database.rows(f"{_SELECT} WHERE run_id = ?", (run_id,))
        return _ingest(found[0]) if found else None

    def get(self, run_id: str) -> IngestRow:
        """The run of that id. Raises: ConfigurationError when there is none."""
        found = self.find(run_id)
        if found is None:
            raise NoSuchName(f"there is no ingest run '{printable(run_id)}' here; check the id")
        return found

    def unfinished(self, dataset: str) -> IngestRow | None:
        """The newest RUNNING run of the dataset, if any."""
        where = "WHERE dataset = ? AND status = 'RUNNING' ORDER BY ingest_id DESC LIMIT 1"
        found = self.database.rows(f"{_SELECT} {where}", (dataset,))
        return _ingest(found[0]) if found else None

    def all(self, dataset: str | None = None) -> Iterator[IngestRow]:
        """The runs, oldest first, a page at a time; of one dataset, or of all."""
        after = 0
        query = f"{_SELECT} WHERE ingest_id > ? AND dataset = coalesce(?, dataset) ORDER BY ingest_id LIMIT ?"
        while page := self.database.rows(query, (after, dataset, _PAGE)):
            yield from map(_ingest, page)
            after = page[-1][0]

    def add_page(self, ingest_id: int, page: ListedPage) -> PageCounts:
        """Add the new items of a page and store the listing's position, in one transaction."""
        return self.database.write(lambda connection: add_page(connection, ingest_id, page, self._previous))

    def add_failed_of(
        self,
        ingest_id: int,
        failed_run: IngestRow,
        reasons: Sequence[str] = (),
        of_shard: Callable[[str], bool] | None = None,
    ) -> int:
        """Add the items that failed in another run, which completes this run's listing; how many it now has.

        reasons: of refused and quarantined items that are added too. of_shard: whether a URL is this run's to fetch.
        Idempotent.
        """
        of_run = (failed_run.ingest_id, f"{failed_run.run_id}-", json.dumps(list(reasons)))

        def work(connection: sqlite3.Connection) -> int:
            listed, items = connection.execute(_LISTED, (ingest_id,)).fetchone()
            if listed:
                return int(items)
            insert = _FAILED
            if of_shard is not None:
                connection.create_function("of_shard", 1, of_shard, deterministic=True)
                insert += " AND of_shard(url)"
            added = connection.execute(insert, (ingest_id, *of_run)).rowcount
            (failed,) = connection.execute(_COUNT_FAILED, of_run).fetchone()
            update = "UPDATE ingests SET listed = 1, items = ?, total = ?, other_shards = ? WHERE ingest_id = ?"
            connection.execute(update, (added, added, failed - added, ingest_id))
            return added

        return self.database.write(work)

    def pending(self, ingest_id: int, *, after: int, limit: int) -> list[PendingItem]:
        """At most `limit` items that are not done, with an index above `after` (-1: from the first), in order."""
        with self.database.reading() as connection:
            rows = connection.execute(_PENDING, (ingest_id, after, limit)).fetchall()
            items = [_item_to_fetch(url, facts) for _, url, facts in rows]
            previous = self._previous.of_urls(connection, ingest_id, items)
            same_bytes = self._previous.of_hashes(connection, items)
            lost = _lost(connection, ingest_id, rows)
        return [
            PendingItem(
                index=row[0],
                item=item,
                # "Not modified" says nothing about a declared hash: without its bytes at hand, all of it is fetched.
                previous=None if item.declares_hash else previous.get(item.url),
                same_bytes=same_bytes.get(item.url),
                deaths=lost.get(row[0], 0),
            )
            for row, item in zip(rows, items, strict=True)
        ]

    def note_lost(self, ingest_id: int, deaths: Mapping[int, int]) -> None:
        """Store, by index, how many workers died with the item, so that it does not kill more at each start."""
        run_id = self._row(ingest_id).run_id
        rows = [(f"{item_execution(run_id, index)}/lost", str(count)) for index, count in deaths.items()]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO memo (name, value) VALUES (?, ?)", rows)

        self.database.write(work)

    def counts(self, ingest_id: int) -> IngestCounts:
        """The run's progress, counted from its records."""
        run = self._row(ingest_id)
        outcomes: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        alerts = size_bytes = 0
        for outcome, reason, count, alerted, size in self.database.rows(_COUNT, run_range(run.run_id)):
            outcomes[outcome] += count
            reasons[reason] += count
            alerts += alerted
            size_bytes += size or 0
        return IngestCounts(
            items=run.items,
            done=outcomes.total(),
            outcomes=outcomes,
            reasons=reasons,
            alerts=alerts,
            bytes=size_bytes,
            verification=Counter(dict(self.database.rows(_VERIFICATION, (ingest_id,)))),
        )

    def first_pending(self, ingest_id: int, after: int) -> int | None:
        """The lowest index above `after` of an item that is not done, or None."""
        found = self.database.rows(_FIRST_PENDING, (ingest_id, after))
        return int(found[0][0]) if found else None

    def items(self, ingest_id: int) -> Iterator[tuple[int, SourceItem]]:
        """All items of the run with their indexes, done or not, in order, a page at a time."""
        return ((index, _item(url, facts)) for index, url, facts in self.listed(ingest_id))

    def listed(self, ingest_id: int, after: int = -1) -> Iterator[tuple[int, str, str | None]]:
        """As `items`, from an index above `after` on: index, URL, and the source's facts besides it as JSON, if any."""
        query = "SELECT item_index, url, facts FROM ingest_items WHERE ingest_id = ? AND item_index > ?"
        while page := self.database.rows(f"{query} ORDER BY item_index LIMIT ?", (ingest_id, after, _PAGE)):
            yield from page
            after = page[-1][0]

    def alerted(self, ingest_id: int, *, sent: bool) -> Iterator[AuditRecord]:
        """The run's records with alert reasons, in order. sent: those that an alert announced, or else the others."""
        query = f"{_ALERTED} AND (alert_sent IS 1) = ? AND execution > ? ORDER BY execution LIMIT ?"
        bounds, after = run_range(self._row(ingest_id).run_id), ""
        while page := [record_of(row) for row in self.database.rows(query, (*bounds, sent, after, _PAGE))]:
            yield from page
            after = page[-1].execution

    def publish(self, ingest_id: int, alert: Alert) -> None:
        """Add an alert about all the run's records with alert reasons to the outbox, and mark them as announced.

        One transaction: a kill before it leaves them in `alerted(sent=False)`, one after it does not.
        """
        update = f"UPDATE audit SET alert_sent = 1 WHERE alert_triggered = 1 AND alert_sent IS NULL AND {RUN_CONDITION}"  # noqa: S608
        bounds = run_range(self._row(ingest_id).run_id)

        def work(connection: sqlite3.Connection) -> None:
            insert_alert(connection, alert)
            connection.execute(update, bounds)

        self.database.write(work)

    def end(self, ingest_id: int, status: str, error: str | None = None, cause: str | None = None) -> None:
        """Store the run's final status: SUCCEEDED, FAILED or ABORTED."""
        update = (
            "UPDATE ingests SET status = ?, error = ?, cause = ?, ended_at = ?, stopped_at = ?, stop_request = NULL"
            " WHERE ingest_id = ?"
        )
        now = self.clock.now()
        aborted = status == "ABORTED"
        values = ("FAILED" if aborted else status, _stored(error), _stored(cause), now, now if aborted else None)
        self.database.write(lambda connection: connection.execute(update, (*values, ingest_id)))

    def note_cause(self, ingest_id: int, cause: str | None) -> None:
        """Store why a RUNNING run could not continue for now; None when it was merely interrupted."""
        update = "UPDATE ingests SET cause = ? WHERE ingest_id = ?"
        self.database.write(lambda connection: connection.execute(update, (_stored(cause), ingest_id)))

    def request_stop(self, ingest_id: int, error: str | None, cause: str | None) -> None:
        """Have the process that works on the run end it. Does nothing when it has ended."""
        request = json.dumps({"error": error, "cause": cause})
        update = "UPDATE ingests SET stop_request = ? WHERE ingest_id = ? AND status = 'RUNNING'"
        self.database.write(lambda connection: connection.execute(update, (request, ingest_id)))

    def stop_request(self, ingest_id: int) -> AbortRequest | None:
        """The request to end the run, if there is one."""
        [(text,)] = self.database.rows("SELECT stop_request FROM ingests WHERE ingest_id = ?", (ingest_id,))
        return None if text is None else AbortRequest(**json.loads(text))

    def drop_empty(self, ingest_id: int) -> None:
        """Delete the run if its listing has returned nothing yet, not even its end."""
        delete = "DELETE FROM ingests WHERE ingest_id = ? AND items = 0 AND listed = 0 AND position IS NULL"
        self.database.write(lambda connection: connection.execute(delete, (ingest_id,)))

    def reopen(self, ingest_id: int) -> IngestRow:
        """The run, RUNNING again, to continue with what is left."""
        update = (
            "UPDATE ingests SET status = 'RUNNING', error = NULL, cause = NULL, ended_at = NULL, stopped_at = NULL,"
            " stop_request = NULL WHERE ingest_id = ?"
        )
        self.database.write(lambda connection: connection.execute(update, (ingest_id,)))
        return self._row(ingest_id)

    def _row(self, ingest_id: int) -> IngestRow:
        return _ingest(self.database.rows(f"{_SELECT} WHERE ingest_id = ?", (ingest_id,))[0])


def _ingest(row: tuple[Any, ...]) -> IngestRow:
    values = dict(zip(_FIELDS, row, strict=True))
    return IngestRow(**values | {"settings": json.loads(values["settings"]), "listed": bool(values["listed"])})


def _stored(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _lost(connection: sqlite3.Connection, ingest_id: int, rows: Sequence[tuple[Any, ...]]) -> dict[int, int]:
    """By index of an item: how many workers died while they had it, where any did."""
    if not rows:
        return {}
    (run_id,) = connection.execute("SELECT run_id FROM ingests WHERE ingest_id = ?", (ingest_id,)).fetchone()
    first, last = (item_execution(run_id, rows[at][0]) for at in (0, -1))
    query = "SELECT name, value FROM memo WHERE name BETWEEN ? AND ? AND name LIKE '%/lost'"
    found = connection.execute(query, (f"{first}/lost", f"{last}/lost"))
    return {int(name.removesuffix("/lost").rpartition("-")[2]): int(value) for name, value in found}


def _item_to_fetch(url: str, facts: str | None) -> SourceItem:
    """The item without its `extra`, which stays in the table: 100,000 items may wait in memory."""
    return _item(url, facts) if facts is None or '"extra":' not in facts else _item(url, facts)._replace(extra={})


def _item(url: str, facts: str | None) -> SourceItem:
    return SourceItem(url=url) if facts is None else SourceItem.from_dict({"url": url, **json.loads(facts)})
