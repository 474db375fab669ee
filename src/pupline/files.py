"""Reading what a user names, bounded and without blocking; what exists, also in folders; fsync of directories."""

import codecs
import errno
import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024
"""Definitions, specs and secrets are far smaller; `/dev/zero` is not."""

_NO_DIRECTORY_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Errors of a file system without fsync of directories. A failed write is EIO, ENOSPC or EDQUOT."""

_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read_input(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a file, or of a pipe with a writer.

    Raises: OSError, also where `path` is a socket, a directory, longer than `max_bytes`, or a named pipe (FIFO) without
    a writer, which would block forever; `strerror` says which.
    """
    descriptor = _opened(path)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise _unfit(path, "it is a directory")
        if stat.S_ISBLK(mode):
            raise _unfit(path, "it is a device")
        begin = _first_bytes(descriptor, path) if stat.S_ISFIFO(mode) else b""
        os.set_blocking(descriptor, True)
        with open(descriptor, "rb", closefd=False) as file:
            body = begin + file.read(max_bytes + 1 - len(begin))
    finally:
        os.close(descriptor)
    if len(body) > max_bytes:
        raise _unfit(path, f"it is longer than {max_bytes:,} bytes")
    return body


def read_text(path: Path) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark, as some editors save it.

    Raises: UnicodeDecodeError; OSError as `read_input`.
    """
    data = read_input(path)
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return data.decode(encoding)


def exists(path: Path) -> bool:
    """Whether there is a file at the path, or at the end of its links.

    Raises: OSError where that cannot be found out now. `Path.exists` says no then, from Python 3.14 on.
    """
    try:
        path.stat()
    except OSError as err:
        if err.errno in _NOTHING_THERE:
            return False
        raise
    return True


def matching(folder: Path, pattern: str) -> list[Path]:
    """The sorted paths below `folder` that match a pattern: names with `*`, divided by slashes.

    Raises: OSError where a folder cannot be read now. `Path.glob` takes such a folder for an empty one.
    """
    first, _, rest = pattern.partition("/")
    try:
        names = sorted(name for name in os.listdir(folder) if fnmatchcase(name, first))  # noqa: PTH208 - names
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [folder / name for name in names]
    return [path for below in found for path in matching(below, rest)] if rest else found


def fsync_directory(directory: int) -> None:
    """Flush the entries of a directory to the disk. directory: an open descriptor of it. Raises: OSError.

    Some file systems (CIFS and some of FUSE) have no fsync of directories; there it does nothing.
    """
    try:
        os.fsync(directory)
    except OSError as err:
        if err.errno not in _NO_DIRECTORY_SYNC:
            raise


def sync_directory(path: Path) -> None:
    """Put the directory's entries on the disk. Raises: OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fsync_directory(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    if "\0" in str(path):
        raise _unfit(path, "its name has a NUL character")
    try:
        return os.open(path, _FLAGS)
    except OSError as err:
        if err.errno == errno.ENXIO:
            raise _unfit(path, "it is a socket, or a device that is not there") from err
        raise


def _first_bytes(descriptor: int, path: Path) -> bytes:
    """The bytes in the pipe; empty where its writer has not written yet."""
    try:
        begin = os.read(descriptor, 65536)
    except BlockingIOError:  # there is a writer: the read may block, and Ctrl-C ends it
        return b""
    if not begin:
        raise _unfit(path, "it is a named pipe (FIFO) that nothing writes to")
    return begin


def _unfit(path: Path, why: str) -> OSError:
    return OSError(errno.EINVAL, why, str(path))
