"""State machines, their present revisions, and the versions that were published of them."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pupline.local import Database
from pupline.stepfunctions.store._aliases import aliases_of

_MACHINE = "arn, name, type, status, created_at, last_version, definition, role_arn, settings, revision_id, updated_at"
_SELECT = f"SELECT {_MACHINE} FROM state_machines"  # noqa: S608 - the names are ours
_VERSION = "machine_arn, number, description, created_at, definition, role_arn, settings, revision_id"
_SELECT_VERSIONS = f"SELECT {_VERSION} FROM state_machine_versions"  # noqa: S608 - the names are ours


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

    def is_same(self, other: "Revision") -> bool:
        """Whether an update to `other` changes nothing."""
        mine, others = (self.definition, self.role_arn), (other.definition, other.role_arn)
        return mine == others and self.settings == other.settings


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


@dataclass(frozen=True, slots=True)
class ListedMachine:
    """What a list says of a machine. Definitions may be large, and lists long."""

    arn: str
    name: str
    type: str
    created_at: float


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A published version: a revision that stays as it is."""

    machine_arn: str
    number: int
    description: str | None
    created_at: float
    revision: Revision

    @property
    def arn(self) -> str:
        """The version's ARN."""
        return f"{self.machine_arn}:{self.number}"


class StateMachines:
    """The tables of state machines and versions. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- machines

    def find(self, arn: str) -> StoredMachine | None:
        """The state machine with this ARN, if any."""
        with self._database.reading() as connection:
            return _find(connection, arn)

    def page(self, prefix: str, after: str, limit: int) -> list[ListedMachine]:
        """Active state machines by name: those whose ARN begins with `prefix`, from the name after `after` on."""
        columns = "SELECT arn, name, type, created_at FROM state_machines"
        query = f"{columns} WHERE substr(arn, 1, ?) = ? AND status = 'ACTIVE' AND name > ? ORDER BY name LIMIT ?"
        return [ListedMachine(*row) for row in self._database.rows(query, (len(prefix), prefix, after, limit))]

    def create(self, machine: StoredMachine, write_more: Callable[[sqlite3.Connection], None]) -> StoredMachine:
        """Store a machine, unless its ARN is taken; the machine that has the ARN now.

        write_more: what belongs to a new machine, in the same transaction.
        """

        def write(connection: sqlite3.Connection) -> StoredMachine:
            there = _find(connection, machine.arn)
            if there is not None:
                return there
            head = (machine.arn, machine.name, machine.type, machine.status, machine.created_at, machine.last_version)
            _insert(connection, f"state_machines ({_MACHINE})", (*head, *_revision_values(machine.revision)))
            write_more(connection)
            return machine

        return self._database.write(write)

    def update(self, arn: str, change: Callable[[StoredMachine], Revision]) -> StoredMachine | None:
        """Give the machine the revision that `change` returns; the machine as it is then, None when there is none."""

        def write(connection: sqlite3.Connection) -> StoredMachine | None:
            machine = _find(connection, arn)
            if machine is None:
                return None
            revision = change(machine)
            columns = "definition = ?, role_arn = ?, settings = ?, revision_id = ?, updated_at = ?"
            statement = f"UPDATE state_machines SET {columns} WHERE arn = ?"  # noqa: S608 - the names are ours
            connection.execute(statement, (*_revision_values(revision), arn))
            return replace(machine, revision=revision)

        return self._database.write(write)

    def mark_deleting(self, arn: str) -> None:
        """Give the machine the status DELETING."""
        update = "UPDATE state_machines SET status = 'DELETING' WHERE arn = ?"
        self._database.write(lambda connection: connection.execute(update, (arn,)))

    def remove(self, arn: str) -> None:
        """Remove the machine with its versions, aliases and tags."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM state_machines WHERE arn = ?", (arn,))
            connection.execute("DELETE FROM state_machine_versions WHERE machine_arn = ?", (arn,))
            connection.execute("DELETE FROM state_machine_aliases WHERE machine_arn = ?", (arn,))
            connection.execute("DELETE FROM resource_tags WHERE arn = ?", (arn,))

        self._database.write(write)

    # ---- versions

    def version(self, machine_arn: str, number: int) -> StoredVersion | None:
        """That version, if it exists."""
        query = f"{_SELECT_VERSIONS} WHERE machine_arn = ? AND number = ?"
        return next(map(_version, self._database.rows(query, (machine_arn, number))), None)

    def versions(self, machine_arn: str, before: int, limit: int) -> list[tuple[int, float]]:
        """(number, time of creation) of versions with a number below `before`, the newest first."""
        columns = "SELECT number, created_at FROM state_machine_versions"
        query = f"{columns} WHERE machine_arn = ? AND number < ? ORDER BY number DESC LIMIT ?"
        return [(number, at) for number, at in self._database.rows(query, (machine_arn, before, limit))]

    def definitions(self, machine: StoredMachine, revision_id: Any) -> list[str]:
        """The texts of the definitions that a revision had: one, unless the machine was created again."""
        query = "SELECT DISTINCT definition FROM state_machine_versions WHERE machine_arn = ? AND revision_id IS ?"
        found = [text for (text,) in self._database.rows(query, (machine.arn, revision_id))]
        return [machine.revision.definition, *found] if machine.revision.revision_id == revision_id else found

    def publish(
        self, machine_arn: str, description: str | None, now: float, allow: Callable[[StoredMachine], None]
    ) -> StoredVersion | None:
        """A version of the present revision; None when there is no such machine.

        A version that exists of this revision is returned again, unless it has another description.
        allow: may refuse, by raising.
        """

        def write(connection: sqlite3.Connection) -> StoredVersion | None:
            machine = _find(connection, machine_arn)
            if machine is None:
                return None
            allow(machine)
            return _publish(connection, machine, description, now)

        return self._database.write(write)

    def remove_version(self, machine_arn: str, number: int) -> list[str]:
        """Remove a version, if it exists, unless aliases route to it; their names."""

        def write(connection: sqlite3.Connection) -> list[str]:
            aliases = aliases_of(connection, machine_arn, number)
            if not aliases:
                statement = "DELETE FROM state_machine_versions WHERE machine_arn = ? AND number = ?"
                connection.execute(statement, (machine_arn, number))
            return aliases

        return self._database.write(write)


def _find(connection: sqlite3.Connection, arn: str) -> StoredMachine | None:
    return next(map(_machine, connection.execute(f"{_SELECT} WHERE arn = ?", (arn,))), None)


def _publish(
    connection: sqlite3.Connection, machine: StoredMachine, description: str | None, now: float
) -> StoredVersion:
    query = f"{_SELECT_VERSIONS} WHERE machine_arn = ? AND revision_id IS ? ORDER BY number DESC"
    there = map(_version, connection.execute(query, (machine.arn, machine.revision.revision_id)).fetchall())
    for version in there:
        if description in (None, version.description):
            return version
    number = machine.last_version + 1
    connection.execute("UPDATE state_machines SET last_version = ? WHERE arn = ?", (number, machine.arn))
    values = (machine.arn, number, description, now, *_revision_values(machine.revision)[:-1])
    _insert(connection, f"state_machine_versions ({_VERSION})", values)
    return StoredVersion(machine.arn, number, description, now, replace(machine.revision, at=now))


def _insert(connection: sqlite3.Connection, into: str, values: Sequence[Any]) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {into} VALUES ({marks})", values)  # noqa: S608 - the names are ours


def _revision_values(revision: Revision) -> tuple[Any, ...]:
    settings = json.dumps(revision.settings)
    return revision.definition, revision.role_arn, settings, revision.revision_id, revision.at


def _machine(row: tuple[Any, ...]) -> StoredMachine:
    *head, definition, role_arn, settings, revision_id, at = row
    revision = Revision(definition, role_arn, json.loads(settings), revision_id, at)
    arn, name, kind, status, created_at, last_version = head
    return StoredMachine(arn, name, kind, status, created_at, last_version, revision)


def _version(row: tuple[Any, ...]) -> StoredVersion:
    machine_arn, number, description, created_at, definition, role_arn, settings, revision_id = row
    revision = Revision(definition, role_arn, json.loads(settings), revision_id, created_at)
    return StoredVersion(machine_arn, number, description, created_at, revision)
