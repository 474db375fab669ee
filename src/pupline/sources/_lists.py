"""Lists of URLs as sources: .txt, .csv, .tsv, .jsonl and .parquet files, some packed, local or in a bucket."""

import gzip
import io
import json
import re
import weakref
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, cast

from pupline.errors import ConfigurationError, SourceError, TaskFailure
from pupline.sources._listing import ITEMS_OF_A_PART, Page, PageRequest
from pupline.sources._rows import CsvRows, JsonRows, ParquetRows, Rows, TextRows
from pupline.sources._source import ImageSource, Opening, slug_of
from pupline.text import printable

LIST_FILE = re.compile(
    r"(?P<file>.*\.(?P<format>txt|csv|tsv|jsonl|ndjson|parquet)(?P<gz>\.gz)?)(?:#(?P<column>[^#/]+))?",
    re.IGNORECASE | re.DOTALL,
)
"""FILE or FILE#COLUMN, where FILE tells its format."""

_IN_A_BUCKET = re.compile(r"s3://[^/]+/.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list as the user named it. column: of the URLs, where it has columns and the user named one."""

    file: str
    format: str
    packed: bool
    column: str | None

    @classmethod
    def parse(cls, value: str) -> "ListFile":
        """Raises: ConfigurationError for a name that does not tell the format."""
        found = LIST_FILE.fullmatch(value)
        if found is None or (value.startswith("s3://") and not _IN_A_BUCKET.fullmatch(found["file"])):
            raise ConfigurationError(
                f"list {printable(value)}: name a file or s3://BUCKET/KEY that ends in .txt, .csv, .tsv, .jsonl or "
                ".parquet, or in one of them with .gz"
            )
        kind = found["format"].lower()
        if kind == "parquet" and found["gz"]:
            raise ConfigurationError(f"list {printable(value)}: Parquet is packed inside; unpack the file around it")
        return cls(found["file"], kind, bool(found["gz"]), found["column"])

    @property
    def in_a_bucket(self) -> bool:
        """Whether it is an object, not a local file."""
        return self.file.startswith("s3://")

    @property
    def name(self) -> str:
        """As audit records hold it: the file's name without its directory, or all of `s3://bucket/key`."""
        return self.file if self.in_a_bucket else Path(self.file).name

    @property
    def stem(self) -> str:
        """The name without any of its extensions."""
        return self.file.rpartition("/")[2].partition(".")[0]


def list_source(value: str) -> ImageSource:
    """The source that a list file is. No origin is trusted: a list names many. Raises: ConfigurationError."""
    file = ListFile.parse(value)
    if not file.in_a_bucket:
        _looked_at(Path(file.file))
    return ImageSource(name=file.name, dataset=slug_of(file.stem), opener=partial(FileListing, file))


class FileListing:
    """A `Listing` over a list file: no request is ever needed, and each `read` gives up to 1,000 items."""

    def __init__(self, file: ListFile, opening: Opening) -> None:
        self._file = file
        self._stream, self._identity = _opened(file, opening)
        self._closing = weakref.finalize(self, self._stream.close)
        self._listed, at, self.complete = 0, 0, False
        if opening.position is not None:
            at = self._restore(opening.position)
        try:
            self._rows = _rows(file, self._stream, at)
            self.total: int | None = self._rows.count()
        except (EOFError, OSError, zlib.error) as err:
            raise _unreadable(file, err) from err

    def request(self) -> PageRequest | None:
        """A file needs no request."""
        return None

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:  # noqa: ARG002 - for APIs
        """The next items of the file. Raises: ConfigurationError for one that gave nothing yet; SourceError."""
        try:
            items = self._rows.take(ITEMS_OF_A_PART)
        except (EOFError, OSError, zlib.error) as err:
            if not self._listed:
                raise _unreadable(self._file, err) from err
            raise SourceError(f"{self._file.name}: it cannot be read further: {printable(str(err))}") from err
        except ConfigurationError as err:
            if not self._listed:
                raise
            raise SourceError(str(err)) from err
        self._listed += len(items)
        if len(items) < ITEMS_OF_A_PART:
            self.complete = True
            self.total = self._listed
            self.close()
        return Page(items, self._rows.take_notes())

    @property
    def shortfall(self) -> str | None:
        """A file ends where it ends."""
        return None

    def skip(self, failure: TaskFailure) -> str | None:  # noqa: ARG002 - no request can have failed
        """A file has no pages to skip."""
        return None

    def position(self) -> str:
        """The byte or row after what was read, and which file it is of."""
        held = {"file": self._identity, "at": self._rows.at, "listed": self._listed, "complete": self.complete}
        return json.dumps(held, separators=(",", ":"))

    def close(self) -> None:
        """Close the file."""
        self._closing()

    def _restore(self, position: str) -> int:
        try:
            held = json.loads(position)
            identity, at = held["file"], int(held["at"])
            self._listed, self.complete = int(held["listed"]), bool(held["complete"])
        except (ValueError, KeyError, TypeError) as err:
            raise ConfigurationError(f"{self._file.name}: {printable(position, 80)} is no position in a list") from err
        if identity != self._identity:
            raise ConfigurationError(
                f"{self._file.name}: the file has changed since the run that is to go on read it; put the old one "
                "back, or begin a new run under another --run-id"
            )
        return at


def _unreadable(file: ListFile, err: Exception) -> ConfigurationError:
    return ConfigurationError(f"{file.name}: it cannot be read: {printable(str(err))}")


def _opened(file: ListFile, opening: Opening) -> tuple[IO[bytes], dict[str, Any]]:
    """The file's bytes, and what tells it from another file of the same name."""
    if file.in_a_bucket:
        if opening.read is None:
            raise ConfigurationError(
                f"{printable(file.file)}: a list in a bucket is read by pupline ingest without --dry-run, which knows "
                "the data directory or the stack; to look into a list, name a local file"
            )
        data = opening.read(file.file)
        identity: dict[str, Any] = {"size": len(data), "sha256": sha256(data).hexdigest()[:32]}
        return _unpacked(file, io.BytesIO(data)), identity
    path = Path(file.file)
    size, mtime_ns = _looked_at(path)
    return _unpacked(file, path.open("rb")), {"size": size, "mtime_ns": mtime_ns}


def _looked_at(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
        with path.open("rb"):
            return found.st_size, found.st_mtime_ns
    except OSError as err:
        raise ConfigurationError(f"list {printable(str(path))}: it cannot be read: {err.strerror}") from err


def _unpacked(file: ListFile, stream: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], _Unpacking(stream)) if file.packed else stream


class _Unpacking(gzip.GzipFile):
    """A gzip file that closes what is below it."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(fileobj=stream, mode="rb")
        self._below = stream

    def close(self) -> None:
        super().close()
        self._below.close()


def _rows(file: ListFile, stream: IO[bytes], at: int) -> Rows:
    if file.format == "txt":
        return TextRows(file.name, stream, at)
    if file.format in ("jsonl", "ndjson"):
        return JsonRows(file.name, stream, at, file.column)
    if file.format == "parquet":
        return ParquetRows(file.name, stream, at, file.column)
    return CsvRows(file.name, stream, at, file.column, "\t" if file.format == "tsv" else ",")
