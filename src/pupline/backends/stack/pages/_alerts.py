"""Alerts that a stack published, by page, and the subscriptions of its topic."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pupline.backends.stack._account import pages
from pupline.backends.stack.pages._ids import record_id
from pupline.backends.stack.pages._records import RecordPages
from pupline.backends.stack.pages._window import Window
from pupline.tasks.pages import AlertItem, AlertQuery, Count, InvalidQuery, Page, RecordQuery, SubscriptionItem
from pupline.tasks.records import AuditRecord

Published = Callable[[AuditRecord], Mapping[str, Any]]
"""The alert of a record, as `pupline alerts --json` prints it."""


class AlertPages:
    """The list of alerts: of single images, whose records say that an alert was sent."""

    def __init__(self, records: RecordPages, published: Published) -> None:
        self._records = records
        self._published = published

    def page(self, query: AlertQuery) -> Page[AlertItem]:
        """A page of alerts. Raises: InvalidQuery for a filter by delivery, which SNS does not report."""
        found = self._window(query).page(query)
        return Page(tuple(map(self._item, found.items)), found.next, found.previous, found.searched_to)

    def count(self, query: AlertQuery) -> Count:
        """How many match, as far as is looked."""
        return self._window(query).count()

    def item(self, alert_id: str) -> AlertItem:
        """One alert, by the name of its record. Raises: NoSuchName."""
        return self._item(self._records.item(alert_id).record)

    def _window(self, query: AlertQuery) -> Window[AuditRecord]:
        if query.status:
            raise InvalidQuery("status: SNS does not report single deliveries")
        wanted = RecordQuery(
            text=query.text,
            execution=query.execution,
            run=query.run,
            alert=True,
            since=query.since,
            until=query.until,
        )
        window = self._records.window(wanted)

        def sent() -> Iterator[AuditRecord]:
            return (record for record in window.rows() if record.alert_sent)

        return replace(window, name="alerts/newest", rows=sent)

    def _item(self, record: AuditRecord) -> AlertItem:
        alert = self._published(record)
        at = alert["published_at"]
        return AlertItem(
            id=record_id(record),
            topic=str(alert["topic"]),
            execution=record.execution,
            image_name=record.image_name,
            subject=alert["subject"],
            message=alert["message"],
            published_at=None if at is None else datetime.fromisoformat(at).timestamp(),
            attributes={},
            deliveries=None,
            record_id=record_id(record),
        )


def subscriptions(client: Any, topic: str) -> list[SubscriptionItem]:
    """The subscriptions of a topic, confirmed or not."""
    found = pages(client, "list_subscriptions_by_topic", "listing the subscriptions", TopicArn=topic)
    return [
        SubscriptionItem(
            subscription=str(one["SubscriptionArn"]),
            protocol=str(one["Protocol"]),
            endpoint=_masked(str(one["Protocol"]), str(one["Endpoint"])),
        )
        for page in found
        for one in page["Subscriptions"]
    ]


def _masked(protocol: str, endpoint: str) -> str:
    """The endpoint; of a URL only its scheme and host: the rest may be a secret."""
    if protocol not in {"http", "https"}:
        return endpoint
    scheme, _, rest = endpoint.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/***"
