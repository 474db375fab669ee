"""The first pass over a dataset's rows: which columns they have, and of which kinds."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import Any

from pupline.datasets.training._columns import LABEL, OWN_KINDS, RESERVED, Kind, TrainingColumn
from pupline.datasets.training._schema import REST, TrainingSchema, is_value
from pupline.text import UNSAFE

MAX_EXTRA_COLUMNS = 500
"""Further columns of the source stay together in the column `extra`, as JSON text. A list may name a new column in
each of its million lines."""

_MAX_NAME = 200
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d)?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)
"""Texts that PyArrow takes for a time where all texts of a part of a JSON file are such; not those with fractions."""

_EXACT = 2**53
"""Integers up to this size are exact as floating-point numbers."""


class SchemaScan:
    """Sees every row of a dataset once, then knows the schema.

    leave_out: our own columns that the training rows do not have. A row is an object of the metadata; other names at
    its top level (of the quality pass, `file_name`) are columns of ours too.
    """

    def __init__(self, leave_out: Iterable[str] = ()) -> None:
        self._leave_out = frozenset(leave_out)
        self._rows = 0
        self._names: set[str] = set()
        self._last_names: Set[str] = frozenset()
        self._counts: Counter[str] = Counter()
        self._times: Counter[str] = Counter()
        self._inferred: dict[str, _Values] = {}
        self._extra: dict[str, _Values] = {}
        self._has_rest = False

    def add(self, row: Mapping[str, Any]) -> None:
        """See one row."""
        self._rows += 1
        if row.keys() != self._last_names:  # nearly all rows of a dataset have the same ones
            self._last_names = row.keys()
            self._names |= self._last_names - {"extra"}
        self._counts.update([name for name, value in row.items() if value or is_value(value)])
        self._times.update([name for name, value in row.items() if type(value) is str and _is_time(value)])
        for name in self._last_names - OWN_KINDS.keys() - {"extra"}:
            self._inferred.setdefault(name, _Values()).add(row[name])
        for name, value in (row.get("extra") or {}).items():
            if name in self._extra or len(self._extra) < MAX_EXTRA_COLUMNS:
                self._extra.setdefault(name, _Values()).add(value)
            else:
                self._has_rest = True

    def schema(self) -> TrainingSchema:
        """The schema of the rows seen. A column of ours is there if any row has its name."""
        names = [name for name in OWN_KINDS if name in self._names] + sorted(self._names - OWN_KINDS.keys())
        columns = [self._own_column(name) for name in names if name not in self._leave_out]
        taken = {column.name.lower() for column in columns} | RESERVED
        for extra_name, name in _free_names(sorted(self._extra), taken).items():
            seen = self._extra[extra_name]
            some_times = 0 < seen.times < self._rows
            columns.append(TrainingColumn(name, seen.kind(), seen.count < self._rows, extra_name, some_times))
        if self._has_rest:
            columns.append(TrainingColumn(REST, "text", has_gaps=True))
        return TrainingSchema(tuple(columns), has_captions=self._counts["caption"] > 0)

    def _own_column(self, name: str) -> TrainingColumn:
        kind = OWN_KINDS.get(name) or self._inferred[name].kind()
        column = LABEL if name == "labels" else name
        return TrainingColumn(column, kind, self._counts[name] < self._rows, None, 0 < self._times[name] < self._rows)


class _Values:
    """What is known of a column's values. count: of those that are there. times: of texts that look like a time."""

    __slots__ = ("_largest", "_types", "count", "times")

    def __init__(self) -> None:
        self.count = 0
        self.times = 0
        self._types: set[type] = set()
        self._largest = 0

    def add(self, value: Any) -> None:
        if not is_value(value):
            return
        self.count += 1
        self.times += type(value) is str and _is_time(value)
        self._types.add(type(value))
        if type(value) is int:
            self._largest = max(self._largest, value if value >= 0 else -value - 1)

    def kind(self) -> Kind:
        """The kind that holds every value as it is: text where nothing else does."""
        if self._types == {bool}:
            return "flag"
        if self._types == {int} and self._largest < 2**63:
            return "integer"
        if self._types and self._types <= {int, float} and self._largest <= _EXACT:
            return "number"
        return "text"


def _is_time(text: str) -> bool:
    return text[4:5] == "-" and _TIME.fullmatch(text) is not None


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
