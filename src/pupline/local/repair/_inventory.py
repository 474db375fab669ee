"""Rows for files in the buckets that no row describes, and records for images without one."""

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pupline.errors import StorageError
from pupline.images import content_type_of, inspect, name_extension
from pupline.local.bucket import BucketFiles, folded
from pupline.local.tables import insert_records
from pupline.tasks.records import AuditRecord
from pupline.text import timestamp

EXECUTION = "doctor-repair"
"""Stands for the execution in the records that are made from objects alone."""

_OBJECT = (
    "INSERT INTO objects (bucket, key, path, folded_path, sha256, size_bytes, content_type, owner, state, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, '', 'stored', ?) ON CONFLICT DO NOTHING"
)
_WITHOUT_RECORD = (
    "SELECT key, path FROM objects WHERE bucket = ? AND state = 'stored'"
    " AND (key LIKE 'html/%' OR key LIKE 'quarantine/%')"
    " AND NOT EXISTS (SELECT 1 FROM audit WHERE image_name = substr(key, instr(key, '/') + 1))"
)
_CONTENT_TYPES = {".json": "application/json", ".jsonl": "application/x-ndjson", ".tar": "application/x-tar"}
_CAUSE = "recorded by doctor --repair from the object alone: source, times and alerts are not known"


@dataclass(frozen=True, slots=True)
class Inventory:
    """objects, records: added for files and images without one. missing: objects without a file."""

    objects: int
    records: int
    missing: int


def take_inventory(data_dir: Path, connection: sqlite3.Connection) -> Inventory:
    """Add rows for what the buckets hold and the tables lack. Raises: OSError; StorageError."""
    objects = records = missing = 0
    folder = data_dir / "buckets"
    for name in sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else ():
        files = BucketFiles(data_dir, name)
        known = dict(connection.execute("SELECT path, size_bytes FROM objects WHERE bucket = ?", (name,)))
        for path, found in _files(files.root):
            if known.pop(path, None) is None:
                objects += _add_object(connection, files, path, found)
        missing += len(known)
        for key, path in connection.execute(_WITHOUT_RECORD, (name,)).fetchall():
            records += _add_record(connection, files, key, path)
    return Inventory(objects, records, missing)


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below `root`, by its relative path; links are not followed, names that are not text are left out."""
    for folder, folders, names in os.walk(root, onerror=_raise):  # a folder that cannot be read now is not empty
        folders.sort()
        for name in sorted(names):
            whole = Path(folder, name)
            path = whole.relative_to(root).as_posix()
            found = whole.lstat()
            if stat.S_ISREG(found.st_mode) and path.isprintable():
                yield path, found


def _raise(error: OSError) -> None:
    raise error


def _add_object(connection: sqlite3.Connection, files: BucketFiles, path: str, found: os.stat_result) -> int:
    with (files.root / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    content_type = _CONTENT_TYPES.get(Path(path).suffix, "application/octet-stream")
    if path.startswith("html/"):
        inspection = inspect(files.read(path))
        content_type = content_type_of(inspection.file_type, inspection.problem)
    row = (files.bucket, path, path, folded(path), digest, found.st_size, content_type, found.st_mtime)
    return connection.execute(_OBJECT, row).rowcount


def _add_record(connection: sqlite3.Connection, files: BucketFiles, key: str, path: str) -> int:
    """Add a record of what the bytes show; the number of records added, 0 without bytes."""
    try:
        body = files.read(path)
    except (FileNotFoundError, StorageError):
        return 0
    found = inspect(body)
    name = key.partition("/")[2]
    record = AuditRecord(
        image_name=name,
        image_url=(files.root / path).as_uri(),
        upload_timestamp=timestamp((files.root / path).stat().st_mtime),
        file_type=found.file_type,
        alert_triggered=False,
        outcome="quarantined" if found.problem else "stored",
        reason=found.problem or "accepted",
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        width=found.width,
        height=found.height,
        name_extension=name_extension(name),
        execution=EXECUTION,
        cause=_CAUSE,
    )
    before = connection.total_changes
    insert_records(connection, [record])
    return connection.total_changes - before
