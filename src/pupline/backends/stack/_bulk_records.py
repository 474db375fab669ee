"""The records of bulk ingestion, from the rows that its batches leave in the bucket, without a scan of the table.

A batch writes its rows once and makes its records from them (`pupline.tasks.ingest_batch`), so a row has all fields of
its record. A million rows are in about 10,000 objects, which cost less to read than to scan the table for.
"""

import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from pupline.aws import S3Store
from pupline.backends.stack._account import pages
from pupline.backends.stack._datasets import folders
from pupline.backends.stack._history import record_of
from pupline.errors import PuplineError
from pupline.tasks.layout import DATASETS, dataset_folder
from pupline.tasks.records import AuditRecord

_READS_AT_ONCE = 8
_PART = re.compile(r"[^/]+/[^/]+/metadata/jsonl/run=([^/]+)/part-([0-9]{8,})-[0-9]+\.jsonl")


class _Part(NamedTuple):
    """The rows of one round of a batch. first: the index of the batch's first item. written_at: by S3's clock."""

    key: str
    run: str
    first: int
    written_at: datetime


class BulkRecords:
    """The records in one bucket, in no order. Methods raise ConfigurationError where it may not be read."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._store = S3Store(client, bucket)

    def of_run(self, run: str) -> Iterator[AuditRecord]:
        """The records of one run."""
        return self._records(part for dataset in self._datasets() for part in self._parts(dataset, f"run={run}/"))

    def of_dataset(self, dataset: str) -> Iterator[AuditRecord]:
        """The records of all runs of a dataset."""
        return self._records(self._parts(dataset_folder(dataset)))

    def of_item(self, run: str, index: int) -> AuditRecord | None:
        """The record of one item of a run, from the parts of its batch."""
        for dataset in self._datasets():
            parts = [part for part in self._parts(dataset, f"run={run}/") if part.first <= index]
            batch = max((part.first for part in parts), default=0)
            for record in self._records(part for part in parts if part.first == batch):
                if record.execution == f"{run}-{index:08d}":
                    return record
        return None

    def written_since(self, moment: datetime) -> Iterator[AuditRecord]:
        """The records in all parts that were written then or later: all of that time, and some of before."""
        parts = (part for dataset in self._datasets() for part in self._parts(dataset))
        return self._records(part for part in parts if part.written_at >= moment)

    def _datasets(self) -> Iterator[str]:
        return folders(self._client, self._bucket, DATASETS)

    def _parts(self, dataset: str, below: str = "") -> Iterator[_Part]:
        prefix = f"{dataset}metadata/jsonl/{below}"
        doing = f"listing s3://{self._bucket}/{prefix}"
        for page in pages(self._client, "list_objects_v2", doing, Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                if part := _PART.fullmatch(found["Key"]):
                    yield _Part(part[0], part[1], int(part[2]), found["LastModified"])

    def _records(self, parts: Iterable[_Part]) -> Iterator[AuditRecord]:
        remaining = iter(parts)
        with ThreadPoolExecutor(_READS_AT_ONCE, thread_name_prefix="pupline-rows") as pool:
            while some := list(islice(remaining, 2 * _READS_AT_ONCE)):
                for part, body in zip(some, pool.map(self._read, some), strict=True):
                    yield from self._rows(part, body)

    def _read(self, part: _Part) -> bytes:
        try:
            return self._store.read(part.key)
        except KeyError as err:
            raise PuplineError(f"s3://{self._bucket}/{part.key} may not be read, or is not there any more") from err

    def _rows(self, part: _Part, body: bytes) -> Iterator[AuditRecord]:
        where = f"a line of s3://{self._bucket}/{part.key}"
        try:
            rows = [json.loads(line) for line in body.split(b"\n") if line]
        except (ValueError, RecursionError) as err:
            raise PuplineError(f"{where} is not JSON: {err}") from err
        yield from (record_of(row, where) for row in rows)
