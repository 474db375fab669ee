"""One SQLite file: many readers, and one thread that writes in groups.

A commit costs an fsync whatever it holds. So all writes go through one thread: whoever has something to write submits
a function and waits; the thread takes all that is waiting, runs each in a savepoint of its own inside one transaction,
and answers only after the COMMIT. One function's mistake undoes that function alone. When SQLite itself gives up (the
disk is full, say) it undoes the whole transaction, and everyone in the group is told.

Readers have read-only connections of their own; in WAL mode they neither wait nor are waited for.
"""

import os
import shlex
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from pupline.errors import ConfigurationError, DamagedDatabase, LocalTrouble, StorageError, local_trouble
from pupline.local._schema import MIGRATIONS, check_version, migrate
from pupline.text import printable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_GROUP_LIMIT = 512
"""Writes in one transaction: enough to make the fsync cheap, few enough to keep the first of them waiting briefly."""

_BUSY_TIMEOUT_MS = 30_000
"""`pupline subscribe` may write while a run does: wait for its one transaction rather than fail."""

_CACHE_KIB = 64 * 1024

_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")
_NO_UTF8 = "Could not decode to UTF-8"
"""What the sqlite3 module says, without any code, of text that is none."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work[Any]
    answer: "Future[Any]"


class _GroupLost(Exception):
    """SQLite rolled the whole transaction back while one of its functions ran."""


class Database:
    """`pupline.sqlite`. Use `Database.open`; close it, or use it in a `with` block."""

    def __init__(self, path: Path, writer: sqlite3.Connection) -> None:
        self.path = path
        self._writer = writer
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._readers: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        # A daemon: whoever forgets close() should get their prompt back; nothing uncommitted was acknowledged.
        self._thread = threading.Thread(target=self._write_jobs, name="pupline-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, *, create: bool = True, check: bool = True) -> "Database":
        """The database at `path`, with today's tables.

        create: make it where there is none. check: have SQLite look through the whole file first.
        Raises: ConfigurationError when it is damaged, newer than this program, not ours, or cannot be opened. Nothing
        is written before that is known.
        """
        if not create and not path.exists():
            raise ConfigurationError(
                f"there is no {path}; give the data directory with --data, or start something with: pupline run"
            )
        try:
            if path.exists():
                _inspect(path, check=check)
            else:
                _make_private(path)
            writer = _connect(path)
        except sqlite3.Error as err:
            raise ConfigurationError(str(explain(err, path))) from err
        return cls(path, writer)

    def submit(self, work: Work[T]) -> "Future[T]":
        """Have `work(connection)` run by the writing thread; the future answers once it is committed.

        `work` must not commit, and must not wait for another write. The future raises what `work` raised (which undoes
        this work alone), or StorageError.
        """
        answer: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise StorageError(f"{self.path} was closed")
            self._jobs.put(_Job(work, answer))
        return answer

    def write(self, work: Work[T]) -> T:
        """`submit`, and wait."""
        return self.submit(work).result()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection, for the length of the `with` block. Raises: StorageError."""
        try:
            connection = self._reader()
            try:
                yield connection
            finally:
                self._give_back(connection)
        except (sqlite3.DatabaseError, MemoryError) as err:
            raise explain(err, self.path) from err

    def rows(self, query: str, parameters: tuple[Any, ...] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one read-only query. Raises: StorageError."""
        with self.reading() as connection:
            return connection.execute(query, parameters).fetchall()

    def close(self) -> None:
        """Commit what was submitted and close. Harmless when done twice."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        # The readers first: the last connection to close folds the WAL into the file, and a reader could not.
        with suppress(Empty):
            while True:
                self._readers.get_nowait().close()
        self._jobs.put(None)
        self._thread.join()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reader(self) -> sqlite3.Connection:
        if self._closed:
            raise StorageError(f"{self.path} was closed")
        try:
            return self._readers.get_nowait()
        except Empty:
            connection = _connection(self.path, "ro")
            connection.execute("PRAGMA query_only = ON")
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._closing:
            if not self._closed:
                self._readers.put(connection)
                return
        connection.close()

    def _write_jobs(self) -> None:
        running = True
        while running:
            group = self._take_group()
            if group[-1] is None:
                group.pop()
                running = False
            if group:
                self._commit_group([job for job in group if job])
        self._close_readers()
        self._writer.close()

    def _told(self, err: Exception) -> Exception:
        return explain(err, self.path) if isinstance(err, sqlite3.Error | MemoryError) else err

    def _close_readers(self) -> None:
        """Before the writer: the last to close moves the WAL into the file, and a read-only connection cannot."""
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                return

    def _take_group(self) -> list[_Job | None]:
        group = [self._jobs.get()]
        while group[-1] is not None and len(group) < _GROUP_LIMIT:
            try:
                group.append(self._jobs.get_nowait())
            except Empty:
                break
        return group

    def _commit_group(self, group: list[_Job]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            outcomes = [self._run(job) for job in group]
            self._writer.execute("COMMIT")
        except Exception as err:  # noqa: BLE001 - MemoryError, say: unanswered, those who submitted would wait forever
            with suppress(sqlite3.Error, MemoryError):
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
            cause = err.__cause__ if isinstance(err, _GroupLost) and isinstance(err.__cause__, Exception) else err
            for job in group:
                job.answer.set_exception(self._told(cause))
            return
        for job, (value, failure) in zip(group, outcomes, strict=True):
            if failure is None:
                job.answer.set_result(value)
            else:
                job.answer.set_exception(failure)

    def _run(self, job: _Job) -> tuple[Any, Exception | None]:
        self._writer.execute("SAVEPOINT job")
        try:
            value = job.work(self._writer)
        except Exception as err:  # whatever it is, it belongs to the one who waits for this job
            if not self._writer.in_transaction:
                raise _GroupLost from err
            self._writer.execute("ROLLBACK TO job")
            self._writer.execute("RELEASE job")
            return None, self._told(err) if _is_trouble(err) else err
        self._writer.execute("RELEASE job")
        return value, None


def explain(err: Exception, path: Path) -> LocalTrouble:
    """What a SQLite error means for anyone who runs pupline: what happened, where, and what to do next."""
    name = getattr(err, "sqlite_errorname", "") or ""
    if name.startswith(_DAMAGE) or _NO_UTF8 in str(err):
        return damaged(path, printable(str(err), 200))
    if name.startswith("SQLITE_FULL"):
        return LocalTrouble(f"no room to write {path} ({err}): free some space and start again; nothing saved is lost")
    if name.startswith("SQLITE_READONLY"):
        return LocalTrouble(f"{path} cannot be written ({err}): look at its permissions")
    if name.startswith("SQLITE_CANTOPEN"):
        return LocalTrouble(
            f"{path} cannot be opened ({err}): look at the directory and its permissions, at the limit of open files "
            "(ulimit -n), and at the room on its disk"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LocalTrouble(f"{path} is held by another program ({err}): try again when it is done")
    if isinstance(err, MemoryError):
        return LocalTrouble(f"{path} cannot be used now: {local_trouble(err) or err}")
    return LocalTrouble(f"{path} cannot be used now: {err} ({name or type(err).__name__})")


def damaged(path: Path, what: str) -> DamagedDatabase:
    """The error that says so, and what to do. what: what was found."""
    data = shlex.quote(str(path.parent))
    return DamagedDatabase(
        f"{path} is damaged ({what}). Nothing was changed. Save what can be read of it with: pupline doctor --repair "
        f"--data {data}; or restore it from a backup. The stored objects are plain files and stay as they are"
    )


def storable(text: str) -> str:
    """`text` as SQLite can hold it: half a surrogate pair, as JSON from outside may bring, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _is_trouble(err: Exception) -> bool:
    """Whether SQLite's surroundings are to blame (disk, file, locks, memory) and not the statement."""
    return isinstance(err, sqlite3.OperationalError | MemoryError) or type(err) is sqlite3.DatabaseError


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where this file says so, not where the module guesses.
    # check_same_thread False: each connection is used by one thread at a time, but closed by whoever closes.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_TIMEOUT_MS / 1000,
    )


def _make_private(path: Path) -> None:
    """An empty file that only its owner may read: endpoints of subscriptions can hold secrets."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as err:
        raise ConfigurationError(f"{path} cannot be made: {err.strerror}") from err


def _inspect(path: Path, *, check: bool) -> None:
    """Look before touching: whose file it is, how new, and (with `check`) whether it is whole."""
    connection = _connection(path, "rw")  # not "ro": a WAL left by a killed process is part of the file
    try:
        check_version(connection, path)
        if check:
            problems = [text for (text,) in connection.execute("PRAGMA quick_check(3)")]
            if problems != ["ok"]:
                raise ConfigurationError(str(explain(_corrupt("; ".join(problems)), path)))
    finally:
        connection.close()


def _corrupt(text: str) -> sqlite3.DatabaseError:
    err = sqlite3.DatabaseError(" ".join(text.split()))
    err.sqlite_errorname = "SQLITE_CORRUPT"
    return err


def _connect(path: Path) -> sqlite3.Connection:
    """The writing connection, with today's tables."""
    connection = _connection(path, "rwc")
    try:
        # WAL: readers go on while the writer writes, and a commit is one append and one fsync.
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk before it is acknowledged, also when the power goes.
        connection.execute("PRAGMA synchronous = FULL")
        # SQLite checks REFERENCES only when asked to.
        connection.execute("PRAGMA foreign_keys = ON")
        # A group of a bulk run changes pages all over the indexes; 2 MB, the default, holds too few of them.
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # What a statement of many rows would need to take itself back; in files, it doubles what a group writes.
        connection.execute("PRAGMA temp_store = MEMORY")
        # In pages: the WAL goes into the file every 32 MB, not every 4: groups change the same pages again and again.
        connection.execute("PRAGMA wal_autocheckpoint = 8192")
        # After a burst the WAL shrinks to this instead of keeping its largest size for ever.
        connection.execute(f"PRAGMA journal_size_limit = {32 * 1024 * 1024}")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != len(MIGRATIONS):
            migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection
