"""Metrics in a line of the log, in CloudWatch's Embedded Metric Format: no request, no permission, no latency.

`Images` by outcome, `Bytes` and `Alerts` have the dimension `Workflow`; those of DogUploaderPipeline are there without
it as well. What else a batch and a run have, only BulkIngest has. A function that is invoked again may count twice; the
table has the exact numbers. One object can have one value of a dimension, so a batch has one for each outcome.
Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pupline.errors import FAILING_OUTCOMES, count_unaccepted
from pupline.json_values import JSON

_UNITS = {"Bytes": "Bytes", "FailedPercent": "Percent", "BatchSeconds": "Seconds", "RunSeconds": "Seconds"}
"""Of metrics that are not counts."""

_ENOUGH = 10
"""Images that a batch without any accepted one must have ended before that says something about its source."""

PIPELINE = "DogUploaderPipeline"
BULK = "BulkIngest"


def record_metrics(item: Mapping[str, JSON], namespace: str, now: float) -> dict[str, JSON]:
    """The metrics of one audit record of DogUploaderPipeline. now: seconds since the epoch.

    For alarms: `AlertsNotSent`, alerts that the workflow could not compose or publish; `Defects`, errors that nobody
    expected, of the code or the configuration; `FailedPercent`, 100 or 0, whose average is the share of failures.
    """
    triggered = item["alert_triggered"] is True
    in_total = {"Bytes": item.get("size_bytes", 0), "Alerts": int(triggered)}
    for_alarms = {
        "AlertsNotSent": int(triggered and item.get("alert_sent") is not True),
        "Defects": int(item["reason"] == "internal_error"),
        "FailedPercent": 100 * int(item["outcome"] in FAILING_OUTCOMES),
    }
    directives = [
        _directive(namespace, [["Outcome"], ["Outcome", "Workflow"]], ["Images"]),
        _directive(namespace, [[], ["Workflow"]], list(in_total)),
        _directive(namespace, [[]], list(for_alarms)),
    ]
    of_image = {"Workflow": PIPELINE, "Outcome": item["outcome"], "Images": 1, "image_name": item["image_name"]}
    return _envelope(directives, now) | of_image | in_total | for_alarms


def round_metrics(result: Mapping[str, Any], namespace: str, now: float) -> Iterator[dict[str, JSON]]:
    """The metrics of one round of a batch. result: the round's result. now: seconds since the epoch.

    `Deferred`: images that the next round tries again, or whose host asked for a pause. `EmptyBatches`: 1 if of ten
    images or more none was accepted; it is alarmed on.
    """
    by_outcome: dict[str, int] = result["outcomes"]
    in_total: dict[str, JSON] = {
        "Bytes": result["bytes"],
        "Alerts": sum(result["alerts"]["kinds"].values()) + (result["first_alert"] is not None),
        "BatchSeconds": result["seconds"],
        "Deferred": len(result["again"]),
    }
    ended = sum(by_outcome.values())
    empty = int(ended >= _ENOUGH and count_unaccepted(by_outcome) == ended)
    totals = [
        _directive(namespace, [["Workflow"]], list(in_total)),
        _directive(namespace, [[]], ["EmptyBatches"]),
    ]
    in_total["EmptyBatches"] = empty
    if not by_outcome:
        yield {**_envelope(totals, now), "Workflow": BULK, **in_total}
    images = _directive(namespace, [["Outcome", "Workflow"]], ["Images"])
    for number, (outcome, count) in enumerate(by_outcome.items()):
        mine: dict[str, JSON] = {"Workflow": BULK, "Outcome": outcome, "Images": count}
        yield _envelope([images] if number else [images, *totals], now) | mine | ({} if number else in_total)


def run_metrics(answer: Mapping[str, JSON], began_at: float | None, namespace: str, now: float) -> dict[str, JSON]:
    """The metrics of a run whose summary is complete. answer: SummariseIngest's. began_at, now: since the epoch."""
    metrics: dict[str, JSON] = {"RunImages": answer["items"], "RunFailedImages": answer["failed"]}
    if began_at is not None:
        metrics["RunSeconds"] = max(round(now - began_at, 3), 0)
    directives = [_directive(namespace, [["Workflow"]], list(metrics))]
    return {**_envelope(directives, now), "Workflow": BULK, **metrics}


def _envelope(directives: Sequence[JSON], now: float) -> dict[str, JSON]:
    return {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": list(directives)}}


def _directive(namespace: str, dimensions: Sequence[Sequence[str]], names: Sequence[str]) -> JSON:
    metrics: list[JSON] = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in names]
    return {"Namespace": namespace, "Dimensions": [list(one) for one in dimensions], "Metrics": metrics}
