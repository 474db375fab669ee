"""The columns of training rows: those of the metadata, and what the source and the quality pass add."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pupline.tasks.metadata import METADATA_COLUMNS, ColumnType

Kind: TypeAlias = Literal["flag", "integer", "number", "text", "moment"]
"""integer: of at most 64 bits. number: floating point. moment: RFC 3339 text, UTC, to the millisecond."""

LABEL = "label"
FILE_NAME = "file_name"
_KINDS: Mapping[ColumnType, Kind] = {
    "text": "text",
    "texts": "text",
    "flag": "flag",
    "int32": "integer",
    "int64": "integer",
    "moment": "moment",
    "stamp": "moment",
}
OWN_KINDS: Mapping[str, Kind] = {
    FILE_NAME: "text",
    **{column.name: _KINDS[column.kind] for column in METADATA_COLUMNS if column.kind != "json"},
}
"""Our own columns of a row in their order, with their kinds."""

FETCH_COLUMNS = frozenset(
    (
        *("execution", "index", "image_url", "key", "etag", "last_modified", "outcome", "reason", "error", "cause"),
        *("alert_triggered", "alert_sent", "alert_reasons", "attempts", "began_at", "ended_at"),
    )
)
"""Columns about the fetch and about this machine. A dataset that is published leaves them out."""

RESERVED = frozenset({*OWN_KINDS, LABEL, "extra", "run", "image", "images", "file_names", "split"})
"""Names that a column of a source cannot have, in lower case. `image` is what Hugging Face calls the picture, `run`
and `split` are partitions."""


@dataclass(frozen=True, slots=True)
class TrainingColumn:
    """One column. has_gaps: some rows have no value. extra_name: the source's name for it; None for our own.

    has_some_times: some rows have a text such as `2026-01-31`, others have not.
    """

    name: str
    kind: Kind
    has_gaps: bool
    extra_name: str | None = None
    has_some_times: bool = False

    @property
    def source(self) -> str:
        """The name that a row has it by, at the top level or in `extra`."""
        if self.extra_name is not None:
            return self.extra_name
        return "labels" if self.name == LABEL else self.name
