"""The metrics of each record: a log line that CloudWatch understands."""

import json
from typing import Any

import pytest

from pupline.lambdas._audit_wiring import log_metrics
from pupline.lambdas._metrics import metrics_line

ITEM: dict[str, Any] = {
    "image_name": "a.jpg",
    "execution": "run-1",
    "outcome": "stored",
    "alert_triggered": True,
    "size_bytes": 1000,
}


def test_the_line_is_in_the_embedded_metric_format() -> None:
    """Every declared metric and dimension has a value next to the declaration, in its unit."""
    line = json.loads(metrics_line(ITEM, "test-pupline", 1769860800.25))
    assert line["_aws"]["Timestamp"] == 1769860800250
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "test-pupline"
        for metric in directive["Metrics"]:
            assert isinstance(line[metric["Name"]], int)
            assert metric["Unit"] in ("Count", "Bytes")
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(line[dimension], str) for dimension in dimensions)
    assert (line["Images"], line["Outcome"], line["Bytes"], line["Alerts"]) == (1, "stored", 1000, 1)


def test_a_failure_counts_as_an_image_of_no_bytes() -> None:
    """So that the outcomes together are all images asked for."""
    item: dict[str, Any] = {
        "image_name": "unknown",
        "execution": "run-1",
        "outcome": "failed",
        "alert_triggered": False,
    }
    line = json.loads(metrics_line(item, "pupline", 0))
    assert (line["Images"], line["Outcome"], line["Bytes"], line["Alerts"]) == (1, "failed", 0, 0)


def test_metrics_are_told_only_where_somebody_listens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line to stdout when a namespace is set, else nothing."""
    log_metrics(ITEM, "", 0.0)
    assert capsys.readouterr().out == ""
    log_metrics(ITEM, "pupline", 0.0)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["Outcome"] == "stored"
