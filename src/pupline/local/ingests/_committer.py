"""Stores finished items in groups: object, audit record and item together, durably, at little cost for each.

Two threads work on the groups, one behind the other, so that one group is synced while the next is planned:

1. plan     the arrived items become a group: what is stored, and where (`_planner`)
2. commit   the intents of the new group (rows `writing`) and the completion of the group before, in ONE transaction:
            objects `stored`, audit records, items done. Only then is `done` called
3. sync     the bytes of the group's temporary files are put on the disk before they have names (`_group_files`)
4. name     each file is linked to its path, which never overwrites; then the directories are synced
5.          the next commit completes the group; after it the temporary names are removed

A kill at any instant leaves temporary files, and rows `writing` with or without a file. Nothing of that was
acknowledged, and the items are not done, so the next start removes it (`bucket._recovery`) and the items are fetched
again. It recognises the group's own files by their temporary names, which every file keeps until its group is
committed. So an item whose server sends other bytes the second time has one object, and its record describes that one.

An item that arrives a second time changes nothing. A record is written with its item, never without.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
from pupline.tasks.verification import verification_of
from pupline.text import timestamp

RecordMaker: TypeAlias = Callable[[SourceItem, FetchOutcome, StoredImage | None, str, str], AuditRecord]
"""Makes the record of an item: `pupline.tasks.ingest_item.RecordBuilder`."""

MAX_GROUP = 1024
"""The most items in one group: enough of them to share the cost of a commit and of a sync."""

_MIN_GROUP = 512
"""Items that start a group at once; fewer wait for more, up to this long:"""

_MAX_WAIT_SECONDS = 0.1

_STORED = "UPDATE objects SET state = 'stored' WHERE object_id BETWEEN ? AND ?"
_DONE = (
    "UPDATE ingest_items SET outcome = new.column3, key = new.column4, attempts = new.column5, began_at = new.column6,"
    " ended_at = new.column7, sha1 = new.column8, etag = new.column9, last_modified = new.column10,"
    " md5 = new.column11, verification = new.column12 FROM ("
)
_OF_ITEM = (
    ") AS new WHERE ingest_items.ingest_id = new.column1 AND ingest_items.item_index = new.column2"
    " AND ingest_items.outcome IS NULL"
)


@dataclass(slots=True)
class _Completion:
    """The rows that complete some groups, whose files are written."""

    groups: list[Group]
    records: list[AuditRecord] = field(default_factory=list)
    alert: Alert | None = None


class GroupCommitter:
    """Stores the items of one run as they arrive. Until it is closed, nothing else may store in the bucket.

    done: called in a thread of the committer with the items of a group, after the commit. first_alert: the alert for
    the run's first record with alert reasons; it is in the outbox when that item is done.
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
        self._database, self._clock, self._bucket = ingests.database, ingests.clock, ingests.bucket
        self._ingest_id = ingest.ingest_id
        self._record_of = record_of
        self._done = done
        is_alerted = next(ingests.alerted(ingest.ingest_id, sent=True), None) is not None
        self._first_alert = None if is_alerted else first_alert
        self._planner = Planner(self._bucket, ingest)
        self._files = GroupFiles(self._bucket.files, self._database)
        self._changed = threading.Condition()
        self._waiting: list[Arrival] = []
        self._waiting_since = 0.0
        self._written: list[Group] = []
        self._groups_in_progress = 0
        self._closing = False
        self._failure: Exception | None = None
        self._to_disk: SimpleQueue[Group | list[str] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=f"pupline-group-{name}", daemon=True)
            for name, work in (("commit", self._commit_groups), ("disk", self._write_groups))
        ]
        for thread in self._threads:
            thread.start()

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Store these items. Returns at once, unless two full groups are waiting.

        Raises: StorageError when an earlier group could not be stored: nothing of it, or after it, is done.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure or len(self._waiting) < 2 * MAX_GROUP)
            self._raise_failure()
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting += arrivals
            self._changed.notify_all()

    def close(self) -> None:
        """Store all items that were taken, and stop. Idempotent. Raises: as `take`."""
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
        """Run a thread's work; any error ends both threads, and is raised in the caller."""
        try:
            work()
        except Exception as err:  # noqa: BLE001 - `take` and `close` raise it
            failure = self._bucket.files.trouble(err) if isinstance(err, OSError) else local_trouble(err) or err
            with self._changed:
                self._failure = self._failure or failure
                self._changed.notify_all()
        finally:
            self._to_disk.put(None)

    # ---- the thread that plans and commits

    def _commit_groups(self) -> None:
        while True:
            written, arrivals = self._next_work()
            if not written and not arrivals:
                return
            completion = self._complete(written)
            group = self._commit(arrivals, completion)
            items = [item for one in written for item in one.items]
            for one in written:
                self._planner.committed(one)
                self._to_disk.put(one.files)
            if items:
                self._done(
                    [
                        ItemDone(index=item.arrival.index, record=record)
                        for item, record in zip(items, completion.records, strict=True)
                    ]
                )
            if arrivals:
                self._to_disk.put(group)

    def _next_work(self) -> tuple[list[Group], list[Arrival]]:
        """Groups to complete, and arrivals for a new one; neither when all is done, or after a failure."""
        with self._changed:
            while not self._is_due():
                self._changed.wait(self._wait_seconds())
            if self._failure:
                return [], []
            written, self._written = self._written, []
            self._groups_in_progress -= len(written)
            arrivals = self._waiting[:MAX_GROUP] if self._is_group_due() else []
            if arrivals:
                self._groups_in_progress += 1
                self._waiting = self._waiting[MAX_GROUP:]
                self._waiting_since = time.monotonic()
                self._changed.notify_all()
        return written, arrivals

    def _is_due(self) -> bool:
        is_over = self._closing and not self._waiting and not self._groups_in_progress
        return bool(self._failure or self._written or is_over or self._is_group_due())

    def _is_group_due(self) -> bool:
        """Whether a group can start: one may be at the disk, and one wait for it."""
        if not self._waiting or self._groups_in_progress - len(self._written) >= 2:
            return False
        return self._closing or len(self._waiting) >= _MIN_GROUP or self._wait_seconds() == 0.0

    def _wait_seconds(self) -> float | None:
        """Seconds until a small group must start; None when nothing waits, or nothing can start."""
        if not self._waiting or self._groups_in_progress >= 2:
            return None
        return max(self._waiting_since + _MAX_WAIT_SECONDS - time.monotonic(), 0.0)

    def _complete(self, groups: list[Group]) -> _Completion:
        now = timestamp(self._clock.now())
        completion = _Completion(groups)
        for item in (item for group in groups for item in group.items):
            stored = None
            if item.object is not None:
                stored = StoredImage(
                    image_name=item.object.key.partition("/")[2],
                    key=item.object.key,
                    url=self._bucket.url(item.object.path),
                    outcome=item.outcome,
                    reason=item.reason,
                )
            record = self._record_of(item.arrival.item, item.fetch_outcome, stored, item.execution, now)
            if record.alert_triggered and self._first_alert:
                completion.alert, self._first_alert = self._first_alert(record), None
                record = replace(record, alert_sent=True)
            completion.records.append(record)
        return completion

    def _commit(self, arrivals: Sequence[Arrival], completion: _Completion) -> Group:
        """One transaction: the completion of the written groups, and the intents of the arrivals' group, which it is.

        The group is planned in the database's writing thread, whose connection has the pages at hand that it reads.
        """
        items = [self._item_row(item) for one in completion.groups for item in one.items]

        def work(connection: sqlite3.Connection) -> Group:
            group = self._planner.plan(connection, arrivals)
            for one in completion.groups:
                connection.execute(_STORED, (one.first_id, one.last_id))
            insert_records(connection, completion.records)
            execute_many(connection, _DONE, items, _OF_ITEM)
            if completion.alert:
                insert_alert(connection, completion.alert)
            group.first_id, group.last_id = insert_intents(connection, self._bucket.name, group.new_objects)
            return group

        return self._database.write(work)

    def _item_row(self, item: PlannedItem) -> tuple[str | int | float | None, ...]:
        arrival, image = item.arrival, item.fetch_outcome
        key = item.object.key if item.object else None
        times = (arrival.attempts, arrival.began_at, arrival.ended_at)
        sha1 = etag = last_modified = md5 = None
        if isinstance(image, FetchedImage):
            sha1, etag, last_modified, md5 = image.sha1, image.etag, image.last_modified, image.md5
        verification = verification_of(arrival.item, item.outcome, item.reason)
        facts = (sha1, etag, last_modified, md5, verification)
        return (self._ingest_id, arrival.index, item.outcome, key, *times, *facts)

    # ---- the thread that writes files

    def _write_groups(self) -> None:
        while (work := self._to_disk.get()) is not None:
            if isinstance(work, Group):
                self._files.write(work)
                with self._changed:
                    self._written.append(work)
                    self._changed.notify_all()
            else:
                self._files.remove(work)
