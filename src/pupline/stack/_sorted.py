"""Records put in order with flat memory: an unnamed database of SQLite is a temporary file."""

import json
import sqlite3
from collections.abc import Iterable, Iterator

from pupline.records import AuditRecord


class SortedRecords:
    """Goes through records from the oldest to the newest. Read from `records` when it is first asked."""

    def __init__(self, records: Iterable[AuditRecord]) -> None:
        self._records = records
        self._connection = sqlite3.connect("", isolation_level=None)

    def __iter__(self) -> Iterator[AuditRecord]:
        self._connection.execute("CREATE TABLE records (upload_timestamp TEXT, item TEXT)")
        self._connection.execute("BEGIN")
        rows = ((record.upload_timestamp, json.dumps(record.as_item())) for record in self._records)
        self._connection.executemany("INSERT INTO records VALUES (?, ?)", rows)
        for (item,) in self._connection.execute("SELECT item FROM records ORDER BY upload_timestamp, rowid"):
            yield AuditRecord.from_item(json.loads(item))

    def close(self) -> None:
        """Let go of the temporary file."""
        self._connection.close()
