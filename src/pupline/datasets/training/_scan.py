"""The first pass over a dataset's rows: which columns they have, and of which kinds."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pupline.datasets.training._columns import LABEL, OWN_KINDS, RESERVED, Kind, TrainingColumn
from pupline.datasets.training._schema import REST, TrainingSchema, extra_of, is_value
from pupline.text import UNSAFE

MAX_EXTRA_COLUMNS = 500
"""Further columns of the source stay together in the column `extra`, as JSON text. A list may name a new column in
each of its million lines."""

_MAX_NAME = 200
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d)?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)
"""Texts that PyArrow takes for a time where all texts of a part of a JSON file are such; not those with fractions."""

_OUR_NAME = re.compile(r"(?!.*file_names?\Z)[a-z][a-z0-9_]{0,62}", re.ASCII)
"""Names of columns that the quality pass and the export add."""

_MAX_OWN_COLUMNS = 200
_EXACT = 2**53
"""Integers up to this size are exact as floating-point numbers."""


class SchemaScan:
    """Sees every row of a dataset once, then knows the schema.

    leave_out: our own columns that the training rows do not have. A row is an object of the metadata; other names at
    its top level (of the quality pass, `file_name`) are columns of ours too.
    """

    def __init__(self, leave_out: Iterable[str] = ()) -> None:
        self._leave_out = frozenset(leave_out) | {REST}
        self._rows = 0
        self._own: dict[str, _Values] = {}
        self._extra: dict[str, _Values] = {}
        self._has_rest = False

    def add(self, row: Mapping[str, Any]) -> None:
        """See one row."""
        self._rows += 1
        own = self._own
        for name, value in row.items():
            if name in own:
                own[name].add(value)
            elif name in OWN_KINDS or (_OUR_NAME.fullmatch(name) and len(own) < _MAX_OWN_COLUMNS):
                own[name] = _Values()
                own[name].add(value)
        for name, value in extra_of(row).items():
            if name in self._extra or len(self._extra) < MAX_EXTRA_COLUMNS:
                self._extra.setdefault(name, _Values()).add(value)
            else:
                self._has_rest = True

    def schema(self) -> TrainingSchema:
        """The schema of the rows seen. A column of ours is there if any row has its name."""
        names = [name for name in OWN_KINDS if name in self._own] + sorted(self._own.keys() - OWN_KINDS.keys())
        columns = [
            self._own[name].column(LABEL if name == "labels" else name, self._rows, kind=OWN_KINDS.get(name))
            for name in names
            if name not in self._leave_out
        ]
        taken = {column.name.lower() for column in columns} | RESERVED
        for extra_name, name in _free_names(sorted(self._extra), taken).items():
            columns.append(self._extra[extra_name].column(name, self._rows, extra_name=extra_name))
        if self._has_rest:
            columns.append(TrainingColumn(REST, "text", has_gaps=True))
        has_captions = "caption" in self._own and self._own["caption"].count > 0 and "caption" not in self._leave_out
        return TrainingSchema(tuple(columns), has_captions=has_captions)


class _Values:
    """What is known of a column's values. count: of those that are there."""

    __slots__ = ("_largest", "_times", "_types", "count")

    def __init__(self) -> None:
        self.count = 0
        self._times = 0
        self._types: set[type] = set()
        self._largest = 0

    def add(self, value: Any) -> None:
        if not (value or is_value(value)):
            return
        self.count += 1
        kind = type(value)
        self._types.add(kind)
        if kind is str:
            self._times += value[4:5] == "-" and _TIME.fullmatch(value) is not None
        elif kind is int:
            self._largest = max(self._largest, value if value >= 0 else -value - 1)

    def column(
        self, name: str, rows: int, *, kind: Kind | None = None, extra_name: str | None = None
    ) -> TrainingColumn:
        """The column. rows: how many there are, with this value or without. kind: where that is known."""
        return TrainingColumn(name, kind or self._kind(), self.count < rows, extra_name, 0 < self._times < rows)

    def _kind(self) -> Kind:
        """The kind that holds every value as it is: text where nothing else does."""
        if self._types == {bool}:
            return "flag"
        if self._types == {int} and self._largest < 2**63:
            return "integer"
        if self._types and self._types <= {int, float} and self._largest <= _EXACT:
            return "number"
        return "text"


def _free_names(extra_names: Iterable[str], taken: set[str]) -> dict[str, str]:
    """The column's name for each name of the source. Upper and lower case are one name, as they are for DuckDB and
    Athena. A name that is taken gets `extra_` in front.
    """
    found: dict[str, str] = {}
    clashing = []
    for extra_name in extra_names:
        name = _column_name(extra_name)
        if name.lower() in taken:
            clashing.append(extra_name)
        else:
            taken.add(name.lower())
            found[extra_name] = name
    for extra_name in clashing:
        name = f"extra_{_column_name(extra_name)}"
        while name.lower() in taken:
            name = f"extra_{name}"
        taken.add(name.lower())
        found[extra_name] = name
    return {extra_name: found[extra_name] for extra_name in sorted(found)}


def _column_name(extra_name: str) -> str:
    """A name that every library takes. Hugging Face opens what a column `..._file_name` names, as a picture."""
    name = UNSAFE.sub("_", extra_name[:_MAX_NAME]).strip() or "extra_"
    for ending in ("file_name", "file_names"):
        if f"_{name}".lower().endswith(f"_{ending}"):
            return name[: -len(ending)] + ending.replace("_", "")
    return name
