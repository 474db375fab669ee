"""One SQLite file, written in groups: what is answered is committed, and trouble is told clearly."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pupline.errors import ConfigurationError, LocalTrouble, StorageError
from pupline.local import Database, LocalBackend
from pupline.local.database import _schema
from pupline.tasks.ports import ObjectToCreate

REMEMBER = "INSERT INTO memo (name, value) VALUES (?, ?)"


def put(database: Database, name: str, value: str = "v") -> "Future[Any]":
    """Submit one row."""
    return database.submit(lambda connection: connection.execute(REMEMBER, (name, value)).rowcount)


def seen_from_outside(path: Path) -> list[str]:
    """The names that a connection of its own sees."""
    connection = sqlite3.connect(path)
    try:
        return [name for (name,) in connection.execute("SELECT name FROM memo ORDER BY name")]
    finally:
        connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database goes."""
    return tmp_path / "pupline.sqlite"


def test_what_is_answered_is_committed(path: Path) -> None:
    """As soon as the future answers, another connection sees the row."""
    with Database.open(path) as database:
        put(database, "a").result()
        assert seen_from_outside(path) == ["a"]


def test_a_commit_is_on_the_disk(path: Path) -> None:
    """WAL with synchronous=FULL (2): the promise of what is answered holds through a power cut."""
    with Database.open(path) as database:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        found = database.write(
            lambda connection: [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
        )
    assert found == ["wal", 2, 1]


def test_a_group_is_one_transaction(path: Path) -> None:
    """What waits while the writer is busy is committed together, in the order of submission."""
    commits: list[str] = []
    gate, busy = threading.Event(), threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        busy.set()
        gate.wait()

    with Database.open(path) as database:
        first = database.submit(hold)
        busy.wait()
        rest = [put(database, f"{number:03}") for number in range(100)]
        gate.set()
        assert [future.result() for future in [first, *rest]] == [None, *[1] * 100]
        database.write(lambda connection: connection.set_trace_callback(None))
    assert commits == ["COMMIT", "COMMIT"]
    assert seen_from_outside(path) == [f"{number:03}" for number in range(100)]


def test_ones_mistake_does_not_undo_the_others(path: Path) -> None:
    """A function that raises loses its own changes only, and gets its own exception."""
    gate = threading.Event()

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute(REMEMBER, ("bad", "v"))
        raise KeyError("mine")

    with Database.open(path) as database:
        held = database.submit(lambda _connection: gate.wait())
        answers = [put(database, "a"), database.submit(fail), put(database, "b")]
        gate.set()
        held.result()
        with pytest.raises(KeyError, match="mine"):
            answers[1].result()
        assert [answers[0].result(), answers[2].result()] == [1, 1]
    assert seen_from_outside(path) == ["a", "b"]


def test_a_commit_without_memory_is_answered(path: Path) -> None:
    """SQLite says by MemoryError that it has none: the group is told, and the thread that writes lives on."""

    class Poor(sqlite3.Connection):
        is_poor = False

        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if Poor.is_poor and sql == "COMMIT":
                raise MemoryError
            return super().execute(sql, *parameters)

    connect = sqlite3.connect
    with mock.patch("sqlite3.connect", lambda *given, **options: connect(*given, **options, factory=Poor)):
        database = Database.open(path)
    with database:
        Poor.is_poor = True
        with pytest.raises(LocalTrouble, match=r"pupline\.sqlite cannot be used now: no memory is left"):
            put(database, "lost").result(10)
        Poor.is_poor = False
        put(database, "kept").result(10)
    assert seen_from_outside(path) == ["kept"]


def test_a_full_database_is_a_clear_error_and_harms_nothing(path: Path) -> None:
    """SQLITE_FULL undoes the group, names the file, and the next write goes on when there is room."""
    with Database.open(path) as database:
        put(database, "before").result()
        (pages,) = database.rows("PRAGMA page_count")[0]
        database.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall())
        with pytest.raises(StorageError, match=r"no room to write .*pupline\.sqlite.*free some space"):
            put(database, "large", "x" * 100_000).result()
        database.write(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchall())
        put(database, "after").result()
    assert seen_from_outside(path) == ["after", "before"]
    with Database.open(path, check=True):
        pass


FILE_LIMIT = """
import resource, sys
from pathlib import Path
from pupline.errors import StorageError
from pupline.local import Database
with Database.open(Path(sys.argv[1])) as database:
    for number in range(2000):
        row = (f"{number:05}", "x" * 2000)
        if number == 20:
            resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        try:
            database.write(lambda c: c.execute("INSERT INTO memo (name, value) VALUES (?, ?)", row))
        except StorageError as err:
            print(number, err)
            break
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
"""


@pytest.mark.slow
def test_a_disk_that_takes_no_more_loses_nothing_that_was_answered(path: Path) -> None:
    """When the file cannot grow, all rows that were acknowledged are there, no other, and the file is whole."""
    done = subprocess.run([sys.executable, "-c", FILE_LIMIT, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    number, message = done.stdout.split(" ", 1)
    assert str(path) in message
    with Database.open(path, check=True) as database:
        assert database.rows("SELECT count(*) FROM memo") == [(int(number),)]


def test_a_newer_schema_is_refused(path: Path) -> None:
    """A file of a later version is named, and not touched."""
    Database.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match=r"written by a newer pupline \(schema 99, this one knows"):
        Database.open(path)


def test_another_programs_database_is_refused(path: Path) -> None:
    """A SQLite file with tables of somebody else stays as it is."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="another program's database"):
        Database.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["header", "page", "cut"])
def test_a_damaged_file_is_refused_and_left_alone(path: Path, damage: str) -> None:
    """Whatever is broken, the message names the file and the way out, and not one byte changes."""
    with Database.open(path) as database:
        for number in range(300):
            put(database, f"{number:05}", "x" * 200)
    body = bytearray(path.read_bytes())
    if damage == "header":
        body[:100] = b"\xff" * 100
    elif damage == "page":
        body[8192 : len(body) - 4096] = b"\xa5" * (len(body) - 12288)
    else:
        del body[len(body) // 2 :]
    path.write_bytes(bytes(body))
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ConfigurationError, match=r"sqlite is damaged .*doctor --repair.*restore it from a backup"):
        Database.open(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_migration_is_all_or_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a later migration fails, neither its tables nor its number are there."""
    Database.open(path).close()
    broken = (*_schema.MIGRATIONS, "CREATE TABLE half (a); CREATE TABLE half (a);")
    monkeypatch.setattr("pupline.local.database._schema.MIGRATIONS", broken)
    monkeypatch.setattr("pupline.local.database._opening.MIGRATIONS", broken)
    with pytest.raises(ConfigurationError, match="half already exists"):
        Database.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(broken) - 1,)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    connection.close()


def test_only_the_owner_may_read_it(path: Path) -> None:
    """Webhook URLs in it can be secrets: no other user of the machine gets to them, in the WAL neither."""
    with Database.open(path) as database:
        put(database, "a").result()
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {f"pupline.sqlite{end}": 0o600 for end in ("", "-wal", "-shm")}


def test_after_close_there_is_one_file(path: Path) -> None:
    """The WAL is folded in, so that a copy of the one file is a backup."""
    with Database.open(path) as database:
        put(database, "a").result()
        assert database.rows("SELECT count(*) FROM memo") == [(1,)]
    assert [file.name for file in path.parent.iterdir()] == ["pupline.sqlite"]


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_that_was_being_created_is_opened(path: Path, tmp_path: Path, *, read_only: bool) -> None:
    """A kill or a power cut leaves a rollback journal then, which a connection that only reads cannot apply."""
    other = sqlite3.connect(tmp_path / "other.sqlite", isolation_level=None)
    other.execute("PRAGMA cache_size = 1")
    other.execute("BEGIN")
    other.execute("CREATE TABLE filler (text)")
    other.executemany(
        "INSERT INTO filler VALUES (?)", [("x" * 4000,)] * 50
    )  # more than the cache: pages go to the file
    for end in ("", "-journal"):
        shutil.copy(tmp_path / f"other.sqlite{end}", f"{path}{end}")
    other.close()
    assert path.stat().st_size
    with Database.open(path, create=not read_only, read_only=read_only) as database:
        assert database.rows("SELECT count(*) FROM memo") == [(0,)]
    assert not path.with_name("pupline.sqlite-journal").exists()


def test_what_is_not_there_is_not_made_for_a_reader(path: Path) -> None:
    """Reading an empty place says how to begin, and leaves it empty."""
    with pytest.raises(ConfigurationError, match="pupline run"):
        Database.open(path, create=False)
    assert not path.exists()


def test_after_close_nothing_is_taken(path: Path) -> None:
    """What was submitted before close is committed; what comes after is refused."""
    database = Database.open(path)
    answer = put(database, "a")
    database.close()
    database.close()
    assert answer.result() == 1
    with pytest.raises(StorageError, match="was closed"):
        put(database, "b")


def test_readers_cannot_write(path: Path) -> None:
    """A reading connection refuses every change."""
    with Database.open(path) as database, pytest.raises(StorageError, match="cannot be written"):
        database.rows("INSERT INTO memo (name, value) VALUES ('a', 'b')")


def test_what_cannot_be_written_is_local_trouble(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that was opened for reading alone refuses a write at once."""
    with Database.open(path) as database:
        with monkeypatch.context() as read_only:
            read_only.setattr(database, "_opened", replace(database._opened, writer=None))
            with pytest.raises(LocalTrouble, match="cannot be written: look at its permissions"):
                put(database, "a")
        put(database, "b").result()
    assert seen_from_outside(path) == ["b"]


def test_a_closed_database_is_one_file(path: Path) -> None:
    """Also after reading, closing leaves no WAL behind: whoever copies the file has all of it."""
    with Database.open(path) as database:
        put(database, "a").result()
        assert database.rows("SELECT name FROM memo") == [("a",)]
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert seen_from_outside(path) == ["a"]


def test_an_emptied_file_beside_stored_objects_is_refused(tmp_path: Path) -> None:
    """A file of no bytes is a new database only where nothing was stored yet."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        body = b"x"
        backend.bucket().create(ObjectToCreate("k", body, hashlib.sha256(body).hexdigest(), "image/jpeg", "e"))
    os.truncate(tmp_path / "pupline.sqlite", 0)
    for exclusive in (True, False):
        with pytest.raises(ConfigurationError, match="is empty, though objects are stored"):
            LocalBackend.open(tmp_path, exclusive=exclusive)
    (tmp_path / "pupline.sqlite").unlink()
    LocalBackend.open(tmp_path, exclusive=True).close()


@pytest.mark.parametrize("what", ["empty", "gone"])
def test_a_wal_whose_database_was_emptied_is_kept(tmp_path: Path, what: str) -> None:
    """SQLite would remove it, and with it what was written last; with or without stored objects, it is refused."""
    path = tmp_path / "pupline.sqlite"
    if what == "empty":
        path.write_bytes(b"")
    wal = path.with_name("pupline.sqlite-wal")
    wal.write_bytes(b"frames")
    for exclusive in (True, False):
        with pytest.raises(ConfigurationError, match=f"is {what}, though pupline.sqlite-wal holds"):
            LocalBackend.open(tmp_path, exclusive=exclusive)
    assert wal.read_bytes() == b"frames"
