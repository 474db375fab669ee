"""SNS on one machine: a topic with an outbox, and its subscriptions."""

from pupline.local.alerts._delivery import Deliverer
from pupline.local.alerts._readiness import Unready, unreadiness
from pupline.local.alerts._subscriptions import Subscription, Subscriptions
from pupline.local.alerts._topic import (
    TOPIC_ARN,
    Alert,
    Delivery,
    LocalTopic,
    PublishFailed,
    alert_as_dict,
    insert_alert,
    masked,
)
from pupline.local.alerts._trial import send_trial

__all__ = [
    "TOPIC_ARN",
    "Alert",
    "Deliverer",
    "Delivery",
    "LocalTopic",
    "PublishFailed",
    "Subscription",
    "Subscriptions",
    "Unready",
    "alert_as_dict",
    "insert_alert",
    "masked",
    "send_trial",
    "unreadiness",
]
