"""The files of one bucket: written to `tmp`, named without overwriting, read, never through a symbolic link."""

import errno
import hashlib
import itertools
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from pupline.errors import LocalTrouble, StorageError, local_trouble
from pupline.files import fsync_directory
from pupline.local.bucket._paths import directory
from pupline.local.data_dir import kind_of

# EACCES: some of FUSE, such as the shared storage of Android. Where it means a permission, the rename fails too.
_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


class Removal(Enum):
    """What became of a file that was to be removed."""

    REMOVED = "removed"
    ABSENT = "absent"
    CHANGED = "changed"


class BucketFiles:
    """Paths are relative to the bucket, with `/`. Methods raise OSError and StorageError, or what they name."""

    def __init__(self, data_dir: Path, bucket: str) -> None:
        self.data_dir = data_dir
        self.bucket = bucket
        self.root = data_dir / "buckets" / bucket
        self.tmp = data_dir / "tmp"
        # Not the process id alone: in a container the next process has the same one, and a file may be left there.
        self._prefix = f"{os.getpid()}-{secrets.token_hex(4)}-{bucket}"
        self._numbers = itertools.count()
        self._synced: set[str] = set()

    def write_temporary(self, body: bytes) -> Path:
        """A new file in `<data>/tmp` with these bytes, on the disk."""
        self.tmp.mkdir(parents=True, exist_ok=True)
        temporary = self.tmp / f"{self._prefix}-{next(self._numbers)}"
        try:
            with temporary.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def place(self, temporary: Path, path: str, sha256: str) -> bool:
        """Name the file `path`, durably; False when a file with other bytes has that name."""
        with self.folder_of(path, create=True) as (parent, name):
            try:
                name_file(str(temporary), name, parent)
            except FileExistsError:
                if not self.holds_durably(path, sha256):
                    return False
            fsync_directory(parent)
        return True

    def replace(self, temporary: Path, path: str) -> None:
        """Replace the file at `path` by this one, durably."""
        with self.folder_of(path, create=True) as (parent, name):
            os.rename(temporary, name, dst_dir_fd=parent)
            fsync_directory(parent)

    def remove(self, path: str, inodes: set[int]) -> bool:
        """Remove the file at `path` if its inode is one of these; whether it was."""
        try:
            with self.folder_of(path, create=False) as (parent, name):
                if os.stat(name, dir_fd=parent, follow_symlinks=False).st_ino not in inodes:
                    return False
                os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            return False
        return True

    def remove_holding(self, path: str, sha256: str) -> bool:
        """Remove the file at `path` if it has these bytes; whether it did."""
        if not self.holds(path, sha256):
            return False
        with self.folder_of(path, create=False) as (parent, name):
            os.unlink(name, dir_fd=parent)
        return True

    def remove_stored(self, files: Sequence[tuple[str, int]]) -> list["Removal"]:
        """Remove files, given with the size that they were stored with, durably; what became of each.

        A file of another size was put there since by somebody else, and stays.
        """
        found, folders = [], {}
        for path, size_bytes in files:
            removal = self._remove_stored(path, size_bytes)
            found.append(removal)
            if removal is Removal.REMOVED:
                folders[path.rpartition("/")[0]] = path
        for path in folders.values():
            self.sync_folder(path)
        return found

    def _remove_stored(self, path: str, size_bytes: int) -> "Removal":
        try:
            with self.folder_of(path, create=False) as (parent, name):
                there = os.stat(name, dir_fd=parent, follow_symlinks=False)
                if not stat.S_ISREG(there.st_mode) or there.st_size != size_bytes:
                    return Removal.CHANGED
                os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            return Removal.ABSENT
        except OSError as err:
            raise self.trouble(err) from err
        return Removal.REMOVED

    def prune_folders(self, folders: Iterable[str]) -> None:
        """Remove these folders, all in them and all above them, as far as they are empty."""
        self._synced.clear()
        for folder in folders:
            for below, _, _ in os.walk(self.root / folder, topdown=False):
                with suppress(OSError):  # not empty, or not ours to remove
                    Path(below).rmdir()
            for above in (self.root / folder).relative_to(self.root).parents[:-1]:
                with suppress(OSError):
                    (self.root / above).rmdir()

    def sync_folder(self, path: str) -> None:
        """Put the name `path` on the disk."""
        with self.folder_of(path, create=False) as (parent, _):
            fsync_directory(parent)

    def holds(self, path: str, sha256: str) -> bool:
        """Whether the file exists with these bytes. Raises: LocalTrouble when it cannot be read now."""
        try:
            return hashlib.sha256(self.read(path)).hexdigest() == sha256
        except LocalTrouble:
            raise
        except OSError as err:
            # A file that cannot be opened now still exists: its key must not go to other bytes.
            if local_trouble(err):
                raise self.trouble(err) from err
            return False
        except StorageError:
            return False

    def holds_durably(self, path: str, sha256: str) -> bool:
        """As `holds`; True when the bytes are on the disk, even if another program wrote them a moment ago."""
        if not self.holds(path, sha256):
            return False
        descriptor = self.open(path)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return True

    def read(self, path: str) -> bytes:
        """The bytes of the file."""
        with open(self.open(path), "rb") as file:  # noqa: PTH123 - it is a descriptor
            return file.read()

    def open(self, path: str) -> int:
        """An open descriptor of the file, to read from."""
        with self.folder_of(path, create=False) as (parent, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):  # a device may be endless
            os.close(descriptor)
            raise StorageError(f"{self.root / path} is {kind_of(mode)}: move it away")
        return descriptor

    def is_there(self, path: str, size_bytes: int) -> bool:
        """Whether a file of that size exists: cheap, but blind to bytes edited in place. Raises: LocalTrouble."""
        try:
            found = os.lstat(f"{self.root}/{path}")
        except OSError as err:
            if local_trouble(err):
                raise self.trouble(err) from err
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == size_bytes

    @contextmanager
    def folder_of(self, path: str, *, create: bool) -> Iterator[tuple[int, str]]:
        """An open descriptor of the directory that holds `path`, and the last part of `path`."""
        folder, _, name = path.rpartition("/")
        with directory(
            self.data_dir, f"buckets/{self.bucket}/{folder}", synced=self._synced if create else None
        ) as parent:
            yield parent, name

    def trouble(self, err: OSError) -> StorageError:
        """The system's error as one of ours."""
        found = local_trouble(err)
        if found is None:
            return StorageError(f"cannot store or read an object under {self.root}: {err}")
        return LocalTrouble(f"an object under {self.root} cannot be stored or read: {found.message}")


def name_file(temporary: str, name: str, parent: int) -> None:
    """Give the file a second name in `parent`, without overwriting. Raises: FileExistsError.

    Where there are no hard links it is moved there instead.
    """
    try:
        os.link(temporary, name, dst_dir_fd=parent)
    except OSError as err:
        if err.errno not in _NO_LINKS:
            raise
        # rename would overwrite, so check first. In between, only another program could put a file there: pupline holds
        # the data directory's lock.
        if _is_there(name, parent):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from err
        os.rename(temporary, name, dst_dir_fd=parent)


def has_links(folder: Path) -> bool:
    """Whether the file system has hard links, tried in `folder`, which is made. Raises: OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"link-{os.getpid()}-{secrets.token_hex(4)}"
    other = name.with_name(f"{name.name}-2")
    name.touch(exist_ok=False)
    try:
        other.hardlink_to(name)
    except OSError as err:
        if err.errno not in _NO_LINKS:
            raise
        return False
    finally:
        other.unlink(missing_ok=True)
        name.unlink()
    return True


def _is_there(name: str, parent: int) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
