"""The rows of the objects: which key has which path, and which paths are taken."""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pupline.local.bucket._paths import folded, parents
from pupline.local.database import execute_many, marks, storable

_COLUMNS = "bucket, key, path, folded_path, sha256, size_bytes, content_type, owner, created_at, state"


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """The row of one key. state: `writing` or `stored`."""

    path: str
    sha256: str
    owner: str
    state: str


@dataclass(slots=True, eq=False)
class BucketObject:
    """An object that is stored, or that a commit is about to announce.

    path: relative to the bucket; that of a new object is final only when its file has it. owner: the execution that
    stores it. temporary: the file with the bytes of a new object. is_plain: by the tables, its key was never used.
    """

    key: str
    path: str
    sha256: str
    size_bytes: int
    content_type: str = ""
    owner: str = ""
    temporary: str | None = None
    is_plain: bool = True


def find_object(connection: sqlite3.Connection, bucket: str, key: str) -> ObjectRow | None:
    """The row of that key, if any."""
    query = "SELECT path, sha256, owner, state FROM objects WHERE bucket = ? AND key = ?"
    found = connection.execute(query, (bucket, key)).fetchone()
    return ObjectRow(*found) if found else None


def insert_intent(connection: sqlite3.Connection, bucket: str, new: BucketObject) -> bool:
    """Record the intent to write an object, instead of what its key had; False when the path is taken."""
    if is_taken(connection, bucket, new.key, folded(new.path)):
        return False
    insert = f"INSERT OR REPLACE INTO objects ({_COLUMNS}) VALUES ({marks(10)})"  # noqa: S608 - the names are ours
    connection.execute(insert, _intent(bucket, new, time.time()))
    return True


def insert_intents(connection: sqlite3.Connection, bucket: str, new: Sequence[BucketObject]) -> tuple[int, int]:
    """Record the intents to write objects; the first and the last object id, which are consecutive.

    The caller has checked that keys and paths are free. A key whose object lost its file starts again.
    """
    reused = [(bucket, one.key) for one in new if not one.is_plain]
    connection.executemany("DELETE FROM objects WHERE bucket = ? AND key = ?", reused)
    (last,) = connection.execute("SELECT coalesce(max(object_id), 0) FROM objects").fetchone()
    now = time.time()
    # By key: neighbours in the indexes are then changed one after the other, while their page is cached.
    by_key = sorted(new, key=lambda one: one.key)
    rows = [(last + number, *_intent(bucket, one, now)) for number, one in enumerate(by_key, start=1)]
    execute_many(connection, f"INSERT INTO objects (object_id, {_COLUMNS})", rows)
    return last + 1, last + len(rows)


def move_intent(connection: sqlite3.Connection, bucket: str, key: str, path: str) -> bool:
    """Change the path of an object that is about to be written; False when the new one is taken."""
    fold = folded(path)
    if is_taken(connection, bucket, key, fold):
        return False
    update = "UPDATE objects SET path = ?, folded_path = ? WHERE bucket = ? AND key = ? AND state = 'writing'"
    connection.execute(update, (path, fold, bucket, key))
    return True


def is_taken(connection: sqlite3.Connection, bucket: str, key: str, fold: str) -> bool:
    """Whether another key has this folded path, has a directory of it as its file, or needs it as a directory."""
    above = parents(fold)
    same_or_above = f"SELECT 1 FROM objects WHERE bucket = ? AND key <> ? AND folded_path IN ({marks(len(above) + 1)})"  # noqa: S608
    if connection.execute(same_or_above, (bucket, key, fold, *above)).fetchone():
        return True
    below = "SELECT 1 FROM objects WHERE bucket = ? AND key <> ? AND folded_path > ? AND folded_path < ? LIMIT 1"
    return connection.execute(below, (bucket, key, fold + "/", fold + "0")).fetchone() is not None


def _intent(bucket: str, new: BucketObject, now: float) -> tuple[str | int | float, ...]:
    content_type = storable(new.content_type)
    fold = folded(new.path)
    return (bucket, new.key, new.path, fold, new.sha256, new.size_bytes, content_type, new.owner, now, "writing")


def forget_objects(connection: sqlite3.Connection, object_ids: Sequence[int]) -> None:
    """Delete the rows of objects whose files are removed."""
    delete = "DELETE FROM objects WHERE object_id IN (SELECT value FROM json_each(?))"
    connection.execute(delete, (json.dumps(list(object_ids)),))
