"""Alerts by page with their deliveries, and the subscriptions with what became of the alerts for them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pupline.errors import NoSuchName
from pupline.local.alerts import masked
from pupline.local.database import Database, marks
from pupline.local.pages._conditions import Conditions
from pupline.local.pages._executions import records_of
from pupline.local.pages._keyset import Keyset, Ordering, Segment
from pupline.local.tables import RUN_CONDITION, run_range
from pupline.tasks.pages import (
    COUNT_LIMIT,
    AlertItem,
    AlertQuery,
    Count,
    DeliveryItem,
    DeliveryStatus,
    Page,
    SubscriptionItem,
)
from pupline.text import printable

_SELECT = (
    "SELECT alert_id, message_id, topic, execution, subject, message, attributes, published_at,"
    " json_extract(attributes, '$.image_name') FROM alerts"
)
_ORDERING = Ordering("alerts/newest", (Segment(("alert_id",), (int,), is_descending=True),))
_STATUS = (
    "CASE WHEN delivered_at IS NOT NULL THEN 'delivered'"
    " WHEN given_up_at IS NOT NULL OR removed_at IS NOT NULL THEN 'failed' ELSE 'pending' END"
)
_DELIVERIES = (
    f"SELECT alert_id, subscription_id, protocol, endpoint, {_STATUS}, attempts, last_error, delivered_at,"  # noqa: S608
    " next_attempt_at, coalesce(given_up_at, removed_at) FROM deliveries JOIN subscriptions USING (subscription_id)"
)
_WITH_STATUS = (
    "EXISTS (SELECT 1 FROM deliveries AS d JOIN subscriptions AS s USING (subscription_id)"  # noqa: S608
    f" WHERE d.alert_id = alerts.alert_id AND {_STATUS} IN ({{0}}))"
)
_DUE = "alert_id IN (SELECT alert_id FROM deliveries WHERE delivered_at IS NULL AND given_up_at IS NULL)"
"""By the index of due deliveries, of which there are few."""

_SUBSCRIPTIONS = (
    "SELECT subscription_id, protocol, endpoint, created_at, removed_at, sum(status = 'delivered'),"  # noqa: S608
    " sum(status = 'pending'), sum(status = 'failed'), min(CASE status WHEN 'pending' THEN next_attempt_at END)"
    f" FROM (SELECT s.*, next_attempt_at, CASE WHEN alert_id IS NOT NULL THEN {_STATUS} END AS status"
    " FROM subscriptions AS s LEFT JOIN deliveries USING (subscription_id))"
    " GROUP BY subscription_id ORDER BY removed_at IS NOT NULL, subscription_id"
)
_LAST_ERROR = (
    "SELECT last_error FROM deliveries WHERE subscription_id = ? AND delivered_at IS NULL AND last_error IS NOT NULL"
    " ORDER BY alert_id DESC LIMIT 1"
)


class AlertPages:
    """The list of alerts. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, query: AlertQuery) -> Page[AlertItem]:
        """A page of alerts. Raises: InvalidQuery."""
        found = self._keyset(query).page(query)
        where = f"WHERE alert_id IN ({marks(len(found.ids))}) ORDER BY alert_id DESC"
        rows = self._database.rows(f"{_SELECT} {where}", tuple(found.ids))
        searched_to = None
        if found.stopped_at is not None:
            text = "SELECT published_at FROM alerts WHERE alert_id >= ? ORDER BY alert_id LIMIT 1"
            searched_to = next((float(at) for (at,) in self._database.rows(text, (found.stopped_at,))), None)
        return Page(tuple(self._items(rows)), found.next, found.previous, searched_to)

    def count(self, query: AlertQuery) -> Count:
        """How many match, up to COUNT_LIMIT."""
        number, is_whole = self._keyset(query).count(COUNT_LIMIT + 1)
        return Count(min(number, COUNT_LIMIT), number > COUNT_LIMIT or not is_whole)

    def item(self, alert_id: str) -> AlertItem:
        """One alert, by its message ID. Raises: NoSuchName."""
        found = self._database.rows(f"{_SELECT} WHERE message_id = ?", (alert_id,))
        if not found:
            raise NoSuchName(f"there is no alert '{printable(alert_id)}' here; list them with: pupline alerts")
        return next(self._items(found))

    def subscriptions(self) -> list[SubscriptionItem]:
        """The present subscriptions, and removed ones with deliveries that failed."""
        return [
            SubscriptionItem(
                subscription=str(number),
                protocol=protocol,
                endpoint=masked(protocol, endpoint),
                created_at=created_at,
                removed_at=removed_at,
                delivered=delivered or 0,
                pending=pending or 0,
                failed=failed or 0,
                last_error=next((text for (text,) in self._database.rows(_LAST_ERROR, (number,))), None),
                next_attempt_at=next_attempt_at,
            )
            for number, protocol, endpoint, created_at, removed_at, delivered, pending, failed, next_attempt_at in (
                self._database.rows(_SUBSCRIPTIONS)
            )
            if removed_at is None or failed
        ]

    def _keyset(self, query: AlertQuery) -> Keyset:
        return Keyset(
            database=self._database,
            table="alerts",
            row_id="alert_id",
            ordering=_ORDERING,
            conditions=_conditions_of(query),
            is_search=bool(query.text),
        )

    def _items(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[AlertItem]:
        deliveries = self._deliveries([row[0] for row in rows])
        records = records_of(self._database, [row[3] for row in rows])
        for alert_id, message_id, topic, execution, subject, message, attributes, published_at, image_name in rows:
            of_image = (key for key, record in records.get(execution, ()) if record.image_name == image_name)
            yield AlertItem(
                id=message_id,
                topic=topic,
                execution=execution,
                image_name=image_name,
                subject=subject,
                message=message,
                published_at=published_at,
                attributes=json.loads(attributes),
                deliveries=tuple(deliveries.get(alert_id, ())),
                record_id=next(of_image, None),
            )

    def _deliveries(self, alerts: Sequence[int]) -> dict[int, list[DeliveryItem]]:
        found: dict[int, list[DeliveryItem]] = {}
        if alerts:
            query = f"{_DELIVERIES} WHERE alert_id IN ({marks(len(alerts))}) ORDER BY alert_id, subscription_id"
            for alert_id, *row in self._database.rows(query, tuple(alerts)):
                found.setdefault(alert_id, []).append(_delivery(*row))
        return found


def _delivery(number: int, protocol: str, endpoint: str, status: DeliveryStatus, *row: Any) -> DeliveryItem:
    attempts, last_error, delivered_at, next_attempt_at, given_up_at = row
    return DeliveryItem(
        subscription=number,
        protocol=protocol,
        endpoint=masked(protocol, endpoint),
        status=status,
        attempts=attempts,
        last_error=last_error,
        delivered_at=delivered_at,
        next_attempt_at=next_attempt_at if status == "pending" else None,
        given_up_at=given_up_at if status == "failed" else None,
    )


def _conditions_of(query: AlertQuery) -> Conditions:
    found = Conditions()
    found.any_of("execution", query.execution)
    if query.run:
        runs = " OR ".join(["execution = ?", f"({RUN_CONDITION})"] * len(query.run))
        found.add(f"({runs})", *[value for run in query.run for value in (run, *run_range(run))])
    if query.status:
        found.add(_WITH_STATUS.format(marks(len(query.status))), *query.status)
        if query.status == ("pending",):
            found.add(_DUE)
    if query.since is not None:
        found.add("published_at >= ?", query.since)
    if query.until is not None:
        found.add("published_at < ?", query.until)
    found.words(query.text, ("subject", "message", "execution"), ("attributes",))
    return found
