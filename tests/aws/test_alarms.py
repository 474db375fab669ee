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
        assert (alarm["Statistic"], alarm["Period"], alarm.get("DatapointsToAlarm", 1)) == ("Sum", 60, 1)
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
    # An alarm is not defined on a metric that comes in two units; what LogToDynamoDB publishes is a Count.
    assert made["Unit"] == "Count"
    assert template()["Resources"][f"{machine}Defects"]["Properties"]["LogGroupName"] == {"Ref": f"{machine}Logs"}
    alternatives = re.findall(r'\$\.([\w.]+) = "([\w.]+)"', found["FilterPattern"])
    event = {"type": kind, "details.error": error}
    assert any(event[field] == value for field, value in alternatives) is rings


def test_a_bulk_alert_that_is_not_published_is_counted() -> None:
    """BulkIngest goes on without it, and its records were written before."""
    found = of_type("AWS::Logs::MetricFilter")["BulkAlertsNotSent"]
    assert template()["Resources"]["BulkAlertsNotSent"]["Properties"]["LogGroupName"] == {"Ref": "BulkLogs"}
    assert found["FilterPattern"] == '{$.type = "TaskFailed" && $.details.resourceType = "sns"}'
    (made,) = found["MetricTransformations"]
    assert (made["MetricNamespace"], made["MetricName"], made["Unit"]) == ("pupline", "AlertsNotSent", "Count")


def rings(alarm: dict[str, Any], minutes: list[list[int]]) -> bool:
    """Whether an alarm on an average rings after these minutes, each with the values that were published in it."""
    averages = [sum(values) / len(values) for values in minutes[-alarm["EvaluationPeriods"] :] if values]
    assert (alarm["Statistic"], alarm["Period"], alarm["TreatMissingData"]) == ("Average", 60, "notBreaching")
    breaching = sum(average >= float(alarm["Threshold"]) for average in averages)
    return breaching >= int(alarm["DatapointsToAlarm"])


FAILED, FINE = 1, 0
BY_RATE = [
    ("one image that is gone", [[FAILED]], False),
    ("a few in an hour", [[FAILED], *[[FINE]] * 14, [FAILED], *[[FINE]] * 14, [FAILED]], False),
    ("one percent of many", [[FINE] * 99 + [FAILED]] * 15, False),
    ("a burst that is over in four minutes", [[FAILED] * 500] * 4, False),
    ("nothing at all", [[]] * 15, False),
    ("the source is down", [[FAILED] * 20] * 5, True),
    ("half of a slow trickle", [[FAILED], [FINE], []] * 5, True),
    ("a third of many", [[FAILED, FINE, FINE] * 30] * 15, True),
]


@pytest.mark.parametrize("name", ["FailedPercent", "FetchAndUploadDogImageErrors", "IngestBatchErrors"])
@pytest.mark.parametrize(("minutes", "rung"), [row[1:] for row in BY_RATE], ids=[row[0] for row in BY_RATE])
def test_ordinary_failures_ring_by_rate(name: str, minutes: list[list[int]], *, rung: bool) -> None:
    """In five of fifteen minutes, so at least five failures; Lambda publishes Errors as 0 or 1, a record 0 or 100."""
    scale = 100 if name == "FailedPercent" else 1
    assert rings(alarms()[name], [[value * scale for value in minute] for minute in minutes]) is rung


def test_every_function_has_an_alarm_by_rate() -> None:
    """On the share of its invocations that fail."""
    for name in of_type("AWS::Lambda::Function"):
        assert metric_of(alarms()[f"{name}Errors"]) == ("AWS/Lambda", "Errors", name)


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


def test_searches_of_the_dashboard_find_a_namespace_with_a_hyphen() -> None:
    """As NamePrefix makes it, `staging-pupline`: such a name stands in quotes, else the search finds nothing.

    Source: Amazon CloudWatch User Guide, "Search expression syntax".
    """
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    expressions = [
        metric["expression"]
        for widget in json.loads(dashboard["DashboardBody"])["widgets"]
        for (metric, *_) in widget["properties"]["metrics"]
        if isinstance(metric, dict)
    ]
    assert len(expressions) == 2
    for expression in expressions:
        assert re.match(r"""SEARCH\('\{"pupline",[\w,]+\} """, expression)
