"""The metrics of records, rounds and runs: objects that CloudWatch understands."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pupline.json_values import JSON
from pupline.lambdas._metrics import record_metrics, round_metrics, run_metrics
from tests.shared.batch_world import HOST, BatchWorld, event_of

ITEM: dict[str, Any] = {
    "image_name": "a.jpg",
    "execution": "run-1",
    "outcome": "stored",
    "reason": "accepted",
    "alert_triggered": True,
    "alert_sent": True,
    "size_bytes": 1000,
}
ROUND: dict[str, Any] = {
    "outcomes": {"stored": 97, "failed": 2},
    "bytes": 7_000_000,
    "alerts": {"kinds": {"png_content": 3, "quarantined": 1}},
    "first_alert": {"subject": "PNG file detected"},
    "again": [[7, 1]],
    "seconds": 12.5,
}
ANSWER: dict[str, JSON] = {"items": 1000, "failed": 20}


def published(line: Mapping[str, Any]) -> dict[tuple[str, ...], float]:
    """What CloudWatch makes of an object: the name and dimensions of each metric, and its value.

    Fails where the object is not in the embedded metric format.
    """
    assert isinstance(line["_aws"]["Timestamp"], int)
    found: dict[tuple[str, ...], float] = {}
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "test-pupline"
        for metric in directive["Metrics"]:
            assert metric["Unit"] in ("Count", "Bytes", "Percent", "Seconds")
            assert isinstance(line[metric["Name"]], int | float)
            for dimensions in directive["Dimensions"]:
                values = [f"{name}={line[name]}" for name in dimensions]
                assert all(isinstance(line[name], str) for name in dimensions)
                found[(metric["Name"], *values)] = line[metric["Name"]]
    return found


def added(lines: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, ...]]:
    """The metrics of several objects."""
    found: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        found.update(published(line))
    return found


def test_a_record_has_metrics_with_and_without_the_workflow() -> None:
    """Those of earlier versions, without it, stay as they are."""
    line = record_metrics(ITEM, "test-pupline", 1769860800.25)
    assert line["_aws"]["Timestamp"] == 1769860800250  # type: ignore[call-overload, index]
    pipeline = "Workflow=DogUploaderPipeline"
    assert published(line) == {
        ("Images", "Outcome=stored"): 1,
        ("Images", "Outcome=stored", pipeline): 1,
        ("Bytes",): 1000,
        ("Bytes", pipeline): 1000,
        ("Alerts",): 1,
        ("Alerts", pipeline): 1,
        ("AlertsNotSent",): 0,
        ("Defects",): 0,
        ("FailedPercent",): 0,
    }


def test_a_failure_counts_as_an_image_of_no_bytes() -> None:
    """So that the outcomes together are all images asked for."""
    item: dict[str, JSON] = {
        "image_name": "unknown",
        "outcome": "failed",
        "reason": "timeout",
        "alert_triggered": False,
    }
    found = published(record_metrics(item, "test-pupline", 0))
    assert (found[("Images", "Outcome=failed")], found[("Bytes",)], found[("Alerts",)]) == (1, 0, 0)
    assert found[("FailedPercent",)] == 100


@pytest.mark.parametrize(("sent", "missing"), [(True, 0), (False, 1), (None, 1)])
def test_an_alert_that_was_not_published_is_counted(sent: bool | None, missing: int) -> None:
    """The workflow catches the failure, so no execution fails and nobody else tells the operator."""
    found = published(record_metrics(ITEM | {"alert_sent": sent}, "test-pupline", 0))
    assert found[("AlertsNotSent",)] == missing


def test_an_error_that_nobody_expected_is_a_defect() -> None:
    """Of the code, the configuration or a permission; not one that an image or a source causes."""
    for reason, defects in {"internal_error": 1, "not_found": 0, "storage_error": 0}.items():
        assert published(record_metrics(ITEM | {"reason": reason}, "test-pupline", 0))[("Defects",)] == defects


def test_a_round_has_counts_and_not_an_object_for_each_image() -> None:
    """One object for each outcome, of which the first has the totals; all with the workflow."""
    lines = list(round_metrics(ROUND, "test-pupline", 0))
    assert len(lines) == 2
    bulk = "Workflow=BulkIngest"
    assert added(lines) == {
        ("Images", "Outcome=stored", bulk): 97,
        ("Images", "Outcome=failed", bulk): 2,
        ("Bytes", bulk): 7_000_000,
        ("Alerts", bulk): 5,
        ("EmptyBatches",): 0,
        ("BatchSeconds", bulk): 12.5,
        ("Deferred", bulk): 1,
    }


def test_a_round_without_an_image_that_ended_is_counted_all_the_same() -> None:
    """Every host asked for a pause."""
    (line,) = round_metrics(ROUND | {"outcomes": {}}, "test-pupline", 0)
    assert published(line)[("Deferred", "Workflow=BulkIngest")] == 1
    assert published(line)[("EmptyBatches",)] == 0


@pytest.mark.parametrize(
    ("outcomes", "empty"),
    [({"failed": 9}, 0), ({"failed": 8, "refused": 1, "quarantined": 1}, 1), ({"failed": 99, "duplicate": 1}, 0)],
)
def test_a_batch_without_an_accepted_image_is_counted(outcomes: dict[str, int], empty: int) -> None:
    """Of ten or more: the source is down, or it blocks us, and yet no execution fails."""
    found = added(round_metrics(ROUND | {"outcomes": outcomes}, "test-pupline", 0))
    assert found[("EmptyBatches",)] == empty


def test_a_run_has_its_size_its_failures_and_its_time() -> None:
    """The time only where the workflow says when it began; a clock that was set back makes it zero."""
    bulk = "Workflow=BulkIngest"
    assert published(run_metrics(ANSWER, 100.0, "test-pupline", 160.5)) == {
        ("RunImages", bulk): 1000,
        ("RunFailedImages", bulk): 20,
        ("RunSeconds", bulk): 60.5,
    }
    assert published(run_metrics(ANSWER, 100.0, "test-pupline", 90.0))[("RunSeconds", bulk)] == 0
    assert ("RunSeconds", bulk) not in published(run_metrics(ANSWER, None, "test-pupline", 0))


def test_a_round_is_reported_once() -> None:
    """By the call that stored its result; one that finds the result has nothing to add to the metrics."""
    world = BatchWorld({f"{HOST}a.png": [b"not an image"]})
    for _ in range(2):
        world.batch(event_of([f"{HOST}a.png", f"{HOST}gone.jpg"]))
    (result,) = world.rounds
    assert added(round_metrics(result, "test-pupline", 0))[("Alerts", "Workflow=BulkIngest")] == 1
