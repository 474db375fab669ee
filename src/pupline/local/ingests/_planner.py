"""Decides what to store of a group of arrived items, and where.

- The same bytes are stored once in a bucket, whatever their names, runs and datasets. Later ones are duplicates of the
  stored object, or of one that an earlier item is having written.
- Bytes that are not a sound image are compared with, and stored under, `quarantine/` only; sound images everywhere
  else. An image that was quarantined under stricter rules is not what a request for an image should get.
- Other bytes whose name is taken get an alternative name, as single images do (`pupline.images.candidate_names`).
- Paths follow `candidates` and `is_taken` of the bucket. They are looked up for all items of a group at once, and one
  by one only for those whose plain path is not free.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pupline.errors import Outcome, Reason, StorageError
from pupline.images import candidate_names, content_type_of, object_key
from pupline.local.bucket import BucketObject, LocalBucket, candidates, folded, is_taken, parents
from pupline.local.ingests._ingests import item_execution
from pupline.local.ingests._rows import Arrival, IngestRow
from pupline.tasks.image_storage import storage_outcome
from pupline.tasks.items import FetchedImage, FetchFailed, FetchOutcome, UnchangedImage

_DONE = (
    "SELECT item_index FROM ingest_items WHERE ingest_id = ? AND outcome IS NOT NULL"
    " AND item_index IN (SELECT value FROM json_each(?))"
)
# The unary plus keeps SQLite from using an index on the bucket.
_SAME_BYTES = (
    "SELECT key, path, sha256, size_bytes FROM objects WHERE +bucket = ? AND state = 'stored'"
    " AND substr(sha256, 1, 16) IN (SELECT value FROM json_each(?))"
)
_BY_KEY = "SELECT key, path, sha256, size_bytes FROM objects WHERE bucket = ? AND state = 'stored' AND key = ?"
_KEYS = "SELECT key FROM objects WHERE bucket = ? AND key IN (SELECT value FROM json_each(?))"
_FOLDS = "SELECT folded_path FROM objects WHERE bucket = ? AND folded_path IN (SELECT value FROM json_each(?))"
_ABOVE = (
    "SELECT value FROM json_each(?) AS one WHERE EXISTS (SELECT 1 FROM objects WHERE bucket = ?"
    " AND folded_path > one.value || '/' AND folded_path < one.value || '0')"
)
_REMOVED = (
    "the object that holds this image was removed while the server was asked for it; fetch it again with --retry-failed"
)


@dataclass(slots=True, eq=False)
class PlannedItem:
    """An item of a group. object: holds its bytes, None where there are none."""

    arrival: Arrival
    execution: str
    fetch_outcome: FetchOutcome
    object: BucketObject | None = None
    outcome: Outcome = "failed"
    reason: Reason = "internal_error"


@dataclass(slots=True, eq=False)
class Group:
    """Items that are stored together. new_objects: in the order of their ids, which are first_id to last_id.

    files: all temporary files of the group, to be removed when it is committed.
    """

    items: list[PlannedItem] = field(default_factory=list)
    new_objects: list[BucketObject] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    first_id: int = 0
    last_id: int = -1


class Planner:
    """Plans the groups of one run, in order. It remembers what a group writes until `committed` is called."""

    def __init__(self, bucket: LocalBucket, ingest: IngestRow) -> None:
        """Raises: ConfigurationError for a dataset that cannot be part of a key."""
        self._bucket = bucket
        self._ingest = ingest
        # By whether the image is sound. With the trailing slash: a name follows directly.
        self._prefixes = {
            True: object_key(f"html/{ingest.dataset}", "x")[:-1],
            False: object_key(f"quarantine/{ingest.dataset}", "x")[:-1],
        }
        self._in_progress: set[int] = set()
        self._being_written: dict[tuple[str, bool], BucketObject] = {}
        self._keys: set[str] = set()
        self._folds: set[str] = set()

    def plan(self, connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> Group:
        """The group of these arrivals. Of an item that is done, or in an earlier group, only the file is taken over.

        Raises: StorageError when a name cannot be found.
        """
        group = Group(files=[one.path for one in arrivals if one.path])
        indexes = json.dumps([one.index for one in arrivals])
        done = {index for (index,) in connection.execute(_DONE, (self._ingest.ingest_id, indexes))} | self._in_progress
        new: dict[int, Arrival] = {}
        for one in arrivals:
            if one.index not in done:
                new.setdefault(one.index, one)
        self._in_progress.update(new)
        images = [one.fetch_outcome for one in new.values() if isinstance(one.fetch_outcome, FetchedImage)]
        tables = _BucketTables(self._bucket, connection, images, self._prefixes)
        for arrival in new.values():
            item = PlannedItem(arrival, item_execution(self._ingest.run_id, arrival.index), arrival.fetch_outcome)
            if isinstance(arrival.fetch_outcome, FetchedImage):
                self._plan_fetched(item, arrival.fetch_outcome, tables, group.new_objects)
            elif isinstance(arrival.fetch_outcome, UnchangedImage):
                item.object = tables.by_key(arrival.fetch_outcome.previous.key)
                item.outcome, item.reason = "duplicate", "not_modified"
                if item.object is None:
                    item.fetch_outcome = FetchFailed(
                        outcome="failed", reason="storage_error", error="StorageError", cause=_REMOVED
                    )
            if isinstance(item.fetch_outcome, FetchFailed):
                item.outcome, item.reason = item.fetch_outcome.outcome, item.fetch_outcome.reason
            group.items.append(item)
        return group

    def committed(self, group: Group) -> None:
        """Forget what this group was having written: the tables have it now."""
        self._in_progress.difference_update(one.arrival.index for one in group.items)
        for new in group.new_objects:
            del self._being_written[new.sha256, is_sound(new)]
            self._keys.discard(new.key)
            self._folds.discard(folded(new.path))

    def _plan_fetched(
        self, item: PlannedItem, image: FetchedImage, tables: "_BucketTables", new_objects: list[BucketObject]
    ) -> None:
        identity = image.sha256, image.problem is None
        one = self._being_written.get(identity) or tables.same_bytes.get(identity)
        is_own = one is None
        if one is None:
            assert item.arrival.path is not None  # noqa: S101 - what was fetched is in a file
            key, path, is_plain = self._free_place(image, tables)
            one = BucketObject(
                key=key,
                path=path,
                sha256=image.sha256,
                size_bytes=image.size_bytes,
                content_type=content_type_of(image.file_type, image.problem),
                owner=item.execution,
                temporary=item.arrival.path,
                is_plain=is_plain,
            )
            new_objects.append(one)
            self._being_written[identity] = one
            self._keys.add(key)
            self._folds.add(folded(path))
        is_renamed = one.key != self._prefixes[image.problem is None] + image.name
        item.outcome, item.reason = storage_outcome(image.problem, is_own=is_own, is_renamed=is_renamed)
        item.object = one

    def _free_place(self, image: FetchedImage, tables: "_BucketTables") -> tuple[str, str, bool]:
        """The key and the path for new bytes, and whether they are the plain ones."""
        prefix = self._prefixes[image.problem is None]
        plain = prefix + image.name
        if plain not in self._keys and folded(plain) not in self._folds and tables.is_free(plain, prefix):
            return plain, plain, True
        for name in candidate_names(image.name, image.sha256):
            key = prefix + name
            if key in self._keys or tables.by_key(key):
                continue
            for path in candidates(key):
                fold = folded(path)
                if fold not in self._folds and not tables.is_taken(key, fold):
                    return key, path, False
        raise StorageError(f"{plain}: all names for these bytes hold other bytes; look at the keys under {prefix}")


def is_sound(one: BucketObject) -> bool:
    """Whether the object is among the images, not in quarantine."""
    return not one.key.startswith("quarantine/")


class _BucketTables:
    """The rows that matter for a group's images, read in few queries. same_bytes: by SHA-256 and soundness."""

    def __init__(
        self,
        bucket: LocalBucket,
        connection: sqlite3.Connection,
        images: Sequence[FetchedImage],
        prefixes: dict[bool, str],
    ) -> None:
        self._bucket = bucket
        self._connection = connection
        digests = json.dumps([image.sha256[:16] for image in images])
        same = self._there(connection.execute(_SAME_BYTES, (bucket.name, digests)))
        self.same_bytes = {
            (one.sha256, is_sound(one)): one for one in same if one.key.startswith(("html/", "quarantine/"))
        }
        self._taken = self._taken_keys([prefixes[image.problem is None] + image.name for image in images])
        # A file where the prefix needs a directory blocks all of its plain keys.
        above = {prefix: json.dumps(parents(folded(prefix + "x"))) for prefix in prefixes.values()}
        self._blocked = {
            prefix for prefix in above if connection.execute(_FOLDS, (bucket.name, above[prefix])).fetchone()
        }

    def is_free(self, plain: str, prefix: str) -> bool:
        """Whether an object may have this key, and the same path."""
        return plain not in self._taken and prefix not in self._blocked

    def is_taken(self, key: str, fold: str) -> bool:
        """Whether another key has this folded path, or a path that blocks it."""
        return is_taken(self._connection, self._bucket.name, key, fold)

    def by_key(self, key: str) -> BucketObject | None:
        """The object of that key, if its file exists."""
        return next(self._there(self._connection.execute(_BY_KEY, (self._bucket.name, key))), None)

    def _there(self, rows: sqlite3.Cursor) -> Iterator[BucketObject]:
        for key, path, sha256, size_bytes in rows:
            if self._bucket.files.is_there(path, size_bytes):
                yield BucketObject(key, path, sha256, size_bytes)

    def _taken_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that an object has, or whose path blocks or is blocked by another."""
        by_fold: dict[str, set[str]] = {}
        for key in keys:
            by_fold.setdefault(folded(key), set()).add(key)
        folds, bucket = json.dumps(list(by_fold)), self._bucket.name
        taken = {key for (key,) in self._connection.execute(_KEYS, (bucket, json.dumps(keys)))}
        blocked = self._connection.execute(_FOLDS, (bucket, folds)).fetchall()
        blocked += self._connection.execute(_ABOVE, (folds, bucket)).fetchall()
        return taken.union(*(by_fold[fold] for (fold,) in blocked))
