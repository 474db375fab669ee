"""Images that earlier runs stored: of the same URL, or with the bytes that a source declares.

Only objects whose file still exists count: an image that is not here must be fetched.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pupline.local.bucket import LocalBucket
from pupline.local.database import MANY, marks
from pupline.tasks.items import PreviousFetch, SourceItem

_FACTS = (
    "a.image_name, o.key, o.sha256, o.size_bytes, a.file_type, a.width, a.height, a.content_type,"
    " i.etag, i.last_modified"
)
_FIELDS = (
    *("image_name", "key", "sha256", "size_bytes", "file_type", "width", "height", "content_type"),
    *("etag", "last_modified"),
)
_HERE = "o.bucket = ? AND o.state = 'stored'"
_STORED = "i.outcome IN ('stored', 'duplicate')"
_OF_ITEM = "a.execution = g.run_id || printf('-%08d', i.item_index)"
_OF_EARLIER_ITEMS = (
    f"{_FACTS}, o.path FROM ingest_items AS i CROSS JOIN ingests AS g USING (ingest_id)"
    f" CROSS JOIN audit AS a ON {_OF_ITEM} CROSS JOIN objects AS o ON {_HERE} AND o.key = i.key"
)
_BY_URL = (
    f"SELECT i.url, {_OF_EARLIER_ITEMS}"
    f" WHERE i.identity IN (:values) AND i.ingest_id < ? AND {_STORED} ORDER BY i.ingest_id"
)
_BY_SHA1 = f"SELECT i.sha1, {_OF_EARLIER_ITEMS} WHERE i.sha1 IN (:values) AND {_STORED}"
_BY_MD5 = f"SELECT i.md5, {_OF_EARLIER_ITEMS} WHERE i.md5 IN (:values) AND {_STORED}"
# An object is described by the record of its owner: an execution has one record and one object. The unary plus keeps
# SQLite from using an index on the bucket.
_BY_SHA256 = (
    f"SELECT o.sha256, {_FACTS.replace('i.etag, i.last_modified', 'NULL, NULL')}, o.path"  # noqa: S608
    f" FROM objects AS o CROSS JOIN audit AS a ON a.execution = o.owner"
    f" WHERE +{_HERE} AND substr(o.sha256, 1, 16) IN (:values) AND a.outcome = 'stored'"
)
_IN_DATASET = (
    f"SELECT i.identity, o.path, o.size_bytes FROM ingest_items AS i CROSS JOIN ingests AS g USING (ingest_id)"  # noqa: S608
    f" CROSS JOIN objects AS o ON {_HERE} AND o.key = i.key"
    f" WHERE i.identity IN (:values) AND g.dataset = ? AND i.ingest_id <> ? AND {_STORED}"
)


class PreviousFetches:
    """Images that earlier runs stored in one bucket. Methods take the connection of the caller's transaction."""

    def __init__(self, bucket: LocalBucket) -> None:
        self._bucket = bucket

    def of_urls(
        self, connection: sqlite3.Connection, ingest_id: int, items: Sequence[SourceItem]
    ) -> dict[str, PreviousFetch]:
        """By URL: what the newest run before this one stored of it."""
        if not connection.execute("SELECT 1 FROM ingests WHERE ingest_id < ?", (ingest_id,)).fetchone():
            return {}
        # Later rows are of newer runs, and win.
        return dict(self._of_rows(connection, _BY_URL, [item.identity for item in items], (ingest_id,)))

    def of_hashes(self, connection: sqlite3.Connection, items: Sequence[SourceItem]) -> dict[str, PreviousFetch]:
        """By URL: an object that is known to have all hashes that the source declares.

        Of its SHA-1 and MD5 only what earlier runs compared is known: they stored it, and the source declared the same.
        """
        items = [item for item in items if item.declares_hash]
        sha256s = [digest[:16] for digest in _lower(item.sha256 for item in items)]
        held = dict(self._of_rows(connection, _BY_MD5, _lower(item.md5 for item in items)))
        held |= self._of_rows(connection, _BY_SHA1, _lower(item.sha1 for item in items))
        held |= self._of_rows(connection, _BY_SHA256, sha256s)
        same: dict[str, PreviousFetch] = {}
        for item in items:
            found = [held.get(digest) for digest in _lower((item.sha256, item.sha1, item.md5))]
            if found and found[0] is not None and all(one and one.sha256 == found[0].sha256 for one in found):
                same[item.url] = found[0]
        return same

    def in_dataset(
        self, connection: sqlite3.Connection, dataset: str, ingest_id: int, identities: Sequence[bytes]
    ) -> set[bytes]:
        """Those of the identities that other runs stored in the dataset."""
        rows = self._rows(connection, _IN_DATASET, identities, (dataset, ingest_id))
        return {identity for identity, path, size_bytes in rows if self._bucket.files.is_there(path, size_bytes)}

    def _of_rows(
        self, connection: sqlite3.Connection, query: str, values: Sequence[str | bytes], after: tuple[Any, ...] = ()
    ) -> Iterator[tuple[str, PreviousFetch]]:
        for key, *facts, path in self._rows(connection, query, values, after):
            previous = PreviousFetch(**dict(zip(_FIELDS, facts, strict=True)))
            if self._bucket.files.is_there(path, previous.size_bytes):
                yield key, previous

    def _rows(
        self, connection: sqlite3.Connection, query: str, values: Sequence[str | bytes], after: tuple[Any, ...]
    ) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), MANY):
            some = values[start : start + MANY]
            full = query.replace(":values", marks(len(some)))
            yield from connection.execute(full, (self._bucket.name, *some, *after))


def _lower(digests: Iterable[str | None]) -> list[str]:
    return [digest.lower() for digest in digests if digest]
