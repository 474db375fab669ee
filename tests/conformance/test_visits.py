"""Recordings of AWS Step Functions, read as visits: nothing is lost, nothing stays open, failures are found.

The corpus lies next to the project and is only read; where it is absent these tests are skipped.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from pupline.asl import StateVisits
from tests.conformance import adapter

CASES = adapter.corpus() / "cases"


def recordings() -> Iterator[tuple[str, dict[str, Any]]]:
    """(id, case) of each execution whose events were recorded with their order."""
    for path in sorted(CASES.glob("*/*.json")):
        case = json.loads(path.read_text())
        events = case["expected"].get("events") if case["kind"] == "execution" else None
        if events and Counter(event["id"] for event in events).most_common(1)[0][1] == 1:
            yield case["id"], case


@pytest.mark.slow
@pytest.mark.skipif(not CASES.is_dir(), reason=f"there is no corpus in {CASES}")
def test_recordings_of_aws_are_read_whole() -> None:
    """Each state that AWS entered is one visit, each call one attempt, and a failure has its state."""
    problems = {name: found for name, case in recordings() if (found := list(problems_of(case)))}
    assert problems == {}


def problems_of(case: dict[str, Any]) -> Iterator[str]:
    """What the visits of a recording do not agree with."""
    events = [{**event, "timestamp": float(event["id"])} for event in case["expected"]["events"]]
    visits = StateVisits(events, case["definition"])
    kinds = [event["type"] for event in events]
    statuses = Counter(visit.status for visit in visits)
    if len(visits) != sum(kind.endswith("StateEntered") for kind in kinds):
        yield "visits"
    if statuses["succeeded"] + statuses["caught"] != sum(kind.endswith("StateExited") for kind in kinds):
        yield "exits"
    calls = sum(len(visit.attempts) for visit in visits if visit.kind == "Task")
    if calls != sum(kind in ("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled") for kind in kinds):
        yield "attempts"
    if not kinds[-1].startswith("Execution"):
        return
    if statuses["running"]:
        yield "open visits"
    failure = visits.failure
    if (failure is None) != (kinds[-1] == "ExecutionSucceeded"):
        yield "failure"
    if kinds[-1] == "ExecutionFailed" and (
        failure is None or failure.visit is None or failure.visit.error != failure.error
    ):
        yield "state that failed"
