"""The audit records of a stack, from its DynamoDB table. Every listing is read page by page and not kept."""

import heapq
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from typing import Any

from pupline.aws import from_attributes
from pupline.backends.stack._account import aws_errors, pages
from pupline.backends.stack._history import record_of
from pupline.tasks.records import AuditRecord

INDEX, DAY = "by-day", "upload_day"
_FIELDS = frozenset(field.name for field in fields(AuditRecord))


class Records:
    """The records in one table. page_size: of each call; by default the most that AWS gives."""

    def __init__(self, client: Any, table: str, page_size: int | None = None) -> None:
        self._client = client
        self._table = table
        self._paging = {"PaginationConfig": {"PageSize": page_size}} if page_size else {}

    def all(self) -> Iterator[AuditRecord]:
        """All records, oldest first: the index by-day, one day after the other, and those of bulk ingestion.

        Two passes over the index, because DynamoDB sorts within a day only and cannot say which days there are. Records
        of bulk runs are not in the index, which would double what each costs: one scan of the table finds them, at half
        a read unit for each 4 KB of it, and a temporary table on this machine's disk puts them in order.
        """
        from pupline.backends.stack._sorted import SortedRecords

        single = (record for day in sorted(self._days()) for record in self._of_day(day))
        bulk = self._scanned({"FilterExpression": f"attribute_not_exists({DAY})"})
        with closing(SortedRecords(bulk)) as ordered:
            yield from heapq.merge(single, ordered, key=lambda record: record.upload_timestamp)

    def of_run(self, run: str) -> Iterator[AuditRecord]:
        """The records of one run, in the order of its executions, by one scan of the table."""
        from pupline.backends.stack._sorted import SortedRecords

        values = {":run": {"S": f"{run}-"}}
        found = self._scanned({"FilterExpression": "begins_with(execution, :run)", "ExpressionAttributeValues": values})
        own = (record for record in found if record.execution.removeprefix(f"{run}-").isdigit())
        with closing(SortedRecords(own, "execution")) as ordered:
            yield from ordered

    def of_execution(self, image_name: str, execution: str) -> AuditRecord | None:
        """The record with this key, if there is one, also if it was written a moment ago."""
        key = {"image_name": {"S": image_name}, "execution": {"S": execution}}
        with aws_errors(f"reading the table {self._table}"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else self._record(item)

    def _days(self) -> set[str]:
        found = self._pages("scan", {"IndexName": INDEX, "ProjectionExpression": DAY})
        return {item[DAY]["S"] for page in found for item in page["Items"]}

    def _of_day(self, day: str) -> Iterator[AuditRecord]:
        condition = {"KeyConditionExpression": f"{DAY} = :day", "ExpressionAttributeValues": {":day": {"S": day}}}
        for page in self._pages("query", {"IndexName": INDEX, **condition}):
            yield from (self._record(item, f", of {day},") for item in page["Items"])

    def _scanned(self, wanted: Mapping[str, Any]) -> Iterator[AuditRecord]:
        for page in self._pages("scan", wanted):
            yield from map(self._record, page["Items"])

    def _pages(self, operation: str, arguments: Mapping[str, Any]) -> Iterator[Any]:
        doing = f"reading the table {self._table}"
        return pages(self._client, operation, doing, TableName=self._table, **arguments, **self._paging)

    def _record(self, item: Mapping[str, Any], where: str = "") -> AuditRecord:
        known = {name: value for name, value in item.items() if name in _FIELDS}
        return record_of(from_attributes(known), f"an item of the table {self._table}{where}")
