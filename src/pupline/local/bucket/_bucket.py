"""The `ObjectStore` port over a directory: `<data>/buckets/<bucket>/<key>`.

The order of writes, and what a crash after each step leaves:

1. the bytes are written to a file under `<data>/tmp`, with fsync      a temporary file: recovery removes it
2. the intent is committed (key, path, hash, owner; state `writing`)   a row without a file: recovery removes it
3. the file gets its name by `link`, which never overwrites            a whole file, described by its row:
4. the directory is synced                                             recovery, or the next `create`, finishes it
5. state `stored` is committed                                         `create` returns

Without step 2, a file found after a crash could not be told from one that another program put there.

`put` over an existing object commits the new description as an overwrite, renames the new file over the old one, syncs
the directory, and then updates the object. A crash in between leaves the old file or the new one; recovery keeps the
description that fits.
"""

import hashlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes

from pupline.errors import ConfigurationError, InvalidInput, StorageError
from pupline.local.bucket._files import BucketFiles
from pupline.local.bucket._object_rows import BucketObject, ObjectRow, find_object, forget_objects, insert_intent
from pupline.local.bucket._open_file import OpenFile
from pupline.local.bucket._paths import candidates
from pupline.local.bucket._uploads import Uploads
from pupline.local.database import Database, storable
from pupline.tasks.ports import ObjectToCreate, PartTag, StoredObject

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch
_KEY_BYTES = 1024
_PAGE = 1000
_SAME = 100
_LOCKS = 64


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One stored object in a listing. created_at: seconds since the epoch."""

    key: str
    path: Path
    sha256: str
    size_bytes: int
    content_type: str
    owner: str
    created_at: float


class StoredFile(NamedTuple):
    """The file of a stored object; `path` is relative to the bucket."""

    object_id: int
    key: str
    path: str
    size_bytes: int


class LocalBucket:
    """Implements the ports MultipartStore, ReadableStore and ErasableStore.

    Writing needs the data directory's lock; reading does not.
    """

    def __init__(self, data_dir: Path, name: str, database: Database) -> None:
        """Raises: ConfigurationError for a name that S3 would not accept."""
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"'{name}' is not a valid bucket name: 3 to 63 of a-z, 0-9, '-' and '.'")
        self.name = name
        self.files = BucketFiles(data_dir.absolute(), name)
        self.root = self.files.root
        self._root_url = self.root.as_uri()
        self._database = database
        self._uploads = Uploads(self.files)
        # Two threads with one key take turns; 64 locks for all keys keep other threads from waiting.
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def create(self, new: ObjectToCreate) -> StoredObject:
        """Store `new` unless its key is taken; the object that the key now has (see the port).

        Raises: StorageError; InvalidInput for a key that is not 1 to 1,024 bytes of UTF-8.
        """
        _check_key(new.key)
        if hashlib.sha256(new.body).hexdigest() != new.sha256:
            raise StorageError(f"the bytes for {new.key} do not have the SHA-256 that was given with them")
        try:
            with self._locks[hash(new.key) % _LOCKS]:
                row = self._find(new.key)
                # The key of a file that was deleted or changed is free again; the file at its path stays.
                if row and (
                    self._settle(new.key, row) if row.state == "writing" else self.files.holds(row.path, row.sha256)
                ):
                    return StoredObject(new.key, row.sha256, row.owner, self.url(row.path))
                temporary = self.files.write_temporary(new.body)
                one = BucketObject(new.key, "", new.sha256, len(new.body), new.content_type, new.owner)
                return StoredObject(new.key, new.sha256, new.owner, self.url(self._write(temporary, one)))
        except OSError as err:
            raise self.files.trouble(err) from err

    def put(self, key: str, body: bytes | Path, content_type: str) -> str:
        """Store `body` under `key`, replacing what was there; the URL (see the port).

        A Path is a file below `<data>/tmp`, which is moved, not copied. Anyone who reads meanwhile, or after a crash at
        any instant, finds the old bytes or the new ones. Raises: StorageError; InvalidInput as `create` does.
        """
        _check_key(key)
        try:
            with self._locks[hash(key) % _LOCKS]:
                temporary = body if isinstance(body, Path) else self.files.write_temporary(body)
                try:
                    digest, size_bytes = (
                        _synced(body) if isinstance(body, Path) else (hashlib.sha256(body).hexdigest(), len(body))
                    )
                    return self._put(temporary, BucketObject(key, "", digest, size_bytes, content_type))
                finally:
                    temporary.unlink(missing_ok=True)
        except OSError as err:
            raise self.files.trouble(err) from err

    def read(self, key: str) -> bytes:
        """The object's bytes, checked against the hash they were stored with. Raises: KeyError; StorageError."""
        row = self._find(key)
        if row is None or row.state != "stored":
            raise KeyError(key)
        try:
            body = self.files.read(row.path)
        except FileNotFoundError as err:
            raise KeyError(key) from err
        except OSError as err:
            raise self.files.trouble(err) from err
        digest = hashlib.sha256(body).hexdigest()
        if digest != row.sha256 and not self._was_put(key, digest):
            raise StorageError(f"{self.root / row.path} was changed after it was stored: its SHA-256 differs")
        return body

    def open_object(self, key: str) -> OpenFile:
        """The object, opened; its bytes are not compared with its hash. Raises: KeyError; StorageError."""
        row = self._find(key)
        if row is None or row.state != "stored":
            raise KeyError(key)
        try:
            return OpenFile(key, row, self.files.open(row.path))
        except FileNotFoundError as err:
            raise KeyError(key) from err
        except OSError as err:
            raise self.files.trouble(err) from err

    def keys_of(self, sha256: str) -> list[str]:
        """The keys of stored objects with this hash, in order; not all of very many. Raises: StorageError."""
        query = (
            "SELECT key FROM objects WHERE substr(sha256, 1, 16) = ? AND sha256 = ? AND bucket = ? AND state = 'stored'"
            " ORDER BY key LIMIT ?"
        )
        return [key for (key,) in self._database.rows(query, (sha256[:16], sha256, self.name, _SAME))]

    def chunks(self, key: str) -> Iterator[bytes]:
        """The object's bytes, checked as by `read`, and so in one piece. Raises: KeyError; StorageError."""
        yield self.read(key)

    def objects(self, prefix: str = "", after: str = "") -> Iterator[ListedObject]:
        """The stored objects whose key begins with `prefix` and follows `after`, by key, a page at a time.

        Raises: StorageError.
        """
        query = (
            "SELECT key, path, sha256, size_bytes, content_type, owner, created_at FROM objects"
            " WHERE bucket = ? AND state = 'stored' AND key > ? AND substr(key, 1, ?) = ? ORDER BY key LIMIT ?"
        )
        while page := self._database.rows(query, (self.name, after, len(prefix), prefix, _PAGE)):
            for key, path, *rest in page:
                yield ListedObject(key, self.root / path, *rest)
            after = page[-1][0]

    def below(self, folder: str, *, limit: int = -1) -> Iterator[StoredFile]:
        """The stored objects below a folder, which ends in `/`; at most `limit`. Raises: StorageError."""
        query = (
            "SELECT object_id, key, path, size_bytes FROM objects"
            " WHERE bucket = ? AND key >= ? AND key < ? AND state = 'stored' ORDER BY key LIMIT ?"
        )
        end = f"{folder.removesuffix('/')}0"  # the character after the slash
        yield from (StoredFile(*row) for row in self._database.rows(query, (self.name, folder, end, limit)))

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys of the stored objects below `prefix`, in order (see the port). Raises: StorageError."""
        return (one.key for one in self.objects(prefix, after))

    def start_upload(self, key: str, content_type: str) -> str:
        """The name of a new upload (see the port). Raises: InvalidInput as `create` does."""
        _check_key(key)
        return self._uploads.start(content_type)

    def upload_part(self, key: str, upload: str, number: int, body: bytes) -> PartTag:  # noqa: ARG002 - the port's
        """Store one part (see the port). Raises: NoSuchUpload, StorageError."""
        return self._uploads.add(upload, number, body)

    def complete_upload(self, key: str, upload: str, tags: Sequence[PartTag]) -> None:
        """Make the parts an object (see the port). Raises: NoSuchUpload, StorageError."""
        with self._uploads.joined(upload, len(tags)) as (path, content_type):
            self.put(key, path, content_type)

    def delete(self, keys: Sequence[str]) -> int:
        """Delete the objects with these keys, files before rows; how many there were. Raises: StorageError.

        A file that was replaced by one of another size is somebody else's, and stays. A kill in between leaves rows
        without files, which are keys without objects.
        """
        query = "SELECT object_id, key, path, size_bytes FROM objects WHERE bucket = ? AND key = ? AND state = 'stored'"
        found = [StoredFile(*row) for key in keys for row in self._database.rows(query, (self.name, key))]
        if not found:
            return 0
        self.files.remove_stored([(one.path, one.size_bytes) for one in found])
        ids = [one.object_id for one in found]
        self._database.write(lambda connection: forget_objects(connection, ids))
        self.files.prune_folders({one.path.rpartition("/")[0] for one in found})
        return len(found)

    def path(self, key: str) -> Path | None:
        """The file of the stored object, if there is one; its bytes are not checked. Raises: StorageError."""
        row = self._find(key)
        return self.root / row.path if row and row.state == "stored" else None

    def url(self, path: str) -> str:
        """The `file://` URL, quoted, of a path relative to the bucket."""
        return f"{self._root_url}/{path if _PLAIN(path) else quote_from_bytes(os.fsencode(path))}"

    def settle(self) -> None:
        """Finish or undo what a killed process was writing. Raises: StorageError."""
        writing = "SELECT key, path, sha256, owner, state FROM objects WHERE bucket = ? AND state = 'writing'"
        overwriting = "SELECT key, path, sha256 FROM overwrites WHERE bucket = ?"
        try:
            for key, *row in self._database.rows(writing, (self.name,)):
                self._settle(key, ObjectRow(*row))
            for key, path, sha256 in self._database.rows(overwriting, (self.name,)):
                is_written = self.files.holds_durably(path, sha256)
                if is_written:
                    self.files.sync_folder(path)
                self._end_overwrite(key, apply=is_written)
        except OSError as err:
            raise self.files.trouble(err) from err

    def _put(self, temporary: Path, new: BucketObject) -> str:
        """Store the file, which is on the disk, in the place of what the key has; the URL."""
        row = self._find(new.key)
        if row and row.state == "writing":
            row = row if self._settle(new.key, row) else None
        if row is None:
            return self.url(self._write(temporary, new))
        described = (new.sha256, new.size_bytes, storable(new.content_type), time.time())
        values = (self.name, new.key, row.path, *described)
        insert = "INSERT OR REPLACE INTO overwrites VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._database.write(lambda connection: connection.execute(insert, values))
        self.files.replace(temporary, row.path)
        self._end_overwrite(new.key, apply=True)
        return self.url(row.path)

    def _write(self, temporary: Path, new: BucketObject) -> str:
        """Name the file for `new`, at the first path that is free, and mark it stored; that path."""
        try:
            for path in candidates(new.key):
                new.path = path
                if not self._database.write(lambda connection: insert_intent(connection, self.name, new)):
                    continue
                if self.files.place(temporary, path, new.sha256):
                    break
            else:
                raise StorageError(f"every path for {new.key} under {self.root} is taken by another file")
        finally:
            temporary.unlink(missing_ok=True)
        self._mark_stored(new.key)
        return new.path

    def _settle(self, key: str, row: ObjectRow) -> bool:
        """Mark the object stored if its file is whole, else delete the intent."""
        if self.files.holds_durably(row.path, row.sha256):
            self.files.sync_folder(row.path)
            self._mark_stored(key)
            return True
        delete = "DELETE FROM objects WHERE bucket = ? AND key = ? AND state = 'writing'"
        self._database.write(lambda connection: connection.execute(delete, (self.name, key)))
        return False

    def _mark_stored(self, key: str) -> None:
        update = "UPDATE objects SET state = 'stored' WHERE bucket = ? AND key = ?"
        self._database.write(lambda connection: connection.execute(update, (self.name, key)))

    def _was_put(self, key: str, digest: str) -> bool:
        """Whether these are the bytes of a `put` that came between the row and the file, or was killed there."""
        query = (
            "SELECT 1 FROM overwrites WHERE bucket = ?1 AND key = ?2 AND sha256 = ?3"
            " UNION ALL SELECT 1 FROM objects WHERE bucket = ?1 AND key = ?2 AND sha256 = ?3"
        )
        return bool(self._database.rows(query, (self.name, key, digest)))

    def _end_overwrite(self, key: str, *, apply: bool) -> None:
        """Make the object's row describe its new file, or keep its old one. The owner stays: it created the key."""

        def work(connection: sqlite3.Connection) -> None:
            if apply:
                connection.execute(
                    "UPDATE objects SET sha256 = new.sha256, size_bytes = new.size_bytes,"
                    " content_type = new.content_type, created_at = new.created_at"
                    " FROM overwrites AS new WHERE new.bucket = objects.bucket AND new.key = objects.key"
                    " AND objects.bucket = ? AND objects.key = ?",
                    (self.name, key),
                )
            connection.execute("DELETE FROM overwrites WHERE bucket = ? AND key = ?", (self.name, key))

        self._database.write(work)

    def _find(self, key: str) -> ObjectRow | None:
        with self._database.reading() as connection:
            return find_object(connection, self.name, key)


def _synced(path: Path) -> tuple[str, int]:
    """The SHA-256 of a file and its size, with its bytes on the disk. Raises: OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(file.fileno()).st_size


def _check_key(key: str) -> None:
    if not 0 < len(storable(key).encode()) <= _KEY_BYTES or storable(key) != key:
        raise InvalidInput(f"an object key is 1 to {_KEY_BYTES} bytes of UTF-8; this one has {len(key)} characters")
