"""Audit records by page and by offset, and their neighbours."""

from collections.abc import Iterable, Sequence
from typing import Any

from pupline.errors import NoSuchName
from pupline.local.database import Database, marks
from pupline.local.pages._conditions import HOST, RUN_PREFIX, Conditions
from pupline.local.pages._keyset import Keyset, Ordering, Segment
from pupline.local.tables import AUDIT_COLUMNS, RUN_CONDITION, record_of, run_range
from pupline.tasks.pages import Count, Neighbours, Page, RecordItem, RecordQuery
from pupline.text import printable, timestamp

SELECT_RECORD = f"SELECT {AUDIT_COLUMNS}, audit_id FROM audit"  # noqa: S608 - the names are ours
_KEY = ("upload_timestamp", "audit_id"), (str, int)
ORDERINGS = {
    "newest": Ordering("records/newest", (Segment(*_KEY, is_descending=True),)),
    "oldest": Ordering("records/oldest", (Segment(*_KEY, is_descending=False),)),
}
_TEXTS = ("image_name", "source_url", "image_url", "execution", "breed", "reason", "error", "cause")
_RUN_DATASETS = (
    "SELECT run_id, dataset FROM ingests WHERE run_id IN ({0})"
    " UNION SELECT run_id, json_extract(settings, '$.dataset') FROM runs WHERE run_id IN ({0})"
    " UNION SELECT run_id, dataset FROM discarded_runs WHERE run_id IN ({0})"
)


class RecordPages:
    """The list of audit records. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, query: RecordQuery) -> Page[RecordItem]:
        """A page of records. Raises: InvalidQuery."""
        found = self._keyset(query).page(query)
        return Page(tuple(self._items(found.rows)), found.next, found.previous)

    def at(self, query: RecordQuery, offset: int, limit: int) -> list[RecordItem]:
        """At most `limit` records from the one at `offset` on."""
        conditions = conditions_of(query)
        direction = "DESC" if query.order == "newest" else "ASC"
        order = f"upload_timestamp {direction}, audit_id {direction}"
        text = f"{SELECT_RECORD} WHERE {conditions.all()} ORDER BY {order} LIMIT ? OFFSET ?"
        return self._items(self._database.rows(text, (*conditions.values, limit, offset)))

    def count(self, query: RecordQuery) -> Count:
        """How many records match."""
        conditions = conditions_of(query)
        text = f"SELECT count(*) FROM audit WHERE {conditions.all()}"  # noqa: S608 - the texts are ours
        return Count(int(self._database.rows(text, tuple(conditions.values))[0][0]))

    def item(self, record_id: str) -> RecordItem:
        """One record. Raises: NoSuchName."""
        return self._items([self._row(record_id)])[0]

    def neighbours(self, query: RecordQuery, record_id: str) -> Neighbours:
        """The matching records before and after this one. Raises: NoSuchName."""
        row = self._row(record_id)
        keyset = self._keyset(query)
        key = (row[_TIME], row[-1])
        before, after = keyset.next_to(key, backwards=True), keyset.next_to(key, backwards=False)
        found = iter(self._items([one for one in (before, after) if one]))
        return (next(found) if before else None), (next(found) if after else None)

    def _row(self, record_id: str) -> tuple[Any, ...]:
        is_number = record_id.isascii() and record_id.isdigit() and len(record_id) < 19
        found = self._database.rows(f"{SELECT_RECORD} WHERE audit_id = ?", (int(record_id),)) if is_number else []
        if not found:
            raise NoSuchName(f"there is no audit record '{printable(record_id)}' here; list them with: pupline audit")
        return found[0]

    def _keyset(self, query: RecordQuery) -> Keyset:
        return Keyset(self._database, SELECT_RECORD, ORDERINGS[query.order], conditions_of(query))

    def _items(self, rows: Sequence[tuple[Any, ...]]) -> list[RecordItem]:
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


_TIME = AUDIT_COLUMNS.split(", ").index("upload_timestamp")


def conditions_of(query: RecordQuery) -> Conditions:
    """The query's filters."""
    found = Conditions()
    found.any_of("execution", query.execution)
    found.any_of("source", query.source)
    found.any_of("breed", query.breed)
    found.any_of("file_type", query.type)
    found.any_of("outcome", query.outcome)
    found.any_of("reason", query.reason)
    found.any_of("error", query.error)
    found.any_of(HOST, query.host)
    if query.run:
        runs = " OR ".join([f"({RUN_CONDITION})"] * len(query.run))
        found.add(f"({runs})", *[value for run in query.run for value in run_range(run)])
    found.of_datasets(RUN_PREFIX, query.dataset, "-")
    if query.alert is not None:
        found.add("alert_triggered = ?", int(query.alert))
    if query.since is not None:
        found.add("upload_timestamp >= ?", timestamp(max(query.since, 0.0)))
    if query.until is not None:
        found.add("upload_timestamp < ?", timestamp(max(query.until, 0.0)))
    found.words(query.text, _TEXTS)
    return found


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
