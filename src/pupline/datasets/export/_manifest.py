"""The manifest of an export: the files that it made, so that the next one replaces and removes these and no others.

    {"pupline_export":1,"dataset":"dogs","format":"folders","complete":true}
    {"path":"train/pug/0a1b2c.jpg","sha256":"..."}

Before the first file is made, the manifest names all that may be: a killed export leaves no file without an entry.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from pupline.errors import ConfigurationError
from pupline.text import printable

_VERSION = 1
_MAX_LINE = 64 * 1024
_TABLES = """
CREATE TABLE files (path TEXT PRIMARY KEY, is_old INT, sha256 TEXT, is_placed INT DEFAULT 0) WITHOUT ROWID;
CREATE TABLE present (path TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class ExportHeader:
    """What an export is of."""

    dataset: str
    format: str


class ExportFiles:
    """The files of the last export at a place and of the one under way, in a temporary database."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_TABLES)
        self._database.execute("BEGIN")

    def close(self) -> None:
        """Drop the temporary database."""
        self._database.close()

    def load(self, lines: Iterable[bytes], where: str, header: ExportHeader) -> None:
        """Take the manifest of the last export. Raises: ConfigurationError where it is another dataset's."""
        rows = iter(lines)
        try:
            first = _object(next(rows, b""))
        except ValueError:
            first = {}
        if first.get("pupline_export") != _VERSION:
            raise ConfigurationError(f"{where} is not a manifest of this version; choose another place with --to")
        if first.get("dataset") != header.dataset:
            raise ConfigurationError(
                f"{where} is of an export of the dataset '{printable(str(first.get('dataset')))}'; choose another place"
                f" for '{printable(header.dataset)}' with --to"
            )
        try:
            self._database.executemany(
                "INSERT OR IGNORE INTO files (path, is_old, sha256) VALUES (?, 1, ?)", _old(rows)
            )
        except ValueError as err:
            raise ConfigurationError(f"{where} is damaged; remove it, and the export with it, and repeat") from err

    def plan(self, paths: Iterable[str]) -> None:
        """Add files that may be made."""
        add = "INSERT OR IGNORE INTO files (path, is_old) VALUES (?, 0)"
        self._database.executemany(add, ((path,) for path in paths))

    def is_old(self, path: str) -> bool:
        """Whether an earlier export made this file."""
        found = self._database.execute("SELECT is_old FROM files WHERE path = ?", (path,)).fetchone()
        return bool(found and found[0])

    def old_sha256(self, path: str) -> str | None:
        """The hash of the file that an earlier export put there, where that is known."""
        found = self._database.execute("SELECT sha256 FROM files WHERE path = ? AND is_old", (path,)).fetchone()
        return found[0] if found else None

    def note_present(self, paths: Iterable[str]) -> None:
        """Remember which paths are taken, by an export or by somebody else."""
        self._database.executemany("INSERT OR IGNORE INTO present VALUES (?)", ((path,) for path in paths))

    def is_present(self, path: str) -> bool:
        """Whether the path was noted as taken."""
        return bool(self._database.execute("SELECT 1 FROM present WHERE path = ?", (path,)).fetchone())

    def placed(self, path: str, sha256: str | None = None) -> None:
        """The file is there, and belongs to this export."""
        add = "INSERT INTO files VALUES (?1, 0, ?2, 1) ON CONFLICT DO UPDATE SET is_placed = 1, sha256 = ?2"
        self._database.execute(add, (path, sha256))

    def disown(self, path: str) -> None:
        """The file is somebody else's, with the bytes that were wanted."""
        self._database.execute("DELETE FROM files WHERE path = ?", (path,))

    def stale(self) -> Iterator[str]:
        """Files of earlier exports that this one does not have."""
        for (path,) in self._database.execute("SELECT path FROM files WHERE is_old AND NOT is_placed"):
            yield path

    def lines(self, header: ExportHeader, *, complete: bool) -> Iterator[bytes]:
        """The manifest: of all files; when complete, of those that are there."""
        yield _line({"pupline_export": _VERSION, **asdict(header), "complete": complete})
        which = " WHERE is_placed" if complete else ""
        for path, digest in self._database.execute(f"SELECT path, sha256 FROM files{which} ORDER BY path"):  # noqa: S608
            yield _line({"path": path, "sha256": digest} if digest else {"path": path})


def _old(lines: Iterable[bytes]) -> Iterator[tuple[str, str | None]]:
    for line in lines:
        found = _object(line)
        path, digest = _safe_path(found.get("path")), found.get("sha256")
        if path:
            yield path, digest if isinstance(digest, str) else None


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _object(line: bytes) -> dict[str, object]:
    found = json.loads(line[:_MAX_LINE])
    return found if isinstance(found, dict) else {}


def _safe_path(path: object) -> str | None:
    """The path, relative and within the export; None for any other, which no export of ours made."""
    if not isinstance(path, str) or not path or "\\" in path or "\0" in path:
        return None
    parts = path.split("/")
    hidden = any(part in {"", ".", ".."} or part.startswith(".") for part in parts)
    return None if hidden or PurePosixPath(path).is_absolute() else path
