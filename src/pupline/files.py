"""Reading files that a user names: never longer than a file can be expected to be, and never waiting for nobody.

And one thing about directories that all who write files need.
"""

import codecs
import errno
import os
import stat
from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024
"""A definition, a spec or a secret is nowhere near it; `/dev/zero` is."""

_NO_DIRECTORY_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What a file system says that has no fsync of directories; a write that went wrong is EIO, ENOSPC or EDQUOT."""

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read_input(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a file, or of a pipe that something writes to.

    Raises: OSError, whose `strerror` says it where `path` is a socket, a directory, longer than `max_bytes`, or a
    named pipe (FIFO) at whose other end there is nothing: opening that would wait forever.
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
    """The text of a file that people wrote: UTF-8, or UTF-16 that begins with its byte order mark, as editors save it.

    Raises: UnicodeDecodeError; OSError as `read_input`.
    """
    data = read_input(path)
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return data.decode(encoding)


def fsync_directory(directory: int) -> None:
    """Put the entries of a directory on the disk. directory: an open descriptor of it. Raises: OSError.

    Some file systems (CIFS and some of FUSE) have no fsync of directories; there it is left to them.
    """
    try:
        os.fsync(directory)
    except OSError as err:
        if err.errno not in _NO_DIRECTORY_SYNC:
            raise


def _opened(path: Path) -> int:
    try:
        return os.open(path, _FLAGS)
    except OSError as err:
        if err.errno == errno.ENXIO:
            raise _unfit(path, "it is a socket, or a device that is not there") from err
        raise


def _first_bytes(descriptor: int, path: Path) -> bytes:
    """What is in the pipe already; nothing where its writer has yet to write."""
    try:
        begin = os.read(descriptor, 65536)
    except BlockingIOError:  # there is a writer: it is worth the wait, and Ctrl-C ends that
        return b""
    if not begin:
        raise _unfit(path, "it is a named pipe (FIFO) that nothing writes to")
    return begin


def _unfit(path: Path, why: str) -> OSError:
    return OSError(errno.EINVAL, why, str(path))
