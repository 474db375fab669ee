"""What a killed process, or anybody else, left in `tmp`: found, and removed as far as it can be.

Everything below `tmp` is pupline's to remove, and may be anything: a folder of a listing, a link, a pipe, a name that
is not text. Links are removed, never followed, and nothing is opened but directories. Folders are taken apart from
above: what is in one is moved up, so that no depth and no length of a path is too much. What cannot be removed stays,
and is told.
"""

import errno
import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pupline.text import plural, printable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class UndeletedFiles:
    """What could not be removed of a folder. first: the name of one of them; reason: why not, in the system's words."""

    folder: Path
    count: int
    first: str
    reason: str

    def __str__(self) -> str:
        many = plural(self.count, "entry of it", "entries of it")
        return (
            f"{self.folder} is pupline's own, to be emptied at each start, and {many} cannot be removed "
            f"('{printable(os.fsencode(self.first).decode('utf-8', 'backslashreplace'))}': {self.reason}); "
            "remove what is there by hand"
        )


def leftovers(folder: Path) -> list[os.stat_result]:
    """What lies in the folder, links not followed; nothing where there is no folder. Raises: OSError."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names, which need not be text
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        try:
            found.append(os.lstat(os.path.join(folder, name)))  # noqa: PTH118 - as above
        except FileNotFoundError:
            continue
    return found


def clear(folder: Path) -> UndeletedFiles | None:
    """Remove everything in the folder that can be removed; what could not, None when all is gone.

    Raises: OSError when the folder itself cannot be opened; not when there is none.
    """
    try:
        root = os.open(folder, _DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        return _Clearing(root).run(folder)
    finally:
        os.close(root)


class _Clearing:
    def __init__(self, root: int) -> None:
        self._root = root
        self._device = os.fstat(root).st_dev
        self._numbers = itertools.count()
        self._todo = os.listdir(root)
        self._stuck: dict[str, str] = {}

    def run(self, folder: Path) -> UndeletedFiles | None:
        """Remove entry after entry, those that folders held among them."""
        while self._todo:
            name = self._todo.pop()
            try:
                self._remove(name)
            except FileNotFoundError:
                continue
            except OSError as err:
                self._stuck[name] = err.strerror or str(err)
        if not self._stuck:
            return None
        first = min(self._stuck)
        return UndeletedFiles(folder, len(self._stuck), first, self._stuck[first])

    def _remove(self, name: str) -> None:
        if not self._is_folder(name, self._root):
            os.unlink(name, dir_fd=self._root)
            return
        with self._opened(name) as inside:
            trouble = self._emptied(inside)
        if trouble:
            raise trouble
        os.rmdir(name, dir_fd=self._root)

    def _emptied(self, inside: int) -> OSError | None:
        """Remove a folder's files and move its folders up; what went wrong first, if anything did."""
        trouble: OSError | None = None
        for entry in os.listdir(inside):
            try:
                if self._is_folder(entry, inside):
                    self._move_up(entry, inside)
                else:
                    os.unlink(entry, dir_fd=inside)
            except OSError as err:
                trouble = trouble or err
        return trouble

    def _move_up(self, entry: str, inside: int) -> None:
        with self._opened(entry, inside):  # which makes it writable, as whatever is moved has to be
            fresh = f"left-{os.getpid()}-{next(self._numbers)}"
            os.rename(entry, fresh, src_dir_fd=inside, dst_dir_fd=self._root)
        self._todo.append(fresh)

    def _is_folder(self, name: str, parent: int) -> bool:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)

    @contextmanager
    def _opened(self, name: str, parent: int | None = None) -> Iterator[int]:
        """A descriptor of the folder, which may be written to now if it is ours. Raises: OSError."""
        parent = self._root if parent is None else parent
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if found.st_dev != self._device:
            raise OSError(errno.EXDEV, "another file system is mounted there")
        if found.st_mode & stat.S_IRWXU != stat.S_IRWXU and found.st_uid == os.geteuid():
            _let_us_in(name, parent)
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _let_us_in(name: str, parent: int) -> None:
    """Let the owner read, write and enter the folder; not what a link leads to that has taken its place meanwhile."""
    if not hasattr(os, "O_PATH"):
        os.chmod(name, stat.S_IRWXU, dir_fd=parent, follow_symlinks=False)
        return
    descriptor = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        Path(f"/proc/self/fd/{descriptor}").chmod(stat.S_IRWXU)
    finally:
        os.close(descriptor)
