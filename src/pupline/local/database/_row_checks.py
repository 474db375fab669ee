"""Whether rows are what was written: SQLite keeps no checksums, so a flipped bit in a row is found by what it breaks.

SQLite's own check looks at pages and indexes. Here each value is held against its column: its type, whether it is
UTF-8, JSON where there is JSON, one of the words where there are few, a number and a time that can be. A bit that makes
another sound value of it is not found by anybody.
"""

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pupline.errors import Outcome, Reason
from pupline.local.database._schema import MIGRATIONS, migrate

_LAST_SECOND = 253_402_300_800.0
"""The year 10000: no time can be shown from there on."""

UNFINISHED: Mapping[str, str] = {
    "runs": "run_id IN (SELECT run_id FROM executions WHERE status = 'RUNNING')",
    "executions": "status = 'RUNNING'",
    "ingests": "status = 'RUNNING'",
    "subscriptions": "removed_at IS NULL",
}
"""Table to condition: the rows that a run, a resumption and an ingest go on from. They are few.

Facts and definitions are not among them: the execution that one of those belongs to is refused, and the others go on.
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
    "subscriptions.protocol": frozenset({"console", "file", "webhook", "email", "apprise"}),
}
_FLAGS = frozenset({"audit.alert_triggered", "audit.alert_sent", "ingests.listed"})
_TIMES = ("_at", "_time", ".now")


class Unsound(ValueError):
    """A value that was never written like that; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. kind: SQLite's type in the schema, such as TEXT."""

    name: str
    kind: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One table. key: of its primary key, in order; has_rowid: whether that is SQLite's own number."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    has_rowid: bool


@cache
def tables(version: int = len(MIGRATIONS)) -> tuple[Table, ...]:
    """The tables of that version of the schema, each after those that it refers to."""
    with_schema = schema(version)
    try:
        names = [name for (name,) in with_schema.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return tuple(_table(with_schema, name) for name in names)
    finally:
        with_schema.close()


def schema(version: int = len(MIGRATIONS)) -> sqlite3.Connection:
    """An empty database in memory with the tables of that version."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    migrate(made, Path(":memory:"), MIGRATIONS[:version])
    return made


def unsound_rows(connection: sqlite3.Connection, version: int, where: Mapping[str, str] | None = None) -> Iterator[str]:
    """What is wrong with rows, such as `audit 17: alert_reasons is not JSON`.

    connection: gives text as bytes. where: table to condition; the other tables are left out. Raises: sqlite3.Error.
    """
    for table in tables(version):
        if where is None or table.name in where:
            names = ", ".join(column.name for column in table.columns)
            condition = f" WHERE {where[table.name]}" if where else ""
            for row in connection.execute(f"SELECT {names} FROM {table.name}{condition}"):  # noqa: S608 - ours
                try:
                    checked_row(table, row)
                except Unsound as err:
                    yield f"{table.name} {shown_key(table, row)}: {err}"


def checked_row(table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
    """The row with its text decoded. row: text as bytes. Raises: Unsound."""
    values = tuple(
        _checked(f"{table.name}.{column.name}", column, value) for column, value in zip(table.columns, row, strict=True)
    )
    check = _WHOLE_ROWS.get(table.name)
    if check is not None:
        check(dict(zip((column.name for column in table.columns), values, strict=True)))
    return values


def shown_key(table: Table, row: Sequence[Any]) -> str:
    """The row's primary key, for a message."""
    by_name = dict(zip((column.name for column in table.columns), row, strict=True))
    parts = [by_name[name] for name in table.key]
    return "/".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts)


def _table(connection: sqlite3.Connection, name: str) -> Table:
    found = connection.execute(f"PRAGMA table_info({name})").fetchall()
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    key = [(place, column) for _, column, _, _, _, place in found if place]
    columns = tuple(
        Column(column, kind, nullable=not (notnull or place)) for _, column, kind, notnull, _, place in found
    )
    return Table(name, columns, tuple(column for _, column in sorted(key)), "WITHOUT ROWID" not in sql)


def _checked(where: str, column: Column, value: Any) -> Any:
    if value is None:
        if not column.nullable:
            raise Unsound(f"{column.name} is missing")
        return None
    if column.kind == "TEXT":
        return _text(where, column.name, value)
    if column.kind == "INTEGER":
        return _integer(where, column.name, value)
    if column.kind == "REAL":
        return _real(where, column.name, value)
    if not isinstance(value, bytes):
        raise Unsound(f"{column.name} is not bytes")
    return value


def _text(where: str, name: str, value: Any) -> str:
    try:
        text = value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise Unsound(f"{name} is not UTF-8 text")
    if where in _WORDS and text not in _WORDS[where]:
        raise Unsound(f"{name} has no such value")
    if where in _JSON:
        try:
            _JSON[where](json.loads(text))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as err:
            raise Unsound(f"{name} is not the JSON that was written") from err
    return text


def _integer(where: str, name: str, value: Any) -> int:
    if not isinstance(value, int):
        raise Unsound(f"{name} is not a whole number")
    if not 0 <= value < _LARGEST or (where in _FLAGS and value > 1):
        raise Unsound(f"{name} is a number that cannot be")
    return value


def _real(where: str, name: str, value: Any) -> float:
    if not isinstance(value, float | int) or not math.isfinite(value):
        raise Unsound(f"{name} is not a number")
    if where.endswith(_TIMES) and not 0 <= value < _LAST_SECOND:
        raise Unsound(f"{name} is a time that cannot be")
    return value


# ---- what is in texts


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
    "facts.fact": _fact,
    "audit.alert_reasons": _texts,
    "alerts.attributes": _attributes,
    "ingests.settings": _object,
    "ingest_items.facts": _item_facts,
}


def _definition(row: Mapping[str, Any]) -> None:
    from pupline.asl import definition_digest

    if definition_digest(json.loads(row["definition"]), row["type"]) != row["digest"]:
        raise Unsound("definition is not the one that was written")


def _record(row: Mapping[str, Any]) -> None:
    try:
        datetime.fromisoformat(row["upload_timestamp"])
    except ValueError as err:
        raise Unsound("upload_timestamp is not a time") from err


_WHOLE_ROWS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {"definitions": _definition, "audit": _record}
