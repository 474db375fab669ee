"""Lists of URLs as sources: local files, and objects in a bucket."""

import io
import json
import re
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from pupline.errors import ConfigurationError, InvalidInput, SourceError, TaskFailure
from pupline.parquet import require
from pupline.sources._listing import ITEMS_OF_A_PART, ColumnUse, Page
from pupline.sources._source import ImageSource, Opening, slug_of
from pupline.sources.lists._dialect import CsvOptions, delimiter_of
from pupline.sources.lists._kind import kind_of
from pupline.sources.lists._rows import RowPosition, Rows, TextRows
from pupline.sources.lists._rows_csv import CsvRows
from pupline.sources.lists._rows_json import JsonArray, JsonLines
from pupline.sources.lists._rows_parquet import ParquetRows
from pupline.sources.lists._stream import ZSTD, list_stream
from pupline.specs import PageRequest, number_of
from pupline.tasks.left_out import LeftOut
from pupline.text import printable

_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("txt", "lst", "urls"), "txt"),
        **dict.fromkeys(("csv", "psv", "tsv", "tab"), "csv"),
        **dict.fromkeys(("jsonl", "ndjson", "json"), "json"),
        **dict.fromkeys(("parquet", "pq"), "parquet"),
        "list": "any",
    }
)
_OTHERS = (
    *("xlsx", "xlsm", "xls", "ods", "numbers", "docx", "doc", "pdf", "rtf", "html", "htm", "xml", "sqlite", "sqlite3"),
    *("db", "arrow", "feather", "orc", "avro", "tar", "tgz", "7z", "rar"),
)
"""Other endings, whose files may be lists by their content."""

LIST_FILE = re.compile(
    rf"(?P<file>.*\.(?P<format>{'|'.join((*_FORMATS, *_OTHERS))})(?:\.(?P<packing>gz|gzip|bz2|xz|lzma|zst|zstd|zip))?)"
    r"(?:#(?P<column>[^#/]+))?",
    re.IGNORECASE | re.DOTALL,
)
"""FILE or FILE#COLUMN, where the ending of FILE is known."""

_NAMED = re.compile(r"(.+)#([^#/]+)", re.DOTALL)
_PARQUET = b"PAR1"
_TABS = re.compile(r"\.(?:tsv|tab)\b", re.IGNORECASE)
_IN_A_BUCKET = re.compile(r"s3://[^/]+/.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list as the user named it. format: from its ending. column: of the URLs, where the user named one."""

    file: str
    format: str
    column: str | None

    @classmethod
    def parse(cls, value: str) -> "ListFile":
        """Raises: ConfigurationError for an unknown ending."""
        found = LIST_FILE.fullmatch(value)
        if found is None and is_list_file(value):
            whole = _NAMED.fullmatch(value)
            return cls(value, "any", None) if whole is None or Path(value).exists() else cls(whole[1], "any", whole[2])
        if found is None or (value.startswith("s3://") and not _IN_A_BUCKET.fullmatch(found["file"])):
            raise ConfigurationError(
                f"list {printable(value)}: name a file or s3://BUCKET/KEY that ends in .txt, .csv, .json, .jsonl or "
                ".parquet, or in one of them with .gz"
            )
        kind = _FORMATS.get(found["format"].lower(), "any")
        if kind == "parquet" and found["packing"]:
            raise ConfigurationError(f"list {printable(value)}: Parquet is packed inside; unpack the file around it")
        return cls(found["file"], kind, found["column"])

    @property
    def in_a_bucket(self) -> bool:
        """Whether it is an object, not a local file."""
        return self.file.startswith("s3://")

    @property
    def name(self) -> str:
        """The name in audit records: the file's, without its directory, or all of `s3://bucket/key`."""
        return self.file if self.in_a_bucket else Path(self.file).name

    @property
    def stem(self) -> str:
        """The name without any of its extensions."""
        return self.file.rpartition("/")[2].partition(".")[0]


def is_list_file(value: str) -> bool:
    """Whether FILE, of FILE or FILE#COLUMN, exists."""
    named = _NAMED.fullmatch(value)
    try:
        return Path(value).is_file() or (named is not None and Path(named[1]).is_file())
    except ValueError:  # not a valid path
        return False


def list_source(value: str) -> ImageSource:
    """The source of a list file. It trusts no origin, as a list names many. Raises: ConfigurationError."""
    file = ListFile.parse(value)
    if not file.in_a_bucket:
        _looked_at(Path(file.file))
    _check_extra(file, _first_bytes(file))
    return ImageSource(
        name=file.name,
        dataset=slug_of(file.stem),
        opener=partial(FileListing, file),
        picker=None if file.in_a_bucket else lambda _client, _contact: ListedImages(file),
    )


class ListedImages:
    """Picks row N of a list for execution N of a run, beginning again at the first row after the last one."""

    def __init__(self, file: ListFile) -> None:
        self._file = file

    def random_image(self, breed: str | None = None, execution: str | None = None) -> str:
        """The URL in that row. Raises: SourceError where there is none; ConfigurationError."""
        if breed is not None:
            raise InvalidInput(f"the list {printable(self._file.name)} does not know breeds; leave out the breed")
        listing = FileListing(self._file, Opening())
        try:
            left = (number_of(execution or "") - 1) % max(listing.total or 0, 1)
            while not listing.complete:
                items = listing.read(None, {}).items
                if left < len(items):
                    return items[left].url
                left -= len(items)
        finally:
            listing.close()
        raise SourceError(f"{printable(self._file.name)} names no image")


class FileListing:
    """A `Listing` of a file: it needs no request, and each `read` gives up to 1,000 items."""

    def __init__(self, file: ListFile, opening: Opening) -> None:
        self._file = file
        self._stream, self._identity = _opened(file, opening)
        self._closing = weakref.finalize(self, self._stream.close)
        self._listed, self.complete, position = 0, False, RowPosition()
        if opening.position is not None:
            position = self._restore(opening.position)
        try:
            self._rows = _rows(file, self._stream, position, opening.delimiter)
            self._rows.dropped.update(dropped_of(opening.position))
            self.total: int | None = self._rows.count()
        except OSError as err:
            raise _unreadable(file, err) from err

    @property
    def columns(self) -> Sequence[ColumnUse]:
        """What the columns become that were seen so far."""
        return self._rows.columns

    def request(self) -> PageRequest | None:
        """A file needs no request."""
        return None

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:  # noqa: ARG002 - for APIs
        """The next items. Raises: SourceError; ConfigurationError before the first item."""
        try:
            items = self._rows.take(ITEMS_OF_A_PART)
        except OSError as err:
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
        return Page(items, (*self._rows.take_notes(), *self._last_notes()))

    def _last_notes(self) -> tuple[str, ...]:
        """Notes on the whole list, at its end."""
        refused = self._rows.refused
        if self.complete and not self._listed:
            return (f"{self._file.name} names no image: it is empty, or has no rows below its header",)
        if not self.complete or not refused:
            return ()
        return (f"{refused:,} of {self._listed:,} rows name no URL that can be fetched; see pupline audit",)

    @property
    def shortfall(self) -> str | None:
        """Always None: a file is complete."""
        return None

    @property
    def left_out(self) -> LeftOut:
        """Nothing: a row without a usable URL is an item too, and ends as refused."""
        return LeftOut()

    def skip(self, failure: TaskFailure) -> str | None:  # noqa: ARG002 - no request can have failed
        """A file has no pages to skip."""
        return None

    def position(self) -> str:
        """The byte or row after the last item, and the identity of the file."""
        state = {
            "file": self._identity,
            **self._rows.position._asdict(),
            "listed": self._listed,
            "complete": self.complete,
        }
        if self._rows.dropped:
            state["dropped"] = self._rows.dropped
        return json.dumps(state, separators=(",", ":"))

    def close(self) -> None:
        """Close the file."""
        self._closing()

    def _restore(self, position: str) -> RowPosition:
        try:
            state = json.loads(position)
            identity = state["file"]
            place = RowPosition(int(state["at"]), int(state.get("row", 0)), int(state.get("refused", 0)))
            self._listed, self.complete = int(state["listed"]), bool(state["complete"])
        except (ValueError, KeyError, TypeError) as err:
            at = printable(position, 80)
            raise ConfigurationError(f"{self._file.name}: {at} is not a position in a list") from err
        if identity != self._identity:
            raise ConfigurationError(
                f"{self._file.name}: the file has changed since the run began; restore the old one, or begin a new run "
                "under another --run-id"
            )
        return place


def dropped_of(position: str | None) -> dict[str, str]:
    """Why columns of a list, or some of their values, are not kept, by name; as of a position in its listing."""
    try:
        found = json.loads(position or "{}")["dropped"]
        return {str(name): str(why) for name, why in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _unreadable(file: ListFile, err: Exception) -> ConfigurationError:
    return ConfigurationError(f"{file.name}: it cannot be read: {printable(str(err))}")


def _opened(file: ListFile, opening: Opening) -> tuple[IO[bytes], dict[str, Any]]:
    """The file's bytes, and its identity among files of the same name."""
    if file.in_a_bucket:
        if opening.read is None:
            raise ConfigurationError(
                f"{printable(file.file)}: a list in a bucket is read by pupline ingest without --dry-run, which knows "
                "the data directory or the stack; to look into a list, name a local file"
            )
        data = opening.read(file.file)
        identity: dict[str, Any] = {"size": len(data), "sha256": sha256(data).hexdigest()[:32]}
        return io.BytesIO(data), identity
    path = Path(file.file)
    size, mtime_ns = _looked_at(path)
    return path.open("rb"), {"size": size, "mtime_ns": mtime_ns}


def _first_bytes(file: ListFile) -> bytes:
    """The first bytes of a local file, or, before an object is read, those that its name stands for."""
    if file.in_a_bucket:
        return _PARQUET if file.format == "parquet" else b""
    with Path(file.file).open("rb") as opened:
        return opened.read(len(_PARQUET))


def _check_extra(file: ListFile, first_bytes: bytes) -> None:
    """Raises: ConfigurationError for Parquet, and what zstd packed, without the extra package."""
    instead = {_PARQUET: "save the list as CSV or JSON Lines", ZSTD: "unpack it first: zstd -d FILE"}.get(first_bytes)
    try:
        if instead is not None:
            require()
    except ConfigurationError as err:
        what = "" if first_bytes == _PARQUET else "it is packed with zstd. That needs what Parquet needs. "
        raise ConfigurationError(f"{printable(file.name)}: {what}{err}; or {instead}") from err


def _looked_at(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
        with path.open("rb"):
            return found.st_size, found.st_mtime_ns
    except OSError as err:
        advice = "; the description of an API ends in .toml" if path.suffix == ".json" else ""
        raise ConfigurationError(f"list {printable(str(path))}: it cannot be read: {err.strerror}{advice}") from err


def _rows(file: ListFile, stream: IO[bytes], position: RowPosition, delimiter: str | None) -> Rows:
    """The reader for a list's format. Raises: ConfigurationError."""
    magic = stream.read(len(_PARQUET))
    stream.seek(0)
    _check_extra(file, magic)
    if magic == _PARQUET:
        return ParquetRows(file.name, stream, position, file.column)
    try:
        if file.format == "parquet" and magic:
            raise ConfigurationError("it is not a Parquet file; give the file the ending of its format")  # noqa: TRY301
        text, sample = list_stream(stream)
        kind = kind_of(file.format, sample, file.column)
    except ConfigurationError as err:
        raise ConfigurationError(f"{file.name}: {err}") from err
    if kind == "txt":
        return TextRows(file.name, text, position)
    if kind != "csv":
        return (JsonArray if kind == "json array" else JsonLines)(file.name, text, position, file.column)
    usual = "\t" if _TABS.search(file.file) else ","
    options = CsvOptions(None if delimiter is None else delimiter_of(delimiter), file.column, usual)
    return CsvRows(file.name, text, position, options)
