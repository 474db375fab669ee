"""The attempts of a visit, from the events of Tasks."""

from collections.abc import Mapping
from typing import Any

from pupline.asl.visits._visit import Attempt, StateVisit, VisitStatus

_OF_TASKS = ("Task", "LambdaFunction", "Activity")


def details_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The details of an event; empty where it has none."""
    return next((value for key, value in event.items() if key.endswith("EventDetails") and value), {})


def resource_of(kind: str, details: Mapping[str, Any]) -> str:
    """The resource of a ...Scheduled event: `lambda:invoke`, `aws-sdk:s3:listBuckets`, or the ARN of a function."""
    resource = str(details.get("resource") or "")
    service = details.get("resourceType")
    return f"{service}:{resource}" if kind == "TaskScheduled" and service else resource


def start_attempt(visit: StateVisit, event: Mapping[str, Any], redriven: bool) -> None:
    """Begin an attempt with a ...Scheduled or ...StateStarted event."""
    kind, now = str(event["type"]), float(event.get("timestamp") or 0)
    details = details_of(event)
    attempt = Attempt(event.get("id", 0), now, redriven=redriven)
    if kind.endswith("Scheduled"):
        attempt.resource = resource_of(kind, details)
        attempt.input = details.get("parameters") or details.get("input")
    else:
        attempt.started = now
    before = visit.attempts[-1] if visit.attempts else None
    if before is not None and before.ended is not None and not redriven:
        attempt.wait = max(now - before.ended, 0.0)
    visit.attempts.append(attempt)


def note_attempt(visit: StateVisit, event: Mapping[str, Any], kind: str) -> None:
    """Note what an event says about the visit's latest attempt; other events say nothing."""
    if not kind.startswith(_OF_TASKS):
        return
    if kind.endswith("Scheduled"):
        start_attempt(visit, event, redriven=False)
        return
    if not visit.attempts:
        return
    attempt, now, details = visit.attempts[-1], float(event.get("timestamp") or 0), details_of(event)
    if kind.endswith("Started"):
        attempt.started = now
    elif kind.endswith("Submitted"):
        attempt.submitted = details.get("output")
    elif kind.endswith("Succeeded"):
        attempt.status, attempt.ended, attempt.output = "succeeded", now, details.get("output")
    elif kind.endswith(("Failed", "TimedOut")):
        attempt.status = "failed" if kind.endswith("Failed") else "timed out"
        attempt.ended = now
        default = None if attempt.status == "failed" else "States.Timeout"
        attempt.error, attempt.cause = details.get("error") or default, details.get("cause")
        visit.error, visit.cause = attempt.error, attempt.cause


def end_attempt(visit: StateVisit, status: VisitStatus, now: float) -> None:
    """End the visit's latest attempt with the visit, if it still runs."""
    attempt = visit.attempts[-1]
    if attempt.status == "running":
        attempt.status = "failed" if status == "caught" else status
        attempt.ended = now
        if attempt.status in ("failed", "timed out"):
            attempt.error, attempt.cause = visit.error, visit.cause
