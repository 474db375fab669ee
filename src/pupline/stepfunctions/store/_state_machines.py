"""State machines: what was created, and its present revision."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from pupline.local import Database

_COLUMNS = "arn, name, type, status, created_at, last_version, definition, role_arn, settings, revision_id, updated_at"
_SELECT = f"SELECT {_COLUMNS} FROM state_machines"  # noqa: S608 - the names are ours


@dataclass(frozen=True, slots=True)
class Revision:
    """What an execution runs. definition: the text as it was given.

    settings: loggingConfiguration, tracingConfiguration and encryptionConfiguration, as they are answered.
    revision_id: None of a machine that was never updated, as on AWS. at: seconds since the epoch.
    """

    definition: str
    role_arn: str
    settings: dict[str, Any]
    revision_id: str | None
    at: float


@dataclass(frozen=True, slots=True)
class StoredMachine:
    """One state machine. type: STANDARD or EXPRESS; status: ACTIVE or DELETING.

    last_version: the highest number that was given to a version; numbers are not given twice.
    """

    arn: str
    name: str
    type: str
    status: str
    created_at: float
    last_version: int
    revision: Revision


class StateMachines:
    """The table of state machines. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, arn: str) -> StoredMachine | None:
        """The state machine with this ARN, if any."""
        return next(iter(_machines(self._database.rows(f"{_SELECT} WHERE arn = ?", (arn,)))), None)

    def create(self, machine: StoredMachine) -> StoredMachine:
        """Store a machine, unless its ARN is taken; the machine that has the ARN now."""

        def write(connection: sqlite3.Connection) -> StoredMachine:
            revision = machine.revision
            values = (
                *(machine.arn, machine.name, machine.type, machine.status, machine.created_at, machine.last_version),
                *(revision.definition, revision.role_arn, json.dumps(revision.settings), revision.revision_id),
                revision.at,
            )
            marks = ", ".join("?" * len(values))
            insert = f"INSERT INTO state_machines ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (arn) DO NOTHING"  # noqa: S608
            connection.execute(insert, values)
            return _machines(connection.execute(f"{_SELECT} WHERE arn = ?", (machine.arn,)).fetchall())[0]

        return self._database.write(write)


def _machines(rows: list[tuple[Any, ...]]) -> list[StoredMachine]:
    return [_machine(*row) for row in rows]


def _machine(arn: str, name: str, kind: str, status: str, created_at: float, *rest: Any) -> StoredMachine:
    last_version, definition, role_arn, settings, revision_id, at = rest
    revision = Revision(definition, role_arn, json.loads(settings), revision_id, at)
    return StoredMachine(arn, name, kind, status, created_at, last_version, revision)
