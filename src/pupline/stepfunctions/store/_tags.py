"""Tags of state machines and activities."""

import sqlite3
from collections.abc import Mapping, Sequence

from pupline.local import Database

MAX_TAGS = 50
"""Tags that one resource may have. Source: API reference, TagResource."""


class TagLimit(Exception):
    """The resource would have more than MAX_TAGS tags."""


class Tags:
    """The table of tags. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, arn: str) -> dict[str, str]:
        """The tags of a resource, by key."""
        return dict(self._database.rows("SELECT key, value FROM resource_tags WHERE arn = ? ORDER BY key", (arn,)))

    def add(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags, or give them new values. Raises: TagLimit."""
        self._database.write(lambda connection: write_tags(connection, arn, tags))

    def remove(self, arn: str, keys: Sequence[str]) -> None:
        """Remove the tags with these keys, where they exist."""

        def write(connection: sqlite3.Connection) -> None:
            rows = [(arn, key) for key in keys]
            connection.executemany("DELETE FROM resource_tags WHERE arn = ? AND key = ?", rows)

        self._database.write(write)


def write_tags(connection: sqlite3.Connection, arn: str, tags: Mapping[str, str]) -> None:
    """Add tags within a transaction. Raises: TagLimit, which undoes it."""
    rows = [(arn, key, value) for key, value in tags.items()]
    connection.executemany("INSERT OR REPLACE INTO resource_tags (arn, key, value) VALUES (?, ?, ?)", rows)
    [(count,)] = connection.execute("SELECT count(*) FROM resource_tags WHERE arn = ?", (arn,))
    if count > MAX_TAGS:
        raise TagLimit
