"""Where a worker puts the bodies of images: files in the data directory's `tmp`, without any fsync.

Making them durable is the coordinator's, in groups.
"""

import itertools
import os
import resource
from collections import deque

from pupline.errors import StorageError

FILES_KEPT_OPEN = 768
"""Files whose pages are left in memory until the coordinator has synced them (its groups hold 512, and two may wait);
then they make room for new ones. Without that, a million images would drive everything else out of the page cache, and
each needs fresh pages, which are dear."""

_OTHER_DESCRIPTORS = 128
_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Bodies:
    """Files named after this process and a number. Safe to use from many threads.

    connections: how many descriptors others in this process may need.
    """

    def __init__(self, folder: str, connections: int) -> None:
        self._path = f"{folder}/ingest-{os.getpid()}-"
        self._numbers = itertools.count()
        self._written: deque[int] = deque()
        self._kept_open = _descriptors_for(FILES_KEPT_OPEN, connections)

    def write(self, body: bytes) -> str:
        """The path of a new file with these bytes. Raises: StorageError."""
        path = f"{self._path}{next(self._numbers)}"
        try:
            descriptor = os.open(path, _NEW_FILE, 0o600)
            self._written.append(descriptor)
            written = os.write(descriptor, body)
            while written < len(body):
                written += os.write(descriptor, memoryview(body)[written:])
            if len(self._written) > self._kept_open:
                _forget(self._written.popleft())
        except OSError as err:
            raise StorageError(f"cannot write {path}: {err.strerror}; free some space, or look at it") from err
        return path


def _forget(descriptor: int) -> None:
    """Close a file that will not be read again soon, and have its memory used for the next ones."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def _descriptors_for(files: int, connections: int) -> int:
    """How many files may be kept open beside so many connections: `files`, where the system lets us have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + connections + _OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(0, soft - connections - _OTHER_DESCRIPTORS)
    return files
