"""The good rows of a dataset, from the metadata of all its runs: of each address the latest row with an image.

A row is good if its outcome is `stored` or `duplicate` and its object is not in quarantine. Rows wait in an unnamed
database of SQLite, a temporary file that its cache spills to, so that memory does not grow with the dataset.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any, Self

from pupline.datasets._objects import BucketObjects
from pupline.errors import ACCEPTED_OUTCOMES
from pupline.json_values import loads
from pupline.tasks.layout import QUARANTINE, dataset_folder, quality_key
from pupline.tasks.metadata import METADATA_COLUMNS, is_row

_PART = re.compile(r"run=(?P<run>[^/]+)/part-[0-9-]+\.jsonl")
_METADATA_NAMES = frozenset(column.name for column in METADATA_COLUMNS)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EVERY = 5000

Row = dict[str, Any]
"""A row of metadata without nulls, with `run`, and the columns of the quality pass."""

_TABLES = """
CREATE TABLE addresses (
    url_id BLOB PRIMARY KEY, is_good INT, stamp TEXT, run TEXT, number INT, sha256 TEXT, rank INT, row BLOB
);
CREATE TABLE runs (run TEXT PRIMARY KEY, began TEXT) WITHOUT ROWID;
CREATE TABLE quality (sha256 TEXT PRIMARY KEY, row TEXT) WITHOUT ROWID;
"""

# The latest good row of an address wins; a row without an image is kept only to count addresses that never had one.
_ADD = """
INSERT INTO addresses VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (url_id) DO UPDATE SET
    is_good = excluded.is_good, stamp = excluded.stamp, run = excluded.run, number = excluded.number,
    sha256 = excluded.sha256, rank = excluded.rank, row = excluded.row
WHERE (excluded.is_good, excluded.stamp, excluded.run, excluded.number) > (is_good, stamp, run, number)
"""

_ROWS = (
    "SELECT addresses.rowid, addresses.sha256, run, addresses.row, quality.row"
    " FROM addresses LEFT JOIN quality USING (sha256) LEFT JOIN runs USING (run)"
)


@dataclass(slots=True)
class MetadataFindings:
    """What the metadata of a dataset says of itself. rows: read, by run. began: the time of a run's first record.

    unreadable: keys of metadata files that are gone or cannot be read. broken_lines: lines that are not rows.
    without_image: addresses of which no run has an image. has_quality: whether the quality pass has been published.
    """

    rows: dict[str, int] = field(default_factory=dict)
    began: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    broken_lines: int = 0
    without_image: int = 0
    has_quality: bool = False


class GoodRows:
    """The good rows of one dataset, read by `read`. Close it, or use it in a `with` block."""

    def __init__(self, runs: frozenset[str] = frozenset()) -> None:
        self.findings = MetadataFindings()
        self._runs = runs
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_TABLES)
        self._database.execute("BEGIN")

    @classmethod
    def read(
        cls,
        objects: BucketObjects,
        dataset: str,
        progress: Callable[[int], None] = lambda _rows: None,
        runs: frozenset[str] = frozenset(),
    ) -> Self:
        """The rows of these runs, or of all. progress: called now and then with the number of rows read.

        Raises: StorageError.
        """
        rows = cls(runs)
        try:
            rows._read_metadata(objects, dataset, progress)
            rows._read_quality(objects, dataset)
        except BaseException:
            rows.close()
            raise
        return rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the temporary database."""
        self._database.close()

    def by_content(self) -> Iterator[list[tuple[int, Row]]]:
        """The rows of each content, in the order of its SHA-256, with the ids of their addresses.

        The row with labels and a caption comes first, then that of the oldest run, then the first in its listing.
        Neither the order of the runs' files nor that in which images happened to arrive matters.
        """
        query = _ROWS + " WHERE is_good ORDER BY addresses.sha256, rank DESC, began, run, number"
        for _, group in groupby(self._database.execute(query), key=itemgetter(1)):
            yield [(address_id, _joined(*columns)) for address_id, _, *columns in group]

    def row(self, address_id: int) -> Row:
        """The row with this id."""
        found = self._database.execute(_ROWS + " WHERE addresses.rowid = ?", (address_id,)).fetchone()
        return _joined(*found[2:])

    @property
    def count(self) -> int:
        """How many addresses have an image."""
        return int(self._database.execute("SELECT count(*) FROM addresses WHERE is_good").fetchone()[0])

    def _read_metadata(self, objects: BucketObjects, dataset: str, progress: Callable[[int], None]) -> None:
        findings, read = self.findings, 0
        prefix = f"{dataset_folder(dataset)}metadata/jsonl/"
        for key in objects.keys(prefix):
            part = _PART.fullmatch(key, len(prefix))
            if part is None or (self._runs and part["run"] not in self._runs):
                continue
            findings.rows.setdefault(part["run"], 0)
            try:
                for line, row in _objects(objects.lines(key)):
                    good = _address(row, line, part["run"]) if row is not None else None
                    if good is None:
                        findings.broken_lines += 1
                        continue
                    self._database.execute(_ADD, good)
                    findings.rows[part["run"]] += 1
                    findings.began[part["run"]] = min(good[2], findings.began.get(part["run"], good[2]))
                    read += 1
                    if read % _EVERY == 0:
                        progress(read)
            except KeyError:
                findings.unreadable.append(key)
        progress(read)
        self._database.executemany("INSERT INTO runs VALUES (?, ?)", findings.began.items())
        without = self._database.execute("SELECT count(*) FROM addresses WHERE NOT is_good").fetchone()
        findings.without_image = int(without[0])

    def _read_quality(self, objects: BucketObjects, dataset: str) -> None:
        add = "INSERT OR REPLACE INTO quality VALUES (?, ?)"
        try:
            for _, row in _objects(objects.lines(quality_key(dataset))):
                digest = row.get("sha256") if row is not None else None
                if row is not None and isinstance(digest, str):
                    known = {name: one for name, one in row.items() if one is not None and name not in _METADATA_NAMES}
                    self._database.execute(add, (digest, _compact(known)))
                else:
                    self.findings.broken_lines += 1
            self.findings.has_quality = True
        except KeyError:
            self.findings.has_quality = False


def _objects(lines: Iterable[bytes]) -> Iterator[tuple[bytes, Row | None]]:
    """Each line that is not empty with its JSON object, or None for a line that holds something else."""
    for line in lines:
        if line.strip():
            try:
                found = loads(line)
            except (ValueError, RecursionError):
                found = None
            yield line, found if isinstance(found, dict) else None


def _address(row: Row, line: bytes, run: str) -> tuple[Any, ...] | None:
    """The values of a row for the table of addresses; None where it is not a row of metadata."""
    url, index, stamp = row.get("url"), row.get("index"), row.get("upload_timestamp")
    if url is None or index is None or index < 0 or stamp is None or not is_row(row):
        return None
    url_id = sha256(url.encode("utf-8", "surrogatepass")).digest()[:16]
    if row.get("outcome") not in ACCEPTED_OUTCOMES or not _has_image(row):
        return url_id, 0, stamp, run, index, None, 0, None
    rank = 2 * bool(row.get("labels")) + bool(row.get("caption"))
    return url_id, 1, stamp, run, index, row["sha256"], rank, line


def _has_image(row: Mapping[str, Any]) -> bool:
    key, digest = row.get("key"), row.get("sha256")
    return (
        isinstance(key, str)
        and not key.startswith(QUARANTINE)
        and isinstance(digest, str)
        and _SHA256.fullmatch(digest) is not None
    )


def _joined(run: str, row: bytes, quality: str | None) -> Row:
    """The row with the columns of the quality pass; the metadata's own ones count."""
    found: Row = {name: value for name, value in json.loads(row).items() if value is not None} | {"run": run}
    return json.loads(quality) | found if quality else found


def _compact(row: Row) -> str:
    return json.dumps(row, separators=(",", ":"))
