"""One typed schema for all rows of a dataset, and a row's values by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.datasets.training._columns import TrainingColumn, own_values
from pupline.json_values import dumps

REST = "extra"
"""The last column, where there are more names than columns: what became no column of its own, as JSON text."""


@dataclass(frozen=True, slots=True)
class TrainingSchema:
    """The columns of training rows. has_captions: some row has a caption."""

    columns: tuple[TrainingColumn, ...]
    has_captions: bool = False
    _extra_names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = (column.extra_name for column in self.columns)
        object.__setattr__(self, "_extra_names", frozenset(name for name in names if name is not None))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    def values(self, row: Mapping[str, Any]) -> list[Any]:
        """The row's values in the order of the columns, each of its column's kind, or None."""
        own, extra = own_values(row), row.get("extra") or {}
        own[REST] = {name: value for name, value in extra.items() if name not in self._extra_names} or None
        return [
            _typed(column, own.get(column.name) if column.extra_name is None else extra.get(column.extra_name))
            for column in self.columns
        ]

    def json_object(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as a JSON object with every column and without null.

        Text without a value is empty. A flag or a number that some rows lack is text in all rows, empty where there is
        no value: nobody takes a gap for 0 or false, and whichever rows a library infers types from, they are the same.
        """
        values = self.values(row)
        return {column.name: _in_json(column, value) for column, value in zip(self.columns, values, strict=True)}


def _typed(column: TrainingColumn, value: Any) -> Any:
    if value is None or value == "":
        return None
    if column.kind == "number":
        return float(value)
    return text_of(value) if column.kind == "text" else value


def _in_json(column: TrainingColumn, value: Any) -> Any:
    if value is None:
        return ""
    return text_of(value) if column.has_gaps else value


def text_of(value: Any) -> str:
    """A value as text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else dumps(value)
