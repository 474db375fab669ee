"""The audit records of a stack, from its DynamoDB table. Every listing is read page by page and not kept.

What a question costs is in docs/queries.md. Single images are in the table's index by-day, so those of some days take
one Query a day. Bulk records are left out of the index, where each would cost a second write; their rows in the bucket
answer for them. Only the listing of everything scans the table, and a question whose answer is in neither place.
"""

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from pupline.aws import from_attributes
from pupline.backends.stack._account import aws_errors, pages
from pupline.backends.stack._bulk_records import BulkRecords
from pupline.backends.stack._history import record_of
from pupline.errors import ConfigurationError
from pupline.tasks.records import AuditRecord
from pupline.text import timestamp

INDEX, DAY = "by-day", "upload_day"
_FIELDS = frozenset(field.name for field in fields(AuditRecord))
_NOT_INDEXED = f"attribute_not_exists({DAY})"
_DATED_RUN = re.compile(r"([0-9]{8})-[0-9]{6}-[0-9a-f]{4}")
_BULK_EXECUTION = re.compile(r"(.+)-([0-9]{8})")
_CLOCK_SKEW = timedelta(hours=1)
_MANY_DAYS = 400
_RECENT_DAYS = 90
"""For as long AWS keeps executions."""
_LAST_MOMENT = 4e9


def today() -> date:
    """The date, UTC."""
    return datetime.now(UTC).date()


class Records:
    """The records in one table. bulk: the rows of bulk ingestion.

    page_size: of each call; by default the most that AWS gives.
    """

    def __init__(self, client: Any, table: str, bulk: BulkRecords, page_size: int | None = None) -> None:
        self._client = client
        self._table = table
        self._bulk = bulk
        self._paging = {"PaginationConfig": {"PageSize": page_size}} if page_size else {}

    def all(self) -> Iterator[AuditRecord]:
        """All records, oldest first: the index by-day, one day after the other, and those of bulk ingestion.

        One scan of the table finds the latter, at half a read unit for each 4 KB of it, and a temporary table on this
        machine's disk puts them in order.
        """
        yield from _merged(self.single(), self._scanned(_Filter(_NOT_INDEXED)))

    def single(self) -> Iterator[AuditRecord]:
        """The records of single images, oldest first.

        Two passes over the index, because DynamoDB sorts within a day only and cannot say which days there are.
        """
        found = self._pages("scan", {"IndexName": INDEX, "ProjectionExpression": DAY})
        days = {item[DAY]["S"] for page in found for item in page["Items"]}
        return self._of_days(sorted(days))

    def since(self, moment: float) -> Iterator[AuditRecord]:
        """The records of this time, in seconds since the epoch, and later, oldest first."""
        start = datetime.fromtimestamp(max(moment, 0.0), UTC)
        later = _Filter(f"{_NOT_INDEXED} AND upload_timestamp >= :value", timestamp(start.timestamp()))
        bulk = self._of_bucket(lambda: self._bulk.written_since(start - _CLOCK_SKEW), later)
        days = _days(start.date(), today())
        return recorded_since(_merged(self.single() if days is None else self._of_days(days), bulk), moment)

    def by_day(self, since: float | None, until: float | None, *, newest_first: bool) -> Iterator[AuditRecord]:
        """The records of single images, day by day.

        until: now by default. since: by default, 90 days before; at most 400.
        """
        last = today() + timedelta(days=1) if until is None else _date_of(until)
        first = last - timedelta(days=_RECENT_DAYS)
        if since is not None:
            first = max(last - timedelta(days=_MANY_DAYS), _date_of(since))
        days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
        return self._of_days(reversed(days) if newest_first else days, newest_first=newest_first)

    def of_names(self, names: AbstractSet[str], began: datetime, ended: datetime) -> dict[str, AuditRecord]:
        """The records of executions of single images that wrote them between these times."""
        first, last = (moment.astimezone(UTC) for moment in (began - _CLOCK_SKEW, ended + _CLOCK_SKEW))
        found = self._of_days(_days(first.date(), last.date()) or ())
        stamps = timestamp(first.timestamp()), timestamp(last.timestamp())
        wanted = (one for one in found if stamps[0] <= one.upload_timestamp <= stamps[1])
        return {one.execution: one for one in wanted if one.execution in names}

    def of_dataset(self, dataset: str) -> Iterator[AuditRecord]:
        """The records of all bulk runs of a dataset, oldest first; where it has left no rows, of all bulk runs."""
        bulk = _Filter(_NOT_INDEXED)
        rows = self._of_bucket(lambda: self._bulk.of_dataset(dataset), bulk)
        return _merged(iter(()), _first_found(rows, self._scanned(bulk)))

    def of_run(self, run: str, since: float | None = None) -> Iterator[AuditRecord]:
        """The records of one run, in the order of its executions.

        since: a time before which none is wanted, in seconds since the epoch. Some may come anyway.
        """
        rest = self._scanned(_begins_with(run))
        return _first_found(_in_order(run, self._cheaply_of_run(run, since)), _in_order(run, rest))

    def single_of_run(self, run: str) -> Iterator[AuditRecord]:
        """The records of a run of single images, in the order of its executions, by the index alone."""
        return _in_order(run, self._single(_days_of(run), _begins_with(run)))

    def _cheaply_of_run(self, run: str, since: float | None) -> Iterator[AuditRecord]:
        """The records of a bulk run from the bucket; those of any other run from the index."""
        is_bulk = False
        for record in self._of_bucket(lambda: self._bulk.of_run(run), _begins_with(run, f"{_NOT_INDEXED} AND ")):
            is_bulk = True
            yield record
        if not is_bulk:
            yield from self._single(_days_of(run, since), _begins_with(run))

    def named(self, name: str, since: float | None = None) -> Iterator[AuditRecord]:
        """The record of one item of a bulk run, or of one execution, or of several that had this name in turn.

        since: as for a run.
        """
        equals = _Filter("execution = :value", name)
        item = _BULK_EXECUTION.fullmatch(name)
        in_bulk = self._of_item(item[1], int(item[2])) if item else iter(())
        single = self._single(_days_of(name.rpartition("-")[0], since), equals)
        return _first_found(in_bulk, single, self._scanned(equals) if item else iter(()))

    def of_execution(self, image_name: str, execution: str) -> AuditRecord | None:
        """The record with this key, if there is one, also if it was written a moment ago."""
        key = {"image_name": {"S": image_name}, "execution": {"S": execution}}
        with aws_errors(f"reading the table {self._table}"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else self._record(item)

    def _of_item(self, run: str, index: int) -> Iterator[AuditRecord]:
        try:
            found = self._bulk.of_item(run, index)
        except ConfigurationError:  # the bucket may not be read: the table has it
            return
        if found is not None:
            yield found

    def _of_bucket(self, read: Callable[[], Iterator[AuditRecord]], wanted: "_Filter") -> Iterator[AuditRecord]:
        """What `read` finds in the bucket; by a scan of the table where the bucket may not be listed."""
        try:
            found = read()
            first = next(found, None)
        except ConfigurationError:
            yield from self._scanned(wanted)
            return
        if first is not None:
            yield first
            yield from found

    def _single(self, days: list[str] | None, wanted: "_Filter") -> Iterator[AuditRecord]:
        """The wanted records of single images: of some days by queries, else by one pass over the index."""
        if days is None:
            yield from self._scanned(wanted, IndexName=INDEX)
        else:
            yield from self._of_days(days, wanted)

    def _of_days(
        self, days: Iterable[str], wanted: "_Filter | None" = None, *, newest_first: bool = False
    ) -> Iterator[AuditRecord]:
        for day in days:
            values = {":day": {"S": day}}
            narrowed = wanted.arguments(values) if wanted else {"ExpressionAttributeValues": values}
            condition = {"IndexName": INDEX, "KeyConditionExpression": f"{DAY} = :day", **narrowed}
            for page in self._pages("query", {**condition, "ScanIndexForward": not newest_first}):
                yield from (self._record(item, f", of {day},") for item in page["Items"])

    def _scanned(self, wanted: "_Filter", **index: str) -> Iterator[AuditRecord]:
        for page in self._pages("scan", {**index, **wanted.arguments()}):
            yield from map(self._record, page["Items"])

    def _pages(self, operation: str, arguments: Mapping[str, Any]) -> Iterator[Any]:
        doing = f"reading the table {self._table}"
        return pages(self._client, operation, doing, TableName=self._table, **arguments, **self._paging)

    def _record(self, item: Mapping[str, Any], where: str = "") -> AuditRecord:
        known = {name: value for name, value in item.items() if name in _FIELDS}
        return record_of(from_attributes(known), f"an item of the table {self._table}{where}")


@dataclass(frozen=True, slots=True)
class _Filter:
    """A FilterExpression, with the text that it calls `:value`, if any."""

    expression: str
    value: str | None = None

    def arguments(self, values: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """The arguments of Query or Scan. values: of the key's condition."""
        values = {**values, **({":value": {"S": self.value}} if self.value is not None else {})}
        return {"FilterExpression": self.expression} | ({"ExpressionAttributeValues": values} if values else {})


def _begins_with(run: str, condition: str = "") -> _Filter:
    return _Filter(f"{condition}begins_with(execution, :value)", f"{run}-")


def _first_found(*answers: Iterator[AuditRecord]) -> Iterator[AuditRecord]:
    """The first of the answers that is not empty; those after it are not begun."""
    for answer in answers:
        first = next(answer, None)
        if first is not None:
            yield first
            yield from answer
            return


def _in_order(run: str, found: Iterator[AuditRecord]) -> Iterator[AuditRecord]:
    """The records of a run among those of runs whose names begin alike, in the order of its executions."""
    from pupline.backends.stack._sorted import SortedRecords

    own = (record for record in found if record.execution.removeprefix(f"{run}-").isdigit())
    with closing(SortedRecords(own, "execution")) as ordered:
        yield from ordered


def _merged(single: Iterator[AuditRecord], bulk: Iterator[AuditRecord]) -> Iterator[AuditRecord]:
    """Both, oldest first. bulk: in no order; a temporary table on this machine's disk sorts it."""
    from pupline.backends.stack._sorted import SortedRecords

    with closing(SortedRecords(bulk)) as ordered:
        yield from heapq.merge(single, ordered, key=lambda record: record.upload_timestamp)


def recorded_since(found: Iterator[AuditRecord], moment: float) -> Iterator[AuditRecord]:
    """The records of this time, in seconds since the epoch, and later."""
    stamp = timestamp(max(moment, 0.0))
    return (record for record in found if record.upload_timestamp >= stamp)


def _date_of(moment: float) -> date:
    """The day of a time in seconds since the epoch, UTC."""
    return datetime.fromtimestamp(min(max(moment, 0.0), _LAST_MOMENT), UTC).date()


def _days(first: date, last: date) -> list[str] | None:
    """The dates from the first to the one after the last, for clocks that differ; None for too many to ask for each."""
    count = (last - first).days + 2
    return [(first + timedelta(days=number)).isoformat() for number in range(count)] if count <= _MANY_DAYS else None


def _days_of(run: str, since: float | None = None) -> list[str] | None:
    """The days on which a run may have records; None where nothing is known.

    A run that was not given a name has its time as its name, which no other run has. A name that was given may have
    been given before: AWS forgets names after 90 days.
    """
    first = datetime.fromtimestamp(max(since, 0.0), UTC).date() if since is not None else None
    if dated := _DATED_RUN.fullmatch(run):
        with suppress(ValueError):
            first = max(date.fromisoformat(dated[1]) - timedelta(days=1), first or date.min)
    return _days(first, today()) if first else None
