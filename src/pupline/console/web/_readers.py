"""The backend that requests read from, shared by their threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pupline.backends import Backend, open_backend
from pupline.console.web._settings import ConsoleSettings
from pupline.errors import BackendUnavailable, PuplineError
from pupline.local import DATABASE_NAME, LocalBackend

_AT_ONCE = 8
"""Requests that read at the same time. More would only compete for the processor and the disk."""

_PATIENCE_SECONDS = 20.0


@dataclass(slots=True)
class _Shared:
    """A backend in use. identity: of the database file it was opened on. borrowers: requests that use it now."""

    backend: Backend
    identity: tuple[int, int] | None
    borrowers: int = 0


class Readers:
    """Lends the backend to a bounded number of requests at a time.

    A backend may be read by several threads: each query has a connection of its own. When the database file was
    replaced, by a repair say, new requests get a new backend, and the last request closes the old one.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._database = settings.data_dir / DATABASE_NAME
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._current: _Shared | None = None

    def prepare(self) -> None:
        """Create the data directory and an empty database where there are none, so that pages can say what to do first.

        Raises: ConfigurationError.
        """
        if self._settings.stack is None and not self._database.exists():
            LocalBackend.open(self._settings.data_dir, exclusive=False, create=True).close()

    @contextmanager
    def reader(self) -> Iterator[Backend]:
        """The backend, for the length of the `with` block. Raises: BackendUnavailable when too many requests read."""
        if not self._places.acquire(timeout=_PATIENCE_SECONDS):
            raise BackendUnavailable("the console is reading for too many requests; try again in a moment")
        try:
            shared = self._borrowed()
            try:
                yield shared.backend
            finally:
                self._give_back(shared)
        finally:
            self._places.release()

    def damage_behind(self, error: Exception) -> PuplineError | None:
        """The damaged row that may have caused an error of ours, if any: closing the database after it finds that."""
        if self._settings.stack is not None:
            return None
        try:
            opened = LocalBackend.open(self._settings.data_dir, exclusive=False)
            opened.__exit__(type(error), error, error.__traceback__)
        except PuplineError as found:
            return found
        return None

    def _borrowed(self) -> _Shared:
        with self._lock:
            identity = self._identity()
            if self._current is None or self._current.identity != identity:
                old, self._current = self._current, None
                self._close_unused(old)
                self._current = _Shared(open_backend(self._settings.data_dir, self._settings.stack), identity)
            self._current.borrowers += 1
            return self._current

    def _give_back(self, shared: _Shared) -> None:
        with self._lock:
            shared.borrowers -= 1
            if shared is not self._current:
                self._close_unused(shared)

    def close(self) -> None:
        """Close the backend; requests that still read finish first."""
        with self._lock:
            old, self._current = self._current, None
            self._close_unused(old)

    def _close_unused(self, shared: _Shared | None) -> None:
        if shared is not None and not shared.borrowers:
            shared.backend.__exit__(None, None, None)

    def _identity(self) -> tuple[int, int] | None:
        """The device and inode of the database; None on a stack, and while there is no database."""
        if self._settings.stack is None:
            with suppress(OSError):
                found = self._database.stat()
                return found.st_dev, found.st_ino
        return None
