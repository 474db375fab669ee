"""Facts from the history of an execution: events with plain times, the logged record, the published alert."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pupline.errors import PuplineError
from pupline.tasks.records import AuditRecord
from pupline.text import timestamp

Event = Mapping[str, Any]


def plain_event(event: Event) -> Event:
    """The event with its timestamp in seconds since the epoch, not as a datetime.

    previousEventId is optional in the API; without it, events follow one another.
    """
    return {"previousEventId": event["id"] - 1, **event, "timestamp": event["timestamp"].timestamp()}


def record_of(item: object, where: str) -> AuditRecord:
    """The audit record in a JSON object or DynamoDB item. where: for the message.

    Raises: PuplineError when fields are missing, or of another type.
    """
    problem = f"{where} is not an audit record of pupline"
    try:
        record = AuditRecord.from_item(item if isinstance(item, dict) else {})
    except TypeError as err:
        missing = str(err).partition("argument")[2].lstrip("s: ")
        raise PuplineError(f"{problem}: {f'it lacks {missing}' if missing else 'its reasons are not a list'}") from err
    if wrong := record.mistyped():
        raise PuplineError(f"{problem}: of another type: {', '.join(wrong)}")
    return record


def logged_in_output(output: Any, execution: str) -> AuditRecord | None:
    """The record in a succeeded execution's output, if it is there."""
    item = _at(output, "logged", "result", "logged_item")
    return None if item is None else record_of(item, f"the output of {execution}")


def logged_in_history(newest_first: Iterable[Event], execution: str) -> AuditRecord | None:
    """The record in the answer of LogToDynamoDB, if any: it is also in the table, but without a key to find it by."""
    for event in newest_first:
        details = event.get("taskSucceededEventDetails", {})
        item = _at(_json(details.get("output")), "Payload", "logged_item")
        if item is not None:
            return record_of(item, f"the history of {execution}")
    return None


def published_alert(events: Iterable[Event]) -> dict[str, Any] | None:
    """The alert that the execution published, from the output of PublishPNGAlert; None where it published none."""
    for event in events:
        left = event.get("stateExitedEventDetails", {})
        output = _json(left.get("output")) if left.get("name") == "PublishPNGAlert" else None
        if _at(output, "published", "sent"):
            return {
                "subject": _at(output, "alert", "subject"),
                "message": _at(output, "alert", "message"),
                "published_at": timestamp(event["timestamp"].timestamp()),
                "message_id": _at(output, "published", "result", "MessageId"),
            }
    return None


def _json(text: str | None) -> Any:
    """The value, or None where there is no text or it was cut."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
