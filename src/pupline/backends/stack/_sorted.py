"""Records sorted in flat memory: an unnamed database of SQLite is a temporary file."""

import json
import sqlite3
from collections.abc import Iterable, Iterator

from pupline.tasks.records import AuditRecord


class SortedRecords:
    """Iterates over records by `upload_timestamp` or `execution`. They are read when the iteration starts."""

    def __init__(self, records: Iterable[AuditRecord], order: str = "upload_timestamp") -> None:
        self._records = records
        self._order = order
        self._connection = sqlite3.connect("", isolation_level=None)

    def __iter__(self) -> Iterator[AuditRecord]:
        self._connection.execute("CREATE TABLE records (place TEXT, item TEXT)")
        self._connection.execute("BEGIN")
        rows = ((getattr(record, self._order), json.dumps(record.as_item())) for record in self._records)
        self._connection.executemany("INSERT INTO records VALUES (?, ?)", rows)
        for (item,) in self._connection.execute("SELECT item FROM records ORDER BY place, rowid"):
            yield AuditRecord.from_item(json.loads(item))

    def close(self) -> None:
        """Delete the temporary file."""
        self._connection.close()
