"""The `AuditTable` port: one row per image processed, and the queries of the reading commands."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from pupline.local._database import Database, storable
from pupline.records import AuditRecord

_COLUMNS = tuple(field.name for field in fields(AuditRecord))
_LIST = ", ".join(_COLUMNS)
_INSERT = f"INSERT INTO audit ({_LIST}) VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT DO NOTHING"  # noqa: S608 - the names are ours
_SELECT = f"SELECT {_LIST} FROM audit"  # noqa: S608
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which records: all that match every field given.

    execution: an execution's name. file_type: by content, such as `png`. since, until: RFC 3339 texts, compared with
    `upload_timestamp`; `until` is excluded.
    """

    outcome: str | None = None
    file_type: str | None = None
    execution: str | None = None
    alerts_only: bool = False
    since: str | None = None
    until: str | None = None


class LocalAuditTable:
    """Implements `pupline.ports.AuditTable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, record: AuditRecord) -> AuditRecord:
        """Add `record` unless this execution already has one under this name; the record that is now there.

        Raises: StorageError.
        """
        row = tuple(_to_column(getattr(record, name)) for name in _COLUMNS)

        def work(connection: sqlite3.Connection) -> AuditRecord:
            if connection.execute(_INSERT, row).rowcount:
                return record
            where = " WHERE image_name = ? AND execution = ?"
            return _record(connection.execute(_SELECT + where, (record.image_name, record.execution)).fetchone())

        return self._database.write(work)

    def get(self, image_name: str, execution: str) -> AuditRecord | None:
        """The record of this execution under this name, if any. Raises: StorageError."""
        found = self._database.rows(_SELECT + " WHERE image_name = ? AND execution = ?", (image_name, execution))
        return _record(found[0]) if found else None

    def records(self, query: AuditQuery | None = None) -> Iterator[AuditRecord]:
        """The records that match, oldest first, a page at a time: memory stays flat. Raises: StorageError."""
        where, parameters = _where(query or AuditQuery())
        order = " ORDER BY upload_timestamp, audit_id LIMIT ?"
        after: tuple[Any, ...] = ("", 0)
        while True:
            page = self._database.rows(
                f"SELECT {_LIST}, audit_id FROM audit WHERE (upload_timestamp, audit_id) > (?, ?){where}{order}",  # noqa: S608
                (*after, *parameters, _PAGE),
            )
            for row in page:
                yield _record(row[:-1])
            if len(page) < _PAGE:
                return
            after = (page[-1][_COLUMNS.index("upload_timestamp")], page[-1][-1])

    def count(self) -> int:
        """How many records there are. Raises: StorageError."""
        return int(self._database.rows("SELECT count(*) FROM audit")[0][0])


def _where(query: AuditQuery) -> tuple[str, tuple[Any, ...]]:
    conditions = {
        "outcome = ?": query.outcome,
        "file_type = ?": query.file_type,
        "execution = ?": query.execution,
        "upload_timestamp >= ?": query.since,
        "upload_timestamp < ?": query.until,
        "alert_triggered = ?": 1 if query.alerts_only else None,
    }
    used = {condition: value for condition, value in conditions.items() if value is not None}
    return "".join(f" AND {condition}" for condition in used), tuple(used.values())


def _to_column(value: Any) -> Any:
    if isinstance(value, tuple):
        return json.dumps(value)
    return storable(value) if isinstance(value, str) else value


def _record(row: tuple[Any, ...]) -> AuditRecord:
    item = dict(zip(_COLUMNS, row, strict=True))
    item["alert_reasons"] = json.loads(item["alert_reasons"])
    item["alert_triggered"] = bool(item["alert_triggered"])
    item["alert_sent"] = None if item["alert_sent"] is None else bool(item["alert_sent"])
    return AuditRecord.from_item(item)
