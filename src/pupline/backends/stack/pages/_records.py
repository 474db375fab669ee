"""Audit records of a stack by page.

Those of single images come from the index by-day, one day after the other. Those of bulk ingestion are not in it; they
come with a filter by run, dataset or execution, by which `Records` finds them in the bucket.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice

from pupline.backends.stack._records import Records
from pupline.backends.stack.pages._ids import record_id, record_key
from pupline.backends.stack.pages._window import MOST_ROWS, Window
from pupline.errors import NoSuchName
from pupline.tasks.page_cursors import cursor_of
from pupline.tasks.pages import FACET_LIMIT, Count, Facet, Neighbours, Page, RecordField, RecordItem, RecordQuery
from pupline.tasks.records import AuditRecord
from pupline.text import printable

_TEXTS = ("image_name", "source_url", "image_url", "execution", "breed", "reason", "error", "cause")


class RecordPages:
    """The list of audit records, newest or oldest first."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def page(self, query: RecordQuery) -> Page[RecordItem]:
        """A page of records. Raises: InvalidQuery."""
        found = self.window(query).page(query)
        return Page(tuple(map(item_of, found.items)), found.next, found.previous, found.searched_to)

    def at(self, query: RecordQuery, offset: int, limit: int) -> list[RecordItem]:
        """At most `limit` records from the one at `offset` on."""
        return list(map(item_of, self.window(query).at(offset, limit)))

    def count(self, query: RecordQuery) -> Count:
        """How many match, as far as is looked."""
        return self.window(query).count()

    def facets(self, query: RecordQuery, field: RecordField) -> list[Facet]:
        """The values of a field, as far as is looked."""
        counts: Counter[str | None] = Counter(map(_VALUES[field], self.window(query.without(field)).first()))
        found = [Facet(value, count) for value, count in counts.items()]
        found.sort(key=lambda facet: (-facet.count, facet.value is None, facet.value or ""))
        if field == "day":
            found.sort(key=lambda facet: facet.value or "", reverse=True)
        return found[:FACET_LIMIT]

    def item(self, name: str) -> RecordItem:
        """One record. Raises: NoSuchName."""
        found = self._records.of_execution(*record_key(name))
        if found is None:
            raise NoSuchName(f"there is no audit record '{printable(name)}' here; list them with: pupline audit")
        return item_of(found)

    def neighbours(self, query: RecordQuery, name: str) -> Neighbours:
        """The matching records before and after this one. Raises: NoSuchName."""
        record = self.item(name).record
        window = self.window(query)
        cursor = cursor_of(window.name, window.key(record))
        first = replace(query, limit=1, after=None, before=None)
        before, after = self.page(replace(first, before=cursor)).items, self.page(replace(first, after=cursor)).items
        return (before[0] if before else None), (after[0] if after else None)

    def window(self, query: RecordQuery) -> Window[AuditRecord]:
        """The list that the query asks for."""
        sign = -1.0 if query.order == "newest" else 1.0
        return Window(
            name=f"records/{query.order}",
            rows=lambda: (one for one in self._rows(query) if is_chosen(one, query)),
            key=lambda record: (sign * seconds_of(record), f"{record.image_name}\n{record.execution}"),
            time=seconds_of,
        )

    def _rows(self, query: RecordQuery) -> Iterator[AuditRecord]:
        since, until = query.since, query.until
        if not (query.execution or query.run or query.dataset):
            return self._records.by_day(since, until, newest_first=query.order == "newest")
        parts: list[Iterator[AuditRecord]] = [self._records.named(name, since) for name in query.execution]
        if not parts:
            parts = [self._records.of_run(run, since) for run in query.run]
        if not parts:
            parts = [self._records.of_dataset(dataset) for dataset in query.dataset]
        found = list(islice(chain.from_iterable(parts), MOST_ROWS))
        found.sort(key=lambda one: f"{one.image_name}\n{one.execution}")
        found.sort(key=lambda one: one.upload_timestamp, reverse=query.order == "newest")
        return iter(found)


def item_of(record: AuditRecord) -> RecordItem:
    """The record as a list shows it. Its dataset is not in it."""
    return RecordItem(id=record_id(record), record=record, run=_run(record), host=_host(record))


def seconds_of(record: AuditRecord) -> float:
    """Its time, in seconds since the epoch; 0 where it is not a time."""
    try:
        found = datetime.fromisoformat(record.upload_timestamp)
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def is_chosen(record: AuditRecord, query: RecordQuery) -> bool:
    """Whether the record matches the query's filters."""
    wanted: dict[str, Sequence[str]] = {
        "execution": query.execution,
        "source": query.source,
        "breed": query.breed,
        "file_type": query.type,
        "outcome": query.outcome,
        "reason": query.reason,
        "error": query.error,
    }
    if any(values and getattr(record, name) not in values for name, values in wanted.items()):
        return False
    if query.run and _run(record) not in query.run:
        return False
    if query.host and _host(record) not in query.host:
        return False
    if query.alert is not None and record.alert_triggered is not query.alert:
        return False
    time = seconds_of(record)
    if (query.since is not None and time < query.since) or (query.until is not None and time >= query.until):
        return False
    text = "\n".join(str(getattr(record, name) or "") for name in _TEXTS).lower()
    return all(word in text for word in query.text.lower().split())


def _run(record: AuditRecord) -> str | None:
    run, dash, index = record.execution.rpartition("-")
    return run if dash and index.isascii() and index.isdigit() else None


def _host(record: AuditRecord) -> str | None:
    return (record.source_url or "").partition("://")[2].partition("/")[0] or None


_VALUES: dict[RecordField, Callable[[AuditRecord], str | None]] = {
    "day": lambda record: record.upload_timestamp[:10],
    "dataset": lambda _: None,
    "breed": lambda record: record.breed,
    "type": lambda record: record.file_type,
    "outcome": lambda record: record.outcome,
    "reason": lambda record: record.reason,
    "alert": lambda record: "yes" if record.alert_triggered else "no",
    "host": _host,
    "source": lambda record: record.source,
    "run": _run,
}
