"""Activities: names under which workers ask for tasks."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pupline.local import Database

_SELECT = "SELECT arn, name, encryption, created_at FROM activities"


@dataclass(frozen=True, slots=True)
class StoredActivity:
    """One activity. encryption: its encryptionConfiguration."""

    arn: str
    name: str
    encryption: dict[str, Any]
    created_at: float


class Activities:
    """The table of activities. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, arn: str) -> StoredActivity | None:
        """The activity with this ARN, if any."""
        with self._database.reading() as connection:
            return _find(connection, arn)

    def page(self, prefix: str, after: str, limit: int) -> list[StoredActivity]:
        """Activities by name: those whose ARN begins with `prefix`, from the name after `after` on."""
        query = f"{_SELECT} WHERE substr(arn, 1, ?) = ? AND name > ? ORDER BY name LIMIT ?"
        return [_activity(row) for row in self._database.rows(query, (len(prefix), prefix, after, limit))]

    def create(self, activity: StoredActivity, write_more: Callable[[sqlite3.Connection], None]) -> StoredActivity:
        """Store an activity, unless its ARN is taken; the activity that has the ARN now.

        write_more: what belongs to a new activity, in the same transaction.
        """

        def write(connection: sqlite3.Connection) -> StoredActivity:
            there = _find(connection, activity.arn)
            if there is not None:
                return there
            values = (activity.arn, activity.name, json.dumps(activity.encryption), activity.created_at)
            insert = "INSERT INTO activities (arn, name, encryption, created_at) VALUES (?, ?, ?, ?)"
            connection.execute(insert, values)
            write_more(connection)
            return activity

        return self._database.write(write)

    def remove(self, arn: str) -> None:
        """Remove an activity with its tags, if it exists."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM activities WHERE arn = ?", (arn,))
            connection.execute("DELETE FROM resource_tags WHERE arn = ?", (arn,))

        self._database.write(write)


def _find(connection: sqlite3.Connection, arn: str) -> StoredActivity | None:
    return next(map(_activity, connection.execute(f"{_SELECT} WHERE arn = ?", (arn,))), None)


def _activity(row: tuple[Any, ...]) -> StoredActivity:
    arn, name, encryption, created_at = row
    return StoredActivity(arn, name, json.loads(encryption), created_at)
