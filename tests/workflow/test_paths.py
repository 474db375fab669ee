"""The workflow file: every path, with stub tasks and no time spent."""

from typing import Any

import pytest

from pupline.asl import TaskError
from tests.workflow.workflow_runs import IMAGE, Stubs, entered, failure, retry_after

PNG_WORDS = "A PNG file was detected and processed: a.png"


def test_an_ordinary_image_takes_four_transitions() -> None:
    """Fetch, check, log, done: each transition is paid for, so there is none to spare."""
    stubs = Stubs()
    result = stubs.run({"breed": "pug"})
    assert result.status == "SUCCEEDED"
    assert entered(result) == ["FetchAndUploadDogImage", "CheckIfPNG", "LogToDynamoDB", "SuccessState"]
    (logged,) = stubs.given_to("log")
    flags = {"alert": {"triggered": False}, "alert_triggered": False, "alert_sent": False}
    assert logged == {"execution": "run-1", "image": IMAGE, **flags}


@pytest.mark.parametrize("given", [{}, {"breed": "hound/afghan"}, {"image_url": "https://images.example/a.jpg"}])
def test_the_function_gets_the_input_and_the_executions_name(given: dict[str, Any]) -> None:
    """The input's own keys at the top, and the Context Object's Execution for its Name."""
    stubs = Stubs()
    stubs.run(given, name="run-9")
    (event,) = stubs.given_to("fetch")
    assert {key: value for key, value in event.items() if key[0].islower()} == given
    assert event["Name"] == "run-9"


def test_no_input_can_pose_as_another_execution() -> None:
    """The execution's own Name wins over one in the input."""
    stubs = Stubs()
    stubs.run({"Name": "somebody-else"})
    assert stubs.given_to("fetch")[0]["Name"] == "run-1"


@pytest.mark.parametrize(
    ("image", "reason", "file_type", "message"),
    [
        ({"uploaded_image": "a.png", "file_type": "png"}, "png_content", "png", PNG_WORDS),
        (
            {"uploaded_image": "a.jpg", "file_type": "png", "extension_agrees": False},
            "png_content",
            "png",
            PNG_WORDS[:-3] + "jpg",
        ),
        ({"uploaded_image": "a.png", "file_type": "png", "outcome": "quarantined"}, "png_content", "png", PNG_WORDS),
        *[
            (
                {"uploaded_image": f"a.{spelling}", "file_type": "jpg", "extension_agrees": False},
                "png_name",
                "jpg",
                f"A file named as a PNG was processed, but its content is jpg: a.{spelling}",
            )
            for spelling in ("png", "pnG", "pNg", "pNG", "Png", "PnG", "PNg", "PNG")
        ],
        (
            {"uploaded_image": "a.jpg", "file_type": "gif", "extension_agrees": False},
            "extension_mismatch",
            "gif",
            "A file extension contradicts the content, which is gif: a.jpg",
        ),
        (
            {"uploaded_image": "a.jpg", "file_type": "html", "outcome": "quarantined", "extension_agrees": False},
            "quarantined",
            "html",
            "A file was quarantined instead of stored as an image: a.jpg (content: html)",
        ),
        (
            {"uploaded_image": "a.png", "file_type": "html", "outcome": "quarantined"},
            "quarantined",
            "html",
            "A file was quarantined instead of stored as an image: a.png (content: html)",
        ),
    ],
)
def test_each_rule_has_its_words(image: dict[str, Any], reason: str, file_type: str, message: str) -> None:
    """The alert that is published says what the first rule that holds found; the record says it was sent."""
    stubs = Stubs(fetch=[{**IMAGE, **image}])
    result = stubs.run()
    assert result.status == "SUCCEEDED"
    (published,) = stubs.given_to("publish")
    assert (published["TopicArn"], published["Message"]) == ("PNGAlertTopic", message)
    assert 0 < len(published["Subject"]) <= 100
    assert published["Subject"].isascii()
    attributes = {name: value["StringValue"] for name, value in published["MessageAttributes"].items()}
    assert attributes == {
        "reason": reason,
        "file_type": file_type,
        "image_name": image["uploaded_image"],
        "execution": "run-1",
    }
    (alerted,) = stubs.given_to("alert")
    assert alerted == {"execution": "run-1", "image": {**IMAGE, **image}, "reason": reason, "message": message}
    (logged,) = stubs.given_to("log")
    assert (logged["alert_triggered"], logged["alert_sent"]) == (True, True)


@pytest.mark.parametrize(
    ("name", "alerts"), [("a.png", True), ("a.PNG", True), ("a.jpg", False), ("png", False), ("", False)]
)
def test_a_result_of_three_fields_runs_through(name: str, alerts: bool) -> None:
    """The rules are safe where optional fields are missing; then the name is all there is to go by."""
    stubs = Stubs(fetch=[{"status": "success", "uploaded_image": name, "image_url": "https://b.example/x"}])
    assert stubs.run().status == "SUCCEEDED"
    assert [call["Message"] for call in stubs.given_to("publish")] == (
        [f"A PNG file was detected and processed: {name}"] if alerts else []
    )
    assert stubs.given_to("log")[0]["alert_triggered"] is alerts


@pytest.mark.parametrize(
    "image",
    [{"extension_agrees": None}, {"file_type": None}, {"outcome": None}, {"file_type": 7, "extension_agrees": "x"}],
)
def test_odd_values_alert_nobody_and_break_nothing(image: dict[str, Any]) -> None:
    """Comparisons mind types: what is not a file type, a flag or an outcome matches no rule."""
    stubs = Stubs(fetch=[{**IMAGE, **image}])
    assert stubs.run().status == "SUCCEEDED"
    assert stubs.given_to("publish") == []


@pytest.mark.parametrize("broken", ["alert", "publish"])
@pytest.mark.parametrize(
    "error", ["InvalidInput", "SNS.AuthorizationErrorException", "States.Timeout", "Lambda.ServiceException"]
)
def test_a_failed_alert_loses_neither_image_nor_record(broken: str, error: str) -> None:
    """The execution succeeds, and the record says that the alert was not sent."""
    stubs = Stubs(fetch=[{**IMAGE, "file_type": "png"}])
    setattr(stubs, broken, [failure(error)])
    assert stubs.run().status == "SUCCEEDED"
    (logged,) = stubs.given_to("log")
    assert (logged["alert_triggered"], logged["alert_sent"], logged["image"]["uploaded_image"]) == (
        True,
        False,
        "a.jpg",
    )


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("BlockedAddress", "refused"),
        ("InvalidUrl", "refused"),
        ("TooLarge", "refused"),
        ("TooManyRedirects", "refused"),
        ("NotFound", "failed"),
        ("LongRetryAfter", "failed"),
        ("SourceError", "failed"),
        ("InvalidInput", "failed"),
        ("KeyError", "failed"),
    ],
)
def test_what_cannot_succeed_is_tried_once_and_recorded(error: str, outcome: str) -> None:
    """No retry, one record with the outcome, and the execution fails with the function's own error and cause."""
    stubs = Stubs(fetch=[failure(error)])
    result = stubs.run({"image_url": "http://10.0.0.1/a.jpg"})
    assert (result.status, result.error) == ("FAILED", error)
    assert len(stubs.given_to("fetch")) == 1
    (logged,) = stubs.given_to("log")
    assert logged["error"] == {"Error": error, "Cause": result.cause}
    assert logged["input"] == {"image_url": "http://10.0.0.1/a.jpg"}
    assert (logged["outcome"], logged["execution"], logged["alert_triggered"]) == (outcome, "run-1", False)


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        ("ConnectionFailed", 5),
        ("RequestTimeout", 5),
        ("IncompleteBody", 5),
        ("ServerError", 5),
        ("TooManyRequests", 5),
        ("StorageError", 5),
        ("Sandbox.Timedout", 5),
        ("Lambda.Unknown", 5),
        ("Lambda.TooManyRequestsException", 201),
        ("Lambda.ServiceException", 11),
    ],
)
def test_what_may_pass_is_retried_and_then_recorded(error: str, attempts: int) -> None:
    """Retries are bounded, and their end is a failure like any other."""
    stubs = Stubs(fetch=[failure(error)])
    assert (result := stubs.run()).status == "FAILED"
    assert result.error == error
    assert len(stubs.given_to("fetch")) == attempts
    assert stubs.given_to("log")[0]["outcome"] == "failed"


def test_a_retry_that_succeeds_leaves_no_trace_in_the_record() -> None:
    """503 once, then fine: one image, one ordinary record."""
    stubs = Stubs(fetch=[failure("ServerError"), IMAGE])
    assert stubs.run().status == "SUCCEEDED"
    assert stubs.given_to("log")[0]["image"] == IMAGE


def test_retry_after_is_honoured_by_waiting() -> None:
    """The Wait state takes the seconds from the Cause, and then the image is fetched as if for the first time."""
    stubs = Stubs(fetch=[retry_after(7), retry_after(0), IMAGE])
    result = stubs.run({"breed": "pug"})
    assert result.status == "SUCCEEDED"
    assert entered(result)[:7] == [
        *["FetchAndUploadDogImage", "CheckRetryAfter", "WaitRetryAfter"] * 2,
        "FetchAndUploadDogImage",
    ]
    assert waited(result.history) == [7, 0]
    assert [event["breed"] for event in stubs.given_to("fetch")] == ["pug"] * 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [('{"retry_after_seconds": 3600}', 60), ("no number", 1), ('{"retry_after_seconds": "x"}', 1), ("", 1)],
)
def test_an_odd_retry_after_waits_a_little(text: str, seconds: int) -> None:
    """Whatever the Cause, the wait is bounded and the execution goes on."""
    stubs = Stubs(fetch=[failure("RetryAfter", text), IMAGE])
    result = stubs.run()
    assert result.status == "SUCCEEDED"
    assert waited(result.history) == [seconds]


def test_a_server_that_always_says_later_is_given_up() -> None:
    """After five waits it is a failure, recorded as such."""
    stubs = Stubs(fetch=[retry_after(60)])
    result = stubs.run()
    assert (result.status, result.error) == ("FAILED", "RetryAfter")
    assert len(stubs.given_to("fetch")) == 6
    (logged,) = stubs.given_to("log")
    assert (logged["outcome"], logged["error"]["Error"]) == ("failed", "RetryAfter")


@pytest.mark.parametrize(("pause", "waits"), [(60, 2), (45, 3), (5, 5)])
def test_an_express_execution_waits_only_while_there_is_time_for_the_record(pause: int, waits: int) -> None:
    """It ends after five minutes, recorded or not: a wait begins in the first 90 seconds, and is as long as asked."""
    stubs = Stubs(fetch=[retry_after(pause)])
    result = stubs.run(kind="EXPRESS")
    assert (result.status, result.error) == ("FAILED", "RetryAfter")
    assert waited(result.history) == [pause] * waits
    assert [logged["error"]["Error"] for logged in stubs.given_to("log")] == ["RetryAfter"]
    assert seconds(result.history[-1]["timestamp"]) - seconds(result.history[0]["timestamp"]) <= 150


def test_an_express_execution_queues_briefly_and_is_recorded() -> None:
    """Throttled without end, it has failed after a minute and a half at most; a Standard one would queue for hours."""
    stubs = Stubs(fetch=[TaskError("Lambda.TooManyRequestsException", "Rate Exceeded.")])
    result = stubs.run(kind="EXPRESS")
    assert (result.status, result.error) == ("FAILED", "Lambda.TooManyRequestsException")
    assert [logged["outcome"] for logged in stubs.given_to("log")] == ["failed"]
    assert seconds(result.history[-1]["timestamp"]) - seconds(result.history[0]["timestamp"]) <= 90
    standard = Stubs(fetch=[TaskError("Lambda.TooManyRequestsException", "Rate Exceeded.")])
    standard.run()
    assert (len(stubs.given_to("fetch")), len(standard.given_to("fetch"))) == (20, 201)


@pytest.mark.parametrize("given", [[], "text", 7, {"unknown": True}])
def test_any_input_ends_in_the_audit(given: Any) -> None:
    """Even an input that is no object: the record says what it was."""
    stubs = Stubs(fetch=[failure("InvalidInput")])
    assert stubs.run(given).status == "FAILED"
    (logged,) = stubs.given_to("log")
    assert (logged["input"], logged["outcome"]) == (given, "failed")


@pytest.mark.parametrize("fetch", [IMAGE, failure("NotFound")], ids=["image", "failure"])
def test_a_record_that_cannot_be_written_fails_the_execution(fetch: Any) -> None:
    """After its retries, and saying so: an execution never succeeds without its record."""
    stubs = Stubs(fetch=[fetch], log=[failure("StorageError", "the table is gone")])
    result = stubs.run()
    assert (result.status, result.error) == ("FAILED", "AuditFailed")
    assert result.cause
    assert "StorageError" in result.cause
    assert "the table is gone" in result.cause
    assert len(stubs.given_to("log")) == 9


def waited(history: list[dict[str, Any]]) -> list[float]:
    """Seconds between entering and leaving each Wait state."""
    at = {
        kind: [event["timestamp"] for event in history if event["type"] == f"WaitState{kind}"]
        for kind in ("Entered", "Exited")
    }
    return [round(seconds(left) - seconds(came), 3) for came, left in zip(at["Entered"], at["Exited"], strict=True)]


def seconds(timestamp: Any) -> float:
    """A history event's time as seconds."""
    return float(timestamp.timestamp() if hasattr(timestamp, "timestamp") else timestamp)
