"""The bytes of a list: unpacked, in UTF-8, with line feeds as line ends.

The first bytes of a file decide what it is, and its name only where they do not. Files are read in pieces, with
constant memory, and from any byte, for runs that are resumed.
"""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Final, TypeAlias, cast

from pupline.errors import ConfigurationError
from pupline.parquet import require, unpacked_zstd
from pupline.text import printable

SAMPLE_BYTES: Final = 64 * 1024
ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""The first bytes of a file packed by it, which Python unpacks from version 3.14 on, and pyarrow everywhere."""

_CHUNK: Final = 256 * 1024
_MOST_TIMES: Final = 250
"""The largest ratio of compression: lists of URLs reach 5 to 50; beyond this it is a decompression bomb."""

_LAYERS: Final = 2  # a .gz that a server or browser packed again

_FREE_BYTES: Final = 32 * 1024 * 1024  # any file may unpack to so much

_DAMAGED: Final = (
    *(EOFError, NotImplementedError, OSError, RuntimeError, ValueError),
    *(lzma.LZMAError, zipfile.BadZipFile, zlib.error),
)

_Open: TypeAlias = Callable[[IO[bytes]], io.BufferedIOBase]
"""Opens the content of a packed file."""


class _Derived(io.RawIOBase):
    """A stream computed from another one. Seeking back restarts it."""

    broken: str | None = None

    def __init__(self, below: IO[bytes]) -> None:
        self._below = below
        self._pieces: Iterator[bytes] = iter(())
        self._left = b""
        self._at = 0
        self._begin()

    def _begin(self) -> None:
        self._below.seek(0)
        self._pieces = self._read_pieces()
        self._left, self._at = b"", 0

    def _read_pieces(self) -> Iterator[bytes]:
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("from the start only")
        if offset < self._at:
            self._begin()
        room = bytearray(_CHUNK)
        while self._at < offset and self.readinto(memoryview(room)[: offset - self._at]):
            pass
        return self._at

    def readinto(self, room: "memoryview | bytearray") -> int:  # type: ignore[override]
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        size = min(len(room), len(self._left))
        room[:size] = self._left[:size]
        self._left = self._left[size:]
        self._at += size
        return size

    def close(self) -> None:
        if not self.closed:
            self._below.close()
        super().close()


class _Unpacked(_Derived):
    """The content of a packed file. broken: why its end is unreadable, once known."""

    def __init__(self, below: IO[bytes], opened: _Open, packed_bytes: int) -> None:
        self._opened = opened
        self._most = max(_FREE_BYTES, packed_bytes * _MOST_TIMES)
        super().__init__(below)

    def _read_pieces(self) -> Iterator[bytes]:
        self.broken = None
        size = 0
        try:
            file = self._opened(self._below)
            while piece := file.read1(SAMPLE_BYTES):  # read would lose the bytes before a break
                size += len(piece)
                if size > self._most:
                    self.broken = f"it unpacks to more than {self._most:,} bytes"
                    return
                yield piece
        except _DAMAGED as err:
            if isinstance(err, OSError) and err.errno is not None:  # an error of the disk, not of the file
                raise
            self.broken = str(err) or type(err).__name__


class _Decoded(_Derived):
    """Text of another encoding, in UTF-8; undecodable bytes become escapes, which are invalid in URLs."""

    def __init__(self, below: IO[bytes], encoding: str) -> None:
        self._encoding = encoding
        super().__init__(below)

    def _read_pieces(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._encoding)("backslashreplace")
        while piece := self._below.read(_CHUNK):
            yield decoder.decode(piece).encode("utf-8", "backslashreplace")
        yield decoder.decode(b"", final=True).encode("utf-8", "backslashreplace")
        self.broken = getattr(self._below, "broken", None)


class _LineFeeds(_Derived):
    """Text whose lines end in carriage returns alone (old Macs, some spreadsheets)."""

    def _read_pieces(self) -> Iterator[bytes]:
        after_return = False
        while piece := self._below.read(_CHUNK):
            if after_return and piece[0] == 10:
                piece = piece[1:]
            after_return = piece[-1:] == b"\r"
            yield piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self.broken = getattr(self._below, "broken", None)


class ListStream(io.BufferedReader):
    """A list's bytes. broken: why they end too early, once the end is read; None for a whole list."""

    raw: _Derived

    @property
    def broken(self) -> str | None:
        return self.raw.broken


def list_stream(file: IO[bytes]) -> tuple[IO[bytes], bytes]:
    """The text of a list in any packing and encoding, and its beginning.

    file: seekable; closing the stream closes it. Raises: ConfigurationError for other kinds of files, with the kind and
    what to do.
    """
    stream, sample = file, _beginning(file)
    for _ in range(_LAYERS):
        opened = _unpacker(stream, sample)
        if opened is None:
            break
        stream = _buffered(_Unpacked(stream, opened, _size(file)))
        sample = _beginning(stream)
    _refuse_other_kinds(sample)
    encoding = encoding_of(sample)
    if encoding is not None:
        stream = _buffered(_Decoded(stream, encoding))
        sample = _beginning(stream)
    if b"\r" in sample.removesuffix(b"\r").replace(b"\r\n", b""):
        stream = _buffered(_LineFeeds(stream))
        sample = _beginning(stream)
    return stream, sample


def _buffered(derived: _Derived) -> IO[bytes]:
    return cast(IO[bytes], ListStream(derived, SAMPLE_BYTES))


def _beginning(file: IO[bytes]) -> bytes:
    file.seek(0)
    sample = file.read(SAMPLE_BYTES)
    file.seek(0)
    return sample


def _size(file: IO[bytes]) -> int:
    file.seek(0, io.SEEK_END)
    size = file.tell()
    file.seek(0)
    return size


# ---- packed files


def _unpacker(file: IO[bytes], sample: bytes) -> _Open | None:
    """A function that opens a packed file; None for a file that is not packed. Raises: ConfigurationError."""
    if sample.startswith(b"\x1f\x8b"):
        return lambda below: gzip.GzipFile(fileobj=below, mode="rb")
    if sample.startswith(b"BZh"):
        return bz2.BZ2File
    if sample.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00\x80\x00")):
        return lzma.LZMAFile
    if sample.startswith(ZSTD):
        require()
        return unpacked_zstd
    if sample.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        member = _only_member(file)
        return lambda below: cast(io.BufferedIOBase, zipfile.ZipFile(below).open(member))
    return None


def _only_member(file: IO[bytes]) -> zipfile.ZipInfo:
    """The only file in a zip archive. Raises: ConfigurationError for several files, or an office document."""
    try:
        found = [each for each in zipfile.ZipFile(file).infolist() if not each.is_dir()]
    except _DAMAGED as err:
        raise ConfigurationError(f"it is a zip archive that cannot be read: {printable(str(err))}") from err
    names = {each.filename for each in found}
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise ConfigurationError("it is a workbook or another office file; save its sheet as CSV")
    found = [each for each in found if not each.filename.startswith("__MACOSX/")]
    if len(found) != 1:
        raise ConfigurationError(f"it is a zip archive of {len(found)} files; unpack it and name one of them")
    return found[0]


# ---- what a file is

_UNPACK = "unpack it first"
_OTHERS: Final = (
    ((b"%PDF",), "a PDF", "put the URLs into a text file, one a line"),
    ((b"\xd0\xcf\x11\xe0",), "a workbook or document of old Office (.xls, .doc)", "save its sheet as CSV"),
    ((b"{\\rtf",), "a document in RTF", "save it as plain text"),
    (
        (b"SQLite format 3\x00",),
        "a SQLite database",
        "export the table, such as: sqlite3 -csv -header FILE 'select ...'",
    ),
    ((b"ARROW1", b"FEA1"), "an Arrow or Feather file", "save it as Parquet"),
    ((b"ORC",), "an ORC file", "save it as Parquet"),
    ((b"Obj\x01",), "an Avro file", "save it as Parquet or JSON Lines"),
    ((b"PARE",), "an encrypted Parquet file", "decrypt it first"),
    ((b"PAR1",), "a packed Parquet file", "Parquet is packed inside; unpack the file around it"),
    ((b"\x1f\x9d", b"\x1f\xa0"), "packed by compress (.Z)", _UNPACK),
    ((b"7z\xbc\xaf\x27\x1c",), "a 7z archive", _UNPACK),
    ((b"Rar!",), "a RAR archive", _UNPACK),
    ((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK\x03\x04"), "packed more than twice", _UNPACK),
    (
        (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*"),
        "an image, not a list of them",
        "write its URL into a list",
    ),
)
_MARKUP: Final = (
    ((b"<!doctype html", b"<html", b"<head", b"<body"), "an HTML page", "write the URLs of its images into a list"),
    ((b"<?xml", b"<urlset", b"<rss", b"<feed"), "XML", "write the URLs of its images into a list, one a line"),
)


def _refuse_other_kinds(sample: bytes) -> None:
    text = sample.lstrip(b"\xef\xbb\xbf \t\r\n")[:40].lower()
    for beginnings, what, advice in _OTHERS:
        if sample.startswith(beginnings):
            raise ConfigurationError(f"it is {what}; {advice}")
    for beginnings, what, advice in _MARKUP:
        if text.startswith(beginnings):
            raise ConfigurationError(f"it is {what}; {advice}")
    if sample[257:262] == b"ustar":
        raise ConfigurationError(f"it is a tar archive; {_UNPACK}")
    if encoding_of(sample) is None and sample.count(b"\x00") > len(sample) // 5:
        raise ConfigurationError("it is not text; give a list as .txt, .csv, .jsonl or .parquet")


_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZEROS: Final = {
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
}
"""Which of four bytes are zero in text of mostly ASCII."""


def encoding_of(sample: bytes) -> str | None:
    """The encoding of text in UTF-16 or UTF-32, with or without a byte order mark; None for any other."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    if len(sample) < 8 or b"\x00" not in sample[:8]:
        return None
    head = sample[: len(sample) // 4 * 4][:4096]
    shares = [head[at::4].count(0) * 4 / len(head) for at in range(4)]
    return _ZEROS.get(tuple(share > 0.5 for share in shares))  # type: ignore[arg-type]
