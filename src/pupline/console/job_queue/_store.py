"""`console.sqlite`: what the console was asked to do. The journal's database knows nothing of it.

Every method is one transaction on a connection of its own: several threads, and several consoles of one directory, use
the file. A rollback journal, not a WAL, so that it is one file at rest.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from pupline.console.job_queue._job import JobRequest, JobStatus
from pupline.errors import ConfigurationError, LocalTrouble, local_trouble

FILE_NAME = "console.sqlite"
_BUSY_SECONDS = 10.0

_MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        arguments TEXT NOT NULL,
        child_arguments TEXT NOT NULL,
        directory TEXT NOT NULL,
        input TEXT,
        takes_lock INTEGER NOT NULL,
        is_read_only INTEGER NOT NULL,
        schedule INTEGER NOT NULL,
        status TEXT NOT NULL,
        submitted_at REAL NOT NULL,
        started_at REAL,
        ended_at REAL,
        exit_code INTEGER,
        stops INTEGER NOT NULL DEFAULT 0,
        signals INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX jobs_by_status ON jobs (status, id);
    CREATE TABLE changes (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL);
    INSERT INTO changes VALUES (1, 0);
    CREATE TABLE schedule (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        every REAL NOT NULL,
        count INTEGER NOT NULL,
        source TEXT NOT NULL,
        next_at REAL NOT NULL,
        is_paused INTEGER NOT NULL
    );
    CREATE TABLE schedule_runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        due_at REAL NOT NULL,
        last_due_at REAL NOT NULL,
        run TEXT,
        job INTEGER,
        missed INTEGER NOT NULL
    );
    """,
)
"""By version, as in PRAGMA user_version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A row of the table `jobs`. arguments: as shown. child_arguments: as executed, in `directory`."""

    id: int
    title: str
    arguments: tuple[str, ...]
    child_arguments: tuple[str, ...]
    directory: str
    input: str | None
    takes_lock: bool
    is_read_only: bool
    schedule: bool
    status: JobStatus
    submitted_at: float
    started_at: float | None
    ended_at: float | None
    exit_code: int | None
    stops: int
    signals: int


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to insert."""

    request: JobRequest
    arguments: tuple[str, ...]
    child_arguments: tuple[str, ...]
    directory: str
    takes_lock: bool
    schedule: bool = False


class ConsoleFile:
    """The database `console.sqlite` in a directory; made when it is first written."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection to read from; None where the file was never written. Raises: LocalTrouble."""
        if not self.path.exists():
            yield None
            return
        with self._connected() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction, which is on the disk after the block. Raises: LocalTrouble."""
        self._make()
        with self._connected() as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(_MIGRATIONS):
                raise ConfigurationError(f"{self.path} was written by a newer pupline; use that one")
            for migration in _MIGRATIONS[version:]:
                for statement in migration.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
            yield connection
            connection.execute("UPDATE changes SET number = number + 1")
            connection.execute("COMMIT")

    def _make(self) -> None:
        """Create the file, readable by its owner alone: inputs may hold secrets."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        except OSError as err:
            raise _trouble(self.path, err) from err

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            # rw even to read: what a killed writer left must be undone first.
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_BUSY_SECONDS
            )
            try:
                connection.row_factory = sqlite3.Row
                yield connection
            finally:
                connection.close()  # which undoes a transaction that was not committed
        except sqlite3.Error as err:
            raise _trouble(self.path, err) from err

    def insert(self, new: NewJob, now: float) -> int:
        """The ID of the new job, which is on the disk."""
        with self.writing() as connection:
            return insert_job(connection, new, now)

    def jobs(self, *, limit: int = -1, statuses: Sequence[JobStatus] = ()) -> list[JobRow]:
        """Jobs, newest first. statuses: none for all."""
        marks = ", ".join("?" * len(statuses))
        where = f"WHERE status IN ({marks})" if statuses else ""
        with self.reading() as connection:
            if not has_tables(connection):
                return []
            rows = connection.execute(
                f"SELECT * FROM jobs {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 - of question marks
                (*statuses, limit),
            )
            return [_row(row) for row in rows]

    def job(self, number: int) -> JobRow | None:
        """The job with this ID."""
        with self.reading() as connection:
            if not has_tables(connection):
                return None
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (number,)).fetchone()
            return None if row is None else _row(row)

    def begin(self, number: int) -> bool:
        """Mark a queued job as running; whether it still was queued."""
        with self.writing() as connection:
            done = connection.execute(
                "UPDATE jobs SET status = 'RUNNING' WHERE id = ? AND status = 'QUEUED'", (number,)
            )
            return done.rowcount == 1

    def set_started(self, number: int, at: float) -> None:
        """The command of a running job has started."""
        with self.writing() as connection:
            connection.execute("UPDATE jobs SET started_at = ? WHERE id = ?", (at, number))

    def end(self, number: int, status: JobStatus, exit_code: int | None, at: float) -> None:
        """A job has ended."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE jobs SET status = ?, exit_code = ?, ended_at = ?"
                " WHERE id = ? AND status IN ('QUEUED', 'RUNNING')",
                (status, exit_code, at, number),
            )

    def ask_to_stop(self, number: int, now: float) -> None:
        """Count a request to stop; a queued job ends at once."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE jobs SET stops = stops + 1 WHERE id = ? AND status IN ('QUEUED', 'RUNNING')", (number,)
            )
            connection.execute(
                "UPDATE jobs SET status = 'ABORTED', ended_at = ? WHERE id = ? AND status = 'QUEUED'", (now, number)
            )

    def count_signal(self, number: int) -> None:
        """A signal is about to be sent to the job."""
        with self.writing() as connection:
            connection.execute("UPDATE jobs SET signals = signals + 1 WHERE id = ?", (number,))

    def forget_all_but(self, kept: int) -> list[int]:
        """Remove the oldest jobs that have ended, so that `kept` of those stay; their IDs."""
        chosen = (
            "SELECT id FROM jobs WHERE status IN ('SUCCEEDED', 'FAILED', 'ABORTED') ORDER BY id DESC LIMIT -1 OFFSET ?"
        )
        with self.reading() as connection:
            if not has_tables(connection):
                return []
            numbers = [number for (number,) in connection.execute(chosen, (kept,))]
        if numbers:
            with self.writing() as connection:
                connection.executemany("DELETE FROM jobs WHERE id = ?", [(number,) for number in numbers])
        return numbers

    def change(self) -> int:
        """A number that grows with every write."""
        with self.reading() as connection:
            return int(connection.execute("SELECT number FROM changes").fetchone()[0]) if has_tables(connection) else 0


def insert_job(connection: sqlite3.Connection, new: NewJob, now: float) -> int:
    """Insert the job, in the transaction that is open."""
    (number,) = connection.execute(
        "INSERT INTO jobs (title, arguments, child_arguments, directory, input, takes_lock, is_read_only, schedule,"
        " status, submitted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'QUEUED', ?) RETURNING id",
        (
            new.request.title,
            json.dumps(new.arguments),
            json.dumps(new.child_arguments),
            new.directory,
            new.request.input,
            new.takes_lock,
            new.request.is_read_only,
            new.schedule,
            now,
        ),
    ).fetchone()
    return int(number)


def has_tables(connection: sqlite3.Connection | None) -> TypeGuard[sqlite3.Connection]:
    return connection is not None and connection.execute("PRAGMA user_version").fetchone()[0] > 0


def _row(row: sqlite3.Row) -> JobRow:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates over its values
    return JobRow(
        **{
            **values,
            "arguments": tuple(json.loads(row["arguments"])),
            "child_arguments": tuple(json.loads(row["child_arguments"])),
            "takes_lock": bool(row["takes_lock"]),
            "is_read_only": bool(row["is_read_only"]),
            "schedule": bool(row["schedule"]),
        }
    )


def _trouble(path: Path, err: Exception) -> LocalTrouble:
    known = local_trouble(err)
    what = known.message if known else f"{err}; move it away, it holds nothing but the console's jobs and schedule"
    return LocalTrouble(f"{path}, where the console keeps its jobs, cannot be used: {what}")
