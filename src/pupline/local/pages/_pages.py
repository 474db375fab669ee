"""The port `Pages` over one SQLite file."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from pupline.local.database import Database
from pupline.local.pages._alerts import AlertPages
from pupline.local.pages._executions import ExecutionPages
from pupline.local.pages._machines import machine_names, machines
from pupline.local.pages._record_index import RecordIndex
from pupline.local.pages._records import RecordPages
from pupline.tasks.pages import (
    AlertItem,
    AlertQuery,
    Count,
    ExecutionItem,
    ExecutionQuery,
    Facet,
    MachineItem,
    Neighbours,
    Page,
    RecordField,
    RecordItem,
    RecordQuery,
    SubscriptionItem,
)


class LocalPages:
    """Implements `pupline.tasks.pages.Pages`. index: the file of the index of records, which `prepare` makes."""

    has_offsets = True
    unlisted = None

    def __init__(self, database: Database, index: Path | None = None) -> None:
        self._database = database
        self._index = None if index is None else RecordIndex(database, index)
        self._executions = ExecutionPages(database)
        self._records = RecordPages(database, self._index)
        self._alerts = AlertPages(database)

    def prepare(self) -> bool:
        """Extend the index of records; whether there may be more to do. Nothing, where it cannot be written."""
        try:
            return self._index is not None and self._index.extend()
        except (sqlite3.Error, OSError):
            return False

    def execution_page(self, query: ExecutionQuery) -> Page[ExecutionItem]:
        """A page of executions of every state machine."""
        return self._executions.page(query)

    def count_executions(self, query: ExecutionQuery) -> Count:
        """How many executions match, up to COUNT_LIMIT."""
        return self._executions.count(query)

    def execution_item(self, name: str) -> ExecutionItem:
        """One execution. Raises: NoSuchName."""
        return self._executions.item(name)

    def record_page(self, query: RecordQuery) -> Page[RecordItem]:
        """A page of audit records."""
        return self._records.page(query)

    def records_at(self, query: RecordQuery, offset: int, limit: int) -> Sequence[RecordItem]:
        """At most `limit` records from the one at `offset` on."""
        return self._records.at(query, offset, limit)

    def count_records(self, query: RecordQuery) -> Count:
        """How many records match."""
        return self._records.count(query)

    def record_facets(self, query: RecordQuery, field: RecordField) -> Sequence[Facet]:
        """The values of a field among the matching records."""
        return self._records.facets(query, field)

    def record_item(self, record_id: str) -> RecordItem:
        """One record. Raises: NoSuchName."""
        return self._records.item(record_id)

    def record_neighbours(self, query: RecordQuery, record_id: str) -> Neighbours:
        """The matching records before and after this one. Raises: NoSuchName."""
        return self._records.neighbours(query, record_id)

    def alert_page(self, query: AlertQuery) -> Page[AlertItem]:
        """A page of alerts, newest first."""
        return self._alerts.page(query)

    def count_alerts(self, query: AlertQuery) -> Count:
        """How many alerts match, up to COUNT_LIMIT."""
        return self._alerts.count(query)

    def alert_item(self, alert_id: str) -> AlertItem:
        """One alert, by its message ID. Raises: NoSuchName."""
        return self._alerts.item(alert_id)

    def subscriptions(self) -> Sequence[SubscriptionItem]:
        """The subscriptions with the counts of their deliveries."""
        return self._alerts.subscriptions()

    def machines(self) -> Sequence[MachineItem]:
        """The state machines, by name."""
        return machines(self._database)

    def machine_names(self) -> Sequence[str]:
        """Their names."""
        return machine_names(self._database)
