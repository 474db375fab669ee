"""The Lambda function of the example: it charges a customer's card."""

from typing import Any


class CardDeclined(Exception):
    """The state machine catches this error by its name."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Charge `amount`, and return a receipt. Raises: CardDeclined above 1,000."""
    if event["amount"] > 1000:
        raise CardDeclined(f"the limit is 1000, not {event['amount']}")
    return {"receipt": f"paid {event['amount']}"}
