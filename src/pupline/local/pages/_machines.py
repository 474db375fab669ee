"""The state machines of a data directory: those of runs, and those that the Step Functions API made."""

from typing import Any

from pupline.local.database import Database
from pupline.local.pages._executions import SELECT_ITEM, summary_of
from pupline.tasks.pages import COUNT_LIMIT, MachineItem

_LAST = (
    "SELECT d.name, d.type, d.digest,"
    " (SELECT execution_id FROM executions AS e WHERE e.digest = d.digest ORDER BY execution_id DESC LIMIT 1) AS last"
    " FROM definitions AS d"
)
_OF_RUNS = (
    f"SELECT name, type, (SELECT definition FROM definitions AS d WHERE d.digest = l.digest), max(last) FROM ({_LAST})"  # noqa: S608
    " AS l WHERE last IS NOT NULL AND NOT EXISTS (SELECT 1 FROM api_executions AS a WHERE a.execution_id = last)"
    " GROUP BY name, type"
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
