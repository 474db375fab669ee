"""The alarms and the dashboard: what rings, what does not, and who learns of it."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from pupline.lambdas._metrics import record_metrics, round_metrics
from tests.aws.aws_template import MISSING, ROOT, of_type, resources, template
from tests.shared.needed_tools import needs
from tests.tasks.test_metrics import ITEM, ROUND, published

pytestmark = needs(MISSING)


def alarms() -> dict[str, dict[str, Any]]:
    """Each alarm's properties, by its name."""
    return {alarm["AlarmName"].removeprefix("pupline-"): alarm for alarm in of_type("AWS::CloudWatch::Alarm").values()}


def metric_of(alarm: dict[str, Any]) -> tuple[str, str, str]:
    """Namespace, name and the value of its dimension, if any."""
    (dimension,) = alarm.get("Dimensions", [{"Value": ""}])
    return alarm["Namespace"], alarm["MetricName"], dimension["Value"].rsplit(":", 1)[-1]


def test_every_alarm_tells_somebody_what_to_do() -> None:
    """When it rings and when it is over; its section in docs/operations.md has the name of the alarm."""
    sections = set(re.findall(r"^### (.+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE))
    named = {name for section in sections for name in re.findall(r"\w+", section)}
    for name, alarm in alarms().items():
        (topic,) = alarm["AlarmActions"]
        assert topic.endswith(":pupline-alarms")
        assert alarm["OKActions"] == [topic]
        assert len(alarm["AlarmDescription"]) > 30
        assert name in named


def test_what_a_person_is_needed_for_rings_at_the_first_event() -> None:
    """Within a minute; queues are measured every five."""
    at_once = {name: metric_of(alarm) for name, alarm in alarms().items() if alarm.get("Threshold") == 1}
    queues = {queue["QueueName"] for queue in of_type("AWS::SQS::Queue").values()}
    own = ("pupline", "")
    assert set(at_once.values()) >= {
        *((own[0], name, own[1]) for name in ("Defects", "AlertsNotSent", "EmptyBatches")),
        ("AWS/States", "ExecutionsFailed", "BulkIngest"),
        ("AWS/States", "ExecutionsTimedOut", "BulkIngest"),
        *(("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue) for queue in queues),
    }
    for name in (
        "Defects",
        "AlertsNotSent",
        "EmptyBatches",
        "BulkIngestExecutionsFailed",
        "BulkIngestExecutionsTimedOut",
    ):
        alarm = alarms()[name]
        assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 60, 1)
        assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == (
            "GreaterThanOrEqualToThreshold",
            "notBreaching",
        )


def test_the_functions_publish_what_is_alarmed_on() -> None:
    """Under the names of the alarms, without a dimension."""
    published_without_dimension = {
        names[0]
        for line in (record_metrics(ITEM, "test-pupline", 0), *round_metrics(ROUND, "test-pupline", 0))
        for names in published(line)
        if len(names) == 1
    }
    watched = {metric for namespace, metric, _ in map(metric_of, simple_alarms()) if namespace == "pupline"}
    assert watched <= published_without_dimension
    for name in ("LogToDynamoDB", "IngestBatch", "SummariseIngest"):
        variables = of_type("AWS::Lambda::Function")[name]["Environment"]["Variables"]
        assert variables["METRICS_NAMESPACE"] == "pupline"


def simple_alarms() -> list[dict[str, Any]]:
    """Those of one metric."""
    return [alarm for alarm in alarms().values() if "MetricName" in alarm]


LOGGED: list[tuple[str, str, bool]] = [
    ("ExecutionFailed", "AuditFailed", True),
    ("ExecutionFailed", "States.Runtime", True),
    ("ExecutionFailed", "States.DataLimitExceeded", True),
    ("ExecutionTimedOut", "", True),
    ("ExecutionFailed", "NotFound", False),
    ("ExecutionFailed", "BlockedAddress", False),
    ("ExecutionFailed", "States.Timeout", False),
    ("TaskFailed", "Lambda.TooManyRequestsException", False),
]


@pytest.mark.parametrize(("kind", "error", "rings"), LOGGED)
@pytest.mark.parametrize("machine", ["Pipeline", "Bulk"])
def test_failures_without_a_record_are_told_apart_in_the_log(
    machine: str, kind: str, error: str, *, rings: bool
) -> None:
    """AuditFailed and States.Runtime, by the name that Step Functions logs; no refusal and no image that is gone."""
    found = of_type("AWS::Logs::MetricFilter")[f"{machine}Defects"]
    (made,) = found["MetricTransformations"]
    assert (made["MetricNamespace"], made["MetricName"], made["MetricValue"]) == ("pupline", "Defects", "1")
    assert template()["Resources"][f"{machine}Defects"]["Properties"]["LogGroupName"] == {"Ref": f"{machine}Logs"}
    alternatives = re.findall(r'\$\.([\w.]+) = "([\w.]+)"', found["FilterPattern"])
    event = {"type": kind, "details.error": error}
    assert any(event[field] == value for field, value in alternatives) is rings


def points(alarm: dict[str, Any], bad: int, all_of_them: int) -> float:
    """A data point of an alarm by rate, as CloudWatch computes it."""
    expression = re.sub(r"IF\((.+?), (.+?), (.+?)\)", r"(\2) if (\1) else \3", alarm["Metrics"][0]["Expression"])
    return float(eval(expression, {"bad": bad, "all": all_of_them}))  # noqa: S307  arithmetic of our own template


@pytest.mark.parametrize("name", ["ExecutionsFailed", "IngestBatchErrors"])
@pytest.mark.parametrize(
    ("bad", "all_of_them", "breaches"),
    [(1, 1, False), (4, 4, False), (5, 5, True), (20, 1000, False), (300, 1000, True)],
)
def test_ordinary_failures_ring_by_rate(name: str, bad: int, all_of_them: int, *, breaches: bool) -> None:
    """One image that is gone never rings, nor do some in a thousand; and one bad period is not enough."""
    alarm = alarms()[name]
    assert (points(alarm, bad, all_of_them) >= alarm["Threshold"]) is breaches
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 3)
    stats = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert {stat["Stat"] for stat in stats.values()} == {"Sum"}
    names = (stats["bad"]["Metric"]["MetricName"], stats["all"]["Metric"]["MetricName"])
    assert names in {("ExecutionsFailed", "ExecutionsStarted"), ("Errors", "Invocations")}
    assert stats["bad"]["Metric"]["Dimensions"] == stats["all"]["Metric"]["Dimensions"]


@pytest.mark.parametrize("metric", ["ExecutionsStarted", "ExecutionsSucceeded"])
def test_a_schedule_that_starts_nothing_rings(metric: str) -> None:
    """Only while it is enabled; no data is bad news; for as long as the stack's parameter says."""
    found = template()["Resources"][f"No{metric}Alarm"]
    assert found["Condition"] == "IsScheduled"
    assert template()["Conditions"]["IsScheduled"] == {"Fn::Equals": [{"Ref": "ScheduleState"}, "ENABLED"]}
    alarm = resources()[f"No{metric}Alarm"]["Properties"]
    assert metric_of(alarm) == ("AWS/States", metric, "DogUploaderPipeline")
    assert (alarm["Period"], alarm["ComparisonOperator"], alarm["TreatMissingData"]) == (
        3600,
        "LessThanThreshold",
        "breaching",
    )
    assert found["Properties"]["EvaluationPeriods"] == {"Ref": "ScheduleAlarmHours"}
    limits = template()["Parameters"]["ScheduleAlarmHours"]
    assert limits["MaxValue"] * 3600 <= 7 * 24 * 3600  # the most that CloudWatch evaluates


def test_throttling_does_not_ring() -> None:
    """It is how work waits its turn; what waits too long fails, and that rings."""
    assert not [alarm for alarm in simple_alarms() if "Throttle" in alarm["MetricName"]]


def test_the_dashboard_can_be_read() -> None:
    """It is JSON with its references filled in, and shows metrics of both workflows and every function."""
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    widgets: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    assert all(widget["properties"]["metrics"] and widget["properties"]["title"] for widget in widgets)
    words = Counter(re.findall(r"\w+", json.dumps(widgets)))
    shown = {"DogUploaderPipeline", "BulkIngest", *of_type("AWS::Lambda::Function"), "Deferred", "BatchSeconds"}
    assert shown <= set(words)
    assert "${" not in dashboard["DashboardBody"]
