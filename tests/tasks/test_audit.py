"""AlertPNG and LogToDynamoDB: the words of the alert, and the record of every ending."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import InvalidInput
from pupline.tasks.alert_png import alert_png
from pupline.tasks.fetch_and_upload_dog_image import fetch_and_upload
from pupline.tasks.log_to_dynamodb import log_to_dynamodb, readable_cause
from tests.shared.functions_fakes import PUG, FakeTable, World, picture

NOON = "2026-01-31T12:00:00.250Z"


class Clock:
    """A clock that stands still, unless moved."""

    seconds = 1769860800.25

    def now(self) -> float:
        """The time."""
        return self.seconds


def logged(event: dict[str, Any], table: FakeTable | None = None) -> dict[str, Any]:
    """The item that logging this event leaves."""
    answer = log_to_dynamodb(event, table or FakeTable(), Clock())
    assert answer["status"] == "success"
    item = answer["logged_item"]
    assert isinstance(item, dict)
    return item


def test_the_record_holds_everything_known() -> None:
    """What the fetching function found, when, and what became of the alert."""
    image = fetch_and_upload(
        {"image_url": PUG + "a.png", "execution": "run-1"}, World({PUG + "a.png": [picture("PNG")]}).services
    )
    item = logged({"execution": "run-1", "image": image, "alert_triggered": True, "alert_sent": True})
    copied = (
        "image_url",
        "file_type",
        "sha256",
        "size_bytes",
        "width",
        "height",
        "source_url",
        "content_type",
        "breed",
    )
    assert {name: item[name] for name in copied} == {name: image[name] for name in copied}
    assert item | {"image_name": "a.png", "upload_timestamp": NOON, "outcome": "stored", "reason": "accepted"} == item
    assert (item["alert_triggered"], item["alert_sent"], item["execution"]) == (True, True, "run-1")
    assert item["alert_reasons"] == ["png_content", "png_name"]


def test_a_bare_result_is_enough() -> None:
    """A fetching function that returns only the three promised fields still gets a record."""
    image = {"status": "success", "uploaded_image": "a.jpg", "image_url": "https://b.example/a.jpg"}
    assert logged({"execution": "run-1", "image": image, "alert_triggered": False}) == {
        "image_name": "a.jpg",
        "image_url": "https://b.example/a.jpg",
        "upload_timestamp": NOON,
        "alert_triggered": False,
        "alert_reasons": [],
        "outcome": "stored",
        "reason": "accepted",
        "execution": "run-1",
    }


def test_an_alert_not_sent_is_recorded_as_such() -> None:
    """alert_sent is false when publishing failed, and absent when there was nothing to send."""
    image = {"uploaded_image": "a.png"}
    assert (
        logged({"execution": "x", "image": image, "alert_triggered": True, "alert_sent": False})["alert_sent"] is False
    )
    assert "alert_sent" not in logged({"execution": "x", "image": image, "alert_triggered": False, "alert_sent": False})


def test_one_execution_writes_one_record() -> None:
    """The second attempt finds the first one's record, time and all."""
    table = FakeTable()
    event = {"execution": "run-1", "image": {"uploaded_image": "a.jpg"}, "alert_triggered": False}
    first = logged(event, table)
    Clock.seconds += 60
    try:
        assert logged(event, table) == first
    finally:
        Clock.seconds -= 60
    assert len(table.records) == 1


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        ("BlockedAddress", "refused", "blocked_address"),
        ("NotFound", "failed", "not_found"),
        ("RetryAfter", "failed", "rate_limited"),
        ("States.Timeout", "failed", "timeout"),
        ("Sandbox.Timedout", "failed", "timeout"),
        ("KeyError", "failed", "internal_error"),
    ],
)
def test_a_failure_has_its_reason(error: str, outcome: str, reason: str) -> None:
    """The Error Name becomes a reason of the closed list, the outcome is the workflow's."""
    cause = json.dumps({"errorMessage": "what happened", "errorType": error, "stackTrace": []})
    failure = {"execution": "run-1", "outcome": outcome, "error": {"Error": error, "Cause": cause}, "input": {}}
    item = logged(failure)
    assert (item["outcome"], item["reason"], item["error"], item["cause"]) == (outcome, reason, error, "what happened")
    assert (item["image_name"], item["alert_triggered"]) == ("unknown", False)


def test_a_failed_known_url_is_named_in_the_record() -> None:
    """With image_url in the input, the record says which image it would have been."""
    failure = {"execution": "x", "error": {"Error": "NotFound", "Cause": ""}, "input": {"image_url": PUG + "gone.jpg"}}
    item = logged(failure)
    assert (item["image_name"], item["source_url"], item["source"]) == ("gone.jpg", PUG + "gone.jpg", "image_url")
    assert "cause" not in item


@pytest.mark.parametrize("given_input", [None, [], "x", {"image_url": 7}, {"image_url": ""}, {"breed": "pug"}])
def test_no_input_whatever_loses_the_record(given_input: Any) -> None:
    """What the execution was started with may be of any shape: that may be just why it failed."""
    assert (
        logged({"execution": "x", "error": {"Error": "InvalidInput"}, "input": given_input})["image_name"] == "unknown"
    )


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        (None, None),
        ("", None),
        ("plain words", "plain words"),
        ('{"errorMessage": "words", "errorType": "X"}', "words"),
        (json.dumps({"errorMessage": json.dumps({"message": "wait", "retry_after_seconds": 7})}), "wait"),
        ('{"errorMessage": 3}', '{"errorMessage": 3}'),
        ("[" * 5000, "[" * 499 + "…"),
        ("a\nb\x1b[2J", r"a\nb\x1b[2J"),
    ],
)
def test_the_cause_is_one_short_line(cause: Any, shown: str | None) -> None:
    """Lambda's error JSON is opened, outside text is made printable, and all of it is cut."""
    assert readable_cause(cause) == shown


@given(st.text())
def test_any_cause_can_be_shown(cause: str) -> None:
    """Whatever the text, the record gets at most 500 printable characters."""
    shown = readable_cause(cause)
    assert shown is None or (len(shown) <= 500 and "\n" not in shown)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("x", "it has to be a JSON object"),
        ({"execution": "x"}, "error is None; it has to be a JSON object"),
        ({"execution": "x", "image": "a.jpg"}, "image is 'a.jpg'; it has to be a JSON object"),
        ({"image": {"uploaded_image": "a"}}, "names no execution"),
        (
            {"execution": "x", "image": {}, "alert_triggered": "yes"},
            "alert_triggered is 'yes'; it has to be true or false",
        ),
        (
            {"execution": "x", "image": {"outcome": "great"}},
            "image.outcome is 'great'; it has to be one of duplicate, failed",
        ),
    ],
)
def test_a_wrong_event_is_refused_in_words(event: Any, message: str) -> None:
    """InvalidInput says which field, what was found and what is expected; nothing is written."""
    table = FakeTable()
    with pytest.raises(InvalidInput, match=message):
        log_to_dynamodb(event, table, Clock())
    assert table.records == {}


def test_the_alert_has_the_workflows_words() -> None:
    """Message as CheckIfPNG chose it, the image's name, and all reasons."""
    image: dict[str, Any] = {"uploaded_image": "a.png", "alert_reasons": ["png_content", "png_name"]}
    message = "A PNG file was detected and processed: a.png"
    assert alert_png({"image": image, "message": message, "reason": "png_content", "execution": "run-1"}) == {
        "status": "alert",
        "message": message,
        "image": "a.png",
        "reasons": ["png_content", "png_name"],
    }


@pytest.mark.parametrize(
    "event", [{"image": {"uploaded_image": "a.png"}}, {"image": "a.png"}, {"uploaded_image": "a.png"}]
)
def test_an_alert_can_be_asked_for_by_hand(event: dict[str, Any]) -> None:
    """With no more than a name, the words are the usual ones."""
    assert alert_png(event)["message"] == "A PNG file was detected and processed: a.png"
    assert alert_png(event)["reasons"] == ["png_content"]


def test_an_alert_about_nothing_is_refused() -> None:
    """InvalidInput, rather than an alert that names no image."""
    with pytest.raises(InvalidInput, match="names no image"):
        alert_png({})


@pytest.mark.parametrize(
    ("event", "reasons"),
    [
        ({"alert_triggered": True, "alert": {"triggered": True, "reason": "png_content"}}, ["png_content"]),
        ({"alert_triggered": True, "alert": {"triggered": True, "reason": "blurred"}}, ["png_content", "blurred"]),
        ({"alert_triggered": True, "alert": {"triggered": True, "reason": ["no", "text"]}}, ["png_content"]),
        ({"alert_triggered": True, "alert": {"triggered": True}}, ["png_content"]),
        ({"alert_triggered": False, "alert": {"triggered": False}}, []),
        ({"alert_triggered": False}, ["png_content"]),
    ],
)
def test_the_rule_that_the_workflow_took_is_among_the_reasons(event: dict[str, Any], reasons: list[str]) -> None:
    """Also one that only the workflow can evaluate; and none where it alerted for none."""
    image = {"uploaded_image": "a.png", "alert_reasons": ["png_content"]}
    assert logged({"execution": "run-1", "image": image, **event})["alert_reasons"] == reasons


def test_a_quarantined_file_has_its_exact_reason() -> None:
    """The workflow says quarantined, the record why."""
    image = {"uploaded_image": "a.jpg", "outcome": "quarantined", "reason": "damaged_image", "alert_reasons": []}
    alert = {"triggered": True, "reason": "quarantined"}
    found = logged({"execution": "run-1", "image": image, "alert_triggered": True, "alert": alert})
    assert found["alert_reasons"] == ["damaged_image"]
