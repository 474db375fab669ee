"""The state machines of a data directory: those of runs, and those that the Step Functions API made."""

from typing import Any

from pupline.local.database import Database
from pupline.local.pages._executions import SELECT_ITEM, summary_of
from pupline.tasks.pages import COUNT_LIMIT, MachineItem

_OF_RUNS = (
    "SELECT d.name, d.type, d.definition, max(l.last) FROM"
    # First of the index alone: with the definitions in one pass, it takes fifty times as long.
    " (SELECT e.digest, max(e.execution_id) AS last FROM executions AS e WHERE NOT EXISTS"
    " (SELECT 1 FROM api_executions AS a WHERE a.execution_id = e.execution_id) GROUP BY e.digest) AS l"
    " JOIN definitions AS d USING (digest) GROUP BY d.name, d.type"
)
_NAMES = "SELECT name FROM definitions UNION SELECT name FROM state_machines WHERE status = 'ACTIVE' ORDER BY 1"
_OF_API = (
    "SELECT name, type, definition, arn, created_at,"
    " (SELECT max(execution_id) FROM api_executions AS a WHERE a.machine_arn = m.arn)"
    " FROM state_machines AS m WHERE status = 'ACTIVE'"
)
_RUNNING = (
    "SELECT count(*) FROM (SELECT 1 FROM executions AS e JOIN definitions AS d USING (digest)"
    " LEFT JOIN api_executions AS a USING (execution_id)"
    " WHERE e.status = 'RUNNING' AND d.name = ? AND a.machine_arn IS ? LIMIT ?)"
)
_INGESTS = (
    "SELECT 1 FROM executions AS e JOIN runs USING (run_id)"
    " WHERE execution_id = ? AND json_extract(settings, '$.dataset') IS NOT NULL"
)


def machines(database: Database) -> list[MachineItem]:
    """The state machines, by name. Raises: StorageError."""
    found = [
        MachineItem(
            name=name,
            type=machine_type,
            kind="ingest" if database.rows(_INGESTS, (last,)) else "run",
            definition=definition,
            **_executions_of(database, name, None, last),
        )
        for name, machine_type, definition, last in database.rows(_OF_RUNS)
    ]
    found += [
        MachineItem(
            name=name,
            type=machine_type,
            kind="api",
            definition=definition,
            arn=arn,
            created_at=created_at,
            **_executions_of(database, name, arn, last),
        )
        for name, machine_type, definition, arn, created_at, last in database.rows(_OF_API)
    ]
    return sorted(found, key=lambda one: (one.name, one.kind))


def machine_names(database: Database) -> list[str]:
    """Their names, each once and in order. Raises: StorageError."""
    return [name for (name,) in database.rows(_NAMES)]


def _executions_of(database: Database, name: str, arn: str | None, last: int | None) -> dict[str, Any]:
    rows = database.rows(f"{SELECT_ITEM} WHERE e.execution_id = ?", (last,))
    [(running,)] = database.rows(_RUNNING, (name, arn, COUNT_LIMIT))
    return {"last": summary_of(rows[0]) if rows else None, "running": running}
