"""What the next start does about a killed process: finish it, or undo it.

An object that `LocalBucket` was writing is finished where its file is whole: the execution that wanted it asks for it
again and finds it. What a group of a bulk run was writing is undone: its items are not done, they are fetched again,
and the server may give other bytes then. A file is removed only where it still has its temporary name as well, which
is how the group's own files are told from somebody else's (`_intake`).
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pupline.errors import StorageError
from pupline.local._bucket import LocalBucket
from pupline.local._database import Database

_OF_INGESTS = (
    "state = 'writing' AND EXISTS (SELECT 1 FROM ingests WHERE run_id || '-' = rtrim(objects.owner, '0123456789'))"
)


def recover(data_dir: Path, database: Database) -> None:
    """Finish or undo, in all buckets, what a killed process was writing, and remove its temporary files.

    Only for the holder of the data directory's lock, before anything is created. Raises: StorageError.
    """
    try:
        _undo_groups(data_dir, database)
        for left in _temporary(data_dir):
            left.unlink()
    except OSError as err:
        raise StorageError(f"what a killed process left in {data_dir} cannot be cleared: {err}") from err
    begun = "SELECT bucket FROM objects WHERE state = 'writing' UNION SELECT bucket FROM overwrites"
    for (name,) in database.rows(begun):
        LocalBucket(data_dir, name, database).settle()


def _undo_groups(data_dir: Path, database: Database) -> None:
    """The files first, then the rows, then (the caller) the temporary names: a kill in between changes nothing."""
    rows = database.rows(f"SELECT bucket, path FROM objects WHERE {_OF_INGESTS}")  # noqa: S608 - the texts are ours
    ours = {os.lstat(path).st_ino for path in _temporary(data_dir)} if rows else set()
    folders: dict[tuple[str, str], str] = {}
    for name, path in rows:
        if LocalBucket(data_dir, name, database).files.remove(path, ours):
            folders[name, path.rpartition("/")[0]] = path
    for (name, _), path in folders.items():
        LocalBucket(data_dir, name, database).files.sync_folder(path)
    if rows:
        database.write(_forget_groups)


def _forget_groups(connection: sqlite3.Connection) -> None:
    connection.execute(f"DELETE FROM objects WHERE {_OF_INGESTS}")  # noqa: S608 - the texts are ours


def _temporary(data_dir: Path) -> Iterator[Path]:
    return (data_dir / "tmp").glob("*")
