"""Recovery after a kill: the next start finishes or undoes what was being written.

An object that `LocalBucket` was writing is finished where its file is whole: the execution that stores it tries again
and finds it. A group of a bulk run is undone: its items are not done, so they are fetched again, and the server may
send other bytes then. Of a group, a file is removed only if it still has its temporary name too, which tells the
group's own files from those of other programs (`ingests._committer`). On a file system without hard links, files are
moved and keep no temporary name: there, one with the bytes that its row describes is the group's own.

Everything else in `tmp` is removed as far as possible (`_tmp`).
"""

import stat
from dataclasses import dataclass
from pathlib import Path

from pupline.errors import StorageError
from pupline.local.bucket._bucket import LocalBucket
from pupline.local.bucket._files import has_links
from pupline.local.bucket._tmp import UndeletedFiles, clear, entries
from pupline.local.database import Database

_IN_GROUPS = (
    "state = 'writing' AND EXISTS (SELECT 1 FROM ingests WHERE run_id || '-' = rtrim(objects.owner, '0123456789'))"
)


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """The work of `recover` at the next start. temporary, temporary_bytes: entries of `tmp` to remove, and their size.

    begun: objects whose write was interrupted; each is finished where its file is whole, else forgotten.
    undone: files of a killed ingest that are removed, since their items are fetched again.
    """

    temporary: int
    temporary_bytes: int
    begun: int
    undone: int


def recover(data_dir: Path, database: Database) -> UndeletedFiles | None:
    """Finish or undo the writes of a killed process in all buckets, and clear `tmp`; what could not be removed.

    Only for the holder of the data directory's lock, before anything is created. Raises: StorageError.
    """
    try:
        _undo_groups(data_dir, database)
        undeleted = clear(data_dir / "tmp")
    except OSError as err:
        raise StorageError(f"what a killed process left in {data_dir} cannot be cleared: {err}") from err
    interrupted = "SELECT bucket FROM objects WHERE state = 'writing' UNION SELECT bucket FROM overwrites"
    for (name,) in database.rows(interrupted):
        LocalBucket(data_dir, name, database).settle()
    return undeleted


def plan_recovery(data_dir: Path, database: Database) -> RecoveryPlan:
    """The work of the next start. Changes nothing. Raises: StorageError."""
    try:
        found = entries(data_dir / "tmp")
    except OSError as err:
        raise StorageError(f"{data_dir / 'tmp'} cannot be read: {err.strerror}") from err
    [(undone,)] = database.rows(f"SELECT count(*) FROM objects WHERE {_IN_GROUPS}")  # noqa: S608 - the text is ours
    [(begun,)] = database.rows(
        "SELECT (SELECT count(*) FROM objects WHERE state = 'writing') + (SELECT count(*) FROM overwrites)"
    )
    size_bytes = sum(one.st_size for one in found if stat.S_ISREG(one.st_mode))
    return RecoveryPlan(len(found), size_bytes, begun - undone, undone)


def _undo_groups(data_dir: Path, database: Database) -> None:
    """The files first, then the rows, then (by the caller) the temporary names: a kill in between changes nothing."""
    rows = database.rows(f"SELECT bucket, path, sha256 FROM objects WHERE {_IN_GROUPS}")  # noqa: S608 - the text is ours
    if not rows:
        return
    own_inodes = {one.st_ino for one in entries(data_dir / "tmp")}
    are_moved = not has_links(data_dir / "tmp")
    changed: dict[tuple[str, str], str] = {}
    for name, path, sha256 in rows:
        files = LocalBucket(data_dir, name, database).files
        if files.remove(path, own_inodes) or (are_moved and files.remove_holding(path, sha256)):
            changed[name, path.rpartition("/")[0]] = path
    for (name, _), path in changed.items():
        LocalBucket(data_dir, name, database).files.sync_folder(path)
    database.write(lambda connection: connection.execute(f"DELETE FROM objects WHERE {_IN_GROUPS}"))  # noqa: S608
