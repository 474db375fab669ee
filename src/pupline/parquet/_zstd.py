"""Files packed with zstd, which Parquet packs its pages with, and Python itself unpacks from version 3.14 on."""

import io
from typing import IO, cast

from pupline.parquet._extra import require


def unpacked_zstd(below: IO[bytes]) -> io.BufferedIOBase:
    """The content of a packed file, which closing it does not close.

    Its errors are OSError. Raises: ConfigurationError without the extra package.
    """
    require()
    import pyarrow as pa

    return cast(io.BufferedIOBase, pa.CompressedInputStream(_Kept(below), "zstd"))


class _Kept(io.RawIOBase):
    """A file that its reader does not close."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, room: "memoryview | bytearray") -> int:  # type: ignore[override]
        piece = self._file.read(len(room))
        room[: len(piece)] = piece
        return len(piece)
