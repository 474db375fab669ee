"""The failure first: which state, which attempt, what error, in plain words, and what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pupline.asl import StateVisit, StateVisits
from pupline.console.executions._advice import Advice, advice
from pupline.tasks.log_to_dynamodb import readable_cause
from pupline.tasks.ports import ExecutionDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an execution ended without success, or what went wrong so far in one that runs.

    visit: to the state that failed first; None where no state was entered. attempt: its number, from 1, and attempts:
    how many there were; None where the state makes none. item: index of the item in the inline Map around the state.
    error, cause: as the state raised them; told: the cause in plain words. fail_state: the Fail state that the error
    led to, where a Catcher had handled it. refusal: why a redrive would do no good. failed_children: of its Map Run.
    """

    status: str
    visit: StateVisit | None
    attempt: int | None
    attempts: int | None
    item: int | None
    error: str | None
    cause: str | None
    told: str | None
    fail_state: str | None
    advice: Advice
    refusal: str | None
    failed_children: int = 0

    @property
    def state(self) -> str | None:
        """The name of the state that failed."""
        return None if self.visit is None else self.visit.state


def failure_of(details: ExecutionDetails, visits: StateVisits, refusal: str | None) -> Failure | None:
    """Why the execution failed, timed out or was stopped; None where it did not. refusal: of a redrive, if any."""
    row, ended = details.row, visits.failure
    if row.status in ("RUNNING", "SUCCEEDED"):
        return None
    last = ended.visit if ended is not None else None
    if last is None:
        last = next((visit for visit in reversed(visits.visits) if visit.status in ("aborted", "timed out")), None)
    origin = _origin(visits, last, row.error)
    if origin is not None and last is not None:
        found = _failure(row.status, origin, origin.error, origin.cause)
        return replace(found, fail_state=last.state, refusal=refusal)
    return replace(_failure(row.status, last, row.error, row.cause), refusal=refusal)


def latest_failure(visits: StateVisits) -> Failure | None:
    """The failure that an execution that runs is retrying now; None where it is not."""
    for visit in reversed(visits.visits):
        failed = [at for at, attempt in enumerate(visit.attempts, 1) if attempt.error is not None]
        if visit.status == "running" and failed:
            attempt = visit.attempts[failed[-1] - 1]
            found = _failure("RUNNING", visit, attempt.error, attempt.cause)
            return replace(found, attempt=failed[-1])
    return None


def _failure(status: str, visit: StateVisit | None, error: str | None, cause: str | None) -> Failure:
    attempts = len(visit.attempts) if visit is not None and visit.kind == "Task" else 0
    counts = visit.counts if visit is not None and visit.map_run else None
    return Failure(
        status=status,
        visit=visit,
        attempt=attempts or None,
        attempts=attempts or None,
        item=_item(visit),
        error=error,
        cause=cause,
        told=readable_cause(cause),
        fail_state=None,
        advice=advice(status, error, is_fail_state=visit is not None and visit.kind == "Fail"),
        refusal=None,
        failed_children=counts.failed if counts is not None else 0,
    )


def _origin(visits: StateVisits, last: StateVisit | None, error: str | None) -> StateVisit | None:
    """The visit whose error led through a Catcher to the Fail state `last`; None where nothing did.

    It has the error that the execution ended with, or no Task succeeded between it and the Fail state: a Fail state
    may give the error another name, and an error caught long before has nothing to do with it.
    """
    if last is None or last.kind != "Fail":
        return None
    for visit in _before(visits, last):
        if visit.status == "caught":
            return _innermost(visits, visit) if visit.error == error or _is_direct(visits, visit, last) else None
    return None


def _before(visits: StateVisits, last: StateVisit) -> Iterator[StateVisit]:
    """The visits before `last` in its own thread, newest first."""
    for visit in reversed(visits.visits[: last.number - 1]):
        if visit.within is last.within:
            yield visit


def _is_direct(visits: StateVisits, caught: StateVisit, last: StateVisit) -> bool:
    between = (visit for visit in _before(visits, last) if visit.number > caught.number)
    return not any(visit.kind == "Task" and visit.status == "succeeded" for visit in between)


def _innermost(visits: StateVisits, caught: StateVisit) -> StateVisit:
    """The visit inside a Parallel or inline Map whose error that state caught; itself for other states."""
    inside = [visit for visit in visits if visit.parent is caught and visit.status in ("failed", "timed out")]
    return _innermost(visits, inside[0]) if inside else caught


def _item(visit: StateVisit | None) -> int | None:
    if visit is None or visit.parent is None or visit.parent.kind != "Map":
        return None
    return visit.index
