"""The shapes of the alerts' API."""

from typing import Any

from pydantic import BaseModel, Field

from pupline.console.alerts._view import AlertsView, AlertView, DeliveryView, SubscriptionView
from pupline.console.web import RequestBody, path_of
from pupline.tasks.pages import DeliveryStatus
from pupline.text import timestamp_or_none


class DeliveryModel(BaseModel):
    """A delivery as `pupline alerts --json` prints it. why, next_step: in words. Times: RFC 3339."""

    subscription: int
    protocol: str
    endpoint: str
    status: DeliveryStatus
    attempts: int
    last_error: str | None
    delivered_at: str | None
    next_attempt_at: str | None
    given_up_at: str | None
    why: str
    next_step: str
    can_retry: bool

    @classmethod
    def of(cls, view: DeliveryView) -> "DeliveryModel":
        """The model of a delivery."""
        item, explanation = view.item, view.explanation
        return cls(
            subscription=item.subscription,
            protocol=item.protocol,
            endpoint=item.endpoint,
            status=item.status,
            attempts=item.attempts,
            last_error=item.last_error,
            delivered_at=timestamp_or_none(item.delivered_at),
            next_attempt_at=timestamp_or_none(item.next_attempt_at),
            given_up_at=timestamp_or_none(item.given_up_at),
            why=explanation.why,
            next_step=explanation.next_step,
            can_retry=explanation.can_retry,
        )


class AlertModel(BaseModel):
    """An alert as `pupline alerts --json` prints it. record: the ID of its image's audit record.

    deliveries: None where the backend does not know them.
    """

    message_id: str
    topic: str
    subject: str | None
    message: str | None
    image_name: str | None
    execution: str
    published_at: str | None
    attributes: dict[str, str]
    deliveries: list[DeliveryModel] | None
    record: str | None
    href: str

    @classmethod
    def of(cls, view: AlertView) -> "AlertModel":
        """The model of an alert."""
        item = view.item
        return cls(
            message_id=item.id,
            topic=item.topic,
            subject=item.subject,
            message=item.message,
            image_name=item.image_name,
            execution=item.execution,
            published_at=timestamp_or_none(item.published_at),
            attributes=dict(item.attributes),
            deliveries=None if view.deliveries is None else [DeliveryModel.of(one) for one in view.deliveries],
            record=item.record_id,
            href=path_of("alerts", item.id),
        )


class AlertList(BaseModel):
    """A page of alerts."""

    items: list[AlertModel]
    next: str | None
    previous: str | None
    count: int
    count_is_capped: bool
    searched_to: float | None

    @classmethod
    def of(cls, view: AlertsView) -> "AlertList":
        """The list of a page."""
        return cls(
            items=[AlertModel.of(one) for one in view.alerts],
            next=view.page.next,
            previous=view.page.previous,
            count=view.count.number,
            count_is_capped=view.count.is_capped,
            searched_to=view.page.searched_to,
        )


class SubscriptionModel(BaseModel):
    """A subscription, its endpoint without secrets, and how many of its deliveries have which status."""

    subscription: str
    protocol: str
    endpoint: str
    created_at: str | None
    removed_at: str | None
    delivered: int | None
    pending: int | None
    failed: int | None
    last_error: str | None
    next_attempt_at: str | None
    next_step: str

    @classmethod
    def of(cls, view: SubscriptionView) -> "SubscriptionModel":
        """The model of a subscription."""
        item = view.item
        return cls(
            subscription=item.subscription,
            protocol=item.protocol,
            endpoint=item.endpoint,
            created_at=timestamp_or_none(item.created_at),
            removed_at=timestamp_or_none(item.removed_at),
            delivered=item.delivered,
            pending=item.pending,
            failed=item.failed,
            last_error=item.last_error,
            next_attempt_at=timestamp_or_none(item.next_attempt_at),
            next_step=view.advice,
        )


class SubscriptionList(BaseModel):
    """The subscriptions, present ones first."""

    items: list[SubscriptionModel]


class Retry(RequestBody):
    """Which alerts to try again: by message ID; none for all."""

    alerts: list[str] = Field(default=[], max_length=500)


class AcceptedJob(BaseModel):
    """The job that does it. href: where to see it."""

    message: str
    href: str
    job: dict[str, Any]
