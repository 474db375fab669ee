"""Metrics in a log line, in CloudWatch's Embedded Metric Format: no request, no permission, no latency.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

import json
from collections.abc import Mapping

from pupline.json_values import JSON


def metrics_line(item: Mapping[str, JSON], namespace: str, now: float) -> str:
    """The line for one audit record: `Images` by outcome; `Bytes` and `Alerts` in total. now: seconds since the epoch.

    A function that is retried may count a record twice; the table has the exact numbers.
    """
    by_outcome = {"Namespace": namespace, "Dimensions": [["Outcome"]], "Metrics": [_metric("Images", "Count")]}
    in_total = {
        "Namespace": namespace,
        "Dimensions": [[]],
        "Metrics": [_metric("Bytes", "Bytes"), _metric("Alerts", "Count")],
    }
    line = {
        "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [by_outcome, in_total]},
        "Outcome": item["outcome"],
        "Images": 1,
        "Bytes": item.get("size_bytes", 0),
        "Alerts": int(item["alert_triggered"] is True),
        "execution": item["execution"],
        "image_name": item["image_name"],
    }
    return json.dumps(line)


def _metric(name: str, unit: str) -> dict[str, str]:
    return {"Name": name, "Unit": unit}
