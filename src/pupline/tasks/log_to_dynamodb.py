"""LogToDynamoDB: the audit record of one execution, written once."""

import json
from typing import Any, TypeVar, get_args

from pupline.errors import InvalidInput, Outcome, Reason, reason_of
from pupline.images import safe_name
from pupline.json_values import JSON
from pupline.tasks.ports import AuditTable, Clock
from pupline.tasks.records import MAX_ALERT_REASON, MAX_CAUSE, UNKNOWN_IMAGE, AuditRecord
from pupline.tasks.task_input import BY_URL, TaskInput, checked_input, execution_of, object_of, shown, text_or_none
from pupline.text import printable, timestamp

_Word = TypeVar("_Word", bound=str)

OUTCOMES: frozenset[Outcome] = frozenset(get_args(Outcome))
REASONS: frozenset[Reason] = frozenset(get_args(Reason))
USUAL_REASONS: dict[Outcome, Reason] = {
    "stored": "accepted",
    "duplicate": "same_content",
    "quarantined": "not_an_image",
}
"""For images with an outcome but no reason."""


def log_to_dynamodb(event: TaskInput, table: AuditTable, clock: Clock) -> dict[str, JSON]:
    """Write the audit record, unless this execution already wrote it.

    event: `execution`, `alert_triggered`, `alert_sent`, and either `image` (FetchAndUploadDogImage's result) and
    `alert` (what the rule's Pass state set) or, on the failure path, `outcome` ("failed", "refused"), `error`
    (`{"Error", "Cause"}`) and `input` (the execution's).
    Returns: status "success", logged_item (the record now in the table). Raises: InvalidInput, StorageError.
    """
    record = record_of(event, timestamp(clock.now()))
    return {"status": "success", "logged_item": table.put(record).as_item()}


def record_of(event: TaskInput, stamp: str) -> AuditRecord:
    """The record for a task's input. stamp: its `upload_timestamp`. Raises: InvalidInput."""
    fields = checked_input(event)
    return _of_image(fields, stamp) if fields.get("image") is not None else _of_failure(fields, stamp)


def _of_image(event: TaskInput, stamp: str) -> AuditRecord:
    image = object_of(event, "image")
    triggered = _flag(event, "alert_triggered")
    outcome = _one_of(OUTCOMES, image.get("outcome"), "image.outcome", "stored")
    return AuditRecord(
        image_name=text_or_none(image, "uploaded_image") or UNKNOWN_IMAGE,
        upload_timestamp=stamp,
        alert_triggered=triggered,
        alert_sent=_flag(event, "alert_sent") if triggered else None,
        alert_reasons=_alert_reasons(event, image, outcome, triggered=triggered),
        outcome=outcome,
        reason=_one_of(REASONS, image.get("reason"), "image.reason", USUAL_REASONS.get(outcome, "internal_error")),
        execution=execution_of(event),
        **_facts(image),
    )


def _alert_reasons(event: TaskInput, image: TaskInput, outcome: Outcome, *, triggered: bool) -> tuple[str, ...]:
    """The reasons that the function found, and that of the rule which the workflow took: only the workflow knows it.

    Without `alert`, which workflows of earlier versions do not give, the function's alone.
    """
    found = image.get("alert_reasons")
    reasons = tuple(str(reason) for reason in found) if isinstance(found, list) else ()
    alert = event.get("alert")
    if not isinstance(alert, dict):
        return reasons
    if not triggered:
        return ()
    taken = image.get("reason") if alert.get("reason") == outcome == "quarantined" else alert.get("reason")
    if not isinstance(taken, str) or not taken:  # a state of the user's own; a record without it is better than none
        return reasons
    reason = printable(taken, MAX_ALERT_REASON)
    return reasons if reason in reasons else (*reasons, reason)


def _of_failure(event: TaskInput, stamp: str) -> AuditRecord:
    failure = object_of(event, "error")
    error = text_or_none(failure, "Error", limit=256) or "States.TaskFailed"
    details = _details(failure.get("Cause"), event.get("input"))
    url = details.get("source_url")
    return AuditRecord(
        image_name=safe_name(url) if url else UNKNOWN_IMAGE,
        upload_timestamp=stamp,
        alert_triggered=False,
        outcome=_one_of(OUTCOMES, event.get("outcome"), "outcome", "failed"),
        reason=reason_of(error),
        execution=execution_of(event),
        source=details.get("source"),
        source_url=printable(url, 2048) if url else None,
        breed=details.get("breed"),
        error=error,
        cause=readable_cause(failure.get("Cause")),
    )


def _details(cause: JSON, execution_input: JSON) -> dict[str, str]:
    """source, source_url and breed of a failure: from its Cause, else from the execution's input."""
    text = _member(cause, "errorMessage")
    found = {name: _member(text, name) for name in ("source", "source_url", "breed")}
    if (
        found["source_url"] is None
        and isinstance(execution_input, dict)
        and isinstance(url := execution_input.get("image_url"), str)
    ):
        found = {"source": BY_URL, "source_url": url}
    return {name: value for name, value in found.items() if value}


def _facts(image: TaskInput) -> dict[str, Any]:
    """The record's fields that are copied unchanged, if they have the right type."""
    texts = ("image_url", "file_type", "source", "source_url", "sha256", "content_type", "name_extension", "breed")
    numbers = ("size_bytes", "width", "height")
    return {
        field: value
        for kind, names in ((str, texts), (int, numbers))
        for field in names
        if isinstance(value := image.get(field), kind)
    }


def readable_cause(cause: JSON) -> str | None:
    """A Cause as one short line: the `errorMessage` of Lambda's error JSON, the `message` of a failure with details."""
    for field in ("errorMessage", "message"):
        cause = _member(cause, field) or cause
    return printable(cause, MAX_CAUSE) if isinstance(cause, str) and cause else None


def _member(text: JSON, field: str) -> str | None:
    """The text under `field` of a JSON object given as text, or None."""
    if not isinstance(text, str):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = value.get(field) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _flag(event: TaskInput, field: str) -> bool:
    value = event.get(field, False)
    if not isinstance(value, bool):
        raise InvalidInput(f"{field} is {shown(value)}; it has to be true or false")
    return value


def _one_of(allowed: frozenset[_Word], value: JSON, field: str, default: _Word) -> _Word:
    if value is None:
        return default
    for word in allowed:
        if word == value:
            return word
    raise InvalidInput(f"{field} is {shown(value)}; it has to be one of {', '.join(sorted(allowed))}")
