"""What earlier runs stored: of the same URL, or with the very bytes that a source declares.

Only objects that are still there count: nobody is told that an image need not be fetched which is not to be had here.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from pupline.local.bucket import LocalBucket
from pupline.local.database import MANY, marks
from pupline.tasks.items import PreviousFetch, SourceItem

_FACTS = (
    "a.image_name, o.key, o.sha256, o.size_bytes, a.file_type, a.width, a.height, a.content_type,"
    " i.etag, i.last_modified, o.path"
)
_HERE = "o.bucket = ? AND o.state = 'stored'"
_STORED = "i.outcome IN ('stored', 'duplicate')"
_OF_ITEM = "a.execution = g.run_id || printf('-%08d', i.item_index)"
_BY_URL = (
    f"SELECT i.url, {_FACTS} FROM ingest_items AS i CROSS JOIN ingests AS g USING (ingest_id)"  # noqa: S608
    f" CROSS JOIN audit AS a ON {_OF_ITEM} CROSS JOIN objects AS o ON {_HERE} AND o.key = i.key"
    f" WHERE i.identity IN (:values) AND i.ingest_id < ? AND {_STORED} ORDER BY i.ingest_id"
)
_BY_SHA1 = (
    f"SELECT i.sha1, {_FACTS} FROM ingest_items AS i CROSS JOIN ingests AS g USING (ingest_id)"  # noqa: S608
    f" CROSS JOIN audit AS a ON {_OF_ITEM} CROSS JOIN objects AS o ON {_HERE} AND o.key = i.key"
    f" WHERE i.sha1 IN (:values) AND {_STORED}"
)
# An object's facts are in the record of who stored it: an execution has one record, and one object. The plus keeps
# SQLite from going along an index on the bucket.
_BY_SHA256 = (
    f"SELECT o.sha256, {_FACTS.replace('i.etag, i.last_modified', 'NULL, NULL')}"  # noqa: S608
    f" FROM objects AS o CROSS JOIN audit AS a ON a.execution = o.owner"
    f" WHERE +{_HERE} AND substr(o.sha256, 1, 16) IN (:values) AND a.outcome = 'stored'"
)
_IN_DATASET = (
    f"SELECT i.identity, o.path, o.size_bytes FROM ingest_items AS i CROSS JOIN ingests AS g USING (ingest_id)"  # noqa: S608
    f" CROSS JOIN objects AS o ON {_HERE} AND o.key = i.key"
    f" WHERE i.identity IN (:values) AND g.dataset = ? AND i.ingest_id <> ? AND {_STORED}"
)


class PreviousFetches:
    """What earlier runs stored in one bucket. Methods take a connection: who adds items asks in its transaction."""

    def __init__(self, bucket: LocalBucket) -> None:
        self._bucket = bucket

    def of_urls(
        self, connection: sqlite3.Connection, ingest_id: int, items: Sequence[SourceItem]
    ) -> dict[str, PreviousFetch]:
        """By URL: what the newest run before this one stored of it."""
        if not connection.execute("SELECT 1 FROM ingests WHERE ingest_id < ?", (ingest_id,)).fetchone():
            return {}
        rows = self._rows(connection, _BY_URL, [item.identity for item in items], (ingest_id,))
        return {url: known for url, known in self._there(rows)}  # noqa: C416 - later ones, which are newer, win

    def of_hashes(self, connection: sqlite3.Connection, items: Sequence[SourceItem]) -> dict[str, PreviousFetch]:
        """By URL: an object with the bytes that the source declares."""
        sha256s = [item.sha256.lower() for item in items if item.sha256]
        sha1s = [item.sha1.lower() for item in items if item.sha1]
        held = dict(self._there(self._rows(connection, _BY_SHA1, sha1s)))
        held |= dict(self._there(self._rows(connection, _BY_SHA256, [digest[:16] for digest in sha256s])))
        wanted = {item.url: held.get((item.sha256 or item.sha1 or "").lower()) for item in items} if held else {}
        return {url: known for url, known in wanted.items() if known}

    def in_dataset(
        self, connection: sqlite3.Connection, dataset: str, ingest_id: int, identities: Sequence[bytes]
    ) -> set[bytes]:
        """Those of the identities that other runs stored in the dataset."""
        rows = self._rows(connection, _IN_DATASET, identities, (dataset, ingest_id))
        return {identity for identity, path, size_bytes in rows if self._bucket.files.is_there(path, size_bytes)}

    def _rows(
        self, connection: sqlite3.Connection, query: str, values: Sequence[str | bytes], after: tuple[Any, ...] = ()
    ) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), MANY):
            some = values[start : start + MANY]
            yield from connection.execute(
                query.replace(":values", marks(len(some))), (self._bucket.name, *some, *after)
            )

    def _there(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[str, PreviousFetch]]:
        for row in rows:
            if self._bucket.files.is_there(row[-1], row[4]):
                yield row[0], _previous_fetch(row)


def _previous_fetch(row: tuple[Any, ...]) -> PreviousFetch:
    _, image_name, key, sha256, size_bytes, file_type, width, height, content_type, etag, modified = islice(row, 11)
    return PreviousFetch(
        image_name=image_name,
        key=key,
        sha256=sha256,
        size_bytes=size_bytes,
        file_type=file_type,
        width=width,
        height=height,
        content_type=content_type,
        etag=etag,
        last_modified=modified,
    )
