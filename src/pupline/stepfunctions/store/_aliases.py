"""Aliases: names for one or two versions of a state machine, with the share of executions that each gets."""

import json
import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from pupline.local import Database

_COLUMNS = "machine_arn, name, description, routes, created_at, updated_at"
_SELECT = f"SELECT {_COLUMNS} FROM state_machine_aliases"  # noqa: S608 - the names are ours
_ROUTED = "EXISTS (SELECT 1 FROM json_each(routes) WHERE json_extract(value, '$[0]') = ?)"


class NoVersion(Exception):
    """An alias routes to a version that does not exist."""


@dataclass(frozen=True, slots=True)
class StoredAlias:
    """One alias. routes: (number of the version, weight in percent)."""

    machine_arn: str
    name: str
    description: str | None
    routes: tuple[tuple[int, int], ...]
    created_at: float
    updated_at: float

    @property
    def arn(self) -> str:
        """The alias's ARN."""
        return f"{self.machine_arn}:{self.name}"


class Aliases:
    """The table of aliases. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, machine_arn: str, name: str) -> StoredAlias | None:
        """The alias of that name, if any."""
        with self._database.reading() as connection:
            return _find(connection, machine_arn, name)

    def page(self, machine_arn: str, version: int | None, after: str, limit: int) -> list[StoredAlias]:
        """Aliases by name, from the one after `after` on. version: only those that route to it."""
        routed = "" if version is None else f"AND {_ROUTED}"
        query = f"{_SELECT} WHERE machine_arn = ? AND name > ? {routed} ORDER BY name LIMIT ?"
        chosen = () if version is None else (version,)
        return [_alias(row) for row in self._database.rows(query, (machine_arn, after, *chosen, limit))]

    def create(self, alias: StoredAlias) -> StoredAlias:
        """Store an alias, unless its name is taken; the alias that has the name now. Raises: NoVersion."""

        def write(connection: sqlite3.Connection) -> StoredAlias:
            _check_routes(connection, alias)
            there = _find(connection, alias.machine_arn, alias.name)
            if there is None:
                _write(connection, alias)
            return there or alias

        return self._database.write(write)

    def update(self, alias: StoredAlias, description: str | None, routes: Any, now: float) -> bool:
        """Change what is not None; whether the alias still existed. Raises: NoVersion."""

        def write(connection: sqlite3.Connection) -> bool:
            there = _find(connection, alias.machine_arn, alias.name)
            if there is None:
                return False
            changed = replace(there, updated_at=now, routes=routes or there.routes)
            _check_routes(connection, changed)
            _write(connection, changed if description is None else replace(changed, description=description))
            return True

        return self._database.write(write)

    def remove(self, machine_arn: str, name: str) -> None:
        """Remove an alias, if it exists."""
        statement = "DELETE FROM state_machine_aliases WHERE machine_arn = ? AND name = ?"
        self._database.write(lambda connection: connection.execute(statement, (machine_arn, name)))


def aliases_of(connection: sqlite3.Connection, machine_arn: str, version: int) -> list[str]:
    """The names of the aliases that route to a version."""
    query = f"SELECT name FROM state_machine_aliases WHERE machine_arn = ? AND {_ROUTED} ORDER BY name"  # noqa: S608
    return [name for (name,) in connection.execute(query, (machine_arn, version))]


def _check_routes(connection: sqlite3.Connection, alias: StoredAlias) -> None:
    query = "SELECT 1 FROM state_machine_versions WHERE machine_arn = ? AND number = ?"
    for number, _ in alias.routes:
        if connection.execute(query, (alias.machine_arn, number)).fetchone() is None:
            raise NoVersion


def _find(connection: sqlite3.Connection, machine_arn: str, name: str) -> StoredAlias | None:
    found = connection.execute(f"{_SELECT} WHERE machine_arn = ? AND name = ?", (machine_arn, name))
    return next(map(_alias, found), None)


def _write(connection: sqlite3.Connection, alias: StoredAlias) -> None:
    values = (alias.machine_arn, alias.name, alias.description, json.dumps(alias.routes))
    statement = f"INSERT OR REPLACE INTO state_machine_aliases ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608
    connection.execute(statement, (*values, alias.created_at, alias.updated_at))


def _alias(row: tuple[Any, ...]) -> StoredAlias:
    machine_arn, name, description, routes, created_at, updated_at = row
    parsed = tuple((number, weight) for number, weight in json.loads(routes))
    return StoredAlias(machine_arn, name, description, parsed, created_at, updated_at)
