"""`pupline doctor --repair`: replaces a damaged database by a sound one, and keeps the damaged one.

The new database is built in `tmp` from what can be read of a private copy (`_salvaging`, `_references`) and from what
the buckets hold (`_inventory`). It is complete and on the disk before it gets the name `pupline.sqlite.repaired`; then:

1. the damaged file gets a second name, `pupline.sqlite.damaged-<time>`;
2. its WAL is moved to that name too, because SQLite would read it into the new database;
3. the new file is renamed over `pupline.sqlite`.

A kill before that name is given changes nothing. After it, the data directory is refused until the same command has
finished the rest.
"""

import os
import shutil
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pupline.errors import ConfigurationError, DamagedDatabase, LocalTrouble
from pupline.files import exists, matching, sync_directory
from pupline.local.data_dir import DATABASE_NAME, REPAIRED_NAME, DirectoryLock, layout_problem
from pupline.local.database import MIGRATIONS, connect, connect_to_check, damaged_rows, explain, migrate
from pupline.local.repair._inventory import Inventory, take_inventory
from pupline.local.repair._references import ReferenceCounts, correct_references
from pupline.local.repair._salvaging import TableCounts, salvage
from pupline.text import printable

_WAL, _SHM, _JOURNAL = (f"{DATABASE_NAME}{end}" for end in ("-wal", "-shm", "-journal"))


@dataclass(frozen=True, slots=True)
class RepairReport:
    """The results of a repair. damage: what was wrong. kept: the damaged file, None where there was none."""

    damage: str
    kept: Path | None
    tables: tuple[TableCounts, ...]
    references: ReferenceCounts
    inventory: Inventory


def repair_database(data_dir: Path) -> RepairReport | None:
    """Replace a damaged database by a sound one; None where it is sound, or an earlier repair was finished.

    Raises: ConfigurationError when another process holds the directory, or it is not pupline's; LocalTrouble.
    """
    data_dir = data_dir.absolute()
    if not data_dir.is_dir():
        raise ConfigurationError(f"there is no data directory {data_dir}; there is nothing to repair")
    if wrong := layout_problem(data_dir):
        raise ConfigurationError(wrong)
    lock = DirectoryLock(data_dir)
    work = data_dir / "tmp" / "repair"
    try:
        if exists(data_dir / REPAIRED_NAME):
            _swap(data_dir)
        damage = _damage(data_dir)
        return None if damage is None else _rebuild(data_dir, damage, work)
    except sqlite3.Error as err:
        raise explain(err, data_dir / DATABASE_NAME) from err
    finally:
        shutil.rmtree(work, ignore_errors=True)
        lock.release()


def _damage(data_dir: Path) -> str | None:
    path = data_dir / DATABASE_NAME
    if not exists(path) or not path.stat().st_size:  # SQLite would remove the WAL of such a file
        if not _size_of(data_dir / _WAL) and not (data_dir / "buckets").is_dir():
            raise ConfigurationError(f"nothing was ever stored in {data_dir}; there is nothing to repair")
        return "it was empty" if exists(path) else "there was none"
    looking = connect_to_check(path)
    try:
        problems = [text for (text,) in looking.execute("PRAGMA integrity_check(1)") if text != "ok"]
        (version,) = looking.execute("PRAGMA user_version").fetchone()
        if problems or not 0 < version <= len(MIGRATIONS):
            return " ".join((problems or [f"its tables are of version {version}"])[0].split())
        if looking.execute("PRAGMA foreign_key_check").fetchone():
            return "rows refer to others that are not there"
        looking.text_factory = bytes
        return next(damaged_rows(looking, version), None)
    except (sqlite3.Error, UnicodeDecodeError) as err:
        trouble = explain(err, path)
        if isinstance(trouble, DamagedDatabase):
            return str(err)
        raise trouble from err  # a disk that cannot be read now, say: what it holds may be intact
    finally:
        looking.close()


def _rebuild(data_dir: Path, damage: str, work: Path) -> RepairReport:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    copy = work / "copy.sqlite"
    for name, there in ((DATABASE_NAME, copy), (_WAL, copy.with_name(f"{copy.name}-wal"))):
        with suppress(FileNotFoundError):
            shutil.copyfile(data_dir / name, there)
    path = work / "new.sqlite"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    new = connect(path, "mode=rw")
    try:
        migrate(new, path)
        new.execute("PRAGMA foreign_keys = OFF")
        new.execute("BEGIN")
        try:
            tables = salvage(copy, new) if exists(copy) else []
        except ConfigurationError as err:
            raise ConfigurationError(f"{data_dir / DATABASE_NAME} is not repaired: {err}") from err
        references = correct_references(new, time.time())
        inventory = take_inventory(data_dir, new)
        new.execute("COMMIT")
        if new.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
            raise LocalTrouble(f"the new database in {work} is damaged, too: check the disk and the memory")
    finally:
        new.close()
    _sync_file(path)
    os.rename(path, data_dir / REPAIRED_NAME)  # noqa: PTH104 - next to the calls that have no other form
    sync_directory(data_dir)
    return RepairReport(printable(damage, 300), _swap(data_dir), tuple(tables), references, inventory)


def _swap(data_dir: Path) -> Path | None:
    """Give the repaired database its name, and the damaged one another. Any step may have been done before."""
    path = data_dir / DATABASE_NAME
    kept = _kept(data_dir, path) if exists(path) else None
    if kept and exists(data_dir / _WAL):
        (data_dir / _WAL).rename(kept.with_name(f"{kept.name}-wal"))
    for name in (_WAL, _SHM, _JOURNAL):  # of the damaged database: SQLite would apply them to the new one
        (data_dir / name).unlink(missing_ok=True)
    sync_directory(data_dir)
    (data_dir / REPAIRED_NAME).rename(path)
    sync_directory(data_dir)
    return kept


def _kept(data_dir: Path, path: Path) -> Path:
    """The second name of the damaged file: the one it has already, or a new one."""
    for other in matching(data_dir, f"{DATABASE_NAME}.damaged-*"):
        if other.samefile(path):
            return other
    stem = f"{DATABASE_NAME}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    names = (data_dir / f"{stem}{end}" for end in ("", *(f"-{number}" for number in range(2, 1000))))
    kept = next(name for name in names if not exists(name))
    try:
        os.link(path, kept)
    except OSError:  # a file system without links
        shutil.copyfile(path, kept)
        _sync_file(kept)
    sync_directory(data_dir)
    return kept


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size_of(path: Path) -> int:
    return path.stat().st_size if exists(path) else 0
