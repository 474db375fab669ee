"""The topic of one machine: `sns:publish` and the outbox.

Publishing adds rows and nothing else: the alert, and one delivery for each present subscription. The driver commits
them together with the fact that the task succeeded, so an alert exists exactly once, whatever is killed when.
`Deliverer` does the rest.
"""

import json
import sqlite3
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pupline.json_values import JSON
from pupline.local.database import Database, storable
from pupline.tasks.ports import ChosenAlert, Clock
from pupline.text import timestamp

TOPIC_ARN = "arn:aws:sns:us-east-1:000000000000:png-alert-topic"
"""The only topic here: every ARN of this machine names account 000000000000."""

_SUBJECT_CHARACTERS = 100
_MESSAGE_BYTES = 262_144
_NAMESPACE = uuid.UUID("5c1c7be2-6a35-4a5c-9e0a-6f1f5a2f8a11")
_PAGE = 500


class PublishFailed(Exception):
    """The failure that SNS would return. error: the Error Name of the optimised integration; the text is the Cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error = error


@dataclass(frozen=True, slots=True)
class Alert:
    """One published message. attributes: name to value. published_at: seconds since the epoch."""

    message_id: str
    execution: str
    command_id: str
    topic: str
    subject: str | None
    message: str
    attributes: Mapping[str, str]
    published_at: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of one alert to one subscription. status: `delivered`, `pending` or `failed` (given up).

    next_attempt_at: of a pending one; given_up_at: of a failed one; both RFC 3339, UTC.
    """

    subscription_id: int
    protocol: str
    endpoint: str
    status: str
    attempts: int
    last_error: str | None
    next_attempt_at: str | None = None
    given_up_at: str | None = None


class LocalTopic:
    """The alerts and their outbox."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def prepare(self, execution: str, command_id: str, arguments: JSON) -> Alert:
        """The alert for the `arguments` of `sns:publish`; writes nothing. Raises: PublishFailed.

        The message id is derived from the execution and the command, so a second attempt has the same one.
        Source: API reference of SNS, Publish.
        """
        if not isinstance(arguments, dict):
            raise _invalid("the arguments of Publish are an object")
        if arguments.get("TopicArn") != TOPIC_ARN:
            raise PublishFailed("SNS.NotFoundException", f"Topic does not exist: {arguments.get('TopicArn')!r}")
        return Alert(
            message_id=str(uuid.uuid5(_NAMESPACE, f"{execution}\n{command_id}")),
            execution=execution,
            command_id=command_id,
            topic=TOPIC_ARN,
            subject=_subject(arguments.get("Subject")),
            message=_message(arguments.get("Message")),
            attributes=_attributes(arguments.get("MessageAttributes")),
            published_at=self._clock.now(),
        )

    def alerts(self) -> Iterator[tuple[Alert, list[Delivery]]]:
        """All alerts, oldest first, each with its deliveries, a page at a time. Raises: StorageError."""
        after = 0
        query = (
            "SELECT alert_id, message_id, execution, command_id, topic, subject, message, attributes, published_at"
            " FROM alerts WHERE alert_id > ? ORDER BY alert_id LIMIT ?"
        )
        while page := self._database.rows(query, (after, _PAGE)):
            last = page[-1][0]
            deliveries = self._deliveries(after, last)
            yield from ((alert_of_row(row[1:]), deliveries.get(row[0], [])) for row in page)
            after = last

    def listed(self, limit: int | None, chosen: ChosenAlert) -> Iterator[dict[str, Any]]:
        """The chosen alerts, oldest first, the newest `limit` of them: each the object that --json prints."""
        found = (alert_as_dict(*one) for one in self.alerts() if chosen(one[0].execution, one[0].published_at))
        return found if limit is None else iter(deque(found, maxlen=limit))

    def _deliveries(self, after: int, last: int) -> dict[int, list[Delivery]]:
        found: dict[int, list[Delivery]] = {}
        query = (
            "SELECT alert_id, subscription_id, protocol, endpoint, attempts, delivered_at, given_up_at, removed_at,"
            " next_attempt_at, last_error FROM deliveries JOIN subscriptions USING (subscription_id)"
            " WHERE alert_id > ? AND alert_id <= ? ORDER BY alert_id, subscription_id"
        )
        for alert_id, *row in self._database.rows(query, (after, last)):
            found.setdefault(alert_id, []).append(_delivery(*row))
        return found


def _delivery(number: int, protocol: str, endpoint: str, attempts: int, *row: Any) -> Delivery:
    delivered, given_up, removed, next_attempt, error = row
    given_up = given_up or (None if delivered else removed)  # nothing more is sent to a subscription that was removed
    status = "delivered" if delivered else "failed" if given_up else "pending"
    return Delivery(
        number,
        protocol,
        masked(protocol, endpoint),
        status,
        attempts,
        error,
        next_attempt_at=timestamp(next_attempt) if status == "pending" else None,
        given_up_at=timestamp(given_up) if given_up else None,
    )


def insert_alert(connection: sqlite3.Connection, alert: Alert) -> None:
    """Add the alert and a delivery for each subscription, unless this command of this execution has done so."""
    added = connection.execute(
        "INSERT INTO alerts (message_id, execution, command_id, topic, subject, message, attributes, published_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            alert.message_id,
            alert.execution,
            alert.command_id,
            alert.topic,
            alert.subject,
            storable(alert.message),
            json.dumps(dict(alert.attributes)),
            alert.published_at,
        ),
    )
    if added.rowcount:
        connection.execute(
            "INSERT INTO deliveries (alert_id, subscription_id, next_attempt_at)"
            " SELECT ?, subscription_id, ? FROM subscriptions WHERE removed_at IS NULL",
            (added.lastrowid, alert.published_at),
        )


def alert_as_dict(alert: Alert, deliveries: list[Delivery]) -> dict[str, Any]:
    """The JSON object that `pupline alerts --json` prints."""
    return {
        "topic": alert.topic,
        "subject": alert.subject,
        "message": alert.message,
        "image_name": alert.attributes.get("image_name"),
        "execution": alert.execution,
        "published_at": timestamp(alert.published_at),
        "message_id": alert.message_id,
        "deliveries": [{name.removesuffix("_id"): value for name, value in asdict(one).items()} for one in deliveries],
    }


def masked(protocol: str, endpoint: str) -> str:
    """The endpoint without its secrets: of a URL only scheme and host."""
    if protocol not in {"webhook", "apprise"}:
        return endpoint
    scheme, _, rest = endpoint.partition("://")
    if protocol == "apprise":
        return f"{scheme}://***"
    host, slash, path = rest.partition("/")
    host, question, query = host.partition("?")
    return f"{scheme}://{host}" + ("/***" if (slash and path) or (question and query) else slash)


def alert_of_row(row: tuple[Any, ...]) -> Alert:
    """The alert of a row of `alerts`."""
    message_id, execution, command_id, topic, subject, message, attributes, published_at = row
    return Alert(message_id, execution, command_id, topic, subject, message, json.loads(attributes), published_at)


def _subject(value: JSON) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= _SUBJECT_CHARACTERS or not value.isascii():
        raise _invalid(f"Subject: 1 to {_SUBJECT_CHARACTERS} ASCII characters")
    if not value.isprintable() or value[0] == " ":
        raise _invalid("Subject: no line breaks or control characters, and no space at the beginning")
    return value


def _message(value: JSON) -> str:
    # Step Functions passes an object as its JSON text.
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if value is None or not text:
        raise _invalid("Empty message")
    if len(text.encode("utf-8", "replace")) > _MESSAGE_BYTES:
        raise _invalid("Message too long")
    return text


def _attributes(value: JSON) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid("MessageAttributes: an object of attributes")
    found = {}
    for name, attribute in value.items():
        text = attribute.get("StringValue") if isinstance(attribute, dict) else None
        if text is None or text == "":
            raise _invalid(f"The message attribute '{name}' must contain a non-empty StringValue")
        found[name] = text if isinstance(text, str) else json.dumps(text)
    return found


def _invalid(text: str) -> PublishFailed:
    return PublishFailed("SNS.InvalidParameterException", f"Invalid parameter: {text}")
