"""A damaged database is made sound of what can be read of it and of the bucket, whatever is damaged, killed or not."""

import errno
import hashlib
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pupline.asl import definition_digest
from pupline.errors import ConfigurationError, LocalTrouble
from pupline.local import LocalBackend, NewIngest, repair_database
from pupline.local.bucket import BucketFiles
from pupline.local.database import MIGRATIONS, migrate
from pupline.local.database._row_checks import tables
from pupline.local.repair import _inventory, _repair
from pupline.local.repair._salvaging import TableCounts, _readable_rows, _remove_wal, _Rows, _version
from pupline.local.tables import insert_records
from pupline.tasks.ports import ObjectToCreate
from pupline.tasks.records import AuditRecord

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
)
COUNT = 300
NAME = "pupline.sqlite"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 300 images, of which 3 are in the bucket, and an unfinished ingest."""
    data = tmp_path_factory.mktemp("made") / "data"
    with LocalBackend.open(data, exclusive=True) as backend:
        for number in range(3):
            body = PNG + bytes([number])
            digest = hashlib.sha256(body).hexdigest()
            backend.bucket().create(ObjectToCreate(f"html/{number}.png", body, digest, "image/png", f"r-{number:05}"))
        backend.audit.put_many([record(number) for number in range(COUNT)])
        backend.ingests.open(NewIngest(run_id="bulk", dataset="dogs", source="test", settings={}))
    return data


def record(number: int) -> AuditRecord:
    """One of them, with enough text to fill pages."""
    return AuditRecord(
        image_name=f"{number}.png",
        upload_timestamp=f"2026-01-02T03:{number // 60:02}:{number % 60:02}Z",
        alert_triggered=False,
        outcome="stored",
        reason="accepted",
        execution=f"r-{number:05}",
        cause="woof " * 40,
    )


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


def damage(data: Path, change: Callable[[bytearray], None]) -> bytes:
    """Change the database's bytes; those that it has now."""
    body = bytearray((data / NAME).read_bytes())
    change(body)
    (data / NAME).write_bytes(body)
    return bytes(body)


def names(data: Path) -> set[str]:
    """Of all images with a record."""
    with LocalBackend.open(data, exclusive=True) as backend:
        assert backend.database.damage() is None
        return {one.image_name for one in backend.audit.records()}


def zero_pages(*pages: int) -> Callable[[bytearray], None]:
    """Pages that were never written."""

    def change(body: bytearray) -> None:
        for page in pages:
            body[page * 4096 : (page + 1) * 4096] = bytes(4096)

    return change


def audit_leaves(data: Path) -> list[int]:
    """The pages, from 0, that hold rows of the audit."""
    body = (data / NAME).read_bytes()
    pages = [body[start : start + 4096] for start in range(0, len(body), 4096)]
    return [number for number, page in enumerate(pages) if page[0] == 0x0D and b"woof" in page]


def test_a_sound_database_is_left_alone(data: Path) -> None:
    """None, and not one byte changes."""
    before = (data / NAME).read_bytes()
    assert repair_database(data) is None
    assert (data / NAME).read_bytes() == before
    assert not list(data.glob("*damaged*"))


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_page_costs_its_rows_and_no_others(data: Path, place: str) -> None:
    """What lies before and behind it is kept, and the damaged file as well."""
    leaves = audit_leaves(data)
    page = {"first": leaves[0], "middle": leaves[len(leaves) // 2], "last": leaves[-1]}[place]
    body = damage(data, zero_pages(page))
    found = repair_database(data)
    assert found is not None
    assert found.kept is not None
    assert found.kept.read_bytes() == body
    [audit] = [table for table in found.tables if table.table == "audit"]
    assert audit.has_gap
    assert COUNT - 25 < audit.kept < COUNT
    assert len(names(data)) >= audit.kept
    assert repair_database(data) is None


def test_a_first_page_that_is_gone_costs_nothing(data: Path) -> None:
    """It holds the tables' definitions, which are known."""
    damage(data, zero_pages(0))
    assert repair_database(data) is not None
    assert names(data) == {f"{number}.png" for number in range(COUNT)}


@pytest.mark.parametrize("with_wal", [False, True])
def test_pages_of_the_tables_definitions_that_are_gone_cost_nothing(data: Path, *, with_wal: bool) -> None:
    """There are several, behind the first one as well, and all are known; a WAL of a killed process is read besides."""
    body = (data / NAME).read_bytes()
    pages = [body[start : start + 4096] for start in range(0, len(body), 4096)]
    [place, *_] = [number for number, page in enumerate(pages) if number and b"CREATE TABLE definitions" in page]
    if with_wal:
        with closing(sqlite3.connect(data / NAME)) as writer:
            writer.execute("PRAGMA wal_autocheckpoint = 0")
            writer.execute("UPDATE audit SET file_type = 'png'")
            writer.commit()
            killed = (data / f"{NAME}-wal").read_bytes()
        (data / f"{NAME}-wal").write_bytes(killed)
        (data / NAME).write_bytes(body)

    damage(data, lambda there: there.__setitem__(slice(place * 4096, (place + 1) * 4096), b"\x14" * 4096))
    assert repair_database(data) is not None
    assert names(data) == {f"{number}.png" for number in range(COUNT)}
    with LocalBackend.open(data, exclusive=True) as backend:
        assert {one.file_type for one in backend.audit.records()} == ({"png"} if with_wal else {None})


def test_an_emptied_file_gets_what_its_wal_holds(data: Path) -> None:
    """The pages that a killed process wrote last are in the WAL, whatever became of the file."""
    with closing(sqlite3.connect(data / NAME)) as writer:
        writer.execute("UPDATE ingests SET total = 7")
        writer.commit()
        killed = (data / f"{NAME}-wal").read_bytes()
    (data / f"{NAME}-wal").write_bytes(killed)
    (data / NAME).write_bytes(b"")
    found = repair_database(data)
    assert found is not None
    assert [table.kept for table in found.tables if table.table == "ingests"] == [1]
    assert found.inventory.records == 3


@pytest.mark.parametrize("what", ["gone", "empty", "text", "zeros", "cut to a page"])
def test_of_nothing_the_bucket_is_left(data: Path, what: str) -> None:
    """Objects and records are made of the files: names, bytes, types and sizes."""
    path = data / NAME
    if what == "gone":
        path.unlink()
    else:
        body = path.read_bytes()
        contents = {"empty": b"", "text": b"woof\n" * 999, "zeros": bytes(len(body)), "cut to a page": body[:4096]}
        path.write_bytes(contents[what])
    found = repair_database(data)
    assert found is not None
    assert (found.inventory.objects, found.inventory.records) == (3, 3)
    with LocalBackend.open(data, exclusive=True) as backend:
        [first, *_] = backend.audit.records()
        assert (first.image_name, first.outcome, first.file_type, first.width, first.execution) == (
            ("0.png", "stored", "png", 1, "doctor-repair")
        )
        assert backend.bucket().read("html/0.png") == PNG + b"\0"
    assert repair_database(data) is None


def test_a_folder_that_cannot_be_read_now_is_not_an_empty_one(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repair ends with the error, and changes nothing: the next one finds the folder's files."""
    (data / NAME).write_bytes(b"woof\n" * 999)
    scandir = os.scandir

    def failing(path: Any) -> Any:
        if str(path).endswith("html"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", failing)
        with pytest.raises((OSError, LocalTrouble), match="Too many open files"):
            repair_database(data)
    assert (data / NAME).read_bytes() == b"woof\n" * 999
    found = repair_database(data)
    assert found is not None
    assert found.inventory.objects == 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_flipped_the_database_is_sound_again(data: Path, seed: int) -> None:
    """Bits, bytes and pages at random: no error that is not ours, and afterwards all of it can be read."""
    chance = random.Random(seed)

    def change(body: bytearray) -> None:
        for _ in range(chance.choice([1, 10, 200])):
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        if seed % 3 == 0:
            zero_pages(*(chance.randrange(len(body) // 4096) for _ in range(4)))(body)

    damage(data, change)
    repair_database(data)
    assert repair_database(data) is None
    assert {f"{number}.png" for number in range(3)} <= names(data)


def test_a_damaged_wal_is_not_read_into_the_new_database(data: Path) -> None:
    """It is kept with the damaged file."""
    with closing(sqlite3.connect(data / NAME, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE audit SET outcome = 'sto' WHERE audit_id = 7")
        wal = (data / f"{NAME}-wal").read_bytes()
        body = (data / NAME).read_bytes()
    (data / NAME).write_bytes(body)
    (data / f"{NAME}-wal").write_bytes(wal)
    found = repair_database(data)
    assert found is not None
    assert found.kept is not None
    assert found.kept.with_name(f"{found.kept.name}-wal").read_bytes() == wal
    assert len(names(data)) == COUNT - 1


class Killed(BaseException):
    """As SIGKILL would: nothing more is done."""


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, 12))
def test_a_repair_that_was_killed_is_repeated(data: Path, step: int) -> None:
    """At every step towards the disk: nothing else is opened on half of it, and the next repair ends it."""
    damage(data, zero_pages(audit_leaves(data)[0]))
    left = [step]

    def kill_at(name: str) -> Callable[..., object]:
        original = getattr(os, name)

        def call(*given: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return original(*given, **options)

        return call

    with ExitStack() as stack:
        for name in ("link", "rename", "unlink", "fsync"):
            stack.enter_context(mock.patch(f"os.{name}", kill_at(name)))
        stack.enter_context(mock.patch("shutil.rmtree"))
        try:
            repair_database(data)
        except Killed:
            pass
        else:
            pytest.skip("it has fewer steps")
    for left_over in (data / "tmp").iterdir():
        shutil.rmtree(left_over)
    if (data / f"{NAME}.repaired").exists():
        with pytest.raises(ConfigurationError, match=r"interrupted; finish it with: pupline doctor --repair"):
            LocalBackend.open(data, exclusive=False)
    repair_database(data)
    assert COUNT - 25 < len(names(data)) <= COUNT
    assert len(list(data.glob(f"{NAME}.damaged-*[0-9]"))) == 1
    assert repair_database(data) is None


def test_a_directory_in_use_is_not_repaired(data: Path) -> None:
    """Whoever holds the lock writes."""
    with LocalBackend.open(data, exclusive=True), pytest.raises(ConfigurationError, match="in use"):
        repair_database(data)


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ("CREATE TABLE dogs (name); PRAGMA application_id = 7", "another program's"),
        (None, "newer pupline"),
    ],
)
def test_what_is_not_ours_to_repair_is_left_alone(data: Path, statements: str | None, message: str) -> None:
    """Another program's database, and a newer pupline's."""
    path = data / NAME
    if statements:
        path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements or f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=message):
        repair_database(data)
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_database_of_every_version_is_known_by_its_tables(version: int) -> None:
    """Its number may be damaged; one a little above ours is that of a newer pupline."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as old:
        migrate(old, Path(":memory:"), MIGRATIONS[:version])
        old.text_factory = bytes
        for number in (version, 0, 2 * len(MIGRATIONS) + 10, 1 << 30):
            old.execute(f"PRAGMA user_version = {number}")
            assert [table.names for table in tables(_version(old))] == [table.names for table in tables(version)]
        for number in (len(MIGRATIONS) + 1, 2 * len(MIGRATIONS) + 9):
            old.execute(f"PRAGMA user_version = {number}")
            with pytest.raises(ConfigurationError, match="newer pupline"):
                _version(old)


def test_the_new_database_is_on_the_disk_before_it_has_a_name(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the directory is synced; only the owner may read the file, and the lock is held to the end."""
    damage(data, zero_pages(audit_leaves(data)[0]))
    steps: list[str] = []
    fsync, rename, rmtree = os.fsync, os.rename, shutil.rmtree

    def synced(descriptor: int) -> None:
        steps.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def renamed(old: Path, new: Path) -> None:
        steps.append(f"rename {new.name}")
        rename(old, new)

    def removed(folder: Path, ignore_errors: bool) -> None:
        with pytest.raises(ConfigurationError, match="in use"):
            LocalBackend.open(data, exclusive=True)
        rmtree(folder, ignore_errors=ignore_errors)

    with monkeypatch.context() as noted:
        noted.setattr(os, "fsync", synced)
        noted.setattr(os, "rename", renamed)
        noted.setattr(shutil, "rmtree", removed)
        assert repair_database(data)
    at = steps.index(f"rename {NAME}.repaired")
    assert steps[at - 1 : at + 2] == ["fsync new.sqlite", f"rename {NAME}.repaired", "fsync data"]
    assert (data / NAME).stat().st_mode & 0o777 == 0o600


def test_a_file_system_without_links_keeps_a_copy(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damaged database is there under its second name all the same."""
    damage(data, zero_pages(audit_leaves(data)[0]))
    before = (data / NAME).read_bytes()

    def refused(*_paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    report = repair_database(data)
    assert report
    assert report.kept
    assert report.kept.read_bytes() == before


def test_where_nothing_was_stored_there_is_nothing_to_repair(tmp_path: Path) -> None:
    """No directory is made, and an empty one stays empty but for the lock."""
    with pytest.raises(ConfigurationError, match=r"there is no data directory .*/none; there is nothing to repair"):
        repair_database(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(ConfigurationError, match="nothing was ever stored in"):
        repair_database(tmp_path)
    assert not (tmp_path / NAME).exists()


LOSSES = {
    "a run": ("DELETE FROM runs", "ABORTED"),
    "a fact in the middle": ("DELETE FROM facts WHERE seq = 1", "ABORTED"),
    "the last fact": ("DELETE FROM facts WHERE seq = 2", "RUNNING"),
}


@pytest.mark.parametrize("what", LOSSES)
def test_an_execution_without_what_it_goes_on_from_is_aborted(data: Path, what: str) -> None:
    """With other settings, or another past, it would go on as another one; a lost end is asked for again."""
    statement, status = LOSSES[what]
    digest = definition_digest({}, "STANDARD")
    with closing(sqlite3.connect(data / NAME, isolation_level=None)) as connection:
        connection.execute("INSERT INTO runs (run_id, settings, created_at) VALUES ('r', '{}', 1.0)")
        connection.execute("INSERT INTO definitions VALUES (?, 'x', 'STANDARD', '{}')", (digest,))
        connection.execute(
            "INSERT INTO executions (execution_id, name, run_id, run_index, digest, input, start_time)"
            " VALUES (1, 'r-00001', 'r', 1, ?, '{}', 1.0)",
            (digest,),
        )
        fact = '{"fact": "TimerFired", "id": "a"}'
        insert = "INSERT INTO facts (execution_id, seq, now, fact) VALUES (1, ?, 1.0, ?)"
        connection.executemany(insert, [(number, fact) for number in range(3)])
        connection.execute(statement)
        connection.execute("UPDATE audit SET outcome = 'woof' WHERE audit_id = 5")
    found = repair_database(data)
    assert found is not None
    with LocalBackend.open(data, exclusive=False) as backend:
        [row] = backend.journal.executions()
    assert row.status == status
    assert found.references.aborted == (status == "ABORTED")


class RowsWithHole(_Rows):
    """The rows of a table, of which none can be read that follows a key below 5."""

    def after(self, last: tuple[Any, ...] | None) -> Iterator[Sequence[Any]]:
        """The rows behind the hole."""
        if last is None or last[0] < 5:
            raise sqlite3.DatabaseError("a damaged page")
        yield from super().after(last)


class RowsThatPointBack(_Rows):
    """After the third row the first ones come again."""

    def after(self, last: tuple[Any, ...] | None) -> Iterator[Sequence[Any]]:
        """The next rows; from the beginning, a loop."""
        rows = list(super().after(last))
        yield from rows if last else rows[:3] + rows[:3]


@pytest.fixture
def audit() -> Iterator[sqlite3.Connection]:
    """A database with ten audit records in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as old:
        migrate(old, Path(":memory:"), MIGRATIONS)
        insert_records(old, [record(number) for number in range(10)])
        old.text_factory = bytes
        yield old


def test_a_hole_costs_no_row_behind_it(audit: sqlite3.Connection) -> None:
    """The search for what can be read again ends at the first key after which something can be."""
    [table] = [table for table in tables() if table.name == "audit"]
    assert RowsWithHole(audit, table).jump((4,)) == (5,)
    assert RowsWithHole(audit, table).jump((3,)) == (5,)


def test_a_page_that_points_back_gives_no_row_twice(audit: sqlite3.Connection) -> None:
    """The loop is a gap, and what follows it is read."""
    [table] = [table for table in tables() if table.name == "audit"]
    counts = TableCounts("audit")
    found = [table.key_of(row)[0] for row in _readable_rows(RowsThatPointBack(audit, table), counts)]
    assert (found[:3], len(set(found)), counts.has_gap) == ([1, 2, 3], len(found), True)


def test_what_is_not_there_needs_no_removal(tmp_path: Path) -> None:
    """A copy without a WAL is one that is done."""
    (tmp_path / "copy-wal").write_text("")
    for _ in range(2):
        _remove_wal(tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_bug_is_not_taken_for_damage(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only SQLite's errors show that a database is damaged; after any other, it stays what it is."""

    def broken(*_given: object) -> None:
        raise ZeroDivisionError

    before = (data / NAME).read_bytes()
    monkeypatch.setattr(_repair, "damaged_rows", broken)
    with pytest.raises(ZeroDivisionError):
        repair_database(data)
    assert (data / NAME).read_bytes() == before


def test_a_disk_that_cannot_be_read_now_is_not_damage(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds may be intact: nothing is replaced."""

    def failing(*_given: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_READ"
        raise error

    before = (data / NAME).read_bytes()
    monkeypatch.setattr(_repair, "damaged_rows", failing)
    with pytest.raises(LocalTrouble):
        repair_database(data)
    assert (data / NAME).read_bytes() == before


@pytest.mark.parametrize("what", ["nothing", "a pipe"])
def test_what_is_not_a_file_gets_no_record(data: Path, what: str) -> None:
    """An object's row may name what is no longer there, or something that nobody can read to its end."""
    path = data / "buckets" / "dog-images" / "html" / "0.png"
    path.unlink()
    if what == "a pipe":
        os.mkfifo(path)
    with closing(sqlite3.connect(data / NAME)) as connection:
        assert _inventory._add_record(connection, BucketFiles(data, "dog-images"), "html/0.png", "html/0.png") == 0
        assert _inventory._add_record(connection, BucketFiles(data, "dog-images"), "html/1.png", "html/1.png") == 1
