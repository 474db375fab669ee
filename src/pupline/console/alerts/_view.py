"""What the pages of alerts show."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pupline.backends import Backend
from pupline.console.alerts._deliveries import Explanation, advise, by_number, explain
from pupline.console.alerts._filters import AlertFilters
from pupline.errors import NoSuchName
from pupline.tasks.pages import AlertItem, Count, DeliveryItem, Page, SubscriptionItem
from pupline.tasks.records import AuditRecord


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One delivery with its explanation."""

    item: DeliveryItem
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert. record: of its image, where it is known. deliveries: None where the backend does not know them."""

    item: AlertItem
    record: AuditRecord | None
    deliveries: Sequence[DeliveryView] | None

    @property
    def reasons(self) -> list[str]:
        """The reasons to alert, as the message's attribute has them."""
        if self.record is not None and self.record.alert_reasons:
            return list(self.record.alert_reasons)
        reason = self.item.attributes.get("reason", "")
        return [part.strip(' []"') for part in reason.split(",") if part.strip(' []"')]

    @property
    def ingest(self) -> str | None:
        """The bulk run that it is about, which has no execution; None for an alert of an execution."""
        run = self.item.attributes.get("run")
        return run if run == self.item.execution else None

    @property
    def can_retry(self) -> bool:
        """Whether a delivery of it can be tried again."""
        return any(one.explanation.can_retry for one in self.deliveries or ())


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """One subscription. advice: what to do so that alerts arrive there; empty where nothing is known to be wrong."""

    item: SubscriptionItem
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsView:
    """The list. can_retry: whether there is something to retry. unlisted: what is left out, for people."""

    page: Page[AlertItem]
    alerts: Sequence[AlertView]
    count: Count
    subscriptions: Sequence[SubscriptionView]
    can_retry: bool
    unlisted: str | None


def alerts_view(backend: Backend, filters: AlertFilters) -> AlertsView:
    """The page that the filters ask for."""
    pages, query = backend.pages, filters.query()
    page = pages.alert_page(query)
    subscriptions = list(pages.subscriptions())
    views = [
        SubscriptionView(one, "" if one.removed_at else advise(one.protocol, one.endpoint, one.last_error))
        for one in subscriptions
    ]
    return AlertsView(
        page=page,
        alerts=[
            # On a stack each record would be a request to AWS.
            _view(item, _record(backend, item) if pages.has_offsets else None, by_number(subscriptions))
            for item in page.items
        ],
        count=pages.count_alerts(query),
        subscriptions=views,
        can_retry=any(one.removed_at is None and (one.pending or one.failed) for one in subscriptions),
        unlisted=pages.unlisted,
    )


def alert_view(backend: Backend, alert_id: str) -> AlertView:
    """One alert. Raises: NoSuchName."""
    item = backend.pages.alert_item(alert_id)
    return _view(item, _record(backend, item), by_number(list(backend.pages.subscriptions())))


def _view(item: AlertItem, record: AuditRecord | None, subscriptions: Mapping[int, SubscriptionItem]) -> AlertView:
    now = time.time()
    deliveries = item.deliveries
    return AlertView(
        item,
        record,
        None
        if deliveries is None
        else [DeliveryView(one, explain(one, subscriptions.get(one.subscription), now)) for one in deliveries],
    )


def _record(backend: Backend, item: AlertItem) -> AuditRecord | None:
    if item.record_id is None:
        return None
    try:
        return backend.pages.record_item(item.record_id).record
    except NoSuchName:  # a redrive has just replaced it
        return None
