"""One SQLite file: many readers, and one thread that writes in groups.

A commit costs one fsync, whatever it holds. So all writes go through one thread: a caller submits a function and waits;
the thread takes all functions that are waiting, runs each in its own savepoint inside one transaction, and answers only
after the COMMIT. An error in one function undoes that function alone. When SQLite itself gives up (on a full disk,
say), it undoes the whole transaction, and every caller in the group gets the error.

Readers have read-only connections of their own; in WAL mode they neither wait nor block.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from pupline.errors import ConfigurationError, DamagedDatabase, LocalTrouble, StorageError, local_trouble
from pupline.files import exists
from pupline.local.database._opening import Opened, damaged, explain, open_database
from pupline.local.database._row_checks import UNFINISHED, damaged_rows
from pupline.local.database._schema import MIGRATIONS
from pupline.text import printable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_GROUP_LIMIT = 512
"""Writes in one transaction: enough to share the fsync, few enough that the first of them waits only briefly."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work[Any]
    answer: "Future[Any]"


class _GroupLost(Exception):
    """SQLite rolled the whole transaction back while one of its functions ran, because of `failure`."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Database:
    """`pupline.sqlite`. Use `Database.open`; close it, or use it in a `with` block."""

    def __init__(self, path: Path, opened: Opened) -> None:
        self.path = path
        self._opened = opened
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._readers: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        # A daemon: a program without close() must still exit, and nothing uncommitted was acknowledged.
        self._writing = threading.Thread(
            target=self._write_jobs, args=(opened.writer,), name="pupline-writer", daemon=True
        )
        self._writing.start()

    @classmethod
    def open(cls, path: Path, *, create: bool = True, check: bool = True, read_only: bool = False) -> "Database":
        """The database at `path`, with today's tables.

        create: create a missing one. check: have SQLite check the whole file first. read_only: one that cannot be
        written is read as it is.
        Raises: ConfigurationError when it is damaged, of a newer version, another program's, or cannot be opened;
        LocalTrouble. Nothing is written before these checks.
        """
        if not create and not exists(path):
            raise ConfigurationError(
                f"there is no {path}; give the data directory with --data, or start something with: pupline run"
            )
        try:
            return cls(path, open_database(path, check=check, read_only=read_only))
        except (sqlite3.Error, UnicodeError, DamagedDatabase) as err:
            raise ConfigurationError(str(err if isinstance(err, DamagedDatabase) else explain(err, path))) from err
        except (MemoryError, RuntimeError) as err:  # the writing thread cannot be started, say
            raise local_trouble(err) or err from err

    def submit(self, work: Work[T]) -> "Future[T]":
        """Run `work(connection)` in the writing thread; the future has its result after the commit.

        `work` must not commit, and must not wait for another write. The future raises what `work` raised (which undoes
        this work alone), or StorageError.
        """
        answer: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise StorageError(f"{self.path} was closed")
            if self._opened.writer is None:
                raise LocalTrouble(f"{self.path} cannot be written: look at its permissions and those of its directory")
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
        except (sqlite3.DatabaseError, MemoryError, UnicodeDecodeError) as err:  # its message may contain damaged text
            raise explain(err, self.path) from err

    def rows(self, query: str, parameters: tuple[Any, ...] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one read-only query. Raises: StorageError."""
        with self.reading() as connection:
            return connection.execute(query, parameters).fetchall()

    def damage(self) -> str | None:
        """The first damage found by reading the whole database, or None. Raises: StorageError.

        With a million images this takes seconds.
        """
        return self._first_damage(None)

    def check_unfinished(self) -> None:
        """Check the rows that unfinished work continues from. Raises: DamagedDatabase."""
        found = self._first_damage(UNFINISHED)
        if found:
            raise damaged(self.path, printable(found, 300))

    def _first_damage(self, where: Mapping[str, str] | None) -> str | None:
        try:
            with closing(self._opened.read()) as connection:
                return self._damage_in(connection, where)
        except (sqlite3.Error, MemoryError, UnicodeDecodeError) as err:
            trouble = explain(err, self.path)
            if isinstance(trouble, DamagedDatabase):
                return str(err)
            raise trouble from err

    def _damage_in(self, connection: sqlite3.Connection, where: Mapping[str, str] | None) -> str | None:
        if where is None:
            problems = [text for (text,) in connection.execute("PRAGMA quick_check(1)") if text != "ok"]
            if problems:
                return " ".join(problems[0].split())
        connection.text_factory = bytes
        return next(damaged_rows(connection, len(MIGRATIONS), where), None)

    def close(self) -> None:
        """Commit what was submitted and close. Idempotent."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._close_readers()
        self._jobs.put(None)
        self._writing.join()
        if self._opened.temporary:
            self._opened.temporary.cleanup()

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
            connection = self._opened.read()
            connection.execute("PRAGMA query_only = ON")
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._closing:
            if not self._closed:
                self._readers.put(connection)
                return
        connection.close()

    def _write_jobs(self, writer: sqlite3.Connection | None) -> None:
        running = True
        while running:
            group = self._take_group()
            if group[-1] is None:
                group.pop()
                running = False
            if writer is not None and group:
                self._commit_group(writer, [job for job in group if job])
        self._close_readers()
        if writer is not None:
            writer.close()

    def _explained(self, err: Exception) -> Exception:
        return explain(err, self.path) if isinstance(err, sqlite3.Error | MemoryError | UnicodeDecodeError) else err

    def _close_readers(self) -> None:
        """Before the writer: the last connection to close moves the WAL into the file, and a reader cannot."""
        with suppress(Empty):
            while True:
                self._readers.get_nowait().close()

    def _take_group(self) -> list[_Job | None]:
        group = [self._jobs.get()]
        while group[-1] is not None and len(group) < _GROUP_LIMIT:
            try:
                group.append(self._jobs.get_nowait())
            except Empty:
                break
        return group

    def _commit_group(self, writer: sqlite3.Connection, group: list[_Job]) -> None:
        try:
            writer.execute("BEGIN IMMEDIATE")
            outcomes = [self._run(writer, job) for job in group]
            writer.execute("COMMIT")
        except Exception as err:  # noqa: BLE001 - MemoryError, say: unanswered callers would wait forever
            with suppress(sqlite3.Error, MemoryError):
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
            cause = err.failure if isinstance(err, _GroupLost) else err
            for job in group:
                job.answer.set_exception(self._explained(cause))
            return
        for job, (value, failure) in zip(group, outcomes, strict=True):
            if failure is None:
                job.answer.set_result(value)
            else:
                job.answer.set_exception(failure)

    def _run(self, writer: sqlite3.Connection, job: _Job) -> tuple[Any, Exception | None]:
        writer.execute("SAVEPOINT job")
        try:
            value = job.work(writer)
        except Exception as err:  # any error belongs to the caller who waits for this job
            if not writer.in_transaction:
                raise _GroupLost(err) from err
            writer.execute("ROLLBACK TO job")
            writer.execute("RELEASE job")
            return None, self._explained(err) if _is_trouble(err) else err
        writer.execute("RELEASE job")
        return value, None


def storable(text: str) -> str:
    """`text` as SQLite can store it: half a surrogate pair, which JSON from outside may contain, becomes `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _is_trouble(err: Exception) -> bool:
    """Whether the cause is SQLite's environment (disk, file, locks, memory) and not the statement."""
    return isinstance(err, sqlite3.OperationalError | MemoryError) or type(err) is sqlite3.DatabaseError
