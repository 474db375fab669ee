"""The port `WriteOnceStore`: the first value written under each name. The table keeps its old name, `memo`."""

import sqlite3

from pupline.local.database import Database


class LocalWriteOnceStore:
    """Implements `pupline.tasks.ports.WriteOnceStore`. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, name: str, value: str) -> str:
        """The value first remembered under `name`: this one, durably, unless there was one."""

        def work(connection: sqlite3.Connection) -> str:
            connection.execute("INSERT INTO memo (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
            (held,) = connection.execute("SELECT value FROM memo WHERE name = ?", (name,)).fetchone()
            return str(held)

        return self._database.write(work)

    def recall(self, name: str) -> str | None:
        """The value remembered under `name`, if any."""
        found = self._database.rows("SELECT value FROM memo WHERE name = ?", (name,))
        return str(found[0][0]) if found else None
