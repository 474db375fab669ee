"""The `AuditTable` port: one row per processed image, and the queries of the reading commands."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from pupline.local.database import Database, execute_many, storable
from pupline.tasks.figure_rows import FigureRow
from pupline.tasks.records import KNOWN_FIELDS, AuditRecord
from pupline.text import timestamp

_COLUMNS = tuple(field.name for field in fields(AuditRecord))
AUDIT_COLUMNS = ", ".join(_COLUMNS)
_VALUES_OF = attrgetter(*_COLUMNS)
_REASONS = _COLUMNS.index("alert_reasons")
_TRIGGERED = _COLUMNS.index("alert_triggered")
_SENT = _COLUMNS.index("alert_sent")
_INSERT = f"INSERT INTO audit ({AUDIT_COLUMNS})"
_KNOWN = " | ".join(f"(({name} IS NOT NULL) << {place})" for place, name in enumerate(KNOWN_FIELDS))
_FIGURES = ", ".join(_KNOWN if name == "known_fields" else name for name in FigureRow._fields)
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Selects records that match every given field.

    execution: a name. run: an id, of single images or of a bulk run. file_type: by content, such as `png`.
    since, until: RFC 3339 texts, compared with `upload_timestamp`; `until` is excluded.
    """

    outcome: str | None = None
    file_type: str | None = None
    execution: str | None = None
    run: str | None = None
    alerts_only: bool = False
    since: str | None = None
    until: str | None = None

    @classmethod
    def of(cls, run: str | None, execution: str | None, since: float | None) -> "AuditQuery":
        """The query of a reading command. since: in seconds since the epoch."""
        return cls(run=run, execution=execution, since=None if since is None else timestamp(max(since, 0.0)))


class LocalAuditTable:
    """Implements `pupline.tasks.ports.AuditTable`. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, record: AuditRecord) -> AuditRecord:
        """Add `record` unless this execution already has one under this name; the record in the table afterwards."""

        def work(connection: sqlite3.Connection) -> AuditRecord:
            insert_records(connection, [record])
            where = " WHERE image_name = ? AND execution = ?"
            key = (storable(record.image_name), storable(record.execution))
            found = connection.execute(f"SELECT {AUDIT_COLUMNS} FROM audit{where}", key).fetchone()  # noqa: S608
            return record_of(found)

        return self._database.write(work)

    def put_many(self, records: Sequence[AuditRecord]) -> None:
        """Add all of them in one transaction, each unless its execution already has one under its name."""
        self._database.write(lambda connection: insert_records(connection, records))

    def replace(self, execution: str, record: AuditRecord | None) -> None:
        """Make `record` the only record of the execution; None: it has no record."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM audit WHERE execution = ?", (storable(execution),))
            insert_records(connection, [record] if record else [])

        self._database.write(work)

    def records(self, query: AuditQuery | None = None) -> Iterator[AuditRecord]:
        """The matching records, a page at a time: memory stays flat.

        Oldest first; those of one run by execution instead, which is the order in which its images were requested.
        """
        return map(record_of, self._ordered(AUDIT_COLUMNS, query or AuditQuery()))

    def figure_rows(self, query: AuditQuery | None = None) -> Iterator[FigureRow]:
        """What figures need of the matching records, in the same order, several times as fast as `records`."""
        for *row, reasons in self._ordered(_FIGURES, query or AuditQuery()):
            yield FigureRow._make((*row, () if reasons == "[]" else tuple(json.loads(reasons))))

    def _ordered(self, columns: str, query: AuditQuery) -> Iterator[tuple[Any, ...]]:
        """The columns of the matching records, oldest first, or in the order of a run's executions."""
        where, parameters = _where(query)
        # The row value and the order make SQLite use one index, whatever the other conditions are.
        order = "upload_timestamp, audit_id" if query.run is None else "execution, audit_id"
        select = f"SELECT {columns}, {order} FROM audit WHERE ({order}) > (?, ?){where} ORDER BY {order} LIMIT ?"  # noqa: S608
        after: tuple[Any, ...] = ("", 0)
        while page := self._database.rows(select, (*after, *parameters, _PAGE)):
            yield from (row[:-2] for row in page)
            after = page[-1][-2:]

    def outcomes(self, run_id: str) -> dict[str, int]:
        """How many of the run's records have which outcome."""
        query = f"SELECT outcome, count(*) FROM audit WHERE {RUN_CONDITION} GROUP BY outcome"  # noqa: S608
        return dict(self._database.rows(query, run_range(run_id)))

    def accepted(self, run_ids: Sequence[str]) -> tuple[int, int]:
        """How many images the records of these runs name that were stored, each counted once, and their bytes."""
        query = (
            "SELECT count(*), coalesce(sum(size_bytes), 0) FROM (SELECT max(a.size_bytes) AS size_bytes"
            " FROM json_each(?) AS r CROSS JOIN audit AS a ON a.execution >= r.value || '-0'"
            " AND a.execution < r.value || '-:' AND instr(substr(a.execution, length(r.value) + 2), '-') = 0"
            " WHERE a.outcome IN ('stored', 'duplicate') GROUP BY a.image_name)"
        )
        [(images, size_bytes)] = self._database.rows(query, (json.dumps(list(run_ids)),))
        return int(images), int(size_bytes)

    def count(self) -> int:
        """The number of records."""
        return int(self._database.rows("SELECT count(*) FROM audit")[0][0])


def insert_records(connection: sqlite3.Connection, records: Sequence[AuditRecord]) -> None:
    """Add the records, each unless its execution already has one under its name."""
    execute_many(connection, _INSERT, [_row(record) for record in records], " ON CONFLICT DO NOTHING")


def record_of(row: tuple[Any, ...]) -> AuditRecord:
    """The record of a row with the columns AUDIT_COLUMNS."""
    item = dict(zip(_COLUMNS, row, strict=True))
    item["alert_reasons"] = () if row[_REASONS] == "[]" else tuple(json.loads(row[_REASONS]))
    item["alert_triggered"] = bool(row[_TRIGGERED])
    item["alert_sent"] = None if row[_SENT] is None else bool(row[_SENT])
    return AuditRecord(**item)


RUN_CONDITION = "execution >= ? AND execution < ? AND instr(substr(execution, ?), '-') = 0"
"""Executions of one run; `run_range` gives the parameters. The last part excludes runs whose id begins alike."""


def run_range(run_id: str) -> tuple[str, str, int]:
    """The parameters of RUN_CONDITION. In ASCII a colon follows the digits."""
    return f"{run_id}-0", f"{run_id}-:", len(run_id) + 2


def _where(query: AuditQuery) -> tuple[str, tuple[Any, ...]]:
    conditions: dict[str, tuple[Any, ...]] = {
        "outcome = ?": (query.outcome,),
        "file_type = ?": (query.file_type,),
        "execution = ?": (query.execution,),
        "upload_timestamp >= ?": (query.since,),
        "upload_timestamp < ?": (query.until,),
        "alert_triggered = ?": (1 if query.alerts_only else None,),
        RUN_CONDITION: (None,) if query.run is None else run_range(query.run),
    }
    used = {condition: values for condition, values in conditions.items() if values != (None,)}
    return "".join(f" AND {condition}" for condition in used), tuple(value for some in used.values() for value in some)


def _row(record: AuditRecord) -> list[Any]:
    row = list(_VALUES_OF(record))
    row[_REASONS] = json.dumps(record.alert_reasons) if record.alert_reasons else "[]"
    return row
