"""Rows held against what was written: the words and columns that are expected are those that the house has."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pupline.local import LocalBackend
from pupline.local.alerts._subscriptions import _CHECKS
from pupline.local.database._row_checks import (
    _FLAGS,
    _JSON,
    _WORDS,
    UNFINISHED,
    Column,
    DamagedValue,
    _check_value,
    damaged_rows,
    tables,
)
from pupline.local.database._schema import MIGRATIONS
from pupline.tasks.records import AuditRecord


def test_every_protocol_is_a_sound_one() -> None:
    """A subscription to a new kind of channel must not be taken for damage."""
    assert _WORDS["subscriptions.protocol"] == frozenset(_CHECKS)


def test_what_is_looked_at_is_there() -> None:
    """Every table and column that is named is one of today's schema; older ones have some of them."""
    columns = {f"{table.name}.{column.name}" for table in tables() for column in table.columns}
    assert {*_WORDS, *_JSON, *_FLAGS} <= columns
    assert set(UNFINISHED) <= {table.name for table in tables()}
    for version in range(1, len(MIGRATIONS)):
        older = {f"{table.name}.{column.name}" for table in tables(version) for column in table.columns}
        assert older <= columns  # a migration may add an index alone


@pytest.mark.parametrize(
    ("full_name", "kind", "value", "problem"),
    [
        ("audit.run_id", "TEXT", None, "is missing"),
        ("audit.run_id", "TEXT", b"\xff", "is not UTF-8 text"),
        ("audit.run_id", "TEXT", 7, "is not UTF-8 text"),
        ("audit.outcome", "TEXT", b"eaten", "has no such value"),
        ("audit.alert_reasons", "TEXT", b"[1]", "is not the JSON that was written"),
        ("audit.alert_reasons", "TEXT", b"[" * 100_000, "is not the JSON that was written"),
        ("facts.fact", "TEXT", b"{}", "is not the JSON that was written"),
        ("facts.fact", "TEXT", b"5", "is not the JSON that was written"),
        ("runs.settings", "TEXT", b"[]", "is not the JSON that was written"),
        ("audit.size_bytes", "INTEGER", 1.5, "is not a whole number"),
        ("audit.size_bytes", "INTEGER", -1, "is an impossible number"),
        ("audit.size_bytes", "INTEGER", 1 << 60, "is an impossible number"),
        ("audit.alert_sent", "INTEGER", 2, "is an impossible number"),
        ("facts.worked", "REAL", b"1", "is not a number"),
        ("facts.worked", "REAL", float("inf"), "is not a number"),
        ("facts.now", "REAL", 253_402_300_800.0, "is an impossible time"),
        ("objects.created_at", "REAL", -1.0, "is an impossible time"),
        ("audit_keys.identity", "BLOB", 7, "is not bytes"),
    ],
)
def test_a_damaged_value_says_what_is_wrong(full_name: str, kind: str, value: object, problem: str) -> None:
    """Each value is held against the type, the words, the JSON and the numbers of its column."""
    table, _, name = full_name.partition(".")
    with pytest.raises(DamagedValue, match=f"^{name} {problem}$"):
        _check_value(table, Column(name, kind, nullable=False), value)


def test_a_record_has_a_time(tmp_path: Path) -> None:
    """A text that is not a time is damage, though it is a text."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        backend.audit.put(
            AuditRecord(
                image_name="rex.jpg",
                upload_timestamp="2026-01-02T03:04:05Z",
                alert_triggered=False,
                outcome="stored",
                reason="accepted",
                execution="run-00001",
            )
        )
    with closing(sqlite3.connect(tmp_path / "pupline.sqlite")) as connection:
        connection.text_factory = bytes
        assert list(damaged_rows(connection, len(MIGRATIONS))) == []
        connection.execute("UPDATE audit SET upload_timestamp = '2026-01-02T03:04:95Z'")
        assert list(damaged_rows(connection, len(MIGRATIONS))) == ["audit 1: upload_timestamp is not a time"]


@pytest.mark.parametrize(
    ("full_name", "kind", "value", "expected"),
    [
        ("audit.outcome", "TEXT", b"stored", "stored"),
        ("audit.reason", "TEXT", None, None),
        ("audit.alert_reasons", "TEXT", b'["a"]', '["a"]'),
        ("audit.size_bytes", "INTEGER", 0, 0),
        ("audit.size_bytes", "INTEGER", (1 << 60) - 1, (1 << 60) - 1),
        ("audit.alert_sent", "INTEGER", 1, 1),
        ("facts.worked", "REAL", -1.0, -1.0),
        ("facts.now", "REAL", 0, 0),
        ("audit_keys.identity", "BLOB", b"\xff", b"\xff"),
    ],
)
def test_a_sound_value_passes(full_name: str, kind: str, value: object, expected: object) -> None:
    """The limits themselves are possible values; text comes back decoded."""
    table, _, name = full_name.partition(".")
    assert _check_value(table, Column(name, kind, nullable=True), value) == expected
