"""Audit records by page and by offset, their neighbours, and what they are counted by."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pupline.errors import NoSuchName
from pupline.local.database import Database, marks
from pupline.local.pages._facets import by_dataset, by_run, facets_of
from pupline.local.pages._record_index import RecordIndex
from pupline.local.pages._record_scan import RecordScan
from pupline.local.tables import AUDIT_COLUMNS, record_of
from pupline.tasks.page_cursors import cursor_of, invalid_cursor, key_of
from pupline.tasks.pages import Count, Facet, Neighbours, Page, RecordField, RecordItem, RecordQuery
from pupline.text import printable, time_named

SELECT_RECORD = f"SELECT {AUDIT_COLUMNS}, audit_id FROM audit"  # noqa: S608 - the names are ours
_RUN_DATASETS = (
    "SELECT run_id, dataset FROM ingests WHERE run_id IN ({0})"
    " UNION SELECT run_id, json_extract(settings, '$.dataset') FROM runs WHERE run_id IN ({0})"
    " UNION SELECT run_id, dataset FROM discarded_runs WHERE run_id IN ({0})"
)
_EPOCH = datetime.fromtimestamp(0, UTC)
_TIME = "SELECT upload_timestamp FROM audit WHERE audit_id {0} ? ORDER BY audit_id {1} LIMIT 1"


class RecordPages:
    """The list of audit records. Methods raise StorageError."""

    def __init__(self, database: Database, index: RecordIndex | None) -> None:
        self._database = database
        self._scan = RecordScan(database, index)

    def page(self, query: RecordQuery) -> Page[RecordItem]:
        """A page of records. Raises: InvalidQuery."""
        name, cursor = f"records/{query.order}", query.before or query.after
        start, is_backwards = None if cursor is None else _id_of(name, cursor), query.before is not None
        is_descending = (query.order == "newest") is not is_backwards
        found = self._scan.ids(self._scan.filter(query), start, query.limit + 1, descending=is_descending)
        has_more, ids = len(found.ids) > query.limit, found.ids[: query.limit]
        last = ids[-1] if has_more else found.stopped_at
        further = None if last is None else cursor_of(name, (last,))
        if is_backwards:
            ids.reverse()
        back = None if cursor is None else cursor_of(name, (ids[-1 if is_backwards else 0] if ids else start or 0,))
        following, previous = (back, further) if is_backwards else (further, back)
        searched_to = None if has_more or last is None else self._time_at(last, descending=is_descending)
        return Page(tuple(self._items(ids)), following, previous, searched_to)

    def at(self, query: RecordQuery, offset: int, limit: int) -> list[RecordItem]:
        """At most `limit` records from the one at `offset` on."""
        wanted = self._scan.filter(query)
        return self._items(self._scan.at(wanted, offset, limit, descending=query.order == "newest"))

    def count(self, query: RecordQuery) -> Count:
        """How many records match."""
        return Count(*self._scan.count(self._scan.filter(query)))

    def facets(self, query: RecordQuery, field: RecordField) -> list[Facet]:
        """The values of a field, most frequent first; days newest first."""
        counts = self._scan.counts(self._scan.filter(query.without(field)), "run" if field == "dataset" else field)
        if field in {"run", "dataset"}:
            runs = {prefix: run_of(f"{prefix}0") for prefix in counts}
            datasets = datasets_of(self._database, {run for run in runs.values() if run is not None})
            counts = by_run(counts, runs, datasets) if field == "run" else by_dataset(counts, runs, datasets)
        return facets_of(counts, is_by_day=field == "day")

    def item(self, record_id: str) -> RecordItem:
        """One record. Raises: NoSuchName."""
        is_number = record_id.isascii() and record_id.isdigit() and len(record_id) < 19
        found = self._items([int(record_id)]) if is_number else []
        if not found:
            raise NoSuchName(f"there is no audit record '{printable(record_id)}' here; list them with: pupline audit")
        return found[0]

    def neighbours(self, query: RecordQuery, record_id: str) -> Neighbours:
        """The matching records before and after this one. Raises: NoSuchName."""
        here, wanted = int(self.item(record_id).id), self._scan.filter(query)
        is_newest = query.order == "newest"
        before = self._items(self._scan.ids(wanted, here, 1, descending=not is_newest).ids)
        after = self._items(self._scan.ids(wanted, here, 1, descending=is_newest).ids)
        return (before[0] if before else None), (after[0] if after else None)

    def _items(self, ids: Sequence[int]) -> list[RecordItem]:
        """The records with these IDs that are there, in this order."""
        found = self._database.rows(f"{SELECT_RECORD} WHERE audit_id IN ({marks(len(ids))})", tuple(ids))
        by_id = {row[-1]: row for row in found}
        rows: list[tuple[Any, ...]] = [by_id[one] for one in ids if one in by_id]
        records = [record_of(row[:-1]) for row in rows]
        runs = [run_of(record.execution) for record in records]
        datasets = datasets_of(self._database, {run for run in runs if run is not None})
        return [
            RecordItem(
                id=str(row[-1]),
                record=record,
                run=run if run in datasets else None,
                dataset=datasets.get(run or ""),
                host=host_of(record.source_url),
            )
            for row, record, run in zip(rows, records, runs, strict=True)
        ]

    def _time_at(self, audit_id: int, *, descending: bool) -> float | None:
        """The time of the record that a scan came to."""
        text = _TIME.format(*(">=", "ASC") if descending else ("<=", "DESC"))
        return next((time_named(stamp, _EPOCH) for (stamp,) in self._database.rows(text, (audit_id,))), None)


def _id_of(name: str, cursor: str) -> int:
    """The record that a cursor names. Raises: InvalidQuery."""
    key = key_of(name, cursor)
    if len(key) != 1 or not isinstance(key[0], int):
        raise invalid_cursor()
    return key[0]


def datasets_of(database: Database, runs: Iterable[str]) -> dict[str, str | None]:
    """The dataset of each of these runs that exists, None for one of single images."""
    wanted = tuple(runs)
    if not wanted:
        return {}
    return dict(database.rows(_RUN_DATASETS.format(marks(len(wanted))), wanted * 3))


def run_of(execution: str) -> str | None:
    """What the run of an execution would be named: `monday` for `monday-00007`."""
    run, dash, index = execution.rpartition("-")
    return run if dash and index.isascii() and index.isdigit() else None


def host_of(url: str | None) -> str | None:
    """The host of a URL, with its port, as the database counts it; None for none."""
    return (url or "").partition("://")[2].partition("/")[0] or None
