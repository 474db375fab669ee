"""Clears `tmp` of whatever a killed process, or anything else, left there, as far as possible.

Everything below `tmp` is pupline's to remove, and may be anything: a folder of a listing, a link, a pipe, a name that
is not text. Links are removed, never followed, and nothing but directories is opened. Folders are emptied from above,
by moving their subfolders up, so that no depth and no length of a path is too much. What cannot be removed stays, and
is reported.
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
    """Entries of a folder that could not be removed. first: the name of one; reason: why not, as the system says."""

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


def entries(folder: Path) -> list[os.stat_result]:
    """The entries of the folder, links not followed; none when it does not exist. Raises: OSError."""
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
    """Remove everything in the folder that can be removed; what could not, None when it is empty or does not exist.

    Raises: OSError when the folder itself cannot be opened.
    """
    try:
        root = os.open(folder, _DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        reasons = _Clearing(root).run()
    finally:
        os.close(root)
    if not reasons:
        return None
    first = min(reasons)
    return UndeletedFiles(folder, len(reasons), first, reasons[first])


class _Clearing:
    def __init__(self, root: int) -> None:
        self._root = root
        self._device = os.fstat(root).st_dev
        self._numbers = itertools.count()
        self._todo = os.listdir(root)

    def run(self) -> dict[str, str]:
        """Remove the entries, and those of folders moved up; by name, why one could not be removed."""
        reasons: dict[str, str] = {}
        while self._todo:
            name = self._todo.pop()
            try:
                self._remove(name)
            except FileNotFoundError:
                continue
            except OSError as err:
                reasons[name] = err.strerror or str(err)
        return reasons

    def _remove(self, name: str) -> None:
        if not self._is_folder(name, self._root):
            os.unlink(name, dir_fd=self._root)
            return
        with self._opened(name, self._root) as inside:
            trouble: OSError | None = None
            for entry in os.listdir(inside):  # noqa: PTH208 - a descriptor
                try:
                    if self._is_folder(entry, inside):
                        self._move_up(entry, inside)
                    else:
                        os.unlink(entry, dir_fd=inside)
                except OSError as err:
                    trouble = trouble or err
        if trouble:
            raise trouble
        os.rmdir(name, dir_fd=self._root)

    def _move_up(self, entry: str, inside: int) -> None:
        with self._opened(entry, inside):  # makes it writable, which a move requires
            new = f"left-{os.getpid()}-{next(self._numbers)}"
            os.rename(entry, new, src_dir_fd=inside, dst_dir_fd=self._root)
        self._todo.append(new)

    def _is_folder(self, name: str, parent: int) -> bool:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)

    @contextmanager
    def _opened(self, name: str, parent: int) -> Iterator[int]:
        """A descriptor of the folder, which is writable now if it is ours. Raises: OSError."""
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if found.st_dev != self._device:
            raise OSError(errno.EXDEV, "another file system is mounted there")
        if found.st_mode & stat.S_IRWXU != stat.S_IRWXU and found.st_uid == os.geteuid():
            _permit_owner(name, parent)
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _permit_owner(name: str, parent: int) -> None:
    """Let the owner read, write and enter the folder, but never the target of a link that has replaced it."""
    if not hasattr(os, "O_PATH"):
        os.chmod(name, stat.S_IRWXU, dir_fd=parent, follow_symlinks=False)
        return
    descriptor = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        Path(f"/proc/self/fd/{descriptor}").chmod(stat.S_IRWXU)
    finally:
        os.close(descriptor)
