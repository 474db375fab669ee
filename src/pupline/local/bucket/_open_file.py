"""A stored file that is open for reading in parts: it is read by its descriptor, whatever becomes of its name."""

import os
from collections.abc import Iterator
from typing import Self

from pupline.errors import StorageError
from pupline.local.bucket._object_rows import ObjectRow
from pupline.tasks.ports import ObjectFacts

_PIECE = 256 * 1024


class OpenFile:
    """Implements `pupline.tasks.ports.OpenObject`."""

    def __init__(self, key: str, row: ObjectRow, descriptor: int) -> None:
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        # A program that edits the file in place changes its time, and so the tag.
        etag = f"{row.sha256[:32]}-{found.st_mtime_ns:x}-{found.st_size:x}"
        self.facts = ObjectFacts(key, found.st_size, etag, row.sha256, row.owner, found.st_mtime)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop` (see the port)."""
        while start < stop:
            piece = os.pread(self._descriptor, min(_PIECE, stop - start), start)
            if not piece:
                raise StorageError(f"the file of {self.facts.key} became shorter while it was read")
            yield piece
            start += len(piece)

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
