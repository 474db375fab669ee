"""The index of audit records: a file of the console's own, next to the database, made from it piece by piece.

The writers know nothing of it. Segments cover the oldest records; the database answers for those after them. Without
the file, of which nothing is lost when it is deleted, the database answers for all. Only the console makes it.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from pupline.local.database import Database
from pupline.local.pages._conditions import HOST, RUN_PREFIX
from pupline.local.pages._segments import SIZE, Columns, Searches, Segment, SegmentWriter, segment_of

INDEX_NAME = "console-index.sqlite"
"""The file in the data directory."""

FIELD_EXPRESSIONS = {
    "day": "substr(upload_timestamp, 1, 10)",
    "breed": "breed",
    "type": "file_type",
    "outcome": "outcome",
    "reason": "reason",
    "alert": "CASE alert_triggered WHEN 1 THEN 'yes' ELSE 'no' END",
    "host": HOST,
    "source": "source",
    "run": RUN_PREFIX,
    "error": "error",
}
"""SQL of each field, in the order of `FIELDS`."""

TEXT_COLUMNS = ("image_name", "source_url", "image_url", "execution", "breed", "reason", "error", "cause")
"""What a search for words looks at."""

_VERSION = 1
_PAGE_BYTES = 65_536
"""Large, because columns are read whole."""

_CACHE_KIB = 256
"""Columns are read once from end to end: a cache would only hold memory."""

_ROWS_AT_ONCE = 1_000
_CHECK_SECONDS = 5.0
_MARK = "image_name || ' ' || execution"
_TABLES = (
    "CREATE TABLE segments (number INTEGER PRIMARY KEY, about TEXT NOT NULL)",
    "CREATE TABLE columns (number INTEGER, name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (number, name))",
)
_TEXT = " || char(31) || ".join(f"coalesce({column}, '')" for column in TEXT_COLUMNS)
_ROWS = (
    f"SELECT audit_id, upload_timestamp, {_MARK}, lower({_TEXT}), {', '.join(FIELD_EXPRESSIONS.values())}"  # noqa: S608
    " FROM audit WHERE audit_id > ? AND audit_id <= ? ORDER BY audit_id LIMIT ?"
)


class RecordIndex:
    """The index over one database. A file that cannot be read, or is not of this database, counts as absent."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path
        self._lock = threading.Lock()
        self._segments: tuple[Segment, ...] = ()
        self._identity: tuple[int, ...] | None = None
        self._checked_at = -_CHECK_SECONDS
        self._searches = Searches()
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()

    def segments(self) -> tuple[Segment, ...]:
        """The segments that describe the database, oldest first."""
        with self._lock:
            now = time.monotonic()
            if now - self._checked_at >= _CHECK_SECONDS:
                self._checked_at = now
                self._load()
            return self._segments

    @contextmanager
    def columns(self) -> Iterator["Reading"]:
        """Reads columns, for the length of the `with` block. Raises: sqlite3.Error, TypeError when the file is gone."""
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = _connect(self._path, "mode=ro")
        try:
            yield Reading(connection, self._searches)
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)

    def forget(self) -> None:
        """Do without the index for now: it cannot be read."""
        with self._lock:
            self._segments, self._checked_at, self._identity = (), time.monotonic(), None
            self._close_idle()

    def extend(self) -> bool:
        """Add the next segment, if the database has all of its records; whether there may be more to add.

        Raises: StorageError, sqlite3.Error, OSError.
        """
        last_id = int(self._database.rows("SELECT coalesce(max(audit_id), 0) FROM audit")[0][0])
        segments = self.segments()
        number = segments[-1].number + 1 if segments else 0
        while (number + 1) * SIZE < last_id:
            writer = self._collected(number)
            if writer.ids:
                self._store(writer, is_first=not segments)
                return True
            number += 1
        return False

    def _collected(self, number: int) -> SegmentWriter:
        writer = SegmentWriter(number)
        after, last = number * SIZE, (number + 1) * SIZE
        while rows := self._database.rows(_ROWS, (after, last, _ROWS_AT_ONCE)):
            writer.add(rows)
            after = rows[-1][0]
        return writer

    def _store(self, writer: SegmentWriter, *, is_first: bool) -> None:
        if is_first:
            self.forget()
            for ending in ("", "-wal", "-shm", "-journal"):
                Path(f"{self._path}{ending}").unlink(missing_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        with contextlib.closing(_connect(self._path, "mode=rw")) as connection:
            if is_first:
                connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            connection.execute("BEGIN IMMEDIATE")
            if is_first:
                for table in _TABLES:
                    connection.execute(table)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            writer.write(connection)
            connection.execute("COMMIT")
        with self._lock:
            self._checked_at = -_CHECK_SECONDS

    def _load(self) -> None:
        """Read what the file has, and compare it with the database."""
        try:
            found = self._path.stat()
            identity = (found.st_ino, found.st_size, found.st_mtime_ns)
            if identity != self._identity:
                self._close_idle()
                self._segments = self._read()
                self._identity = identity
                if not all(map(self._is_ours, self._segments)):
                    self._segments = ()
        except (OSError, sqlite3.Error, ValueError, LookupError, TypeError):
            self._segments, self._identity = (), None
        if self._segments and not self._has_all():
            self._segments = ()

    def _read(self) -> tuple[Segment, ...]:
        with contextlib.closing(_connect(self._path, "mode=ro")) as connection:
            if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                return ()
            rows = connection.execute("SELECT number, about FROM segments ORDER BY number").fetchall()
        return tuple(segment_of(number, about) for number, about in rows)

    def _is_ours(self, segment: Segment) -> bool:
        """Whether the database has its first and its last record."""
        query = f"SELECT {_MARK} FROM audit WHERE audit_id IN (?, ?) ORDER BY audit_id"  # noqa: S608 - our texts
        marks = "\n".join(mark for (mark,) in self._database.rows(query, (segment.first, segment.last)))
        return marks == segment.mark

    def _has_all(self) -> bool:
        """Whether the database has as many records as the segments, and no more before their end.

        A repair may delete single records and add others.
        """
        end = (self._segments[-1].number + 1) * SIZE
        query = "SELECT (SELECT count(*) FROM audit), (SELECT count(*) FROM audit WHERE audit_id > ?)"
        [(records, after)] = self._database.rows(query, (end,))
        return bool(records - after == sum(segment.count for segment in self._segments))

    def _close_idle(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait().close()


class Reading:
    """Columns, read through one connection."""

    def __init__(self, connection: sqlite3.Connection, searches: Searches) -> None:
        self._connection = connection
        self._searches = searches

    def of(self, segment: Segment) -> Columns:
        """The columns of a segment."""
        return Columns(self._connection, segment, self._searches)


def _connect(path: Path, query: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{query}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection
