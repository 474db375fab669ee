"""What another data directory has of a bulk run: its row, its items, its records and the files of its objects."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pupline.local.bucket import LocalBucket
from pupline.local.database import Database
from pupline.local.tables import AUDIT_COLUMNS, RUN_CONDITION, record_of, run_range
from pupline.tasks.items import SourceItem
from pupline.tasks.records import AuditRecord

_PAGE = 1000
_COPIED = (
    *("run_id", "dataset", "source", "settings", "status", "position", "listed", "total", "items", "repeated"),
    *("known", "known_in_a_row", "other_shards", "created_at", "ended_at", "error", "cause", "stopped_at"),
)
_ITEM_COLUMNS = (
    "i.item_index, i.url, i.facts, i.attempts, i.began_at, i.ended_at, i.sha1, i.md5, i.etag, i.last_modified"
)
_RECORD_COLUMNS = ", ".join(f"a.{name}" for name in AUDIT_COLUMNS.split(", "))
# In the order of the records, so that each name goes to the same image again.
_ENDED = (
    f"SELECT a.audit_id, o.path, {_ITEM_COLUMNS}, {_RECORD_COLUMNS} FROM audit AS a"  # noqa: S608 - the names are ours
    " CROSS JOIN ingest_items AS i ON i.ingest_id = ? AND i.item_index = CAST(substr(a.execution, ?) AS INTEGER)"
    " LEFT JOIN objects AS o ON o.bucket = ? AND o.key = i.key AND o.state = 'stored'"
    f" WHERE a.audit_id > ? AND {RUN_CONDITION} AND i.outcome IS NOT NULL"
    " ORDER BY a.audit_id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class ForeignItem:
    """An item that ended. path: of the file with its bytes, relative to the bucket; None where there is none.

    attempts, began_at, ended_at, sha1, md5, etag, last_modified: as in its row.
    """

    index: int
    item: SourceItem
    record: AuditRecord
    path: str | None
    attempts: int
    began_at: float
    ended_at: float
    sha1: str | None
    md5: str | None
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """A run of another data directory. values: of its row, by column. bucket: with its objects."""

    folder: Path
    database: Database
    bucket: LocalBucket
    ingest_id: int
    values: dict[str, Any]

    @property
    def run_id(self) -> str:
        """Its name."""
        return str(self.values["run_id"])

    @property
    def is_unfinished(self) -> bool:
        """Whether it is not ended."""
        return bool(self.values["status"] == "RUNNING")

    def is_same_run(self, other: dict[str, Any]) -> bool:
        """Whether a row is of the same run, in this directory or another."""
        return all(self.values[name] == other[name] for name in ("run_id", "dataset", "source", "created_at"))

    def listed_items(self) -> Iterator[list[tuple[Any, ...]]]:
        """Pages of index, identity, url and facts of all its items, ended or not."""
        query = (
            "SELECT item_index, identity, url, facts FROM ingest_items WHERE ingest_id = ? AND item_index > ?"
            " ORDER BY item_index LIMIT ?"
        )
        after = -1
        while page := self.database.rows(query, (self.ingest_id, after, _PAGE)):
            yield page
            after = page[-1][0]

    def ended_items(self) -> Iterator[list[ForeignItem]]:
        """Pages of its items that ended, in the order of their records."""
        after = 0
        begin, end, name_length = run_range(self.run_id)
        while page := self.database.rows(
            _ENDED,
            (self.ingest_id, name_length, self.bucket.name, after, begin, end, name_length, _PAGE),
        ):
            yield list(map(_foreign_item, page))
            after = page[-1][0]


def foreign_runs(folder: Path, database: Database, bucket: LocalBucket) -> list[ForeignRun]:
    """All bulk runs of a data directory, in the order in which they began."""
    query = f"SELECT ingest_id, {', '.join(_COPIED)} FROM ingests ORDER BY ingest_id"  # noqa: S608
    return [
        ForeignRun(folder, database, bucket, row[0], dict(zip(_COPIED, row[1:], strict=True)))
        for row in database.rows(query)
    ]


def _foreign_item(row: tuple[Any, ...]) -> ForeignItem:
    _, path, index, url, facts, *times_and_hashes = row[:12]
    item = SourceItem(url=url) if facts is None else SourceItem.from_dict({"url": url, **json.loads(facts)})
    return ForeignItem(index, item, record_of(row[12:]), path, *times_and_hashes)
