"""Everything of one data directory, opened together and closed together."""

import shlex
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.errors import ConfigurationError, ReplayMismatch
from pupline.local._audit import LocalAuditTable
from pupline.local._clock import DriverClock, SystemClock
from pupline.local._memo import LocalWriteOnceStore
from pupline.local.alerts.delivery import Deliverer
from pupline.local.alerts.subscriptions import Subscriptions
from pupline.local.alerts.topic import LocalTopic
from pupline.local.bucket.bucket import LocalBucket
from pupline.local.bucket.leftovers import UndeletedFiles
from pupline.local.bucket.paths import spread_directories, sync_directory
from pupline.local.bucket.recovery import recover
from pupline.local.database.database import Database
from pupline.local.database.layout import BUCKET, DATABASE_NAME, REPAIRED_NAME, layout_problem
from pupline.local.database.lock import DirectoryLock
from pupline.local.database.opening import damaged
from pupline.local.ingests.ingests import Ingests
from pupline.local.ingests.known import PreviousFetches
from pupline.local.journal.runs import Runs
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.local.journal.driver import Driver
    from pupline.local.journal.driver_settings import DriverSettings
    from pupline.local.journal.journal import Journal


_OF_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    ReplayMismatch,
)
"""What is raised of values that cannot be."""


@dataclass(frozen=True, slots=True)
class LocalBackend:
    """What is in one data directory. Use `LocalBackend.open`, in a `with` block or with `close`.

    undeleted: what an earlier process left and this one could not remove; it is in nobody's way, and should be told.
    """

    data_dir: Path
    database: Database
    clock: DriverClock
    audit: LocalAuditTable
    write_once: LocalWriteOnceStore
    topic: LocalTopic
    subscriptions: Subscriptions
    runs: Runs
    ingests: Ingests
    undeleted: UndeletedFiles | None
    _lock: DirectoryLock | None
    _buckets: dict[str, LocalBucket] = field(default_factory=dict)

    @classmethod
    def open(
        cls, data_dir: Path, *, exclusive: bool, create: bool | None = None, clock: DriverClock | None = None
    ) -> "LocalBackend":
        """Open the data directory.

        exclusive: to run executions and store objects: takes the directory's lock, has the database checked, and
        finishes what a killed process was writing. Without it: to read, and to change subscriptions.
        create: make what is missing; by default, when exclusive.
        Raises: ConfigurationError when another process has the lock, when the database is damaged or newer, when
        something else stands where pupline keeps its own, or when there is nothing there and nothing is to be created.
        """
        data_dir = data_dir.absolute()
        if exclusive or create:
            _make(data_dir)
        if wrong := layout_problem(data_dir, database_only=not exclusive):
            raise ConfigurationError(wrong)
        lock = DirectoryLock(data_dir) if exclusive else None
        with ExitStack() as undo:
            if lock:
                undo.callback(lock.release)
            _refuse_unfinished_repair(data_dir)
            _refuse_emptied(data_dir)
            may_create = exclusive if create is None else create
            read_only = not (exclusive or may_create)
            path = data_dir / DATABASE_NAME
            database = Database.open(path, create=may_create, check=exclusive, read_only=read_only)
            undo.push(partial(_tell_damage, database))
            if exclusive:
                database.check_unfinished()
            undeleted = recover(data_dir, database) if lock else None
            undo.pop_all()
        time = clock or SystemClock()
        bucket = LocalBucket(data_dir, BUCKET, database)
        return cls(
            data_dir=data_dir,
            database=database,
            clock=time,
            audit=LocalAuditTable(database),
            write_once=LocalWriteOnceStore(database),
            topic=LocalTopic(database, time),
            subscriptions=Subscriptions(database, time),
            runs=Runs(database, time),
            ingests=Ingests(database, time, PreviousFetches(bucket)),
            undeleted=undeleted,
            _lock=lock,
            _buckets={BUCKET: bucket},
        )

    def bucket(self, name: str = BUCKET) -> LocalBucket:
        """The bucket of that name, the same object each time. Raises: ConfigurationError for an impossible name."""
        return self._buckets.setdefault(name, LocalBucket(self.data_dir, name, self.database))

    @property
    def journal(self) -> "Journal":
        """The executions and their facts. Loaded when first asked for, with the engine: bulk runs need neither."""
        from pupline.local.journal.journal import Journal

        return Journal(self.database)

    def driver(self, settings: "DriverSettings") -> "Driver":
        """A driver for this directory's executions. Raises: ConfigurationError when it was not opened exclusively."""
        if self._lock is None:
            raise ConfigurationError("executions are driven only by the process that holds the data directory")
        from pupline.local.journal.driver import Driver
        from pupline.local.journal.map_io import LocalMapIO

        return Driver(self.database, settings, LocalMapIO(self.bucket))

    def deliverer(self) -> Deliverer:
        """What carries alerts from the outbox to the subscriptions; `start` it beside a run, `close` it after."""
        return Deliverer(self.database, self.clock)

    def close(self) -> None:
        """Commit what was submitted, close the database, let go of the lock."""
        self.database.close()
        if self._lock:
            self._lock.release()

    def __enter__(self) -> "LocalBackend":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Close. Raises: DamagedDatabase where that is what an error comes from that nobody raised on purpose."""
        try:
            _tell_damage(self.database, None, error, None)
        finally:
            self.close()


def _tell_damage(database: Database, _kind: object, error: BaseException | None, _trace: object) -> None:
    """Close the database. Raises: DamagedDatabase when it is damaged and `error` may come of that.

    A row that is not what was written shows where it is used: as JSON that is none, a key that is missing, a number
    that is text. One look at the whole database, after the fact, costs those uses nothing.
    """
    try:
        what = database.damage() if isinstance(error, _OF_DAMAGE) else None
    finally:
        database.close()
    if what:
        raise damaged(database.path, printable(what, 300)) from error


def _make(data_dir: Path) -> None:
    try:
        if not data_dir.is_dir():
            data_dir.mkdir(parents=True, exist_ok=True)
            spread_directories(data_dir)
            sync_directory(data_dir.parent)
    except OSError as err:
        raise ConfigurationError(f"the data directory {data_dir} cannot be made: {err.strerror}") from err


def _refuse_unfinished_repair(data_dir: Path) -> None:
    if (data_dir / REPAIRED_NAME).exists():
        again = f"pupline doctor --repair --data {shlex.quote(str(data_dir))}"
        raise ConfigurationError(f"a repair of {data_dir / DATABASE_NAME} was interrupted; finish it with: {again}")


def _refuse_emptied(data_dir: Path) -> None:
    """SQLite takes an empty file for a new database; next to stored objects it is one that lost all it held.

    SQLite would also remove the WAL of an empty file, or of none; it may hold the latest records.
    """
    path = data_dir / DATABASE_NAME
    wal = path.with_name(f"{DATABASE_NAME}-wal")
    if path.exists() and path.stat().st_size:
        return
    what = "is empty" if path.exists() else "is gone"
    if wal.exists() and wal.stat().st_size:
        found = f"though {wal.name} holds what was written to it last"
    elif path.exists() and (data_dir / "buckets").is_dir():
        found = "though objects are stored next to it"
    else:
        return
    raise ConfigurationError(
        f"{path} {what}, {found}. Restore it from a backup, or make one of "
        f"what is still known: pupline doctor --repair --data {shlex.quote(str(data_dir))}"
    )
