"""What became of a delivery, in plain words: why it waits or failed, and what to do next."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pupline.local import unreadiness
from pupline.tasks.pages import DeliveryItem, SubscriptionItem
from pupline.text import plural

_ANSWERED = re.compile(r" answered ([0-9]{3})\b")
_UNREACHABLE = re.compile(r"refused|timed out|unreachable|not known|resolution|reset|no address|aborted", re.IGNORECASE)
_MAX_ATTEMPTS = 50

_BY_STATUS = {
    "401": "The receiver does not accept the secret in the URL: subscribe with the right one, and remove this one.",
    "403": "The receiver does not accept the secret in the URL: subscribe with the right one, and remove this one.",
    "404": "The receiver does not know this URL any more: subscribe with the new one, and remove this one.",
    "410": "The receiver does not know this URL any more: subscribe with the new one, and remove this one.",
    "413": "The receiver takes only shorter messages: ask its operator, or subscribe another endpoint.",
    "429": "The receiver limits how many messages it takes; later attempts go through by themselves.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a delivery is where it is, and the next step; both empty where there is nothing to say or to do.

    can_retry: whether another attempt can be requested.
    """

    why: str
    next_step: str = ""
    can_retry: bool = False


def explain(delivery: DeliveryItem, subscription: SubscriptionItem | None, now: float) -> Explanation:
    """The explanation. subscription: as it is now, None where it is unknown. now: seconds since the epoch."""
    tried = f"after {plural(delivery.attempts, 'attempt')}"
    error = f": {delivery.last_error}" if delivery.last_error else ""
    if delivery.status == "delivered":
        return Explanation(f"Delivered {tried}." if delivery.attempts > 1 else "Delivered at the first attempt.")
    if subscription is not None and subscription.removed_at is not None:
        return Explanation(f"The subscription was removed before this alert was delivered{error}.")
    advice = advise(delivery.protocol, delivery.endpoint, delivery.last_error)
    if delivery.status == "failed":
        is_worn_out = delivery.attempts >= _MAX_ATTEMPTS
        why = f"Given up {tried}{error}." if is_worn_out else f"The receiver refused it for good{error}."
        return Explanation(why, advice or "Find out what the receiver objects to, then retry.", can_retry=True)
    if not delivery.attempts:
        return Explanation(*_untried(delivery, subscription), can_retry=True)
    return Explanation(f"Waiting {tried}{error}. {_when(delivery, now)}", advice, can_retry=True)


def _untried(delivery: DeliveryItem, subscription: SubscriptionItem | None) -> tuple[str, str]:
    """Why it was not tried, and the next step."""
    error = subscription.last_error if subscription is not None else None
    advice = advise(delivery.protocol, delivery.endpoint, error)
    if error is not None:
        return f"Not tried yet: the subscription pauses, because another delivery to it failed: {error}.", advice
    return "Not tried yet: alerts are delivered while a run is under way.", advice


def _when(delivery: DeliveryItem, now: float) -> str:
    if delivery.next_attempt_at is None or delivery.next_attempt_at <= now:
        return "It is due: the next run tries it first."
    return "It is tried again by itself, while a run is under way."


def advise(protocol: str, endpoint: str, error: str | None) -> str:
    """What to do so that alerts arrive there, as far as can be told; empty for nothing. endpoint: as it is shown."""
    if protocol in {"file", "email"} and (unready := unreadiness(protocol, endpoint)) is not None:
        step = f"{unready.next_step[:1].upper()}{unready.next_step[1:]}."
        return step if error and unready.problem in error else f"{unready.problem}. {step}"
    if error is None:
        return ""
    if answered := _ANSWERED.search(error):
        status = answered[1]
        if status in _BY_STATUS:
            return _BY_STATUS[status]
        return "The receiver had an error of its own: it is tried again by itself." if status >= "500" else ""
    if _UNREACHABLE.search(error):
        return "Check that the receiver runs and that this machine can reach it."
    return ""


def by_number(subscriptions: list[SubscriptionItem]) -> Mapping[int, SubscriptionItem]:
    """The subscriptions of one machine by the number that deliveries have."""
    return {int(one.subscription): one for one in subscriptions if one.subscription.isdigit()}
