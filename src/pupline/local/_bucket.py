"""The `ObjectStore` port over a directory: `<data>/buckets/<bucket>/<key>`.

The order of writes, and what a crash after each step leaves:

1. the bytes go to a file under `<data>/tmp`, with fsync                a part file: recovery removes it
2. the intent is committed (key, path, hash, owner; state `writing`)   a row without a file: recovery removes it
3. the file gets its name by `link`, which never overwrites            a whole file whose row says what it is:
4. the directory is synced                                             recovery, or the next `create`, finishes it
5. state `stored` is committed                                         all is done; only now does `create` return

Without step 2, a file found after a crash could not be told from one that somebody else put there.
"""

import errno
import hashlib
import itertools
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pupline.errors import ConfigurationError, InvalidInput, StorageError
from pupline.local._database import Database, storable
from pupline.local._paths import candidates, directory, folded, parents
from pupline.ports import ObjectHeld, ObjectToCreate

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_BYTES = 1024
_PAGE = 1000
_STRIPES = 64
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SELECT = "SELECT path, sha256, owner, state FROM objects WHERE bucket = ? AND key = ?"


@dataclass(frozen=True, slots=True)
class ObjectListed:
    """One stored object, as `LocalBucket.objects` lists it. created_at: seconds since the epoch."""

    key: str
    path: Path
    sha256: str
    size_bytes: int
    content_type: str
    owner: str
    created_at: float


@dataclass(frozen=True, slots=True)
class _Row:
    path: str
    sha256: str
    owner: str
    state: str


class LocalBucket:
    """Implements `pupline.ports.ObjectStore`. Writing needs the data directory's lock; reading does not."""

    def __init__(self, data_dir: Path, name: str, database: Database) -> None:
        """Raises: ConfigurationError for a name that S3 would not take."""
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"'{name}' is no bucket name: 3 to 63 of a-z, 0-9, '-' and '.'")
        self.name = name
        self._data_dir = data_dir.absolute()
        self.root = self._data_dir / "buckets" / name
        self._tmp = self._data_dir / "tmp"
        self._database = database
        self._numbers = itertools.count()
        # Two threads with one key take turns; 64 locks for all keys is enough to keep the others from waiting.
        self._turns = [threading.Lock() for _ in range(_STRIPES)]

    def create(self, new: ObjectToCreate) -> ObjectHeld:
        """Store `new` unless its key is taken, and say what is held under that key now (see the port).

        Raises: StorageError; InvalidInput for a key that is not 1 to 1,024 bytes of UTF-8.
        """
        if not 0 < len(storable(new.key).encode()) <= _KEY_BYTES or storable(new.key) != new.key:
            raise InvalidInput(
                f"an object key is 1 to {_KEY_BYTES} bytes of UTF-8; this one has {len(new.key)} characters"
            )
        if hashlib.sha256(new.body).hexdigest() != new.sha256:
            raise StorageError(f"the bytes for {new.key} are not those of the SHA-256 given with them")
        try:
            with self._turns[hash(new.key) % _STRIPES]:
                return self._create(new)
        except OSError as err:
            raise self._trouble(err) from err

    def read(self, key: str) -> bytes:
        """The object's bytes, checked against the hash they were stored with. Raises: KeyError; StorageError."""
        row = self._find(key)
        if row is None or row.state != "stored":
            raise KeyError(key)
        try:
            body = self._read(row.path)
        except FileNotFoundError as err:
            raise KeyError(key) from err
        except OSError as err:
            raise self._trouble(err) from err
        if hashlib.sha256(body).hexdigest() != row.sha256:
            raise StorageError(f"{self.root / row.path} was changed after it was stored: its SHA-256 is another")
        return body

    def objects(self, prefix: str = "") -> Iterator[ObjectListed]:
        """The stored objects whose key begins with `prefix`, by key, a page at a time. Raises: StorageError."""
        after = ""
        while True:
            page = self._database.rows(
                "SELECT key, path, sha256, size_bytes, content_type, owner, created_at FROM objects"
                " WHERE bucket = ? AND state = 'stored' AND key > ? AND substr(key, 1, ?) = ? ORDER BY key LIMIT ?",
                (self.name, after, len(prefix), prefix, _PAGE),
            )
            for key, path, *rest in page:
                yield ObjectListed(key, self.root / path, *rest)
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def url(self, path: str) -> str:
        """The `file://` URL, quoted, of a path relative to the bucket."""
        return (self.root / path).as_uri()

    def settle(self) -> None:
        """Finish or forget what a killed process was writing. Raises: StorageError."""
        query = "SELECT key, path, sha256, owner, state FROM objects WHERE bucket = ? AND state = 'writing'"
        try:
            for key, *row in self._database.rows(query, (self.name,)):
                self._settle(key, _Row(*row))
        except OSError as err:
            raise self._trouble(err) from err

    def _create(self, new: ObjectToCreate) -> ObjectHeld:
        row = self._find(new.key)
        if row and self._is_there(new.key, row):
            return self._held(new.key, row)
        temporary = self._write_aside(new.body)
        try:
            for path in candidates(new.key):
                if not self._intend(new, path):
                    continue
                if self._link(temporary, path, new.sha256):
                    break
            else:
                raise StorageError(f"every path for {new.key} under {self.root} is taken by another file")
        finally:
            temporary.unlink(missing_ok=True)
        self._mark_stored(new.key)
        return ObjectHeld(new.key, new.sha256, new.owner, self.url(path))

    def _is_there(self, key: str, row: _Row) -> bool:
        """Whether the row's object can be answered with; one that was being written is finished or forgotten first.

        Not when somebody deleted or changed its file: then the key is free again, and what is in its place stays.
        """
        if row.state == "writing":
            return self._settle(key, row)
        return self._holds(row.path, row.sha256)

    def _settle(self, key: str, row: _Row) -> bool:
        """Mark the object stored if its file is whole, else forget the intent."""
        if self._holds(row.path, row.sha256):
            with self._folder_of(row.path, create=False) as (parent, _):
                os.fsync(parent)
            self._mark_stored(key)
            return True
        delete = "DELETE FROM objects WHERE bucket = ? AND key = ? AND state = 'writing'"
        self._database.write(lambda connection: connection.execute(delete, (self.name, key)))
        return False

    def _write_aside(self, body: bytes) -> Path:
        self._tmp.mkdir(parents=True, exist_ok=True)
        temporary = self._tmp / f"{os.getpid()}-{self.name}-{next(self._numbers)}"
        try:
            with temporary.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _intend(self, new: ObjectToCreate, path: str) -> bool:
        """Commit what is about to be written, unless another key has this path, or one above or below it."""
        fold = folded(path)
        values = (new.sha256, len(new.body), storable(new.content_type), new.owner, time.time())

        def work(connection: sqlite3.Connection) -> bool:
            if _is_taken(connection, self.name, new.key, fold):
                return False
            connection.execute(
                "INSERT OR REPLACE INTO objects (bucket, key, path, folded_path, sha256, size_bytes, content_type,"
                " owner, created_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'writing')",
                (self.name, new.key, path, fold, *values),
            )
            return True

        return self._database.write(work)

    def _link(self, temporary: Path, path: str, sha256: str) -> bool:
        """Give the file its name, on the disk; False when something else is there."""
        with self._folder_of(path, create=True) as (parent, name):
            try:
                _name_it(temporary, name, parent)
            except FileExistsError:
                if not self._holds(path, sha256):
                    return False
            os.fsync(parent)
        return True

    def _mark_stored(self, key: str) -> None:
        update = "UPDATE objects SET state = 'stored' WHERE bucket = ? AND key = ?"
        self._database.write(lambda connection: connection.execute(update, (self.name, key)))

    def _find(self, key: str) -> _Row | None:
        found = self._database.rows(_SELECT, (self.name, key))
        return _Row(*found[0]) if found else None

    def _held(self, key: str, row: _Row) -> ObjectHeld:
        return ObjectHeld(key, row.sha256, row.owner, self.url(row.path))

    def _holds(self, path: str, sha256: str) -> bool:
        try:
            return hashlib.sha256(self._read(path)).hexdigest() == sha256
        except (OSError, StorageError):
            return False

    def _read(self, path: str) -> bytes:
        with self._folder_of(path, create=False) as (parent, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - it is a descriptor
                return file.read()

    @contextmanager
    def _folder_of(self, path: str, *, create: bool) -> Iterator[tuple[int, str]]:
        """An open descriptor of the directory that holds `path`, and the last part of `path`."""
        folder, _, name = path.rpartition("/")
        with directory(self._data_dir, f"buckets/{self.name}/{folder}", create=create) as parent:
            yield parent, name

    def _trouble(self, err: OSError) -> StorageError:
        if err.errno in _NO_ROOM:
            return StorageError(f"no room to store an object under {self.root} ({err.strerror}): free some space")
        return StorageError(f"cannot store or read an object under {self.root}: {err}")


def recover(data_dir: Path, database: Database) -> None:
    """Finish or forget, in all buckets, what a killed process was writing, and remove its part files.

    Only for the holder of the data directory's lock, before anything is created. Raises: StorageError.
    """
    try:
        for left in (data_dir / "tmp").glob("*"):
            left.unlink()
    except OSError as err:
        raise StorageError(f"{data_dir / 'tmp'} cannot be cleared: {err.strerror}") from err
    for (name,) in database.rows("SELECT DISTINCT bucket FROM objects WHERE state = 'writing'"):
        LocalBucket(data_dir, name, database).settle()


def _is_taken(connection: sqlite3.Connection, bucket: str, key: str, fold: str) -> bool:
    """Whether another key has this path, has a directory of it as its file, or needs it as a directory."""
    above = parents(fold)
    marks = ", ".join("?" * (len(above) + 1))
    same_or_above = f"SELECT 1 FROM objects WHERE bucket = ? AND key <> ? AND folded_path IN ({marks})"  # noqa: S608
    if connection.execute(same_or_above, (bucket, key, fold, *above)).fetchone():
        return True
    below = "SELECT 1 FROM objects WHERE bucket = ? AND key <> ? AND folded_path > ? AND folded_path < ? LIMIT 1"
    return connection.execute(below, (bucket, key, fold + "/", fold + "0")).fetchone() is not None


def _name_it(temporary: Path, name: str, parent: int) -> None:
    """Name the file in `parent` without overwriting. Raises: FileExistsError."""
    try:
        os.link(temporary, name, dst_dir_fd=parent)
    except OSError as err:
        if err.errno not in _NO_LINKS:
            raise
        # A file system without hard links. rename would overwrite, so look first: between the two, only a program
        # other than pupline could put something there, for pupline holds the data directory's lock.
        if name in os.listdir(parent):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from err
        os.rename(temporary, name, dst_dir_fd=parent)
