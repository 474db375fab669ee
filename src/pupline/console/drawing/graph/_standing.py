"""What the visits of an execution say about each state and each transition of its graph."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pupline.asl import MapCounts, StateVisit, StateVisits, VisitStatus
from pupline.console.drawing.graph._machine import END, START, Scope, Transition

_WORST_FIRST: tuple[VisitStatus, ...] = ("failed", "timed out", "running", "aborted", "caught", "succeeded")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a state stands. status: None where it was not entered.

    Of a state in several iterations: the worst status of their latest visits. visits: how many there were, by status.
    attempts: of its Task, in all visits. counts: the items of a Map, of its latest visit.
    """

    status: VisitStatus | None = None
    visits: Mapping[VisitStatus, int] = field(default_factory=dict)
    attempts: int = 0
    counts: MapCounts | None = None

    @property
    def words(self) -> list[str]:
        """`failed`, `3 attempts`, `2 visits`: what there is to say."""
        total = sum(self.visits.values())
        found: list[str] = [self.status or "not entered"]
        if total > 1:
            found.append(f"{total:,} visits")
            if len(self.visits) > 1:
                found += [f"{count:,} {status}" for status, count in self.visits.items()]
        if self.attempts > total:
            found.append(f"{self.attempts:,} attempts")
        if self.counts is not None:
            found += [f"{count:,} of {self.counts.total:,} {status}" for status, count in self.counts.shown()]
        return found


NOT_ENTERED = Standing()


def standings(visits: StateVisits) -> dict[str, Standing]:
    """Name -> standing of each state that was entered."""
    by_state: dict[str, list[StateVisit]] = {}
    for visit in visits:
        by_state.setdefault(visit.state, []).append(visit)
    return {name: _standing(found) for name, found in by_state.items()}


def _standing(visits: Iterable[StateVisit]) -> Standing:
    latest: dict[object, StateVisit] = {}
    counted: Counter[VisitStatus] = Counter()
    attempts = 0
    for visit in visits:
        counted[visit.status] += 1
        attempts += len(visit.attempts) if visit.kind == "Task" else 0
        if visit.within is None or visit.within.visit.iterations.get(visit.within.index) is visit.within:
            latest[visit.within] = visit
    found = {visit.status for visit in latest.values()} or set(counted)
    status = next(one for one in _WORST_FIRST if one in found)
    last = visit
    by_status = {one: counted[one] for one in _WORST_FIRST[::-1] if counted[one]}
    return Standing(status, by_status, attempts, last.counts)


def taken(scope: Scope, visits: StateVisits) -> set[Transition]:
    """The transitions that the execution took.

    A history does not say which of several rules led to the same state: the first one counts. A Catcher's transition is
    taken by a visit that was caught, and no other is.
    """
    ways: dict[tuple[str, str, bool], Transition] = {}
    scopes = [scope]
    for one in scopes:
        for transition in one.transitions:
            key = (transition.source, transition.target, transition.kind == "catch")
            ways.setdefault(key, transition)
        scopes += [inner for state in one.states.values() for inner in state.scopes]
    found: set[Transition | None] = set()
    for visit in visits:
        following = visit.following
        if following is not None:
            found.add(ways.get((visit.state, following.state, visit.status == "caught")))
        elif visit.status in ("succeeded", "caught") or visit.kind == "Fail":
            found.add(ways.get((visit.state, END, False)))
    if len(visits):
        found.add(ways.get((START, scope.first, False)))
    return {one for one in found if one is not None}
