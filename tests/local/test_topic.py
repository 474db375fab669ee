"""The topic: what may be published, who is subscribed, what is shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.errors import ConfigurationError
from pupline.local import TOPIC_ARN, LocalBackend, alert_as_dict
from pupline.local.alerts._topic import PublishFailed, insert_alert, masked
from tests.local.local_fakes import START, VirtualClock


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """An empty data directory at START."""
    with LocalBackend.open(tmp_path, exclusive=True, clock=VirtualClock()) as opened:
        yield opened


def arguments(**fields: Any) -> dict[str, Any]:
    """Arguments of a good Publish, with some changed."""
    good = {"TopicArn": TOPIC_ARN, "Subject": "PNG detected", "Message": "A PNG file was detected and processed: a.png"}
    return {**good, **fields}


def publish(backend: LocalBackend, command: str = "Publish@1#0", **fields: Any) -> None:
    """Prepare and commit."""
    alert = backend.topic.prepare("run-00001", command, arguments(**fields))
    backend.database.write(lambda connection: insert_alert(connection, alert))


def test_an_alert_is_shown_with_its_deliveries(backend: LocalBackend) -> None:
    """The JSON of `pupline alerts` has the alert and one delivery for each subscription of that moment."""
    publish(backend, "Before@1#0")
    backend.subscriptions.subscribe("webhook", "https://hooks.example/secret?token=1")
    attributes = {"image_name": {"DataType": "String", "StringValue": "a.png"}}
    publish(backend, MessageAttributes=attributes)
    before, after = [alert_as_dict(alert, deliveries) for alert, deliveries in backend.topic.alerts()]
    assert before["deliveries"] == []
    assert {key: after[key] for key in ("topic", "subject", "message", "image_name", "execution", "published_at")} == {
        "topic": TOPIC_ARN,
        "subject": "PNG detected",
        "message": "A PNG file was detected and processed: a.png",
        "image_name": "a.png",
        "execution": "run-00001",
        "published_at": "2026-01-02T03:04:05.000Z",
    }
    assert after["deliveries"] == [
        {
            "subscription": 1,
            "protocol": "webhook",
            "endpoint": "https://hooks.example/***",
            "status": "pending",
            "attempts": 0,
            "last_error": None,
            "next_attempt_at": "2026-01-02T03:04:05.000Z",
            "given_up_at": None,
        }
    ]


def test_one_command_of_one_execution_publishes_once(backend: LocalBackend) -> None:
    """The second attempt has the same message id and adds nothing, not even a delivery."""
    backend.subscriptions.subscribe("console", "")
    publish(backend)
    publish(backend)
    [(alert, deliveries)] = backend.topic.alerts()
    assert len(deliveries) == 1
    assert alert.message_id == backend.topic.prepare("run-00001", "Publish@1#0", arguments()).message_id
    publish(backend, "Publish@2#0")
    assert len({alert.message_id for alert, _ in backend.topic.alerts()}) == 2


def test_alerts_come_in_order_over_many_pages(backend: LocalBackend) -> None:
    """All of them, oldest first, each with its own deliveries."""
    backend.subscriptions.subscribe("console", "")
    prepared = [
        backend.topic.prepare("run-00001", f"P@{number}#0", arguments(Message=str(number))) for number in range(1200)
    ]

    def work(connection: Any) -> None:

        for alert in prepared:
            insert_alert(connection, alert)

    backend.database.write(work)
    found = list(backend.topic.alerts())
    assert [alert.message for alert, _ in found] == [str(number) for number in range(1200)]
    assert {len(deliveries) for _, deliveries in found} == {1}


def test_an_object_as_message_is_its_json(backend: LocalBackend) -> None:
    """Step Functions publishes an object as JSON text."""
    alert = backend.topic.prepare("run-00001", "P@1#0", arguments(Message={"a": [1, "\u00e9"]}))
    assert alert.message == '{"a":[1,"\u00e9"]}'


@pytest.mark.parametrize(
    ("fields", "error", "cause"),
    [
        ({"TopicArn": "arn:aws:sns:us-east-1:1:Other"}, "SNS.NotFoundException", "Topic does not exist"),
        ({"Subject": "x" * 101}, "SNS.InvalidParameterException", "Subject: 1 to 100 ASCII characters"),
        ({"Subject": ""}, "SNS.InvalidParameterException", "Subject: 1 to 100"),
        ({"Subject": "\u00e9"}, "SNS.InvalidParameterException", "ASCII"),
        ({"Subject": "a\nBcc: everybody"}, "SNS.InvalidParameterException", "no line breaks"),
        ({"Message": ""}, "SNS.InvalidParameterException", "Empty message"),
        ({"Message": None}, "SNS.InvalidParameterException", "Empty message"),
        ({"Message": "x" * 262_145}, "SNS.InvalidParameterException", "Message too long"),
        ({"MessageAttributes": {"a": {"DataType": "String"}}}, "SNS.InvalidParameterException", "attribute 'a'"),
    ],
)
def test_what_sns_refuses_is_refused(backend: LocalBackend, fields: dict[str, Any], error: str, cause: str) -> None:
    """The limits of SNS hold here, under its Error Names."""
    with pytest.raises(PublishFailed, match=cause) as refused:
        backend.topic.prepare("run-00001", "P@1#0", arguments(**fields))
    assert refused.value.error == error


def test_subscribing_twice_is_subscribing_once(backend: LocalBackend, tmp_path: Path) -> None:
    """The same endpoint is one subscription, until it is removed; then it is a new one."""
    first = backend.subscriptions.subscribe("file", str(tmp_path / "alerts.jsonl"))
    assert backend.subscriptions.subscribe("file", str(tmp_path / "." / "alerts.jsonl")) == first
    assert backend.subscriptions.unsubscribe(first.subscription_id) == first
    assert backend.subscriptions.all() == []
    second = backend.subscriptions.subscribe("file", str(tmp_path / "alerts.jsonl"))
    assert second.subscription_id != first.subscription_id
    assert second.created_at == START
    with pytest.raises(ConfigurationError, match="there is no subscription 1"):
        backend.subscriptions.unsubscribe(first.subscription_id)


@pytest.mark.parametrize(
    ("protocol", "endpoint", "message"),
    [
        ("sms", "+4912345", "'sms' is not a protocol; choose one of console, file, webhook, email, apprise"),
        ("console", "tty7", "takes no endpoint"),
        ("file", "", "is not a file"),
        ("file", "/", "is not a file"),
        ("file", "/no-such-directory/alerts.jsonl", "there is no directory /no-such-directory"),
        ("webhook", "ftp://example.com/", "https or http URL"),
        ("webhook", "https:///path", "https or http URL"),
        ("webhook", "https://example.com:99999/", "https or http URL"),
        ("webhook", "https://ex ample.com/", "https or http URL"),
        ("webhook", "https://me:secret@example.com/", "must not contain a user name or password"),
        ("webhook", "https://example.com/\r\nX: y", "must not contain control characters"),
        ("email", "nobody", "is not an e-mail address"),
        ("email", "a@b, c@d", "is not an e-mail address"),
        ("email", "a@b\nBcc: c@d", "must not contain control characters"),
        ("apprise", "nosuchservice://secret", "Apprise does not know this URL: nosuchservice://\\*\\*\\*"),
    ],
)
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise, on old Pythons
def test_an_endpoint_that_cannot_work_is_refused(
    backend: LocalBackend, protocol: str, endpoint: str, message: str
) -> None:
    """Whatever is wrong is said when subscribing, without showing secrets; nothing is added."""
    with pytest.raises(ConfigurationError, match=message):
        backend.subscriptions.subscribe(protocol, endpoint)
    assert backend.subscriptions.all() == []


@pytest.mark.parametrize(
    ("protocol", "endpoint", "shown"),
    [
        ("webhook", "https://hooks.example/services/T0/secret", "https://hooks.example/***"),
        ("webhook", "https://hooks.example?key=secret", "https://hooks.example/***"),
        ("webhook", "http://127.0.0.1:9000/", "http://127.0.0.1:9000/"),
        ("apprise", "slack://token/token/token", "slack://***"),
        ("email", "me@example.com", "me@example.com"),
        ("file", "/var/alerts.jsonl", "/var/alerts.jsonl"),
    ],
)
def test_secrets_in_endpoints_are_masked(protocol: str, endpoint: str, shown: str) -> None:
    """Of a URL only scheme and host are shown."""
    assert masked(protocol, endpoint) == shown
