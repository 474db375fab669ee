"""Forgetting finished executions: their journal and what they remembered. Objects, audit and alerts stay.

A run goes as a whole or not at all. Repeating a command with its `--run-id` starts what the run misses, so a run of
which only some executions were forgotten would start those again.
"""

import sqlite3
from dataclasses import dataclass

from pupline.local.database import Database

_BATCH = 200
_DONE = "status != 'RUNNING' AND stop_time < :before"
_PRUNABLE = (
    f"SELECT execution_id, name FROM executions AS one WHERE {_DONE} AND NOT EXISTS"  # noqa: S608 - the texts are ours
    f" (SELECT 1 FROM executions AS other WHERE other.run_id = one.run_id AND NOT ({_DONE}))"
)


@dataclass(frozen=True, slots=True)
class PruneCounts:
    """What was forgotten, or would be: executions, and the facts of their journals."""

    executions: int
    facts: int


def count_prunable(database: Database, before: float) -> PruneCounts:
    """What `prune` would forget: executions that ended before `before` (seconds since the epoch).

    Raises: StorageError.
    """
    [(executions,)] = database.rows(f"SELECT count(*) FROM ({_PRUNABLE})", {"before": before})  # noqa: S608
    facts = f"SELECT count(*) FROM facts WHERE execution_id IN (SELECT execution_id FROM ({_PRUNABLE}))"  # noqa: S608
    return PruneCounts(executions, int(database.rows(facts, {"before": before})[0][0]))


def prune(database: Database, before: float) -> PruneCounts:
    """Forget them, run by run in small transactions: a kill in the middle leaves whole runs. Raises: StorageError."""
    found = count_prunable(database, before)
    while database.write(lambda connection: _prune_some(connection, before)):
        pass
    database.write(_sweep)
    return found


def _prune_some(connection: sqlite3.Connection, before: float) -> bool:
    """Forget one run, or some executions that belong to none; whether there was something."""
    rows = connection.execute(
        f"SELECT run_id FROM executions WHERE execution_id IN (SELECT execution_id FROM ({_PRUNABLE})) LIMIT 1",  # noqa: S608
        {"before": before},
    ).fetchone()
    if rows is None:
        return False
    narrowed = _PRUNABLE + (" AND run_id = :run" if rows[0] else f" AND run_id IS NULL LIMIT {_BATCH}")
    for number, name in connection.execute(narrowed, {"before": before, "run": rows[0]}).fetchall():
        connection.execute("DELETE FROM facts WHERE execution_id = ?", (number,))
        # Every name that begins with "<execution>/": "0" is what follows "/" in ASCII.
        connection.execute("DELETE FROM memo WHERE name >= ? AND name < ?", (f"{name}/", f"{name}0"))
        connection.execute("DELETE FROM executions WHERE execution_id = ?", (number,))
    connection.execute("DELETE FROM runs WHERE run_id = ?", (rows[0],))
    return True


def _sweep(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM definitions WHERE digest NOT IN (SELECT digest FROM executions)")
