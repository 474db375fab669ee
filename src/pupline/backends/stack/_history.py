"""What the history of an execution tells: its events with plain times, the record it logged, the alert it published."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pupline.errors import PuplineError
from pupline.tasks.records import AuditRecord

Event = Mapping[str, Any]


def plain_event(event: Event) -> Event:
    """The event as boto3 gives it, with its timestamp in seconds since the epoch, as everywhere in pupline.

    previousEventId is optional in the API; where it is left out, one event follows the other.
    """
    return {"previousEventId": event["id"] - 1, **event, "timestamp": event["timestamp"].timestamp()}


def record_of(item: object, where: str) -> AuditRecord:
    """The audit record in a JSON object or DynamoDB item. where: for the message.

    Raises: PuplineError when fields are missing: somebody else wrote it.
    """
    try:
        return AuditRecord.from_item(item if isinstance(item, dict) else {})
    except TypeError as err:
        missing = str(err).partition("argument")[2].lstrip("s: ")
        raise PuplineError(f"{where} holds no audit record of pupline's: it lacks {missing}") from err


def logged_in_output(output: Any, execution: str) -> AuditRecord | None:
    """The record in a succeeded execution's output, if it is there."""
    item = _at(output, "logged", "result", "logged_item")
    return None if item is None else record_of(item, f"the output of {execution}")


def logged_in_history(newest_first: Iterable[Event], execution: str) -> AuditRecord | None:
    """The record that LogToDynamoDB answered with, if any: what is in the table, without having to search there."""
    for event in newest_first:
        details = event.get("taskSucceededEventDetails", {})
        item = _at(_json(details.get("output")), "Payload", "logged_item")
        if item is not None:
            return record_of(item, f"the history of {execution}")
    return None


def published_alert(events: Iterable[Event]) -> dict[str, Any] | None:
    """The alert that the execution published, as the state PublishPNGAlert left it; None where it published none."""
    for event in events:
        left = event.get("stateExitedEventDetails", {})
        output = _json(left.get("output")) if left.get("name") == "PublishPNGAlert" else None
        if _at(output, "published", "sent"):
            return {
                "subject": _at(output, "alert", "subject"),
                "message": _at(output, "alert", "message"),
                "published_at": timestamp(event["timestamp"]),
                "message_id": _at(output, "published", "result", "MessageId"),
            }
    return None


def timestamp(when: datetime) -> str:
    """RFC 3339 in UTC to the millisecond, as everywhere in pupline."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
