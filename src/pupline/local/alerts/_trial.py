"""A message to one subscription, to see whether it arrives. It is not an alert, and nothing keeps it."""

import uuid

from pupline.local.alerts._channels import CHANNELS
from pupline.local.alerts._failures import DeliveryFailed
from pupline.local.alerts._subscriptions import Subscription
from pupline.local.alerts._topic import TOPIC_ARN, Alert
from pupline.text import printable

_TEXT = "This is a test message of pupline. Alerts about images will arrive like this."


def send_trial(subscription: Subscription, now: float) -> str | None:
    """Send it; why it did not arrive, in one line, or None. now: seconds since the epoch."""
    message = Alert(
        message_id=str(uuid.uuid4()),
        execution="test",
        command_id="test",
        topic=TOPIC_ARN,
        subject="Test message of pupline",
        message=_TEXT,
        attributes={"reason": "test"},
        published_at=now,
    )
    try:
        CHANNELS[subscription.protocol](message, subscription.endpoint)
    except DeliveryFailed as failure:
        return printable(str(failure), 400)
    except Exception as err:  # noqa: BLE001 - as in a delivery: a bug of a library is an answer too
        return printable(f"{type(err).__name__}: {err}", 400)
    return None
