"""The line that each invocation prints, and what the initialisation of a function prints."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pupline.errors import ConfigurationError, NotFound, PuplineError
from pupline.json_values import JSON
from pupline.lambdas import alert_png, ingest_batch, log_to_dynamodb, summarise_ingest
from pupline.lambdas import fetch_and_upload_dog_image as fetch
from pupline.lambdas._audit_wiring import AuditServices
from pupline.lambdas._invocation import logged_invocation
from tests.shared.batch_world import HOST, BatchWorld, event_of
from tests.shared.functions_fakes import PUG, FakeTable, World, picture

POWERTOOLS = ["level", "location", "message", "timestamp", "service", "cold_start", "function_name"]
POWERTOOLS += ["function_memory_size", "function_arn", "function_request_id", "xray_trace_id"]
"""The standard keys of Powertools' Logger, and those of inject_lambda_context."""


class Context:
    """As the runtime gives it."""

    function_name = "test-LogToDynamoDB"
    memory_limit_in_mb = "256"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:test-LogToDynamoDB"
    aws_request_id = "899856cb-83d1-40d7-8611-9e78f15f32f4"

    def get_remaining_time_in_millis(self) -> int:
        """As of a function that has just begun."""
        return 270_000


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was printed: JSON objects, each on one line, and nothing else."""
    out, err = capsys.readouterr()
    assert err == ""
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The functions' services, faked; one image is there."""
    world, batches = (
        World({PUG + "a.jpg": [picture("JPEG")], PUG + "gone.jpg": [NotFound("gone.jpg: 404")]}),
        BatchWorld({f"{HOST}a.jpg": [picture("JPEG")]}),
    )
    audit = AuditServices(FakeTable(), batches.clock)
    monkeypatch.setattr(fetch, "fetch_services", lambda: world.services)
    monkeypatch.setattr(log_to_dynamodb, "audit_services", lambda: audit)
    monkeypatch.setattr(ingest_batch, "batch_services", lambda: batches.services)
    monkeypatch.setattr(summarise_ingest, "summary_services", lambda: batches.summary_services)
    return world


IMAGE: dict[str, JSON] = {"uploaded_image": "a.png", "outcome": "stored"}
RUN: dict[str, JSON] = {"run": "r1", "dataset": "dogs", "source": "kennel", "execution": "r1"}
SUCCESSES: list[tuple[Any, dict[str, JSON], dict[str, JSON]]] = [
    (
        fetch.handler,
        {"execution": "r-1", "image_url": PUG + "a.jpg"},
        {"execution": "r-1", "image": "a.jpg", "outcome": "stored", "reason": "accepted", "source": "image_url"},
    ),
    (
        alert_png.handler,
        {"execution": "r-1", "image": IMAGE},
        {"execution": "r-1", "image": "a.png", "outcome": "alerted"},
    ),
    (
        log_to_dynamodb.handler,
        {"execution": "r-1", "image": IMAGE},
        {"execution": "r-1", "image": "a.png", "outcome": "stored", "reason": "accepted"},
    ),
    (
        ingest_batch.handler,
        event_of([f"{HOST}a.jpg", f"{HOST}gone.jpg"], execution="r1"),
        {
            "execution": "r1",
            "run": "r1",
            "dataset": "dogs",
            "batch": "00000000-0",
            "items": 2,
            "outcome": "finished",
            "outcomes": {"stored": 1, "failed": 1},
            "repeated": False,
        },
    ),
    (
        summarise_ingest.handler,
        RUN,
        {"execution": "r1", "run": "r1", "dataset": "dogs", "outcome": "complete", "items": 0, "failed": 0},
    ),
]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(("handler", "event", "facts"), SUCCESSES)
def test_each_invocation_prints_one_line(
    handler: Any,
    event: Any,
    facts: dict[str, JSON],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With Powertools' names, a time that Lambda reads, and what was done; no metrics without a namespace."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=5;Sampled=1")
    handler(event, Context())
    (line,) = lines_of(capsys)
    assert list(line)[: len(POWERTOOLS)] == POWERTOOLS
    assert (line["level"], line["message"]) == ("INFO", "test-LogToDynamoDB succeeded")
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() is not None
    assert (line["function_memory_size"], line["function_request_id"]) == (256, Context.aws_request_id)
    assert line["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert line["milliseconds"] >= 0
    assert facts.items() <= line.items()
    assert "_aws" not in line


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("index", [2, 3, 4])
def test_metrics_are_in_the_line(
    index: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where METRICS_NAMESPACE names their namespace; of a batch, more objects follow for its other outcomes."""
    handler, event, facts = SUCCESSES[index]
    monkeypatch.setenv("METRICS_NAMESPACE", "test-pupline")
    handler(event, Context())
    lines = lines_of(capsys)
    assert all(line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "test-pupline" for line in lines)
    assert len(lines) == len(facts.get("outcomes") or {"one": 1})  # type: ignore[arg-type]
    assert [line["milliseconds"] for line in lines if "milliseconds" in line] == [lines[-1]["milliseconds"]]


@pytest.mark.usefixtures("world")
def test_a_run_is_counted_once_it_is_complete(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at each of its Map Runs, of which a run that competes with others has dozens."""
    monkeypatch.setenv("METRICS_NAMESPACE", "test-pupline")
    for items in (7, 0):
        summarise_ingest.handler({**RUN, "items": items}, Context())
    assert [(line["outcome"], "RunImages" in line) for line in lines_of(capsys)] == [
        ("incomplete", False),
        ("complete", True),
    ]


@pytest.mark.usefixtures("world")
def test_a_failure_is_in_the_line_with_its_name_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    """With the record's outcome and reason, and the image's name; the error goes on to the state machine."""
    with pytest.raises(NotFound):
        fetch.handler({"Name": "r-1", "image_url": PUG + "gone.jpg"}, Context())
    (line,) = lines_of(capsys)
    assert (line["level"], line["outcome"], line["reason"]) == ("WARNING", "failed", "not_found")
    assert (line["exception_name"], line["exception"]) == ("NotFound", "gone.jpg: 404")
    assert (line["execution"], line["image"]) == ("r-1", "gone.jpg")


@pytest.mark.parametrize("handler", [row[0] for row in SUCCESSES])
@pytest.mark.parametrize("event", [[], {"execution": ["x"] * 10_000, "batch": {}, "run": {"a": 1}}])
def test_an_event_that_is_not_one_has_its_line(handler: Any, event: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Short, whatever the event holds, and nothing of it but texts under known names."""
    with pytest.raises(PuplineError):
        handler(event, Context())
    (line,) = lines_of(capsys)
    assert line["outcome"] == "failed"
    assert len(json.dumps(line)) < 2_000


def test_texts_from_outside_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """No control, no override of the direction of writing, no endless text, at any depth."""
    with logged_invocation(log_to_dynamodb.handler, object()) as facts:
        facts |= {"image": "a\n\u202eb\x1b[31m", "outcomes": {"\u202e": ["\x00"]}, "long": "x" * 10_000}
    (line,) = lines_of(capsys)
    assert (line["image"], line["outcomes"]) == (r"a\n\u202eb\x1b[31m", {r"\u202e": [r"\x00"]})
    assert len(line["long"]) == 1024


def test_only_the_first_invocation_of_a_process_is_a_cold_start(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it succeeds or not."""
    for _ in range(2):
        alert_png.handler({"image": "a.png"}, object())
    assert lines_of(capsys)[-1]["cold_start"] is False


WORDS = {
    *("fields", "filter", "sort", "stats", "limit", "by", "as", "desc", "or", "and", "ispresent"),
    *("count", "avg", "sum", "pct"),
}
"""Of the query language of CloudWatch Logs Insights."""

OF_THE_STATE_MACHINES = {"type", "details.error"}
"""Fields of the events that Step Functions logs."""


@pytest.mark.usefixtures("world")
def test_the_documented_queries_ask_for_fields_that_are_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name in a query of docs/operations.md is in a line that a function printed, or is given by the query."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793")
    for handler, event, _ in SUCCESSES:
        handler(event, Context())
    with pytest.raises(NotFound):
        fetch.handler({"Name": "r-1", "image_url": PUG + "gone.jpg"}, Context())
    known = {"@timestamp"} | OF_THE_STATE_MACHINES
    for line in lines_of(capsys):
        known |= {*line, *(f"outcomes.{outcome}" for outcome in line.get("outcomes", ()))}
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    queries = re.findall(r"^```text\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(queries) > 4
    for query in queries:
        names = set(re.findall(r"@?[a-z_]+(?:\.[a-z_]+)*", re.sub(r'"[^"]*"', "", query)))
        given = set(re.findall(r" as (\w+)", query))
        assert names - WORDS - given <= known, query
    table = page.split("| field | |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) <= known


PROGRAM = """
import importlib
module = importlib.import_module("pupline.lambdas.fetch_and_upload_dog_image")
module.handler({"image_url": "https://images.example/a.jpg", "execution": "r-1"}, object())
"""


def test_a_configuration_error_at_init_is_one_clear_line() -> None:
    """The process goes on, and each invocation raises the error under its name, with a line of its own."""
    environment = {
        **os.environ,
        "DOG_BUCKET": "b",
        "MEMO_TABLE": "m",
        "SOURCE": "openverse",
        "AWS_LAMBDA_FUNCTION_NAME": "Fetch",
    }
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    at_init, invocation = (json.loads(line) for line in done.stdout.splitlines())
    assert (at_init["level"], at_init["function_name"]) == ("ERROR", "Fetch")
    assert at_init["message"] == "the function cannot start"
    for line in (at_init, invocation):
        assert line["exception_name"] == "ConfigurationError"
        assert line["exception"].startswith("SOURCE is openverse: it names its images page by page")
    assert done.stderr.splitlines()[-1].startswith(f"pupline.errors.{ConfigurationError.__name__}: SOURCE is openverse")
    assert invocation["cold_start"] is True
