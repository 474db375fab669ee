"""What the next start does about a killed process: finish it, or undo it.

An object that `LocalBucket` was writing is finished where its file is whole: the execution that wanted it asks for it
again and finds it. What a group of a bulk run was writing is undone: its items are not done, they are fetched again,
and the server may give other bytes then. A file is removed only where it still has its temporary name as well, which
is how the group's own files are told from somebody else's (`_intake`).

Whatever else lies in `tmp` is removed as far as it can be (`_leftovers`).
"""

import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

from pupline.errors import StorageError
from pupline.local.bucket._bucket import LocalBucket
from pupline.local.bucket._tmp import UndeletedFiles, clear, leftovers
from pupline.local.database import Database

_BEGUN = "SELECT bucket FROM objects WHERE state = 'writing' UNION SELECT bucket FROM overwrites"
_OF_INGESTS = (
    "state = 'writing' AND EXISTS (SELECT 1 FROM ingests WHERE run_id || '-' = rtrim(objects.owner, '0123456789'))"
)


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """What `recover` would do now. temporary, temporary_bytes: entries of `tmp` to remove, and the size of the files.

    begun: objects whose writing was begun and not ended; each is finished where its file is whole, else forgotten.
    undone: files of a killed ingest that are taken back, since their items are fetched again.
    """

    temporary: int
    temporary_bytes: int
    begun: int
    undone: int


def recover(data_dir: Path, database: Database) -> UndeletedFiles | None:
    """Finish or undo, in all buckets, what a killed process was writing, and clear `tmp`; what could not be removed.

    Only for the holder of the data directory's lock, before anything is created. Raises: StorageError.
    """
    try:
        _undo_groups(data_dir, database)
        undeleted = clear(data_dir / "tmp")
    except OSError as err:
        raise StorageError(f"what a killed process left in {data_dir} cannot be cleared: {err}") from err
    for (name,) in database.rows(_BEGUN):
        LocalBucket(data_dir, name, database).settle()
    return undeleted


def plan_recovery(data_dir: Path, database: Database) -> RecoveryPlan:
    """What the next start has to do, without doing it. Raises: StorageError."""
    try:
        found = leftovers(data_dir / "tmp")
    except OSError as err:
        raise StorageError(f"{data_dir / 'tmp'} cannot be looked into: {err.strerror}") from err
    [(undone,)] = database.rows(f"SELECT count(*) FROM objects WHERE {_OF_INGESTS}")  # noqa: S608 - the text is ours
    [(begun,)] = database.rows(
        "SELECT (SELECT count(*) FROM objects WHERE state = 'writing') + (SELECT count(*) FROM overwrites)"
    )
    sizes = sum(one.st_size for one in found if stat.S_ISREG(one.st_mode))
    return RecoveryPlan(len(found), sizes, begun - undone, undone)


def _undo_groups(data_dir: Path, database: Database) -> None:
    """The files first, then the rows, then (the caller) the temporary names: a kill in between changes nothing."""
    rows = database.rows(f"SELECT bucket, path FROM objects WHERE {_OF_INGESTS}")  # noqa: S608 - the texts are ours
    ours = {one.st_ino for one in leftovers(data_dir / "tmp")} if rows else set()
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
