"""Deciding, for a group of items that arrived, what is stored, and where.

- The same bytes are stored once in a bucket, whatever their names, runs and datasets: later ones are duplicates of the
  object that is there, or of the one that an earlier item makes in this very moment (it is `flying`).
- Bytes that are no sound image are looked for, and kept, under `quarantine/` alone, sound ones everywhere but there:
  an image that was quarantined under stricter rules is not the place to send somebody who asks for an image.
- Other bytes under a name that is taken get a name beside it, as single images do.
- Paths follow the rules of `_paths` and `_objects.is_taken`. They are asked for all items of a group at once, and one
  by one only for those whose plain path is not free.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pupline.errors import Outcome, Reason, StorageError
from pupline.images import candidate_names, content_type_of, object_key
from pupline.local.bucket import LocalBucket, NewObject, candidates, folded, is_taken, parents
from pupline.local.ingests._ingests import item_execution
from pupline.local.ingests._rows import Arrival, IngestRow
from pupline.tasks.items import FetchedImage, FetchFailed, FetchOutcome, UnchangedImage

_DONE = (
    "SELECT item_index FROM ingest_items WHERE ingest_id = ? AND outcome IS NOT NULL"
    " AND item_index IN (SELECT value FROM json_each(?))"
)
# +bucket: an index on the bucket is not what this query shall go along.
_SAME_BYTES = (
    "SELECT sha256, key, path, size_bytes FROM objects WHERE +bucket = ? AND state = 'stored'"
    " AND substr(sha256, 1, 16) IN (SELECT value FROM json_each(?))"
)
_KEYS = "SELECT key, path, size_bytes FROM objects WHERE bucket = ? AND key IN (SELECT value FROM json_each(?))"
_FOLDS = "SELECT folded_path FROM objects WHERE bucket = ? AND folded_path IN (SELECT value FROM json_each(?))"
_ABOVE = (
    "SELECT value FROM json_each(?) AS one WHERE EXISTS (SELECT 1 FROM objects WHERE bucket = ?"
    " AND folded_path > one.value || '/' AND folded_path < one.value || '0')"
)
_GONE = (
    "the object that holds this image was removed while the server was asked for it; fetch it again with --retry-failed"
)


@dataclass(slots=True, eq=False)
class Held:
    """An object: found in the bucket, or about to be made of the file `temporary`, by the item of execution `owner`.

    path: relative to the bucket; for one that is made, known for certain only when its file has it. is_plain: it has
    the plain key of its name, which was free.
    """

    key: str
    path: str
    sha256: str
    size_bytes: int
    content_type: str = ""
    owner: str = ""
    temporary: str | None = None
    is_plain: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether it is kept among the images."""
        return not self.key.startswith("quarantine/")

    def as_intent(self) -> NewObject:
        """What is committed before its file is named."""
        facts = (self.sha256, self.size_bytes, self.content_type, self.owner, self.is_plain)
        return NewObject(self.key, self.path, *facts)


@dataclass(slots=True, eq=False)
class PlannedItem:
    """An item of a group. held: the object with its bytes, None where there are none."""

    arrival: Arrival
    execution: str
    fetch_outcome: FetchOutcome
    held: Held | None = None
    outcome: Outcome = "failed"
    reason: Reason = "internal_error"


@dataclass(slots=True, eq=False)
class Group:
    """Items that are stored together. made: their new objects, in the order of their ids. first_id, last_id: these ids.

    files: all temporary files of the group, to be removed when it is committed.
    """

    items: list[PlannedItem] = field(default_factory=list)
    made: list[Held] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    first_id: int = 0
    last_id: int = -1


class Planner:
    """Plans the groups of one run, in order. It knows what earlier groups are making until `landed` is told of them."""

    def __init__(self, bucket: LocalBucket, ingest: IngestRow) -> None:
        """Raises: ConfigurationError for a dataset that cannot be part of a key."""
        self._bucket = bucket
        self._ingest = ingest
        # With the trailing slash: a name goes right behind it.
        self._prefixes = {
            True: object_key(f"html/{ingest.dataset}", "x")[:-1],
            False: object_key(f"quarantine/{ingest.dataset}", "x")[:-1],
        }
        self._begun: set[int] = set()
        self._flying: dict[tuple[str, bool], Held] = {}
        self._keys: set[str] = set()
        self._folds: set[str] = set()

    def plan(self, connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> Group:
        """The group of these arrivals. An item that is done, or in an earlier group, is left out; its file goes.

        Raises: StorageError when a name cannot be found.
        """
        group = Group(files=[one.path for one in arrivals if one.path])
        fresh = self._fresh(connection, arrivals)
        look = _Look(self._bucket, connection, [one.fetch_outcome for one in fresh], self._prefixes)
        for arrival in fresh:
            group.items.append(self._planned(arrival, look, group.made))
        return group

    def landed(self, group: Group) -> None:
        """Forget what this group was making: it is in the tables."""
        self._begun.difference_update(one.arrival.index for one in group.items)
        for held in group.made:
            del self._flying[held.sha256, held.is_sound]
            self._keys.discard(held.key)
            self._folds.discard(folded(held.path))

    def _fresh(self, connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
        indexes = json.dumps([one.index for one in arrivals])
        done = {index for (index,) in connection.execute(_DONE, (self._ingest.ingest_id, indexes))} | self._begun
        fresh: dict[int, Arrival] = {}
        for one in arrivals:
            if one.index not in done:
                fresh.setdefault(one.index, one)
        self._begun.update(fresh)
        return list(fresh.values())

    def _planned(self, arrival: Arrival, look: "_Look", made: list[Held]) -> PlannedItem:
        item = PlannedItem(arrival, item_execution(self._ingest.run_id, arrival.index), arrival.fetch_outcome)
        if isinstance(arrival.fetch_outcome, FetchedImage):
            self._plan_fetched(item, arrival.fetch_outcome, look, made)
        elif isinstance(arrival.fetch_outcome, UnchangedImage):
            item.held = look.by_key(arrival.fetch_outcome.previous.key)
            item.outcome, item.reason = "duplicate", "not_modified"
            if item.held is None:
                item.fetch_outcome = FetchFailed(
                    outcome="failed", reason="storage_error", error="StorageError", cause=_GONE
                )
        if isinstance(item.fetch_outcome, FetchFailed):
            item.outcome, item.reason = item.fetch_outcome.outcome, item.fetch_outcome.reason
        return item

    def _plan_fetched(self, item: PlannedItem, image: FetchedImage, look: "_Look", made: list[Held]) -> None:
        identity = image.sha256, image.problem is None
        held = self._flying.get(identity) or look.same_bytes.get(identity)
        item.outcome, item.reason = "duplicate", "same_content"
        if held is None:
            held = self._new(item, image, look)
            made.append(held)
            self._flying[identity] = held
            self._keys.add(held.key)
            self._folds.add(folded(held.path))
            is_renamed = held.key != self._prefixes[image.problem is None] + image.name
            item.outcome, item.reason = "stored", "renamed" if is_renamed else "accepted"
        if image.problem is not None:
            item.outcome, item.reason = "quarantined", image.problem
        item.held = held

    def _new(self, item: PlannedItem, image: FetchedImage, look: "_Look") -> Held:
        assert item.arrival.path is not None  # noqa: S101 - what was fetched is in a file
        key, path, is_plain = self._place_of(image, look)
        return Held(
            key=key,
            path=path,
            sha256=image.sha256,
            size_bytes=image.size_bytes,
            content_type=content_type_of(image.file_type, image.problem),
            owner=item.execution,
            temporary=item.arrival.path,
            is_plain=is_plain,
        )

    def _place_of(self, image: FetchedImage, look: "_Look") -> tuple[str, str, bool]:
        """The key and the path for new bytes, and whether they are the plain ones."""
        prefix = self._prefixes[image.problem is None]
        plain = prefix + image.name
        if plain not in self._keys and folded(plain) not in self._folds and look.is_free(plain, prefix):
            return plain, plain, True
        for name in candidate_names(image.name, image.sha256):
            key = prefix + name
            if key in self._keys or look.by_key(key):
                continue
            for path in candidates(key):
                fold = folded(path)
                if fold not in self._folds and not look.is_taken(key, fold):
                    return key, path, False
        raise StorageError(f"{plain}: all names for these bytes hold other bytes; look at the keys under {prefix}")


class _Look:
    """What the tables say of a group's items, asked in few queries. same_bytes: by SHA-256 and soundness."""

    def __init__(
        self,
        bucket: LocalBucket,
        connection: sqlite3.Connection,
        fetch_outcomes: Sequence[FetchOutcome],
        prefixes: dict[bool, str],
    ) -> None:
        self._bucket = bucket
        self._connection = connection
        images = [fetch_outcome for fetch_outcome in fetch_outcomes if isinstance(fetch_outcome, FetchedImage)]
        self.same_bytes = {(held.sha256, held.is_sound): held for held in self._held(images)}
        self._taken = self._not_plain([prefixes[image.problem is None] + image.name for image in images])
        self._blocked = {prefix for prefix in prefixes.values() if self._is_file_above(prefix)}

    def is_free(self, plain: str, prefix: str) -> bool:
        """Whether an object may have this key, and this path."""
        return plain not in self._taken and prefix not in self._blocked

    def is_taken(self, key: str, fold: str) -> bool:
        """Whether another key has this folded path, or one that is in its way."""
        return is_taken(self._connection, self._bucket.name, key, fold)

    def by_key(self, key: str) -> Held | None:
        """The object of that key, if its file is there."""
        return next(self._there(self._connection.execute(_BY_KEY, (self._bucket.name, key))), None)

    def _held(self, images: Sequence[FetchedImage]) -> Iterator[Held]:
        digests = json.dumps([image.sha256[:16] for image in images])
        rows = self._connection.execute(_SAME_BYTES, (self._bucket.name, digests))
        return (held for held in self._there(rows) if held.key.startswith(("html/", "quarantine/")))

    def _there(self, rows: sqlite3.Cursor) -> Iterator[Held]:
        for sha256, key, path, size_bytes in rows:
            if self._bucket.files.is_there(path, size_bytes):
                yield Held(key, path, sha256, size_bytes)

    def _not_plain(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that an object has, or whose path is in the way of another's."""
        by_fold: dict[str, set[str]] = {}
        for key in keys:
            by_fold.setdefault(folded(key), set()).add(key)
        folds, bucket = json.dumps(list(by_fold)), self._bucket.name
        taken = {key for key, *_ in self._connection.execute(_KEYS, (bucket, json.dumps(keys)))}
        in_the_way = self._connection.execute(_FOLDS, (bucket, folds)).fetchall()
        in_the_way += self._connection.execute(_ABOVE, (folds, bucket)).fetchall()
        return taken.union(*(by_fold[fold] for (fold,) in in_the_way))

    def _is_file_above(self, prefix: str) -> bool:
        above = json.dumps(parents(folded(prefix + "x")))
        return self._connection.execute(_FOLDS, (self._bucket.name, above)).fetchone() is not None


_BY_KEY = "SELECT sha256, key, path, size_bytes FROM objects WHERE bucket = ? AND state = 'stored' AND key = ?"
