"""One typed schema for all rows of a dataset, and a row's values by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pupline.datasets.training._columns import LABEL, Kind, TrainingColumn
from pupline.json_values import dumps

REST = "extra"
"""The last column, where there are more names than columns: what became no column of its own, as JSON text."""


_PLAIN: Mapping[Kind, type] = {"flag": bool, "integer": int, "number": float, "text": str, "moment": str}
"""The type of a value that is as its column has it."""


@dataclass(frozen=True, slots=True)
class TrainingSchema:
    """The columns of training rows. has_captions: some row has a caption."""

    columns: tuple[TrainingColumn, ...]
    has_captions: bool = False
    _extra_names: frozenset[str] = field(init=False)
    _plan: tuple[tuple[TrainingColumn, bool, str, Any], ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        names = (column.extra_name for column in self.columns)
        object.__setattr__(self, "_extra_names", frozenset(name for name in names if name is not None))
        plan = ((one, one.extra_name is not None, one.source, _PLAIN[one.kind]) for one in self.columns)
        object.__setattr__(self, "_plan", tuple(plan))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def ambiguous(self) -> tuple[str, ...]:
        """The columns that Hugging Face `datasets` may fail to read from `metadata.jsonl`, but not from Parquet.

        It guesses types for each split, and for each 10 MB: a column of texts is one of times where all look so.
        """
        return tuple(column.name for column in self.columns if column.has_some_times)

    def values(self, row: Mapping[str, Any]) -> list[Any]:
        """The row's values in the order of the columns, each of its column's kind, or None."""
        extra = extra_of(row)
        own = {**row, REST: {name: value for name, value in extra.items() if name not in self._extra_names}}
        return [
            # The first case is that of nearly all values; deciding it here halves the time.
            value if value and type(value) is plain and (plain is not str or value.isascii()) else _typed(column, value)
            for column, value, plain in (
                (column, (extra if is_extra else own).get(source), plain)
                for column, is_extra, source, plain in self._plan
            )
        ]

    def json_object(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as a JSON object with every column and without null.

        Text without a value is empty. A flag or a number that some rows lack is text in all rows, empty where there is
        no value: nobody takes a gap for 0 or false, and whichever rows a library infers types from, they are the same.
        """
        return {
            column.name: "" if value is None else text_of(value) if column.has_gaps else value
            for column, value in zip(self.columns, self.values(row), strict=True)
        }


def extra_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The source's own columns."""
    found = row.get("extra")
    return found if isinstance(found, Mapping) else {}


def is_value(value: Any) -> bool:
    """Whether there is a value: null, empty text, and what is an empty list or object are none."""
    return value is not None and not (isinstance(value, str | Sequence | Mapping) and not value)


def _typed(column: TrainingColumn, value: Any) -> Any:
    if not is_value(value):
        return None
    if column.kind == "number":
        return float(value)
    if column.kind != "text":
        return value
    if column.extra_name is None and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        value = ("/" if column.name == LABEL else ", ").join(value)
    # Half a surrogate pair, which JSON can name, is no character: no file can hold it.
    return text_of(value).encode("utf-8", "replace").decode()


def text_of(value: Any) -> str:
    """A value as text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else dumps(value)
