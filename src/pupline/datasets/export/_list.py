"""A list of a dataset's addresses with all that another needs to fetch, verify and credit the same images.

The columns are the fields of `SourceItem`, so that `pupline ingest` reads back what it wrote: hashes of the bytes, the
perceptual hash, licence, creator and attribution, captions and labels, and the source's own columns. What is about the
fetch or this machine is not in it. Neither are addresses with a signature or a key in them: to publish one is to
publish the key.
"""

import csv
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self, TypeAlias

from pupline.datasets._objects import ImageBytes
from pupline.datasets.export._parquet_rows import ParquetRows
from pupline.datasets.export._target import system_errors
from pupline.datasets.selection import Row
from pupline.datasets.training import Kind, TrainingColumn, TrainingSchema
from pupline.errors import ConfigurationError
from pupline.images import content_type_of
from pupline.json_values import dumps
from pupline.parquet import ColumnKind
from pupline.text import harmless_cell, printable

ListKind: TypeAlias = Literal["jsonl", "csv", "parquet"]
TableWriter: TypeAlias = Callable[[BinaryIO, TrainingSchema], Any]
"""Makes what writes rows into a file, with `add(row)` and `finish()`."""

_TEXTS = ("url", "id", "sha256", "sha1", "md5", "phash", "phash_version", "mime", "license", "creator", "attribution")
_MORE_TEXTS = ("landing", "title", "alt", "caption")
_NUMBERS = ("width", "height", "bytes")
LIST_COLUMNS = (*_TEXTS, *_NUMBERS, *_MORE_TEXTS, "labels")
"""The columns of every list, in their order; those of the source follow."""

_CREDENTIALS = re.compile(
    r"[?&;](?:x-(?:amz|goog|oss|obs|ms|bz)-(?:signature|credential|security-token)|sig|signature|(?:access_?|auth_?)?token"
    r"|auth|authorization|api_?key|key-pair-id|password|passwd|pwd|secret|client_secret|session_?(?:id)?|jwt)=",
    re.IGNORECASE,
)


def has_credentials(url: str) -> bool:
    """Whether an address has a key, a signature or a password in it, by the names that services give to them."""
    authority = url.partition("://")[2].partition("/")[0]
    return "@" in authority or _CREDENTIALS.search(url) is not None


def list_kind(path: Path) -> ListKind:
    """The kind of a list by its file's name. Raises: ConfigurationError for any other."""
    found = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}.get(path.suffix.lower())
    if found is None:
        raise ConfigurationError(f"--list {printable(str(path), 400)}: the name ends in .csv, .jsonl or .parquet")
    return found  # type: ignore[return-value]  # the dictionary's values


def list_values(row: Row) -> dict[str, Any]:
    """The values of a row by the columns of a list; None where there is none. Without the source's own columns."""
    values = {name: row.get(name) for name in LIST_COLUMNS}
    values["bytes"] = row.get("size_bytes")
    values["mime"] = content_type_of(str(row.get("file_type")), None)
    values["labels"] = row.get("labels") or None
    extra = row.get("extra")
    if values["phash_version"] is None and isinstance(extra, Mapping):
        values["phash_version"] = extra.get("phash_version")
    landing = values["landing"]
    if isinstance(landing, str) and has_credentials(landing):
        values["landing"] = None
    return values


class ListFile:
    """Implements `ExportTarget` for a single file, which is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.added = 0
        self.location = str(path)
        self._path = path

    def __enter__(self) -> Self:
        if self._path.is_dir():
            raise ConfigurationError(f"--list {printable(str(self._path), 400)} is a directory; name a file")
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is held."""

    def begin(self, paths: Iterable[str]) -> None:
        """A single file needs no announcement."""

    def place(self, path: str, image: ImageBytes) -> None:
        """A list has no images."""

    @contextmanager
    def file(self, path: str) -> Iterator[BinaryIO]:  # noqa: ARG002 - the target's
        """The file, which appears when the block ends without an error. Raises: StorageError."""
        with system_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._path.parent, prefix=".pupline-", delete=False) as file:
                temporary = Path(file.name)
                try:
                    yield file  # type: ignore[misc]  # the wrapper of a binary file
                    file.close()
                    temporary.chmod(0o644)
                    temporary.replace(self._path)
                finally:
                    temporary.unlink(missing_ok=True)

    def finish(self) -> int:
        """Nothing is left to do."""
        return 0


class JsonList:
    """JSON Lines: the values that there are, and the source's columns as `extra`."""

    def __init__(self, file: BinaryIO, schema: TrainingSchema) -> None:  # noqa: ARG002 - that of tables
        self._file = file

    def add(self, row: Row) -> None:
        values = {name: value for name, value in list_values(row).items() if value is not None}
        extra = {name: value for name, value in (row.get("extra") or {}).items() if name not in LIST_COLUMNS}
        self._file.write(dumps(values | ({"extra": extra} if extra else {})).encode() + b"\n")

    def finish(self) -> None:
        """Every line is written."""


class CsvList:
    """CSV: every column in every line; labels as a JSON list. Formulas are made harmless, which ingest undoes."""

    def __init__(self, file: BinaryIO, schema: TrainingSchema) -> None:
        self._file = file
        self._extras = _extras(schema)
        self._line(map(_cell, (*LIST_COLUMNS, *(column.extra_name or "" for column in self._extras))))

    def add(self, row: Row) -> None:
        extra = row.get("extra") or {}
        values = [*list_values(row).values(), *(extra.get(column.extra_name) for column in self._extras)]
        self._line(map(_cell, values))

    def finish(self) -> None:
        """Every line is written."""

    def _line(self, cells: Iterable[str]) -> None:
        target = io.StringIO()
        csv.writer(target, lineterminator="\n").writerow(cells)
        self._file.write(target.getvalue().encode("utf-8", "replace"))


class ParquetList:
    """Parquet: every column, typed; labels as a list of text."""

    def __init__(self, file: BinaryIO, schema: TrainingSchema) -> None:
        self._extras = _extras(schema)
        columns = [(name, _KINDS.get(name, "text")) for name in LIST_COLUMNS]
        columns += [(str(column.extra_name), _EXTRA_KINDS[column.kind]) for column in self._extras]
        self._schema = TrainingSchema(tuple(self._extras))
        self._rows = ParquetRows(file, columns)

    def add(self, row: Row) -> None:
        self._rows.add([*list_values(row).values(), *self._schema.values(row)])

    def finish(self) -> None:
        self._rows.finish()


LIST_WRITERS: Mapping[ListKind, TableWriter] = {
    "jsonl": JsonList,
    "csv": CsvList,
    "parquet": ParquetList,
}

_KINDS: Mapping[str, ColumnKind] = {"width": "int32", "height": "int32", "bytes": "int64", "labels": "texts"}
_EXTRA_KINDS: Mapping[Kind, ColumnKind] = {
    "flag": "flag",
    "integer": "int64",
    "number": "float64",
    "text": "text",
    "moment": "text",
}


def _extras(schema: TrainingSchema) -> list[TrainingColumn]:
    """The source's columns, but those that a list has anyway."""
    return [one for one in schema.columns if one.extra_name is not None and one.extra_name not in LIST_COLUMNS]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return json.dumps(value)  # a negative number is not a formula
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return harmless_cell(text.replace("\r\n", "\n").replace("\r", "\n"))  # even within quotes a \r may end a line
