"""Forgetting finished executions: whole runs, old ones only, and nothing else."""

import sqlite3
from pathlib import Path

import pytest

from pupline.local import Database, PruneCounts, count_prunable, prune
from pupline.local.tables import LocalWriteOnceStore


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A database with three runs (old, half old, running), two executions each, and one of no run."""
    database = Database.open(tmp_path / "pupline.sqlite")

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO definitions VALUES ('d', 'n', 'STANDARD', '{}'), ('u', 'n', 'STANDARD', '{}')")
        rows: list[tuple[str | None, int, str, float | None]] = [
            ("old", 1, "SUCCEEDED", 10.0),
            ("old", 2, "FAILED", 20.0),
            ("half", 1, "SUCCEEDED", 10.0),
            ("half", 2, "SUCCEEDED", 200.0),
            ("going", 1, "SUCCEEDED", 10.0),
            ("going", 2, "RUNNING", None),
            (None, 1, "SUCCEEDED", 10.0),
        ]
        for run_id in ("old", "half", "going"):
            connection.execute("INSERT INTO runs (run_id, settings, created_at) VALUES (?, '{}', 0)", (run_id,))
        for run, index, status, stopped in rows:
            added = connection.execute(
                "INSERT INTO executions (name, run_id, run_index, digest, input, status, start_time, stop_time)"
                " VALUES (?, ?, ?, 'd', '{}', ?, 0, ?)",
                (f"{run}-{index}", run, index if run else None, status, stopped),
            )
            connection.execute(
                "INSERT INTO facts (execution_id, seq, now, resource, fact) VALUES (?, 0, 0, NULL, '{}')",
                (added.lastrowid,),
            )

    database.write(fill)
    return database


def names(database: Database) -> list[str]:
    """The executions that are left."""
    return [name for (name,) in database.rows("SELECT name FROM executions ORDER BY execution_id")]


def test_only_whole_old_runs_and_old_single_executions_go(database: Database) -> None:
    """A run with a young or running execution stays whole; counts are what went."""
    assert count_prunable(database, 100.0) == PruneCounts(executions=3, facts=3)
    assert len(names(database)) == 7
    assert prune(database, 100.0) == PruneCounts(executions=3, facts=3)
    assert names(database) == ["half-1", "half-2", "going-1", "going-2"]
    assert database.rows("SELECT count(*) FROM facts") == [(4,)]
    assert database.rows("SELECT run_id FROM runs ORDER BY 1") == [("going",), ("half",)]
    database.close()


def test_what_an_execution_remembered_goes_with_it(database: Database) -> None:
    """Memos of forgotten executions go, those of others with a similar name stay; unused definitions go."""
    write_once = LocalWriteOnceStore(database)
    for name in ("old-1/picked", "old-1/object", "old-10/picked", "half-1/picked"):
        write_once.remember(name, "x")
    prune(database, 100.0)
    assert write_once.recall("old-1/picked") is None
    assert write_once.recall("old-10/picked") == write_once.recall("half-1/picked") == "x"
    assert database.rows("SELECT digest FROM definitions") == [("d",)]
    database.close()


def test_nothing_old_is_nothing_done(database: Database) -> None:
    """With nothing to forget nothing changes."""
    assert prune(database, 5.0) == PruneCounts(executions=0, facts=0)
    assert len(names(database)) == 7
    database.close()
