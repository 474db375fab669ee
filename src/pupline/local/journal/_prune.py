"""Deleting finished executions: their journal and their write-once values. Objects, audit and alerts stay.

A run is deleted as a whole or not at all. Repeating a command with its `--run-id` starts what the run misses, so a run
without some of its executions would start those again.
"""

import sqlite3
from dataclasses import dataclass

from pupline.local.database import Database
from pupline.local.journal._turn import forget_execution

_BATCH = 200
_DONE = "status != 'RUNNING' AND stop_time < :before"
_PRUNABLE = (
    f"SELECT execution_id, name FROM executions AS one WHERE {_DONE} AND NOT EXISTS"  # noqa: S608 - the texts are ours
    f" (SELECT 1 FROM executions AS other WHERE other.run_id = one.run_id AND NOT ({_DONE}))"
)


@dataclass(frozen=True, slots=True)
class PruneCounts:
    """Executions, and facts of their journals, that were deleted, or would be."""

    executions: int
    facts: int


def count_prunable(database: Database, before: float) -> PruneCounts:
    """The counts of what `prune` would delete: executions that ended before `before` (seconds since the epoch).

    Raises: StorageError.
    """
    [(executions,)] = database.rows(f"SELECT count(*) FROM ({_PRUNABLE})", {"before": before})  # noqa: S608
    facts = f"SELECT count(*) FROM facts WHERE execution_id IN (SELECT execution_id FROM ({_PRUNABLE}))"  # noqa: S608
    return PruneCounts(executions, int(database.rows(facts, {"before": before})[0][0]))


def prune(database: Database, before: float) -> PruneCounts:
    """Delete them, run by run in small transactions: a kill leaves whole runs. Raises: StorageError."""
    found = count_prunable(database, before)
    while database.write(lambda connection: _prune_some(connection, before)):
        pass
    unused = "DELETE FROM definitions WHERE digest NOT IN (SELECT digest FROM executions)"
    database.write(lambda connection: connection.execute(unused))
    texts = "DELETE FROM definition_texts WHERE text_digest NOT IN (SELECT text_digest FROM api_executions)"
    database.write(lambda connection: connection.execute(texts))
    return found


def _prune_some(connection: sqlite3.Connection, before: float) -> bool:
    """Delete one run, or some executions without a run; whether there was something to delete."""
    rows = connection.execute(
        f"SELECT run_id FROM executions WHERE execution_id IN (SELECT execution_id FROM ({_PRUNABLE})) LIMIT 1",  # noqa: S608
        {"before": before},
    ).fetchone()
    if rows is None:
        return False
    narrowed = _PRUNABLE + (" AND run_id = :run" if rows[0] else f" AND run_id IS NULL LIMIT {_BATCH}")
    for number, name in connection.execute(narrowed, {"before": before, "run": rows[0]}).fetchall():
        # Every name that begins with "<execution>/": "0" is what follows "/" in ASCII.
        connection.execute("DELETE FROM memo WHERE name >= ? AND name < ?", (f"{name}/", f"{name}0"))
        forget_execution(connection, number)
    connection.execute("DELETE FROM runs WHERE run_id = ?", (rows[0],))
    return True
