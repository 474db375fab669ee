"""Where an export goes: the interface of a directory and of a bucket."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from pupline.datasets._objects import ImageBytes
from pupline.errors import StorageError, local_trouble
from pupline.text import printable


class ExportTarget(Protocol):
    """A place for the files of an export. Paths are relative, with `/`. A context manager.

    added: images that were written; those that were there already do not count.
    """

    added: int

    @property
    def location(self) -> str:
        """The place, for people."""

    def begin(self, paths: Iterable[str]) -> None:
        """Announce all files that may be made. Raises: StorageError."""

    def place(self, path: str, image: ImageBytes) -> None:
        """Put an image at `path`. Raises: ConfigurationError for a file of somebody else there; StorageError."""

    def file(self, path: str) -> AbstractContextManager[BinaryIO]:
        """A file to write, which appears as a whole when the block ends without an error. Raises: as `place` does."""

    def finish(self) -> int:
        """Remove what earlier exports made and this one does not have; the number of files. Raises: StorageError."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


@contextmanager
def system_errors(place: Path) -> Iterator[None]:
    """Raises: StorageError, or LocalTrouble, in place of an OSError. place: named where the error names no file."""
    try:
        yield
    except OSError as err:
        if err.filename is None:  # of a write, which does not name its file
            err.filename = str(place)
        where = printable(str(err.filename), 400)
        raise local_trouble(err) or StorageError(f"{where} cannot be written: {err.strerror or err}") from err
