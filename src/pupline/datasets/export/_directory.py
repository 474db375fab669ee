"""An export in a directory: files appear whole or not at all, and nothing is replaced or removed but an export's own.

    .pupline-export/manifest.jsonl    the files of the export
    .pupline-export/lock              held by the process that writes
    .pupline-export/tmp/              files that are being written

The order of writes: the manifest with all files that may be made; the files; the removal of those that are no longer
wanted; the manifest of what is there. After a kill at any point, the same command continues: whole files stay.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from pupline.datasets._objects import ImageBytes
from pupline.datasets.export._manifest import ExportFiles, ExportHeader
from pupline.datasets.export._target import system_errors
from pupline.errors import ConfigurationError
from pupline.files import exists
from pupline.text import printable

_STATE = ".pupline-export"
_FICLONE = 0x40049409
"""The request that shares the blocks of a file (Btrfs, XFS). Source: ioctl_ficlone(2)."""

_NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_WRITABLE = 0o222


class ExportDirectory:
    """Implements `ExportTarget`. link: share the files of the store by hard links, where the file system can.

    A linked file is the store's own file: it is made read-only, so that no program writes into both by accident.
    """

    def __init__(self, root: Path, header: ExportHeader, *, link: bool) -> None:
        self.added = 0
        self._root = root
        self._header = header
        self._link = link
        self._reflink = True
        self._files = ExportFiles()
        self._folders: set[str] = set()
        self._numbers = 0
        self._opened = ExitStack()

    @property
    def location(self) -> str:
        """The directory."""
        return str(self._root)

    def __enter__(self) -> Self:
        self._opened.callback(self._files.close)
        try:
            with system_errors(self._root):
                self._open()
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._opened.close()

    def begin(self, paths: Iterable[str]) -> None:
        """Announce all files that may be made. Raises: StorageError."""
        self._files.plan(paths)
        with system_errors(self._root):
            self._write_manifest(complete=False)

    def place(self, path: str, image: ImageBytes) -> None:
        """Put an image at `path`. Raises: ConfigurationError for a file of somebody else there; StorageError."""
        with system_errors(self._root):
            target = self._target(path)
            found = _lstat(target)
            if found is not None and self._is_there(path, target, found, image):
                return
            self._make(target, image, replace=found is not None)
            self.added += 1
            self._files.placed(path)

    @contextmanager
    def file(self, path: str) -> Iterator[BinaryIO]:
        """A file to write, which gets its name when the block ends without an error. Raises: as `place` does."""
        with system_errors(self._root):
            target, temporary = self._target(path), self._temporary()
            if _lstat(target) is not None and not self._files.is_old(path):
                raise self._taken(target)
            try:
                with temporary.open("x+b") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
            self._files.placed(path)

    def finish(self) -> int:
        """Remove what earlier exports made and this one does not have; the number of files. Raises: StorageError."""
        removed = 0
        with system_errors(self._root):
            emptied = set()
            for path in self._files.stale():
                with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    if self._is_inside(path):
                        (self._root / path).unlink()
                        removed += 1
                        emptied.add(path.rpartition("/")[0])
            for folder in sorted(emptied - {""}, key=len, reverse=True):
                self._remove_empty(folder)
            os.sync()  # copies are not synced one by one, which would take a hundred times longer
            self._write_manifest(complete=True)
        return removed

    def _open(self) -> None:
        state = self._root / _STATE
        self._root.mkdir(parents=True, exist_ok=True)
        state.mkdir(exist_ok=True)
        if not stat.S_ISDIR(state.lstat().st_mode):
            raise ConfigurationError(f"{state} is not a directory; move it away, or choose another place with --to")
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        self._opened.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise ConfigurationError(f"another export is writing to {self._root}; wait for it, or stop it") from err
        tmp = state / "tmp"
        tmp.mkdir(exist_ok=True)
        for left in tmp.iterdir():
            left.unlink()
        manifest = state / "manifest.jsonl"
        if exists(manifest):
            with manifest.open("rb") as file:
                self._files.load(file, str(manifest), self._header)

    def _is_there(self, path: str, target: Path, found: os.stat_result, image: ImageBytes) -> bool:
        """Whether the file at `path` is the image already. Raises: ConfigurationError for one of somebody else."""
        shares = image.path is not None and os.path.samestat(found, image.path.lstat())
        is_same = shares or _holds(target, found, image.body)
        if not self._files.is_old(path):
            if not is_same:
                raise self._taken(target)
            self._files.disown(path)
            return True
        if not is_same or (shares and not self._link) or (not shares and self._can_link(image, found.st_dev)):
            return False
        self._files.placed(path)
        return True

    def _can_link(self, image: ImageBytes, device: int) -> bool:
        return self._link and image.path is not None and image.path.lstat().st_dev == device

    def _make(self, target: Path, image: ImageBytes, *, replace: bool) -> None:
        """Make the file: by a link, else by sharing blocks, else by copying the bytes."""
        name = self._temporary() if replace else target
        if self._link and image.path is not None and self._linked(image.path, name):
            if replace:
                name.replace(target)
            return
        temporary = self._temporary()
        with temporary.open("xb") as file:
            if not (image.path is not None and self._cloned(image.path, file.fileno())):
                file.write(image.body)
        temporary.replace(target)

    def _linked(self, source: Path, target: Path) -> bool:
        """Whether `target` is now a link to `source`, read-only. The next file is not tried where that cannot work."""
        try:
            mode = source.lstat().st_mode
            if mode & _WRITABLE:
                source.chmod(stat.S_IMODE(mode) & ~_WRITABLE)
            os.link(source, target, follow_symlinks=False)
        except OSError as err:
            if err.errno == errno.EMLINK:
                return False
            if err.errno not in _NO_LINK:
                raise
            self._link = False
            return False
        return True

    def _cloned(self, source: Path, target: int) -> bool:
        if not self._reflink:
            return False
        with source.open("rb") as file:
            try:
                fcntl.ioctl(target, _FICLONE, file.fileno())
            except OSError:
                self._reflink = False
        return self._reflink

    def _target(self, path: str) -> Path:
        """The path of a file, whose folders exist and are directories, not links to other places."""
        folder = path.rpartition("/")[0]
        if folder and folder not in self._folders:
            place = self._root
            for part in folder.split("/"):
                place /= part
                with suppress(FileExistsError):
                    place.mkdir()
                if not stat.S_ISDIR(place.lstat().st_mode):
                    raise self._taken(place)
            self._folders.add(folder)
        return self._root / path

    def _is_inside(self, path: str) -> bool:
        """Whether no folder on the way is a link."""
        place = self._root
        for part in path.split("/")[:-1]:
            place /= part
            if not stat.S_ISDIR(place.lstat().st_mode):
                return False
        return True

    def _remove_empty(self, folder: str) -> None:
        """Remove a folder whose last file was removed, and the folders above it that are empty then."""
        with suppress(OSError):
            while folder:
                (self._root / folder).rmdir()
                folder = folder.rpartition("/")[0]

    def _write_manifest(self, *, complete: bool) -> None:
        temporary = self._temporary()
        with temporary.open("xb") as file:
            file.writelines(self._files.lines(self._header, complete=complete))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._root / _STATE / "manifest.jsonl")

    def _temporary(self) -> Path:
        self._numbers += 1
        return self._root / _STATE / "tmp" / str(self._numbers)

    def _taken(self, path: Path) -> ConfigurationError:
        return ConfigurationError(
            f"{printable(str(path), 400)} is not a file of an export; move it away, or choose another place with --to"
        )


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _holds(path: Path, found: os.stat_result, body: bytes) -> bool:
    if not stat.S_ISREG(found.st_mode) or found.st_size != len(body):
        return False
    return path.read_bytes() == body
