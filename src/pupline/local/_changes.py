"""What other processes have changed in a data directory since the last look, for a process that shows it.

SQLite counts the commits of other connections (`PRAGMA data_version`): a look at an idle directory costs microseconds.
Only after a commit are the tables asked, by their indexes, what they have now.
"""

import sqlite3
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from pupline.local.data_dir import DATABASE_NAME
from pupline.local.database import connect, explain

EXECUTIONS, INGESTS, RECORDS, ALERTS = "executions", "ingests", "records", "alerts"
DATA_TOPICS = frozenset({EXECUTIONS, INGESTS, RECORDS, ALERTS})
"""What may have changed; `execution:NAME` besides, for executions that are named."""

EXECUTION_PREFIX = "execution:"

_Mark: TypeAlias = tuple[object, ...]
"""What a topic has now. When it differs from the last one, the topic has changed."""

# Facts of the newest 1000 running executions: where more run, some start and end all the time.
_MARKS: Mapping[str, str] = {
    EXECUTIONS: """
        SELECT (SELECT max(execution_id) FROM executions), count(*), total(running.execution_id),
            total((SELECT max(seq) + 1 FROM facts WHERE facts.execution_id = running.execution_id))
        FROM (SELECT execution_id FROM executions WHERE status = 'RUNNING'
            ORDER BY execution_id DESC LIMIT 1000) AS running
    """,
    INGESTS: """
        SELECT max(ingest_id), total(listed), total(items), total(status = 'RUNNING'), max(ended_at), max(stopped_at),
            (SELECT count(*) FROM discarded_runs)
        FROM ingests
    """,
    RECORDS: "SELECT max(audit_id) FROM audit",
    ALERTS: """
        SELECT (SELECT max(alert_id) FROM alerts), count(*), total(next_attempt_at)
        FROM deliveries WHERE delivered_at IS NULL AND given_up_at IS NULL
    """,
}

_EXECUTION_MARK = """
    SELECT status, stop_time, stop_request,
        (SELECT max(seq) FROM facts WHERE facts.execution_id = executions.execution_id),
        (SELECT max(audit_id) FROM audit WHERE execution = executions.name),
        (SELECT count(*) FROM alerts WHERE execution = executions.name),
        (SELECT total(attempts) + count(delivered_at) + count(given_up_at) FROM alerts JOIN deliveries USING (alert_id)
            WHERE execution = executions.name)
    FROM executions WHERE name = ?
"""


class Changes:
    """Looks at one data directory. Use it in one thread at a time, and close it."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir.absolute() / DATABASE_NAME
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._version: int | None = None
        self._marks: dict[str, _Mark] = {}

    def look(self, executions: Collection[str] = ()) -> frozenset[str]:
        """The topics that have changed since the last look; all of them at the first one, and where that is not known.

        executions: the names of those to look at one by one. Raises: StorageError.
        """
        topics = DATA_TOPICS | {EXECUTION_PREFIX + name for name in executions}
        try:
            if not self._is_same_file():
                self._open()
                return topics if self._connection else frozenset()
            return self._changed(topics, executions)
        except sqlite3.Error as error:
            self.close()
            raise explain(error, self._path) from error

    def _changed(self, topics: frozenset[str], executions: Collection[str]) -> frozenset[str]:
        connection = self._connection
        if connection is None:
            return frozenset()
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            new = [name for name in executions if EXECUTION_PREFIX + name not in self._marks]
            self._marks |= _execution_marks(connection, new)
            return frozenset()
        self._version = version
        marks = _marks(connection) | _execution_marks(connection, executions)
        # One that was not looked at before may have changed since.
        changed = {topic for topic, mark in marks.items() if self._marks.get(topic) != mark}
        self._marks = marks
        # One that was redriven may have begun and ended since the last look.
        if changed - {INGESTS}:
            changed.add(EXECUTIONS)
        if RECORDS in changed:
            changed.add(INGESTS)
        # What the marks do not show, such as a prune, or a redriven execution without a record.
        return frozenset(changed) or topics

    def _is_same_file(self) -> bool:
        identity = None
        with suppress(OSError):
            found = self._path.stat()
            identity = found.st_dev, found.st_ino
        return identity == self._identity

    def _open(self) -> None:
        """Open the file that is there now: it is new, or another one in the place of the old, after a repair say."""
        self.close()
        with suppress(OSError):
            found = self._path.stat()
            self._connection = connect(self._path, "mode=ro")
            self._identity = found.st_dev, found.st_ino
            (self._version,) = self._connection.execute("PRAGMA data_version").fetchone()
            self._marks = _marks(self._connection)

    def close(self) -> None:
        """Close the file. The next look opens it again, and takes everything for changed."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._identity = self._version = None
        self._marks = {}


def _marks(connection: sqlite3.Connection) -> dict[str, _Mark]:
    return {topic: connection.execute(query).fetchone() for topic, query in _MARKS.items()}


def _execution_marks(connection: sqlite3.Connection, names: Collection[str]) -> dict[str, _Mark]:
    """Those of executions; an empty one where there is no such execution."""
    return {EXECUTION_PREFIX + name: connection.execute(_EXECUTION_MARK, (name,)).fetchone() or () for name in names}
