"""The contents of one data directory, opened together and closed together."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.errors import ConfigurationError, ReplayMismatch
from pupline.local._clock import DriverClock, SystemClock
from pupline.local.alerts import Deliverer, LocalTopic, Subscriptions
from pupline.local.bucket import LocalBucket, UndeletedFiles, recover
from pupline.local.data_dir import (
    BUCKET,
    DATABASE_NAME,
    DirectoryLock,
    check_data_dir,
    create_data_dir,
    layout_problem,
)
from pupline.local.database import Database, damaged
from pupline.local.discarding import Discards
from pupline.local.ingests import Ingests
from pupline.local.tables import LocalAuditTable, LocalWriteOnceStore, QualityTable, Runs
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.local.journal import Driver, DriverSettings, Journal

_CAUSED_BY_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    ReplayMismatch,
)
"""Errors that a damaged value may cause where it is used."""


@dataclass(frozen=True, slots=True)
class LocalBackend:
    """Everything in one data directory. Use `LocalBackend.open`, in a `with` block or with `close`.

    undeleted: files in `tmp` that could not be removed; harmless, but worth a warning.
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
    discards: Discards
    undeleted: UndeletedFiles | None
    _lock: DirectoryLock | None
    _buckets: dict[str, LocalBucket] = field(default_factory=dict)

    @classmethod
    def open(
        cls, data_dir: Path, *, exclusive: bool, create: bool | None = None, clock: DriverClock | None = None
    ) -> "LocalBackend":
        """Open the data directory.

        exclusive: to run executions and store objects: takes the lock, checks the database, and finishes or undoes what
        a killed process was writing or removing. Without it: to read, and to change subscriptions. create: by default,
        exclusive.
        Raises: ConfigurationError when another process has the lock, when the database is damaged or of a newer
        version, when another kind of file is in the place of one of pupline's, or when there is nothing to open.
        """
        data_dir, may_create = data_dir.absolute(), exclusive if create is None else create
        if exclusive or may_create:
            create_data_dir(data_dir)
        if problem := layout_problem(data_dir, database_only=not exclusive):
            raise ConfigurationError(problem)
        lock = DirectoryLock(data_dir) if exclusive else None
        with ExitStack() as undo:
            if lock:
                undo.callback(lock.release)
            check_data_dir(data_dir)
            read_only = not (exclusive or may_create)
            database = Database.open(data_dir / DATABASE_NAME, create=may_create, check=exclusive, read_only=read_only)
            undo.push(partial(_close_and_report_damage, database))
            if exclusive:
                database.check_unfinished()
            undeleted = recover(data_dir, database) if lock else None
            undo.pop_all()
        clock = clock or SystemClock()
        bucket = LocalBucket(data_dir, BUCKET, database)
        opened = cls(
            data_dir=data_dir,
            database=database,
            clock=clock,
            audit=LocalAuditTable(database),
            write_once=LocalWriteOnceStore(database),
            topic=LocalTopic(database, clock),
            subscriptions=Subscriptions(database, clock),
            runs=Runs(database, clock),
            ingests=Ingests(database, clock, bucket),
            discards=Discards(database, clock, bucket),
            undeleted=undeleted,
            _lock=lock,
            _buckets={BUCKET: bucket},
        )
        if exclusive and opened.discards.unfinished():  # a process was killed in the middle
            with ExitStack() as undo:
                undo.callback(opened.close)
                opened.discards.finish()
                undo.pop_all()
        return opened

    def bucket(self, name: str = BUCKET) -> LocalBucket:
        """The bucket of that name, the same object each time. Raises: ConfigurationError for an invalid name."""
        return self._buckets.setdefault(name, LocalBucket(self.data_dir, name, self.database))

    @property
    def journal(self) -> "Journal":
        """The executions and their facts. Loads the engine on first use: bulk runs do without it."""
        from pupline.local.journal import Journal

        return Journal(self.database)

    def quality(self, scope: str = "") -> QualityTable:
        """The journal of the quality pass, which may be written without the lock. scope: as in `QualityTable`."""
        return QualityTable(self.database, self.clock, scope)

    def driver(self, settings: "DriverSettings") -> "Driver":
        """A driver for this directory's executions. Raises: ConfigurationError when it was not opened exclusively."""
        if self._lock is None:
            raise ConfigurationError("executions are driven only by the process that holds the data directory")
        from pupline.local.journal import Driver, LocalMapIO

        return Driver(self.database, settings, LocalMapIO(self.bucket))

    def deliverer(self) -> Deliverer:
        """The deliverer of this directory's outbox: `start` it with a run, `close` it afterwards."""
        return Deliverer(self.database, self.clock)

    def close(self) -> None:
        """Commit what was submitted, close the database, release the lock."""
        self.database.close()
        if self._lock:
            self._lock.release()

    def __enter__(self) -> "LocalBackend":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Close. Raises: DamagedDatabase where damage caused an unexpected error."""
        try:
            _close_and_report_damage(self.database, None, error, None)
        finally:
            self.close()


def _close_and_report_damage(database: Database, _kind: object, error: BaseException | None, _trace: object) -> None:
    """Close the database. Raises: DamagedDatabase when it is damaged and that may have caused `error`.

    A damaged row shows where it is used: as invalid JSON, a missing key, a number that is text. Checking the whole
    database after such an error costs those uses nothing.
    """
    try:
        damage = database.damage() if isinstance(error, _CAUSED_BY_DAMAGE) else None
    finally:
        database.close()
    if damage:
        raise damaged(database.path, printable(damage, 300)) from error
