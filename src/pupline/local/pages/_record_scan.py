"""Finding audit records by the index and, for those after it, by the database; in the order of their IDs.

IDs are given in the order in which records are written, so that is the order of lists.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import TypeVar

from pupline.local.database import Database, storable
from pupline.local.pages._conditions import RUN_PREFIX, Conditions, words_of
from pupline.local.pages._record_index import FIELD_EXPRESSIONS, TEXT_COLUMNS, RecordIndex
from pupline.local.pages._segments import SIZE, Columns, Mask, Segment
from pupline.local.tables import RUN_CONDITION, run_range
from pupline.tasks.pages import COUNT_LIMIT, RecordQuery
from pupline.text import timestamp

T = TypeVar("T")

PATIENCE_SECONDS = 0.45
"""How long one page looks for its rows."""

_CHUNK = 2 * SIZE
"""Records of one query to the database: none takes long."""

_LAST = 1 << 62


@dataclass(frozen=True, slots=True)
class Filter:
    """A query as the index and the database understand it. selects: whether it leaves anything out.

    is_by_name: the database finds its records by their executions, without the index.
    """

    conditions: Conditions
    wanted: dict[str, frozenset[str | None]]
    words: list[bytes]
    since: str
    until: str
    is_by_name: bool

    @property
    def selects(self) -> bool:
        """Whether any record is left out."""
        return bool(self.conditions.texts)

    def mask(self, columns: Columns) -> Mask:
        """The wanted records of a segment."""
        return columns.mask(self.wanted, self.words, self.since, self.until)


@dataclass(frozen=True, slots=True)
class Found:
    """IDs in the order of the scan. stopped_at: the ID after which it would continue, where it took too long."""

    ids: list[int]
    stopped_at: int | None = None


class RecordScan:
    """Methods raise StorageError."""

    def __init__(self, database: Database, index: RecordIndex | None) -> None:
        self._database = database
        self._index = index

    def filter(self, query: RecordQuery) -> Filter:
        """The filter of a query. Raises: InvalidQuery."""
        wanted: dict[str, frozenset[str | None]] = {
            name: frozenset(values)
            for name, values in (
                ("breed", query.breed),
                ("type", query.type),
                ("outcome", query.outcome),
                ("reason", query.reason),
                ("host", query.host),
                ("source", query.source),
                ("error", query.error),
                ("run", tuple(f"{run}-" for run in query.run)),
            )
            if values
        }
        if query.alert is not None:
            wanted["alert"] = frozenset({"yes" if query.alert else "no"})
        if query.dataset:
            runs = frozenset(f"{run}-" for run in self._runs_of(query.dataset))
            wanted["run"] = runs & wanted["run"] if "run" in wanted else runs
        return Filter(
            conditions=_conditions_of(query),
            wanted=wanted,
            words=[word.encode("utf-8", "replace").lower() for word in words_of(query.text)],
            since="" if query.since is None else timestamp(max(query.since, 0.0)),
            until="" if query.until is None else timestamp(max(query.until, 0.0)),
            is_by_name=bool(query.execution),
        )

    def ids(self, wanted: Filter, start: int | None, limit: int, *, descending: bool) -> Found:
        """At most `limit` IDs of wanted records after `start`, or before it."""
        place = start if start is not None else _LAST if descending else 0
        if not wanted.selects:
            bounds = (0, place - 1) if descending else (place, _LAST)
            return Found(self._selected(wanted, bounds, (limit, 0), descending=descending))
        found: list[int] = []
        deadline, has_looked = time.monotonic() + PATIENCE_SECONDS, False
        for part in self._parts(wanted, descending=descending):
            low, high = (part.first, part.last) if isinstance(part, Segment) else (part[0] + 1, part[1])
            if (low >= place) if descending else (high <= place):
                continue
            if has_looked and time.monotonic() > deadline:
                return Found(found, place)
            found += self._ids_of(part, wanted, place, limit - len(found), descending=descending)
            has_looked = True
            if len(found) >= limit:
                break
            place = low if descending else high
        return Found(found)

    def at(self, wanted: Filter, offset: int, limit: int, *, descending: bool) -> list[int]:
        """At most `limit` IDs from the one at `offset` on."""
        found: list[int] = []
        for part in self._parts(wanted, descending=descending):
            if limit <= len(found):
                break
            count = self._count_of(part, wanted)
            if offset < count:
                found += self._offsets_of(part, wanted, (offset, limit - len(found)), descending=descending)
            offset = max(offset - count, 0)
        return found

    def count(self, wanted: Filter) -> tuple[int, bool]:
        """How many records are wanted, and whether counting stopped; a search stops at COUNT_LIMIT, or in time."""
        if not wanted.selects:
            return int(self._database.rows("SELECT count(*) FROM audit")[0][0]), False
        number, deadline = 0, time.monotonic() + PATIENCE_SECONDS
        for part in self._parts(wanted, descending=True):
            if wanted.words and (number > COUNT_LIMIT or time.monotonic() > deadline):
                return min(number, COUNT_LIMIT), True
            number += self._count_of(part, wanted)
        return (number, False) if not wanted.words or number <= COUNT_LIMIT else (COUNT_LIMIT, True)

    def counts(self, wanted: Filter, name: str) -> Counter[str | None]:
        """How many of the wanted records have which value of a field."""
        found: Counter[str | None] = Counter()
        for part in self._parts(wanted, descending=True):
            found.update(self._counts_of(part, wanted, name))
        return found

    def _parts(self, wanted: Filter, *, descending: bool) -> Iterator["Segment | tuple[int, int]"]:
        """Segments, and ranges of IDs that have none: above the first number, up to the second."""
        segments: Sequence[Segment] = ()
        if self._index is not None and not wanted.is_by_name:
            segments = self._index.segments()
        end = (segments[-1].number + 1) * SIZE if segments else 0
        if wanted.is_by_name:
            ranges = [(0, _LAST)]
        else:
            last = int(self._database.rows("SELECT coalesce(max(audit_id), 0) FROM audit")[0][0])
            ranges = [(start, start + _CHUNK) for start in range(end, max(last, end + 1), _CHUNK)]
        parts: list[Segment | tuple[int, int]] = [*segments, *ranges]
        return iter(reversed(parts) if descending else parts)

    def _ids_of(
        self, part: "Segment | tuple[int, int]", wanted: Filter, place: int, limit: int, *, descending: bool
    ) -> list[int]:
        if isinstance(part, Segment):
            ids = self._in_segment(part, lambda columns: _masked(columns, wanted))
            if descending:
                return list(islice((one for one in reversed(ids) if one < place), limit))
            return list(islice((one for one in ids if one > place), limit))
        low, high = part
        bounds = (low, min(high, place - 1)) if descending else (max(low, place), high)
        return self._selected(wanted, bounds, (limit, 0), descending=descending)

    def _offsets_of(
        self, part: "Segment | tuple[int, int]", wanted: Filter, window: tuple[int, int], *, descending: bool
    ) -> list[int]:
        offset, limit = window
        if isinstance(part, Segment):
            ids = self._in_segment(part, lambda columns: _masked(columns, wanted))
            return list(islice(reversed(ids) if descending else ids, offset, offset + limit))
        return self._selected(wanted, part, (limit, offset), descending=descending)

    def _selected(
        self, wanted: Filter, bounds: tuple[int, int], window: tuple[int, int], *, descending: bool
    ) -> list[int]:
        where = wanted.conditions.all(["audit_id > ?", "audit_id <= ?"])
        order = "DESC" if descending else "ASC"
        text = f"SELECT audit_id FROM audit WHERE {where} ORDER BY audit_id {order} LIMIT ? OFFSET ?"  # noqa: S608
        return [one for (one,) in self._database.rows(text, (*wanted.conditions.values, *bounds, *window))]

    def _count_of(self, part: "Segment | tuple[int, int]", wanted: Filter) -> int:
        if isinstance(part, Segment):

            def count(columns: Columns) -> int:
                mask = wanted.mask(columns)
                return columns.segment.count if mask is None else mask.count(1)

            return self._in_segment(part, count)
        where = wanted.conditions.all(["audit_id > ?", "audit_id <= ?"])
        text = f"SELECT count(*) FROM audit WHERE {where}"  # noqa: S608 - the texts are ours
        return int(self._database.rows(text, (*wanted.conditions.values, *part))[0][0])

    def _counts_of(self, part: "Segment | tuple[int, int]", wanted: Filter, name: str) -> dict[str | None, int]:
        if isinstance(part, Segment):
            return self._in_segment(part, lambda columns: dict(columns.counts(name, wanted.mask(columns))))
        where = wanted.conditions.all(["audit_id > ?", "audit_id <= ?"])
        text = f"SELECT {FIELD_EXPRESSIONS[name]}, count(*) FROM audit WHERE {where} GROUP BY 1"  # noqa: S608
        return dict(self._database.rows(text, (*wanted.conditions.values, *part)))

    def _in_segment(self, segment: Segment, read: Callable[[Columns], T]) -> T:
        assert self._index is not None  # noqa: S101 - segments come from it
        with self._index.columns() as columns:
            return read(columns.of(segment))

    def _runs_of(self, datasets: Sequence[str]) -> Iterator[str]:
        found = Conditions()
        found.of_datasets("run_id", datasets)
        text = f"SELECT run_id FROM ({_ALL_RUNS}) WHERE {found.all()}"  # noqa: S608 - the texts are ours
        return (run for (run,) in self._database.rows(text, tuple(found.values)))


_ALL_RUNS = "SELECT run_id FROM ingests UNION SELECT run_id FROM runs UNION SELECT run_id FROM discarded_runs"


def _masked(columns: Columns, wanted: Filter) -> Sequence[int]:
    """The IDs of the wanted records of a segment."""
    mask, ids = wanted.mask(columns), columns.ids()
    return ids if mask is None else list(compress(ids, mask))


def _conditions_of(query: RecordQuery) -> Conditions:
    found = Conditions()
    found.any_of("execution", query.execution)
    for name, values in (
        ("source", query.source),
        ("breed", query.breed),
        ("type", query.type),
        ("outcome", query.outcome),
        ("reason", query.reason),
        ("error", query.error),
        ("host", query.host),
    ):
        found.any_of(FIELD_EXPRESSIONS[name], values)
    if query.run:
        # The + keeps SQLite from the index on executions, by which it would read all of the run for each range of IDs.
        runs = " OR ".join([f"({RUN_CONDITION.replace('execution >', '+execution >')})"] * len(query.run))
        found.add(f"({runs})", *[value for run in query.run for value in run_range(storable(run))])
    found.of_datasets(RUN_PREFIX, query.dataset, "-")
    if query.alert is not None:
        found.add("alert_triggered = ?", int(query.alert))
    if query.since is not None:
        found.add("upload_timestamp >= ?", timestamp(max(query.since, 0.0)))
    if query.until is not None:
        found.add("upload_timestamp < ?", timestamp(max(query.until, 0.0)))
    found.words(query.text, TEXT_COLUMNS)
    return found
