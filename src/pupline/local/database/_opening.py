"""Opens the database: checked before it is changed, written by one connection, or only read where it cannot be written.

A database in a directory that cannot be written is read all the same. In WAL mode SQLite needs a file next to it
(`-shm`) even to read. Without a WAL, `immutable=1` avoids that. A WAL (of a killed process, or of a copy made while one
ran) is part of the database: both are then copied to a private temporary directory, and the copy is read. So is a
rollback journal, which only a process leaves that ends while the database is being created.
"""

import os
import shlex
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pupline.errors import ConfigurationError, DamagedDatabase, LocalTrouble, local_trouble
from pupline.files import exists
from pupline.local.database._schema import MIGRATIONS, check_version, migrate
from pupline.text import printable

_BUSY_TIMEOUT_MS = 30_000
"""`pupline subscribe` may write during a run: wait for its one transaction rather than fail."""

_CACHE_KIB = 64 * 1024
_COPIES = 3

_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")
_CANNOT_WRITE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR_SHM", "SQLITE_PERM", "SQLITE_IOERR_LOCK")
_LONG_PATH_BYTES = 480
"""SQLite has 512 for a path, including endings such as `-journal` and a whole temporary name."""

_NO_UTF8 = "Could not decode to UTF-8"
"""The sqlite3 module's message, without a code, for bytes that are not text."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A checked database. read: makes a read-only connection. writer: None where it cannot be written.

    temporary: the directory of a private copy, to be removed at the end.
    """

    read: Callable[[], sqlite3.Connection]
    writer: sqlite3.Connection | None
    temporary: "tempfile.TemporaryDirectory[str] | None" = None


def open_database(path: Path, *, check: bool, read_only: bool) -> Opened:
    """The database at `path`, which is created if it is missing.

    check: have SQLite check the whole file first. read_only: accept one that cannot be written.
    Raises: ConfigurationError; sqlite3.Error; LocalTrouble.
    """
    if exists(path) and not os.access(path, os.R_OK):
        raise ConfigurationError(f"{path} cannot be read: look at its owner and its permissions")
    try:
        if exists(path):
            _inspect(path, check=check)
        else:
            _make_private(path)
        return Opened(lambda: connect(path, "mode=ro"), _connect(path))
    except sqlite3.Error as err:
        if not read_only or not (getattr(err, "sqlite_errorname", "") or "").startswith(_CANNOT_WRITE):
            raise
        return _open_unwritable(path)


def explain(err: Exception, path: Path) -> LocalTrouble:
    """A SQLite error as one of ours: what happened, where, and what to do next."""
    name = getattr(err, "sqlite_errorname", "") or ""
    # SQLITE_ERROR means a wrong statement; ours are right for undamaged tables.
    if name.startswith(_DAMAGE) or name == "SQLITE_ERROR" or _NO_UTF8 in str(err) or isinstance(err, UnicodeError):
        return damaged(path, printable(str(err), 200))
    if name.startswith("SQLITE_FULL"):
        return LocalTrouble(f"no room to write {path} ({err}): free some space and start again; nothing saved is lost")
    if name.startswith("SQLITE_READONLY"):
        return LocalTrouble(f"{path} cannot be written ({err}): look at its permissions and those of its directory")
    if name.startswith("SQLITE_CANTOPEN") and len(os.fsencode(path.absolute())) > _LONG_PATH_BYTES:
        return LocalTrouble(
            f"{path} cannot be opened ({err}): SQLite takes no path of more than about 500 bytes; "
            "give a data directory with a shorter path with --data"
        )
    if name.startswith("SQLITE_CANTOPEN") and not os.access(path.parent, os.W_OK):
        return LocalTrouble(f"{path} cannot be written ({err}): look at the permissions and the disk of {path.parent}")
    if name.startswith("SQLITE_CANTOPEN"):
        return LocalTrouble(
            f"{path} cannot be opened ({err}): look at the directory and its permissions, at the limit of open files "
            "(ulimit -n), and at the room on its disk"
        )
    if name.startswith("SQLITE_IOERR"):
        return LocalTrouble(
            f"{path} cannot be read or written ({err}, {name}): look at the room on its disk, and at the system's log"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LocalTrouble(f"{path} is held by another program ({err}): try again when it is done")
    if isinstance(err, MemoryError):
        return LocalTrouble(f"{path} cannot be used now: {local_trouble(err) or err}")
    return LocalTrouble(f"{path} cannot be used now: {err} ({name or type(err).__name__})")


def damaged(path: Path, what: str) -> DamagedDatabase:
    """The error for a damaged database. what: what was found."""
    data = shlex.quote(str(path.parent))
    return DamagedDatabase(
        f"{path} is damaged ({what}). Nothing was changed. Save what can be read of it with: pupline doctor --repair "
        f"--data {data}; or restore it from a backup. The stored objects are plain files and stay as they are"
    )


def connect(path: Path, query: str) -> sqlite3.Connection:
    """A connection to the database. query: of its URI, such as `mode=ro`. Raises: sqlite3.Error."""
    # isolation_level None: we begin and end transactions, not the module.
    # check_same_thread False: each connection is used by one thread at a time, but any thread may close it.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{query}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_TIMEOUT_MS / 1000,
    )


def connect_to_check(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, but for what a killed process had begun. Raises: sqlite3.Error."""
    # "ro" also reads the WAL of a killed process, and does not move it into the file when it is closed. A journal must
    # be rolled back before anything can be read.
    return connect(path, "mode=rw" if _has_content(_journal_of(path)) else "mode=ro")


def _make_private(path: Path) -> None:
    """Create an empty file that only its owner may read: endpoints of subscriptions can contain secrets."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    except OSError as err:
        trouble = local_trouble(err)
        raise ConfigurationError(f"{path} cannot be created: {trouble.message if trouble else err.strerror}") from err


def _inspect(path: Path, *, check: bool) -> None:
    """Check whose file it is, which version, and (with `check`) whether it is whole."""
    looking = connect_to_check(path)
    try:
        check_version(looking, path)
        if check:
            problems = [text for (text,) in looking.execute("PRAGMA quick_check(3)")]
            if problems != ["ok"]:
                raise damaged(path, printable(" ".join("; ".join(problems).split()), 300))
    finally:
        looking.close()


def _connect(path: Path) -> sqlite3.Connection:
    """The writing connection, with today's tables."""
    writer = connect(path, "mode=rwc")
    try:
        # WAL: readers continue while the writer writes, and a commit is one append and one fsync.
        writer.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk before it is acknowledged, so it survives a power failure.
        writer.execute("PRAGMA synchronous = FULL")
        # SQLite checks REFERENCES only when asked to.
        writer.execute("PRAGMA foreign_keys = ON")
        # A group of a bulk run changes pages all over the indexes; the default of 2 MB holds too few of them.
        writer.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # For undoing a statement of many rows; in files, it would double what a group writes.
        writer.execute("PRAGMA temp_store = MEMORY")
        # In pages: the WAL is moved into the file every 32 MB, not every 4: groups change the same pages repeatedly.
        writer.execute("PRAGMA wal_autocheckpoint = 8192")
        # After a burst the WAL shrinks to this size again.
        writer.execute(f"PRAGMA journal_size_limit = {32 * 1024 * 1024}")
        (version,) = writer.execute("PRAGMA user_version").fetchone()
        if version != len(MIGRATIONS):
            migrate(writer, path)
    except BaseException:
        writer.close()
        raise
    return writer


def _open_unwritable(path: Path) -> Opened:
    if not any(map(_has_content, (_wal_of(path), _journal_of(path)))):
        looking = connect(path, "mode=ro&immutable=1")
        try:
            is_current = check_version(looking, path) == len(MIGRATIONS)
        finally:
            looking.close()
        if is_current:
            return Opened(lambda: connect(path, "mode=ro&immutable=1"), None)
    temporary = _copied(path)
    copy = Path(temporary.name) / path.name
    try:
        _connect(copy).close()  # migrates the tables of an older version
    except BaseException:
        temporary.cleanup()
        raise
    return Opened(lambda: connect(copy, "mode=ro"), None, temporary)


def _wal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def _has_content(path: Path) -> bool:
    return exists(path) and path.stat().st_size > 0


def _copied(path: Path) -> "tempfile.TemporaryDirectory[str]":
    """A directory with the database and its logs as they were at one moment. Raises: LocalTrouble."""
    files = (path, _wal_of(path), _journal_of(path))
    try:
        temporary = tempfile.TemporaryDirectory(prefix="pupline-")
        for _ in range(_COPIES):
            before = _stamps(*files)
            for file in files:
                if exists(file):
                    shutil.copyfile(file, Path(temporary.name) / file.name)
            if _stamps(*files) == before:
                return temporary
    except OSError as err:
        trouble = local_trouble(err)
        raise LocalTrouble(
            f"{path} is in a directory that cannot be written, and cannot be copied to a temporary one: "
            f"{trouble.message if trouble else err}; name another temporary directory with TMPDIR"
        ) from err
    temporary.cleanup()
    raise LocalTrouble(f"{path} cannot be read while another process writes it: its directory cannot be written")


def _stamps(*files: Path) -> list[tuple[int, int] | None]:
    found = [file.stat() if exists(file) else None for file in files]
    return [(stat.st_size, stat.st_mtime_ns) if stat else None for stat in found]
