"""Writes the files of a group: the bytes on the disk, then the names, then their directories on the disk."""

import ctypes
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import dropwhile

from pupline.errors import StorageError
from pupline.files import fsync_directory, sync_directory
from pupline.local.bucket import BucketFiles, BucketObject, candidates, move_intent, name_file
from pupline.local.database import Database
from pupline.local.ingests._planner import Group

_FEW = 16
"""Up to so many files are synced one by one: `syncfs` writes the whole file system, other programs' files too."""


class GroupFiles:
    """Writes the files of groups in one bucket."""

    def __init__(self, files: BucketFiles, database: Database) -> None:
        """Raises: StorageError."""
        self._bucket = files
        self._database = database
        self._sync_system = _syncfs()
        try:
            # Opened before the first byte is written: `syncfs` reports errors since then.
            self._system = os.open(files.data_dir, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as err:
            raise files.trouble(err) from err

    def write(self, group: Group) -> None:
        """Put the bytes of the new objects on the disk, then their names. Raises: OSError; StorageError."""
        self._sync([new.temporary for new in group.new_objects if new.temporary])
        with ExitStack() as opened:
            folders: dict[str, int] = {}
            for new in group.new_objects:
                self._name(new, folders, opened)
            for folder in folders.values():
                fsync_directory(folder)

    def remove(self, temporary: Sequence[str]) -> None:
        """Remove temporary files; without hard links they were moved into the bucket. Raises: OSError."""
        for path in temporary:
            try:
                os.unlink(path)  # noqa: PTH108 - a Path for each would cost as much as the call
            except FileNotFoundError:
                continue

    def close(self) -> None:
        """Close the data directory. Idempotent."""
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
        if paths:  # by its temporary name, recovery tells a file of a group from one of another program
            sync_directory(self._bucket.tmp)

    def _name(self, new: BucketObject, folders: dict[str, int], opened: ExitStack) -> None:
        folder, _, name = new.path.rpartition("/")
        if folder not in folders:
            folders[folder], _ = opened.enter_context(self._bucket.folder_of(new.path, create=True))
        assert new.temporary is not None  # noqa: S101 - a new object has a file
        try:
            name_file(new.temporary, name, folders[folder])
        except FileExistsError:
            if not self._bucket.holds_durably(new.path, new.sha256):  # a file that no table knows: it stays
                self._move(new)
                self._name(new, folders, opened)

    def _move(self, new: BucketObject) -> None:
        """Commit the next free path for the object."""
        later = dropwhile(lambda path: path != new.path, candidates(new.key))
        next(later, None)
        for path in later:
            if self._database.write(partial(move_intent, bucket=self._bucket.bucket, key=new.key, path=path)):
                new.path = path
                return
        raise StorageError(f"every path for {new.key} under {self._bucket.root} is taken by another file")


def _syncfs() -> Callable[[int], None] | None:
    """Linux's call that puts a whole file system on its disk, by any descriptor in it; None elsewhere."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is None:
        return None

    def sync(descriptor: int) -> None:
        if function(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return sync
