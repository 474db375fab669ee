"""The files of a group: on the disk, then named, then their directories on the disk."""

import ctypes
import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from urllib.parse import quote_from_bytes

from pupline.errors import StorageError
from pupline.files import fsync_directory
from pupline.local.bucket import BucketFiles, candidates, move_intent, name_file
from pupline.local.database import Database
from pupline.local.ingests._planner import Group, Held

_FEW = 16
"""So few files are synced one by one: `syncfs` has the whole file system write, also for other programs."""

_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch


class GroupFiles:
    """Stores the files of groups in one bucket."""

    def __init__(self, files: BucketFiles, database: Database) -> None:
        """Raises: StorageError."""
        self._bucket = files
        self._database = database
        self._root_url = files.root.as_uri()
        self._sync_system = _syncfs()
        try:
            # Held open from before the first byte is written: `syncfs` reports what went wrong since.
            self._system = os.open(files.data_dir, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as err:
            raise files.trouble(err) from err

    def store(self, group: Group) -> None:
        """Have the bytes on the disk, then the names. Raises: OSError; StorageError."""
        self._sync([held.temporary for held in group.made if held.temporary])
        with ExitStack() as opened:
            folders: dict[str, int] = {}
            for held in group.made:
                self._name(held, folders, opened)
            for folder in folders.values():
                fsync_directory(folder)

    def remove(self, temporary: Sequence[str]) -> None:
        """Remove temporary files; without hard links they are in the bucket already. Raises: OSError."""
        for path in temporary:
            try:
                os.unlink(path)  # noqa: PTH108 - a Path for each would cost as much as the call
            except FileNotFoundError:
                continue

    def url(self, path: str) -> str:
        """The `file://` URL of a path in the bucket, quoted as `LocalBucket.url` does it."""
        return f"{self._root_url}/{path if _PLAIN(path) else quote_from_bytes(os.fsencode(path))}"

    def trouble(self, err: OSError) -> StorageError:
        """What the system's error means for whoever runs pupline."""
        return self._bucket.trouble(err)

    def close(self) -> None:
        """Let go of the data directory. Harmless when done twice."""
        if self._system >= 0:
            os.close(self._system)
            self._system = -1

    def _sync(self, paths: Sequence[str]) -> None:
        if len(paths) > _FEW and self._sync_system:
            self._sync_system(self._system)
            return
        for path in paths:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _name(self, held: Held, folders: dict[str, int], opened: ExitStack) -> None:
        folder, _, name = held.path.rpartition("/")
        if folder not in folders:
            folders[folder], _ = opened.enter_context(self._bucket.folder_of(held.path, create=True))
        assert held.temporary is not None  # noqa: S101 - what a group makes is made of a file
        try:
            name_file(held.temporary, name, folders[folder])
        except FileExistsError:
            self._name_elsewhere(held, folders, opened)

    def _name_elsewhere(self, held: Held, folders: dict[str, int], opened: ExitStack) -> None:
        """Something that is in no table has the path: it stays. With the same bytes it is the object."""
        if self._bucket.holds(held.path, held.sha256):
            return
        later = iter(candidates(held.key))
        with suppress(StopIteration):
            while next(later) != held.path:
                pass
        for path in later:
            if self._database.write(self._moving(held.key, path)):
                held.path = path
                self._name(held, folders, opened)
                return
        raise StorageError(f"every path for {held.key} under {self._bucket.root} is taken by another file")

    def _moving(self, key: str, path: str) -> Callable[[sqlite3.Connection], bool]:
        return lambda connection: move_intent(connection, self._bucket.bucket, key, path)


def _syncfs() -> Callable[[int], None] | None:
    """Linux's call that puts a whole file system on its disk, by any descriptor in it; None elsewhere."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is None:
        return None

    def sync(descriptor: int) -> None:
        if function(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return sync
