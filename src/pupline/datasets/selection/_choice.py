"""Which good rows an export takes: filters, one row for identical bytes or for each address, and the split."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.datasets.selection._good_rows import Row
from pupline.datasets.selection._split import WHOLE, Split
from pupline.datasets.selection._where import Where
from pupline.errors import ConfigurationError
from pupline.tasks.metadata import METADATA_COLUMNS
from pupline.text import nearest, printable

_OWN_COLUMNS = frozenset(column.name for column in METADATA_COLUMNS) | {"run", "label"}
_MAX_NAMES = 10_000
_MINIMA = (("width", "min_width"), ("height", "min_height"), ("size_bytes", "min_bytes"))
_GROUP = "group"
"""The column of the quality pass with the SHA-256 of the group's keeper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an image must be; empty for everything. labels, file_types, licenses: any of these, in any letter case.

    labels: one of the image's labels, or all of them joined by `/`. verified_only: its hash is as the list declared.
    """

    labels: frozenset[str] = frozenset()
    file_types: frozenset[str] = frozenset()
    licenses: frozenset[str] = frozenset()
    min_width: int = 0
    min_height: int = 0
    min_bytes: int = 0
    verified_only: bool = False
    where: Where | None = None


EVERYTHING = Filters()
"""No filter at all."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of an export. row: of metadata, with the columns of the quality pass; keys: of objects with its bytes.

    address_id: of its row, for `GoodRows.row`. urls: how many addresses have these bytes.
    """

    row: Row
    address_id: int
    keys: tuple[str, ...]
    split: str
    urls: int

    @property
    def label(self) -> str:
        """Its labels joined by `/`; empty without any."""
        return label_of(self.row)


@dataclass(slots=True)
class ChoiceCounts:
    """What was not taken. filtered: images that a filter leaves out; unrated: those of them whose columns of
    the quality pass are missing. repeated: rows with the bytes of another. label_conflicts: contents whose addresses
    have different labels, with the URLs of some.
    """

    filtered: int = 0
    unrated: int = 0
    repeated: int = 0
    label_conflicts: int = 0
    conflict_examples: list[tuple[str, str]] = field(default_factory=list)


class Choice:
    """Chooses samples from groups of rows with the same bytes."""

    def __init__(self, filters: Filters, split: Split = WHOLE, *, per_address: bool = False) -> None:
        self.counts = ChoiceCounts()
        self._filters = filters
        self._split = split
        self._per_address = per_address
        self._unknown = set(filters.where.names) - _OWN_COLUMNS if filters.where else set()
        self._names: set[str] = set()

    def samples(self, contents: Iterable[list[tuple[int, Row]]]) -> Iterator[Sample]:
        """The samples of all contents, in their order. contents: the rows of each, with the ids of their addresses."""
        for content in contents:
            chosen = [(address, row) for address, row in content if self._takes(row)]
            self.counts.filtered += len(content) - len(chosen)
            if not chosen:
                continue
            self._note_conflict([row for _, row in chosen])
            keys = tuple(dict.fromkeys(row["key"] for _, row in [*chosen, *content]))
            wanted = chosen if self._per_address else chosen[:1]
            self.counts.repeated += len(chosen) - len(wanted)
            for address, row in wanted:
                group = row.get(_GROUP)
                split = self._split.name_of(group if isinstance(group, str) else row["sha256"])
                yield Sample(row, address, keys, split, len(chosen))

    def check_names(self, *, has_quality: bool) -> None:
        """Raises: ConfigurationError where `--where` has a column that no row has. Call it after the last sample."""
        for name in sorted(self._unknown):
            near = nearest(name, _OWN_COLUMNS | self._names)
            there = ", ".join(sorted(self._names)[:12]) or "none"
            hint = f"did you mean {near}?" if near else f"there are {there}; a text has quotes, as in label = 'pug'"
            quality = "" if has_quality else "; scores come from: pupline quality DATASET"
            raise ConfigurationError(f"--where: no image has a column '{printable(name, 60)}'; {hint}{quality}")

    def _takes(self, row: Row) -> bool:
        filters = self._filters
        if filters.labels and not filters.labels & {str(one).casefold() for one in (*_labels(row), label_of(row))}:
            return False
        if filters.file_types and row.get("file_type") not in filters.file_types:
            return False
        if filters.licenses and str(row.get("license") or "").casefold() not in filters.licenses:
            return False
        if filters.verified_only and row.get("verification") != "verified":
            return False
        if any((row.get(column) or 0) < getattr(filters, name) for column, name in _MINIMA):
            return False
        return filters.where is None or self._holds(filters.where, row)

    def _holds(self, where: Where, row: Row) -> bool:
        extra: Mapping[str, Any] = found if isinstance(found := row.get("extra"), Mapping) else {}
        self._learn(row, extra)

        def lookup(name: str) -> Any:
            if name == "label":
                return label_of(row) or None
            return row[name] if name in row else extra.get(name)

        if where.matches(lookup):
            return True
        if any(lookup(name) is None for name in where.names - _OWN_COLUMNS):
            self.counts.unrated += 1
        return False

    def _learn(self, row: Row, extra: Mapping[str, Any]) -> None:
        names = row.keys() | extra.keys()
        self._unknown -= names
        if len(self._names) < _MAX_NAMES:
            self._names |= names - _OWN_COLUMNS - {"extra"}

    def _note_conflict(self, rows: list[Row]) -> None:
        labels = {label_of(row): row["url"] for row in rows if _labels(row)}
        if len(labels) > 1:
            self.counts.label_conflicts += 1
            if len(self.counts.conflict_examples) < 3:
                first, second = sorted(labels.items())[:2]
                self.counts.conflict_examples.append((first[1], second[1]))


def label_of(row: Mapping[str, Any]) -> str:
    """The row's labels joined by `/`, as training rows have them; empty without any."""
    return "/".join(map(str, _labels(row)))


def _labels(row: Mapping[str, Any]) -> list[Any]:
    labels = row.get("labels")
    return labels if isinstance(labels, list) else []
