"""Executions of every state machine in one list: of runs, of ingests through the workflow, and of the API."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pupline.errors import NoSuchName
from pupline.local.database import Database, marks
from pupline.local.pages._conditions import Conditions
from pupline.local.pages._keyset import Keyset, Ordering, Segment
from pupline.local.tables import AUDIT_COLUMNS, record_of
from pupline.tasks.pages import COUNT_LIMIT, Count, ExecutionItem, ExecutionKind, ExecutionQuery, Page
from pupline.tasks.ports import ExecutionSummary
from pupline.tasks.records import AuditRecord
from pupline.text import printable

_RUNNING = "e.status = 'RUNNING'"
UNSUCCESSFUL = "e.status IN ('FAILED', 'TIMED_OUT', 'ABORTED')"
_COLUMNS = (
    "e.execution_id, e.name, e.status, e.run_id, e.start_time, e.stop_time, e.error, e.cause, d.name, d.type,"
    " (SELECT settings FROM runs AS r WHERE r.run_id = e.run_id),"
    " EXISTS (SELECT 1 FROM api_executions AS p WHERE p.execution_id = e.execution_id)"
)
SELECT_ITEM = f"SELECT {_COLUMNS} FROM executions AS e JOIN definitions AS d USING (digest)"  # noqa: S608 - our texts
_ID = ("e.execution_id",), (int,)
_ENDED = Segment(
    ("(e.stop_time - e.start_time)", "e.execution_id"), (float, int), is_descending=True, condition="e.stop_time > 0"
)
ORDERINGS = {
    ordering.name.partition("/")[2]: ordering
    for ordering in (
        Ordering("executions/newest", (Segment(*_ID, is_descending=True),)),
        Ordering("executions/oldest", (Segment(*_ID, is_descending=False),)),
        Ordering(
            "executions/failed",
            (
                Segment(*_ID, is_descending=True, condition=UNSUCCESSFUL),
                Segment(*_ID, is_descending=True, condition=f"NOT {UNSUCCESSFUL}"),
            ),
        ),
        Ordering("executions/longest", (Segment(*_ID, is_descending=False, condition=_RUNNING), _ENDED)),
    )
}
_OF_RUNS = "e.run_id IN (SELECT run_id FROM runs WHERE json_extract(settings, '$.{0}') {1})"
_KINDS = {
    "api": "EXISTS (SELECT 1 FROM api_executions AS p WHERE p.execution_id = e.execution_id)",
    "ingest": _OF_RUNS.format("dataset", "IS NOT NULL"),
}
_KINDS["run"] = f"NOT ({_KINDS['api']}) AND ({_KINDS['ingest']}) IS NOT 1"
_IN_RECORD = (
    "EXISTS (SELECT 1 FROM audit AS a WHERE a.execution = e.name AND"
    " (a.image_name LIKE ? ESCAPE '\\' OR a.source_url LIKE ? ESCAPE '\\' OR a.image_url LIKE ? ESCAPE '\\'))"
)


class ExecutionPages:
    """The list of executions. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, query: ExecutionQuery) -> Page[ExecutionItem]:
        """A page of executions. Raises: InvalidQuery."""
        found = self._keyset(query).page(query)
        rows = self._database.rows(f"{SELECT_ITEM} WHERE e.execution_id IN ({marks(len(found.ids))})", tuple(found.ids))
        by_id = {row[0]: row for row in rows}
        present = [by_id[one] for one in found.ids if one in by_id]
        searched_to = None if found.stopped_at is None else self._time_at(found.stopped_at)
        return Page(tuple(self._items(present)), found.next, found.previous, searched_to)

    def count(self, query: ExecutionQuery) -> Count:
        """How many match, up to COUNT_LIMIT."""
        number, is_whole = self._keyset(query).count(COUNT_LIMIT + 1)
        return Count(min(number, COUNT_LIMIT), number > COUNT_LIMIT or not is_whole)

    def item(self, name: str) -> ExecutionItem:
        """One execution. Raises: NoSuchName."""
        found = self._database.rows(f"{SELECT_ITEM} WHERE e.name = ?", (name,))
        if not found:
            raise NoSuchName(f"there is no execution '{printable(name)}' here; list them with: pupline executions")
        return self._items(found)[0]

    def _keyset(self, query: ExecutionQuery) -> Keyset:
        return Keyset(
            database=self._database,
            table="executions AS e",
            row_id="e.execution_id",
            ordering=ORDERINGS[query.order],
            conditions=conditions_of(query),
            is_search=bool(query.text) or bool(record_conditions(query).texts),
        )

    def _time_at(self, execution_id: int) -> float | None:
        """The time of the execution that a search came to."""
        text = "SELECT start_time FROM executions WHERE execution_id >= ? ORDER BY execution_id LIMIT 1"
        return next((float(at) for (at,) in self._database.rows(text, (execution_id,))), None)

    def _items(self, rows: Sequence[tuple[Any, ...]]) -> list[ExecutionItem]:
        records = records_of(self._database, [row[1] for row in rows])
        return [_item(row, records.get(row[1], ())) for row in rows]


def summary_of(row: tuple[Any, ...]) -> ExecutionSummary:
    """The execution of a row of SELECT_ITEM."""
    _, name, status, run, start_time, stop_time, error, cause, *_ = row
    return ExecutionSummary(name, status, run, start_time, stop_time, error, cause)


def records_of(database: Database, names: Sequence[str]) -> dict[str, list[tuple[str, AuditRecord]]]:
    """Ids and records of these executions, by the execution's name; those with the same name in their order."""
    found: dict[str, list[tuple[str, AuditRecord]]] = {}
    if names:
        where = f"WHERE execution IN ({marks(len(names))}) ORDER BY audit_id"
        for audit_id, *row in database.rows(f"SELECT audit_id, {AUDIT_COLUMNS} FROM audit {where}", tuple(names)):  # noqa: S608
            record = record_of(tuple(row))
            found.setdefault(record.execution, []).append((str(audit_id), record))
    return found


def conditions_of(query: ExecutionQuery) -> Conditions:
    """The query's filters, over `e` and `d` of SELECT_ITEM."""
    found = Conditions()
    found.any_of("e.status", query.status)
    for partial in (_RUNNING, UNSUCCESSFUL):  # as the indexes have it: SQLite does not conclude it from parameters
        if query.status and all(f"'{status}'" in partial for status in query.status):
            found.add(partial)
    if query.machine:
        digests = f"SELECT digest FROM definitions WHERE name IN ({marks(len(query.machine))})"  # noqa: S608
        found.add(f"e.digest IN ({digests})", *query.machine)
    found.any_of("e.run_id", query.run)
    found.any_of("e.error", query.error)
    if query.since is not None:
        found.add("e.start_time >= ?", query.since)
    if query.until is not None:
        found.add("e.start_time < ?", query.until)
    if query.kind:
        found.add(f"({' OR '.join(f'({_KINDS[kind]})' for kind in query.kind)})")
    for name, values in (("source", query.source), ("dataset", query.dataset)):
        if values:
            found.add(_OF_RUNS.format(name, f"IN ({marks(len(values))})"), *values)
    of_record = record_conditions(query)
    if of_record.texts:
        condition = f"EXISTS (SELECT 1 FROM audit AS a WHERE a.execution = e.name AND {of_record.all()})"  # noqa: S608
        found.add(condition, *of_record.values)
    found.words(query.text, ("e.name", "e.error", "e.cause"), ("e.input", "e.output"), _IN_RECORD)
    return found


def record_conditions(query: ExecutionQuery) -> Conditions:
    """The query's filters of the audit record, over `a`."""
    found = Conditions()
    found.any_of("a.breed", query.breed)
    found.any_of("a.file_type", query.type)
    found.any_of("a.outcome", query.outcome)
    found.any_of("a.reason", query.reason)
    if query.alert is not None:
        found.add("a.alert_triggered = ?", int(query.alert))
    return found


def _item(row: tuple[Any, ...], records: Iterable[tuple[str, AuditRecord]]) -> ExecutionItem:
    machine, machine_type, settings, is_of_api = row[8:]
    of_run = {} if settings is None else json.loads(settings)
    source, dataset = of_run.get("source"), of_run.get("dataset")
    kind: ExecutionKind = "api" if is_of_api else "run" if dataset is None else "ingest"
    record_id, record = next(iter(records), (None, None))
    return ExecutionItem(
        row=summary_of(row),
        kind=kind,
        machine=machine,
        type=machine_type,
        record=record,
        record_id=record_id,
        source=source or (record.source if record else None),
        dataset=dataset,
    )
