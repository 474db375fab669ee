"""The rows of the objects: which key has which path, and which paths are taken."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pupline.local.bucket._paths import folded, parents
from pupline.local.database import execute_many, marks, storable

_COLUMNS = "bucket, key, path, folded_path, sha256, size_bytes, content_type, owner, created_at, state"
_FIND = "SELECT path, sha256, owner, state FROM objects WHERE bucket = ? AND key = ?"


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """What the table says of one key. state: `writing` or `stored`."""

    path: str
    sha256: str
    owner: str
    state: str


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object that is about to get its file at `path`, relative to the bucket.

    is_plain: nobody has had its key, as far as the tables tell.
    """

    key: str
    path: str
    sha256: str
    size_bytes: int
    content_type: str
    owner: str
    is_plain: bool = True


def find_object(connection: sqlite3.Connection, bucket: str, key: str) -> ObjectRow | None:
    """The row of that key, if any."""
    found = connection.execute(_FIND, (bucket, key)).fetchone()
    return ObjectRow(*found) if found else None


def insert_intent(connection: sqlite3.Connection, bucket: str, new: NewObject) -> bool:
    """Say what is about to be written, in the place of what the key had; False when the path is taken."""
    fold = folded(new.path)
    if is_taken(connection, bucket, new.key, fold):
        return False
    insert = f"INSERT OR REPLACE INTO objects ({_COLUMNS}) VALUES ({marks(10)})"  # noqa: S608 - the names are ours
    connection.execute(insert, _values(bucket, new, time.time()))
    return True


def insert_intents(connection: sqlite3.Connection, bucket: str, new: Sequence[NewObject]) -> tuple[int, int]:
    """Say what is about to be written; the first and the last object id given out, with no other between them.

    The caller has seen that keys and paths are free. A key that had an object whose file is gone begins anew.
    """
    beside = [(bucket, one.key) for one in new if not one.is_plain]
    connection.executemany("DELETE FROM objects WHERE bucket = ? AND key = ?", beside)
    (last,) = connection.execute("SELECT coalesce(max(object_id), 0) FROM objects").fetchone()
    now = time.time()
    # By key: neighbours in the indexes are then changed one after the other, while their page is at hand.
    by_key = sorted(new, key=lambda one: one.key)
    rows = [(last + number, *_values(bucket, one, now)) for number, one in enumerate(by_key, start=1)]
    execute_many(connection, f"INSERT INTO objects (object_id, {_COLUMNS})", rows)
    return last + 1, last + len(rows)


def move_intent(connection: sqlite3.Connection, bucket: str, key: str, path: str) -> bool:
    """Say that what is about to be written goes to another path; False when that one is taken."""
    fold = folded(path)
    if is_taken(connection, bucket, key, fold):
        return False
    update = "UPDATE objects SET path = ?, folded_path = ? WHERE bucket = ? AND key = ? AND state = 'writing'"
    connection.execute(update, (path, fold, bucket, key))
    return True


def is_taken(connection: sqlite3.Connection, bucket: str, key: str, fold: str) -> bool:
    """Whether another key has this path, has a directory of it as its file, or needs it as a directory."""
    above = parents(fold)
    same_or_above = f"SELECT 1 FROM objects WHERE bucket = ? AND key <> ? AND folded_path IN ({marks(len(above) + 1)})"  # noqa: S608
    if connection.execute(same_or_above, (bucket, key, fold, *above)).fetchone():
        return True
    below = "SELECT 1 FROM objects WHERE bucket = ? AND key <> ? AND folded_path > ? AND folded_path < ? LIMIT 1"
    return connection.execute(below, (bucket, key, fold + "/", fold + "0")).fetchone() is not None


def _values(bucket: str, new: NewObject, now: float) -> tuple[str | int | float, ...]:
    fold = folded(new.path)
    content_type = storable(new.content_type)
    return (bucket, new.key, new.path, fold, new.sha256, new.size_bytes, content_type, new.owner, now, "writing")
