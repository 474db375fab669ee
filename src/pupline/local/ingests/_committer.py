"""Storing finished items in groups: object, audit record and item together, durably, at little cost for each.

Two threads work on the groups, one behind the other, so that a group is synced while another is planned and committed:

1. `plan`    the items that arrived become a group: what is stored and where (`_intake_plan`)
2. `commit`  the intents of the new group (rows `writing`) and the ends of the group before, in ONE transaction:
             objects `stored`, audit records, items done. Only then is `done` called
3. `sync`    the bytes of the group's temporary files are on the disk before they have names
4. `name`    each file is linked to its path, which never overwrites; then the directories are synced
5.           the next commit ends the group; after it the temporary names go

What a kill leaves, at whatever instant: temporary files, and rows `writing` with or without a file. Nobody was told of
them, and their items are not done, so the next start undoes them (`_undo`) and the items are fetched again. It knows
its own files from somebody else's by their temporary names, which every file keeps until its group is committed. So an
item whose server gives other bytes the second time has one object, and its record tells of that one.

An item that arrives a second time changes nothing. A record is written with its item, never without.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TypeAlias

from pupline.errors import local_trouble
from pupline.local.alerts import Alert, insert_alert
from pupline.local.bucket import insert_intents
from pupline.local.database import execute_many
from pupline.local.ingests._group_files import GroupFiles
from pupline.local.ingests._ingests import Ingests
from pupline.local.ingests._planner import Group, PlannedItem, Planner
from pupline.local.ingests._rows import Arrival, IngestRow, ItemDone
from pupline.local.tables import insert_records
from pupline.tasks.items import FetchedImage, FetchOutcome, SourceItem, StoredImage
from pupline.tasks.records import AuditRecord
from pupline.text import timestamp

RecordMaker: TypeAlias = Callable[[SourceItem, FetchOutcome, StoredImage | None, str, str], AuditRecord]
"""Makes the record of an item: `pupline.tasks.ingest_item.RecordBuilder`."""

FULL_GROUP = 1024
"""Items in one group at most: the cost of a commit and of a sync is shared by enough of them."""

_WORTHWHILE = 512
"""Items that begin a group at once; fewer wait for more, but no longer than this:"""

_PATIENCE_SECONDS = 0.1

_STORED = "UPDATE objects SET state = 'stored' WHERE object_id BETWEEN ? AND ?"
_ENDED = (
    "UPDATE ingest_items SET outcome = new.column3, key = new.column4, attempts = new.column5, began_at = new.column6,"
    " ended_at = new.column7, sha1 = new.column8, etag = new.column9, last_modified = new.column10 FROM ("
)
_OF_ITEM = (
    ") AS new WHERE ingest_items.ingest_id = new.column1 AND ingest_items.item_index = new.column2"
    " AND ingest_items.outcome IS NULL"
)


@dataclass(slots=True)
class _Ended:
    """What the commit that ends some groups writes."""

    groups: list[Group]
    records: list[AuditRecord]
    done: list[ItemDone]
    alert: Alert | None = None


class GroupCommitter:
    """Stores the items of one run as they arrive. `close` it; until then it is the only one that stores in the bucket.

    done: called from a thread of the intake with the items of a group, after they are committed. first_alert: what to
    publish when the first item of the run has something to alert on; it is in the outbox when that item is done.
    """

    def __init__(
        self,
        ingests: Ingests,
        ingest: IngestRow,
        record_of: RecordMaker,
        done: Callable[[list[ItemDone]], None],
        *,
        first_alert: Callable[[AuditRecord], Alert] | None = None,
    ) -> None:
        """Raises: ConfigurationError for a dataset that cannot be part of a key; StorageError."""
        self._database = ingests.database
        self._clock = ingests.clock
        self._bucket = ingests.bucket
        self._ingest_id = ingest.ingest_id
        self._record_of = record_of
        self._done = done
        is_alerted = next(ingests.alerted(ingest.ingest_id, sent=True), None) is not None
        self._first_alert = None if is_alerted else first_alert
        self._planner = Planner(ingests.bucket, ingest)
        self._files = GroupFiles(ingests.bucket.files, ingests.database)
        self._changed = threading.Condition()
        self._waiting: list[Arrival] = []
        self._waiting_since = 0.0
        self._named: list[Group] = []
        self._under_way = 0
        self._closing = False
        self._failure: Exception | None = None
        self._to_disk: SimpleQueue[Group | list[str] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=f"pupline-intake-{name}", daemon=True)
            for name, work in (("commit", self._commit_groups), ("disk", self._name_groups))
        ]
        for thread in self._threads:
            thread.start()

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Have these items stored. Returns at once, unless two full groups wait already.

        Raises: StorageError when an earlier group could not be stored: nothing of it, or after it, is done.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure or len(self._waiting) < 2 * FULL_GROUP)
            self._raise_failure()
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting += arrivals
            self._changed.notify_all()

    def close(self) -> None:
        """Store all that was taken, and end. Harmless when done twice. Raises: as `take`."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._files.close()
        with self._changed:
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do the work of a thread; whatever goes wrong ends both, and reaches the caller."""
        try:
            work()
        except Exception as err:  # noqa: BLE001 - it is raised where somebody hears it
            failure = self._files.trouble(err) if isinstance(err, OSError) else local_trouble(err) or err
            with self._changed:
                self._failure = self._failure or failure
                self._changed.notify_all()
        finally:
            self._to_disk.put(None)

    def _commit_groups(self) -> None:
        while True:
            named, arrivals = self._next()
            if not named and not arrivals:
                return
            ended = self._ended(named)
            group = self._commit(arrivals, ended)
            self._tell(ended)
            if arrivals:
                self._to_disk.put(group)

    def _next(self) -> tuple[list[Group], list[Arrival]]:
        """Groups that can be ended, and arrivals for a new one; nothing of both when all is done, or all is lost."""
        with self._changed:
            while not self._is_due():
                self._changed.wait(self._patience())
            if self._failure:
                return [], []
            named, self._named = self._named, []
            self._under_way -= len(named)
            arrivals = self._waiting[:FULL_GROUP] if self._is_group_due() else []
            if arrivals:
                self._under_way += 1
                self._waiting = self._waiting[FULL_GROUP:]
                self._waiting_since = time.monotonic()
                self._changed.notify_all()
        return named, arrivals

    def _is_due(self) -> bool:
        is_over = self._closing and not self._waiting and not self._under_way
        return bool(self._failure or self._named or is_over or self._is_group_due())

    def _is_group_due(self) -> bool:
        """Whether a group can begin: one may be at the disk, and one wait for it."""
        if not self._waiting or self._under_way - len(self._named) >= 2:
            return False
        return self._closing or len(self._waiting) >= _WORTHWHILE or self._patience() == 0.0

    def _patience(self) -> float | None:
        """Seconds until a small group must not wait for more; None when nothing waits, or nothing can begin."""
        if not self._waiting or self._under_way >= 2:
            return None
        return max(self._waiting_since + _PATIENCE_SECONDS - time.monotonic(), 0.0)

    def _ended(self, groups: list[Group]) -> _Ended:
        now = timestamp(self._clock.now())
        ended = _Ended(groups, [], [])
        for item in (item for group in groups for item in group.items):
            record = self._record(item, now)
            if record.alert_triggered and self._first_alert:
                ended.alert, self._first_alert = self._first_alert(record), None
                record = replace(record, alert_sent=True)
            ended.records.append(record)
            ended.done.append(ItemDone(index=item.arrival.index, record=record))
        return ended

    def _record(self, item: PlannedItem, now: str) -> AuditRecord:
        held = item.held
        if held is None:
            return self._record_of(item.arrival.item, item.fetch_outcome, None, item.execution, now)
        stored = StoredImage(
            image_name=held.key.partition("/")[2],
            key=held.key,
            url=self._files.url(held.path),
            outcome=item.outcome,
            reason=item.reason,
        )
        return self._record_of(item.arrival.item, item.fetch_outcome, stored, item.execution, now)

    def _commit(self, arrivals: Sequence[Arrival], ended: _Ended) -> Group:
        """One transaction: all that the ended groups have written, and what the group of the arrivals means to write.

        It is planned by the writing thread, whose connection has the pages at hand that the plan looks at.
        """
        bucket = self._bucket.name
        items = [self._item_row(item) for one in ended.groups for item in one.items]

        def work(connection: sqlite3.Connection) -> Group:
            group = self._planner.plan(connection, arrivals)
            for one in ended.groups:
                connection.execute(_STORED, (one.first_id, one.last_id))
            insert_records(connection, ended.records)
            execute_many(connection, _ENDED, items, _OF_ITEM)
            if ended.alert:
                insert_alert(connection, ended.alert)
            group.first_id, group.last_id = insert_intents(connection, bucket, [one.as_intent() for one in group.made])
            return group

        return self._database.write(work)

    def _item_row(self, item: PlannedItem) -> tuple[str | int | float | None, ...]:
        arrival, image = item.arrival, item.fetch_outcome
        key = item.held.key if item.held else None
        facts = (image.sha1, image.etag, image.last_modified) if isinstance(image, FetchedImage) else (None, None, None)
        times = (arrival.attempts, arrival.began_at, arrival.ended_at)
        return (self._ingest_id, arrival.index, item.outcome, key, *times, *facts)

    def _tell(self, ended: _Ended) -> None:
        for group in ended.groups:
            self._planner.landed(group)
            self._to_disk.put(group.files)
        if ended.done:
            self._done(ended.done)

    def _name_groups(self) -> None:
        while (work := self._to_disk.get()) is not None:
            if isinstance(work, Group):
                self._files.store(work)
                with self._changed:
                    self._named.append(work)
                    self._changed.notify_all()
            else:
                self._files.remove(work)
