"""Files for the bodies of images, in the data directory's `tmp`. The coordinator makes them durable, in groups."""

import itertools
import os
import secrets
from collections import deque

from pupline.errors import StorageError, local_trouble

_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class BodyFiles:
    """Files named after this process and a number. Safe to use from many threads.

    kept_open: how many of them stay open, until the coordinator has synced them: then their pages are reused.
    """

    def __init__(self, folder: str, kept_open: int) -> None:
        # The random part: in a container the next process has the same number, and an old file may still be there.
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
                oldest = self._written.popleft()
                if hasattr(os, "posix_fadvise"):  # drop its pages: it will not be read again soon
                    os.posix_fadvise(oldest, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(oldest)
        except OSError as err:
            raise local_trouble(err) or StorageError(f"cannot write {path}: {err.strerror}; look at it") from err
        return path
