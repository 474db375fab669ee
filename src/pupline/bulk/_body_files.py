"""Where a worker puts the bodies of images: files in the data directory's `tmp`, without any fsync.

Making them durable is the coordinator's, in groups.
"""

import itertools
import os
import secrets
from collections import deque

from pupline.errors import StorageError, local_trouble

_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class BodyFiles:
    """Files named after this process and a number. Safe to use from many threads.

    kept_open: how many of them stay open, so that their memory is used anew once they are synced.
    """

    def __init__(self, folder: str, kept_open: int) -> None:
        # Not the process alone: in a container the next one has the same number, and a file may be there to stay.
        self._path = f"{folder}/ingest-{os.getpid()}-{secrets.token_hex(4)}-"
        self._numbers = itertools.count()
        self._written: deque[int] = deque()
        self._kept_open = kept_open

    def write(self, body: bytes) -> str:
        """The path of a new file with these bytes. Raises: StorageError."""
        path = f"{self._path}{next(self._numbers)}"
        try:
            descriptor = os.open(path, _NEW_FILE, 0o600)
            try:
                written = os.write(descriptor, body)
                while written < len(body):
                    written += os.write(descriptor, memoryview(body)[written:])
            finally:
                self._written.append(descriptor)  # not before: another thread may close what is in here
            if len(self._written) > self._kept_open:
                _forget(self._written.popleft())
        except OSError as err:
            raise local_trouble(err) or StorageError(f"cannot write {path}: {err.strerror}; look at it") from err
        return path


def _forget(descriptor: int) -> None:
    """Close a file that will not be read again soon, and have its memory used for the next ones."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
