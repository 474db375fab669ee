"""Checks rows for damage. SQLite keeps no checksums, so a flipped bit in a row shows only by an impossible value.

SQLite's own check covers pages and indexes. Here each value is checked against its column: its type, UTF-8, JSON, the
words of a closed list, possible numbers and times. A bit that turns one valid value into another cannot be found.
"""

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pupline.errors import Outcome, Reason
from pupline.local.database._schema import MIGRATIONS, migrate

_LAST_SECOND = 253_402_300_800.0
"""The year 10000: later times cannot be formatted."""

UNFINISHED: Mapping[str, str] = {
    "runs": "run_id IN (SELECT run_id FROM executions WHERE status = 'RUNNING')",
    "executions": "status = 'RUNNING'",
    "ingests": "status = 'RUNNING'",
    "subscriptions": "removed_at IS NULL",
}
"""Table to condition: the rows that runs and ingests continue from. They are few.

Facts and definitions are not among them: only the execution that they belong to is refused.
"""

_LARGEST = 1 << 60
_STATUSES = frozenset({"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})
_WORDS: Mapping[str, frozenset[str]] = {
    "definitions.type": frozenset({"STANDARD", "EXPRESS"}),
    "executions.status": _STATUSES,
    "ingests.status": frozenset({"RUNNING", "SUCCEEDED", "FAILED"}),
    "objects.state": frozenset({"writing", "stored"}),
    "audit.outcome": frozenset(get_args(Outcome)),
    "audit.reason": frozenset(get_args(Reason)),
    "discarded_runs.kind": frozenset({"run", "ingest", "ingest --workflow"}),
    "state_machines.type": frozenset({"STANDARD", "EXPRESS"}),
    "state_machines.status": frozenset({"ACTIVE", "DELETING"}),
    "quality_reviews.decision": frozenset({"keep", "drop"}),
    "subscriptions.protocol": frozenset({"console", "file", "webhook", "email", "apprise"}),
}
_FLAGS = frozenset({"audit.alert_triggered", "audit.alert_sent", "ingests.listed", "discarded_runs.is_dataset"})
_TIMES = ("_at", "_time", ".now")


class DamagedValue(ValueError):
    """A damaged value; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. kind: SQLite's type in the schema, such as TEXT."""

    name: str
    kind: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One table. names: of its columns. key: the names of its primary key, in order; places: their indexes in a row."""

    name: str
    columns: tuple[Column, ...]
    names: list[str]
    key: tuple[str, ...]
    places: tuple[int, ...]

    def key_of(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """The primary key of a row."""
        return tuple(row[place] for place in self.places)


@cache
def tables(version: int = len(MIGRATIONS)) -> tuple[Table, ...]:
    """The tables of that version of the schema, each after those it refers to."""
    found = []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        migrate(empty, Path(":memory:"), MIGRATIONS[:version])
        for (name,) in empty.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            info = empty.execute(f"PRAGMA table_info({name})").fetchall()
            columns = [Column(column, kind, not (notnull or place)) for _, column, kind, notnull, _, place in info]
            names = [column.name for column in columns]
            key = tuple(column for _, column in sorted((place, column) for _, column, *_, place in info if place))
            found.append(Table(name, tuple(columns), names, key, tuple(map(names.index, key))))
    return tuple(found)


def damaged_rows(connection: sqlite3.Connection, version: int, where: Mapping[str, str] | None = None) -> Iterator[str]:
    """Damaged rows, such as `audit 17: alert_reasons is not JSON`.

    connection: returns text as bytes. where: table to condition; other tables are left out. Raises: sqlite3.Error.
    """
    for table in tables(version):
        if where is not None and table.name not in where:
            continue
        condition = f" WHERE {where[table.name]}" if where else ""
        for row in connection.execute(f"SELECT {', '.join(table.names)} FROM {table.name}{condition}"):  # noqa: S608
            try:
                check_row(table, row)
            except DamagedValue as err:
                key = (
                    part.decode("utf-8", "replace") if isinstance(part, bytes) else part for part in table.key_of(row)
                )
                yield f"{table.name} {'/'.join(map(str, key))}: {err}"


def check_row(table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
    """The row with its text decoded. row: text as bytes. Raises: DamagedValue."""
    values = tuple(_check_value(table.name, column, value) for column, value in zip(table.columns, row, strict=True))
    if check := _WHOLE_ROWS.get(table.name):
        check(dict(zip(table.names, values, strict=True)))
    return values


def _check_value(table: str, column: Column, value: Any) -> Any:
    name, full_name = column.name, f"{table}.{column.name}"
    if value is None:
        if not column.nullable:
            raise DamagedValue(f"{name} is missing")
    elif column.kind == "TEXT":
        return _check_text(full_name, name, value)
    elif column.kind == "INTEGER":
        if not isinstance(value, int):
            raise DamagedValue(f"{name} is not a whole number")
        if not 0 <= value < _LARGEST or (full_name in _FLAGS and value > 1):
            raise DamagedValue(f"{name} is an impossible number")
    elif column.kind == "REAL":
        if not isinstance(value, float | int) or not math.isfinite(value):
            raise DamagedValue(f"{name} is not a number")
        if full_name.endswith(_TIMES) and not 0 <= value < _LAST_SECOND:
            raise DamagedValue(f"{name} is an impossible time")
    elif not isinstance(value, bytes):
        raise DamagedValue(f"{name} is not bytes")
    return value


def _check_text(full_name: str, name: str, value: Any) -> str:
    try:
        text = value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise DamagedValue(f"{name} is not UTF-8 text")
    if full_name in _WORDS and text not in _WORDS[full_name]:
        raise DamagedValue(f"{name} has no such value")
    if full_name in _JSON:
        try:
            _JSON[full_name](json.loads(text))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as err:
            raise DamagedValue(f"{name} is not the JSON that was written") from err
    return text


# ---- JSON in texts


def _any(value: Any) -> None:
    """JSON of any kind."""


def _object(value: Any) -> None:
    if not isinstance(value, dict):
        raise TypeError


def _texts(value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError


def _attributes(value: Any) -> None:
    _object(value)
    _texts(list(value.values()))


def _routes(value: Any) -> None:
    if not all(isinstance(part, int) for number, weight in value for part in (number, weight)):
        raise TypeError


def _fact(value: Any) -> None:
    from pupline.asl import fact_from_json

    fact_from_json(value)


def _stop_request(value: Any) -> None:
    from pupline.asl import ExecutionAborted

    ExecutionAborted(**value)


def _item_facts(value: Any) -> None:
    from pupline.tasks.items import SourceItem

    SourceItem.from_dict({"url": "", **value})


_JSON: Mapping[str, Callable[[Any], None]] = {
    "definitions.definition": _object,
    "runs.settings": _object,
    "executions.input": _any,
    "executions.output": _any,
    "executions.stop_request": _stop_request,
    "ingests.stop_request": _stop_request,
    "facts.fact": _fact,
    "api_executions.context": _object,
    "api_executions.details": _object,
    "audit.alert_reasons": _texts,
    "alerts.attributes": _attributes,
    "ingests.settings": _object,
    "ingest_items.facts": _item_facts,
    "quality.findings": _object,
    "state_machines.definition": _object,
    "state_machines.settings": _object,
    "state_machine_versions.definition": _object,
    "state_machine_versions.settings": _object,
    "state_machine_aliases.routes": _routes,
    "activities.encryption": _object,
}


def _definition(row: Mapping[str, Any]) -> None:
    from pupline.asl import definition_digest

    if definition_digest(json.loads(row["definition"]), row["type"]) != row["digest"]:
        raise DamagedValue("definition is not the one that was written")


def _record(row: Mapping[str, Any]) -> None:
    try:
        datetime.fromisoformat(row["upload_timestamp"])
    except ValueError as err:
        raise DamagedValue("upload_timestamp is not a time") from err


_WHOLE_ROWS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {"definitions": _definition, "audit": _record}
