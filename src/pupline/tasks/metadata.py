"""The metadata of an ingest, one row per item: the same columns in JSON Lines and Parquet, on one machine and on AWS.

    columns = columns_of(rows, dataset)      # for Parquet
    lines = lines_of(columns)                # for JSON Lines
    columns = columns_of_objects(objects)    # from JSON Lines

A row has the source's facts about the image, its audit record, and facts about the fetch. The run is not a column: it
is the partition (`run=<run>/part-00000.parquet`), and a column of the same name would clash with it.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any, Literal, TypeAlias

from pupline.json_values import JSON
from pupline.tasks.items import SourceItem
from pupline.tasks.records import AuditRecord
from pupline.tasks.verification import Verification

ColumnType = Literal["text", "texts", "flag", "int32", "int64", "moment", "stamp", "json"]
"""texts: a list of text. moment: seconds since the epoch in an `ItemRow`. stamp: RFC 3339 text in an `ItemRow`. In JSON
Lines both are RFC 3339, UTC, to the millisecond. json: a JSON object as text; in JSON Lines the object itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One finished item of an ingest.

    key: of the image's object, or None. sha1, md5: of the bytes, where the source declared one. verification: against
    the hashes that the source declared; None where it declared none.
    began_at, ended_at: of the first and the last attempt, in seconds since the epoch.
    """

    index: int
    item: SourceItem
    record: AuditRecord
    key: str | None = None
    sha1: str | None = None
    md5: str | None = None
    verification: Verification | None = None
    etag: str | None = None
    last_modified: str | None = None
    attempts: int
    began_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class MetadataColumn:
    """One column. path: of its value in an `ItemRow`; empty for the dataset, which is the same in all rows."""

    name: str
    kind: ColumnType
    path: str


METADATA_COLUMNS: tuple[MetadataColumn, ...] = (
    # the item
    MetadataColumn("execution", "text", "record.execution"),
    MetadataColumn("index", "int64", "index"),
    MetadataColumn("dataset", "text", ""),
    MetadataColumn("id", "text", "item.id"),
    # facts of the source
    MetadataColumn("source", "text", "record.source"),
    MetadataColumn("source_url", "text", "record.source_url"),
    MetadataColumn("url", "text", "item.url"),
    MetadataColumn("license", "text", "item.license"),
    MetadataColumn("creator", "text", "item.creator"),
    MetadataColumn("attribution", "text", "item.attribution"),
    MetadataColumn("landing", "text", "item.landing"),
    MetadataColumn("title", "text", "item.title"),
    MetadataColumn("alt", "text", "item.alt"),
    MetadataColumn("caption", "text", "item.caption"),
    MetadataColumn("labels", "texts", "item.labels"),
    MetadataColumn("extra", "json", "item.extra"),
    MetadataColumn("expected_sha256", "text", "item.sha256"),
    MetadataColumn("expected_sha1", "text", "item.sha1"),
    MetadataColumn("expected_md5", "text", "item.md5"),
    MetadataColumn("expected_phash", "text", "item.phash"),
    MetadataColumn("breed", "text", "record.breed"),
    # the image
    MetadataColumn("image_name", "text", "record.image_name"),
    MetadataColumn("image_url", "text", "record.image_url"),
    MetadataColumn("key", "text", "key"),
    MetadataColumn("file_type", "text", "record.file_type"),
    MetadataColumn("content_type", "text", "record.content_type"),
    MetadataColumn("name_extension", "text", "record.name_extension"),
    MetadataColumn("size_bytes", "int64", "record.size_bytes"),
    MetadataColumn("width", "int32", "record.width"),
    MetadataColumn("height", "int32", "record.height"),
    MetadataColumn("sha256", "text", "record.sha256"),
    MetadataColumn("sha1", "text", "sha1"),
    MetadataColumn("md5", "text", "md5"),
    MetadataColumn("etag", "text", "etag"),
    MetadataColumn("last_modified", "text", "last_modified"),
    # the outcome
    MetadataColumn("outcome", "text", "record.outcome"),
    MetadataColumn("reason", "text", "record.reason"),
    MetadataColumn("verification", "text", "verification"),
    MetadataColumn("alert_triggered", "flag", "record.alert_triggered"),
    MetadataColumn("alert_sent", "flag", "record.alert_sent"),
    MetadataColumn("alert_reasons", "texts", "record.alert_reasons"),
    MetadataColumn("error", "text", "record.error"),
    MetadataColumn("cause", "text", "record.cause"),
    MetadataColumn("attempts", "int32", "attempts"),
    MetadataColumn("began_at", "moment", "began_at"),
    MetadataColumn("ended_at", "moment", "ended_at"),
    MetadataColumn("upload_timestamp", "stamp", "record.upload_timestamp"),
)
"""The columns, in the order in which they are written."""

_VALUES = attrgetter(*(column.path for column in METADATA_COLUMNS if column.path))
_DATASET = next(at for at, column in enumerate(METADATA_COLUMNS) if not column.path)
COLUMN_NAMES = tuple(column.name for column in METADATA_COLUMNS)
_POSITIONS = {name: at for at, name in enumerate(COLUMN_NAMES)}
_EXTRA = _POSITIONS["extra"]
_encode_extra = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_DISTINCT = 4
"""A column that repeats each value this often on average encodes each distinct value once."""

Columns: TypeAlias = Sequence[Sequence[Any]]
"""The values of some rows, one sequence per column of `METADATA_COLUMNS`, all of one length."""


def columns_of(rows: Sequence[ItemRow], dataset: str) -> Columns:
    """The rows' values as columns. moment: seconds since the epoch, stamp: RFC 3339 text, texts: tuples of text, json:
    the text of an object.
    """
    columns: list[Sequence[Any]] = list(zip(*map(_VALUES, rows), strict=True)) or [()] * (len(METADATA_COLUMNS) - 1)
    columns.insert(_DATASET, (dataset,) * len(rows))
    columns[_EXTRA] = list(map(extra_text, columns[_EXTRA]))
    return columns


def extra_text(extra: Mapping[str, JSON] | None) -> str | None:
    """The value of the column `extra`: a JSON object on one line; None where there is nothing in it."""
    return _encode_extra(extra) if extra else None


def columns_of_objects(objects: Sequence[Mapping[str, Any]]) -> Columns:
    """The columns of rows from JSON Lines, equal to those that were written, to the millisecond.

    Raises: TypeError or ValueError for rows that `lines_of` did not write.
    """
    return [_decoded(column.kind, [found.get(column.name) for found in objects]) for column in METADATA_COLUMNS]


def is_row(found: Mapping[str, Any]) -> bool:
    """Whether the values of an object from JSON Lines are of the kinds that `lines_of` writes.

    A column may be missing, or null: rows of earlier versions have fewer.
    """
    return all((value := found.get(column.name)) is None or _CHECKS[column.kind](value) for column in METADATA_COLUMNS)


def lines_of(columns: Columns, names: Sequence[str] = COLUMN_NAMES) -> list[str]:
    """The rows as JSON objects, one text each, with every column in each, null where it has no value.

    names: of the columns that are given. A page of about 2,500 rows is best. Values that all rows share are encoded
    once, in the template of the lines, which halves the time of encoding row by row.
    """
    template: list[str] = []
    varying: list[Iterable[str]] = []
    for name, values in zip(names, columns, strict=True):
        column, distinct = METADATA_COLUMNS[position_of(name)], set(values)
        if len(distinct) == 1:
            template.append(f'"{column.name}":{_encoded(column.kind, values[0])}'.replace("%", "%%"))
        else:
            template.append(f'"{column.name}":%s')
            varying.append(_all_encoded(column.kind, values, distinct))
    line = "{" + ",".join(template) + "}"
    if not varying:
        return [line % ()] * len(columns[0])
    return list(map(line.__mod__, zip(*varying, strict=True)))


def position_of(name: str) -> int:
    """The position of a column in `METADATA_COLUMNS`."""
    return _POSITIONS[name]


def milliseconds(moments: Iterable[float]) -> list[int]:
    """Seconds since the epoch as whole milliseconds, as a column of moments has them."""
    return [round(moment * 1000) for moment in moments]


def _decoded(kind: ColumnType, values: Sequence[Any]) -> Sequence[Any]:
    decode = _DECODERS.get(kind)
    return [None if value is None else decode(value) for value in values] if decode else values


def _all_encoded(kind: ColumnType, values: Sequence[Any], distinct: set[Any]) -> Iterable[str]:
    if kind == "moment" and None not in distinct:
        return _moments(values)
    if len(distinct) * _DISTINCT < len(values):
        return map({value: _encoded(kind, value) for value in distinct}.__getitem__, values)
    if None in distinct:
        return [_encoded(kind, value) for value in values]
    return map(_ENCODERS[kind], values)


def _encoded(kind: ColumnType, value: Any) -> str:
    return "null" if value is None else _ENCODERS[kind](value)


def _texts(values: Iterable[str]) -> str:
    return "[" + ",".join(map(encode_basestring, values)) + "]"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _moment(value: float) -> str:
    return _moments([value])[0]


def _moments(values: Iterable[float]) -> list[str]:
    return [f'"{_second(found // 1000)}.{found % 1000:03d}Z"' for found in milliseconds(values)]


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    """The first part of an RFC 3339 time, which thousands of rows share."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _is_text(value: Any) -> bool:
    """Whether it is text that can be written: half a surrogate pair, which JSON can name, cannot."""
    return isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value))


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_SURROGATE = re.compile("[\ud800-\udfff]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_CHECKS: dict[ColumnType, Callable[[Any], bool]] = {
    "text": _is_text,
    "texts": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "flag": lambda value: isinstance(value, bool),
    "int32": lambda value: type(value) is int and -(2**31) <= value < 2**31,
    "int64": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "moment": _is_moment,
    "stamp": _is_moment,
    "json": lambda value: isinstance(value, dict),
}
_ENCODERS: dict[ColumnType, Callable[[Any], str]] = {
    "text": encode_basestring,
    "stamp": encode_basestring,
    "texts": _texts,
    "flag": _flag,
    "int32": str,
    "int64": str,
    "moment": _moment,
    "json": str,
}
_DECODERS: dict[ColumnType, Callable[[Any], Any]] = {
    "texts": tuple,
    "moment": lambda text: datetime.fromisoformat(text).timestamp(),
    "json": extra_text,
}
