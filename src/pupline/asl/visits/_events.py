"""Visits from events, one event after the other.

`previousEventId` is what orders a history: the threads of a Map or Parallel are interleaved, and most events do not
name their state. So each event belongs to a place, which is that of the event before it in its thread: a visit, or an
iteration whose first state has not been entered. Two exceptions follow AWS: a state that exits a Map or Parallel, and
the ...Failed of one, point at the last event inside; and EvaluationFailed points at what came before its state.

Nothing says which visit a ...StateAborted is about. When a thread fails, everything else around it ends: so visits are
closed by the event that closes their Map, Parallel or execution.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pupline.asl.visits._attempts import details_of, note_attempt, resource_of, start_attempt
from pupline.asl.visits._open import DEEPEST, OpenVisits, visit_at
from pupline.asl.visits._outline import Outline
from pupline.asl.visits._visit import ExecutionFailure, Iteration, StateVisit, VisitStatus

_FORKS = ("Map", "Parallel")
_ENDS: dict[str, VisitStatus] = {
    "ExecutionSucceeded": "aborted",  # of a visit that has no exit: the history is incomplete
    "ExecutionFailed": "failed",
    "ExecutionTimedOut": "timed out",
    "ExecutionAborted": "aborted",
}


class Reading:
    """The visits so far."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.visits: list[StateVisit] = []
        self.failure: ExecutionFailure | None = None
        self._outline = Outline(definition)
        self._places: dict[int, StateVisit | Iteration | None] = {}
        self._types: dict[int, str] = {}
        self._times: dict[int, float] = {}
        self._entered: dict[tuple[str, int], StateVisit] = {}
        """By name, and the event before it: for EvaluationFailed."""
        self._open = OpenVisits()

    def read(self, event: Mapping[str, Any]) -> None:
        """Take the next event."""
        kind = str(event.get("type", ""))
        number, before = event.get("id", 0), event.get("previousEventId", 0)
        place = self._places.get(before)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            place = handler(self, event, before)
        elif kind.endswith("StateEntered"):
            place = self._enter(event, before, kind.removesuffix("StateEntered"))
        elif kind.endswith("StateExited"):
            place = self._exit(event, before)
        elif kind.endswith("StateAborted"):
            place = None
        else:
            place = self._attempt(event, kind, place)
        self._places[number] = place
        self._types[number] = kind
        self._times[number] = _time(event)

    # ---- visits

    def _enter(self, event: Mapping[str, Any], before: int, kind: str) -> StateVisit:
        details = event.get("stateEnteredEventDetails") or {}
        name, place = str(details.get("name", "")), self._places.get(before)
        within = place if isinstance(place, Iteration) else place.within if place else None
        earlier = place if isinstance(place, StateVisit) else None
        if self._types.get(before) == "ParallelStateStarted" and isinstance(place, StateVisit):
            within, earlier = self._branch(place, name, _time(event)), None
        elif self._types.get(before) == "ExecutionRedriven":
            earlier = self._open.repeat(name)
            within = earlier.within if earlier is not None else None
        if within is not None and within.depth > DEEPEST:
            within = None
        visit = StateVisit(len(self.visits) + 1, event.get("id", 0), name, kind, _time(event), within)
        visit.input = details.get("input")
        if earlier is not None:
            earlier.following = visit
        self.visits.append(visit)
        self._entered[name, before] = visit
        self._open.keep(visit)
        if kind == "Fail":
            visit.error, visit.cause = self._outline.failure_of(name)
            self._open.end(visit, "failed", visit.entered)
        return visit

    def _branch(self, visit: StateVisit, name: str, now: float) -> Iteration:
        index = self._outline.branch_of(visit.state, name, len(visit.iterations))
        return visit.iterations.setdefault(index, Iteration(visit, index, now, depth=_depth_in(visit)))

    def _exit(self, event: Mapping[str, Any], before: int) -> StateVisit | None:
        details = event.get("stateExitedEventDetails") or {}
        name, now = str(details.get("name", "")), _time(event)
        visit = self._open.around(self._places.get(before), lambda one: one.state == name) or self._open.latest(name)
        if visit is None:
            return None
        caught = self._types.get(before, "").endswith(("Failed", "TimedOut"))
        visit.output = details.get("output")
        visit.assigned = details.get("assignedVariables") or {}
        culprit = visit_at(self._places.get(before))
        if caught and visit.error is None and culprit is not None:
            visit.error, visit.cause = culprit.error, culprit.cause
        self._open.end(visit, "caught" if caught else "succeeded", now)
        if not caught:
            visit.error = visit.cause = None
        within = visit.within
        if within is not None and within.visit.kind == "Parallel" and self._outline.ends(name):
            within.status, within.ended = "succeeded", now
        return visit

    # ---- ends

    def _fork_failed(self, event: Mapping[str, Any], before: int) -> StateVisit | None:
        """MapStateFailed, ParallelStateFailed: an exit may follow, if a Catcher handles the error."""
        kind = str(event["type"]).removesuffix("StateFailed")
        culprit = visit_at(self._places.get(before))
        visit = self._open.around(culprit, lambda one: one.kind == kind and one.status == "running")
        if visit is None:
            return None
        self._open.fail_attempt(visit, culprit, self._times.get(before, _time(event)))
        self._open.end(visit, "failed", _time(event))
        self._open.await_exit(visit)
        return visit

    def _execution_ended(self, event: Mapping[str, Any], before: int) -> None:
        kind, now = str(event["type"]), _time(event)
        status = _ENDS[kind]
        details = details_of(event)
        visit = visit_at(self._places.get(before))
        if visit is not None and visit.status in ("succeeded", "caught"):
            visit = None
        for _ in range(DEEPEST):
            if visit not in self._open.culprits:
                break
            visit = self._open.culprits[visit]
        error, cause = details.get("error"), details.get("cause")
        if visit is not None and status == "failed":
            visit.error, visit.cause = visit.error or error, visit.cause or cause
        if status == "failed":
            self._open.stop(self._open.outermost, visit, now)
        for one in list(self._open.outermost):
            self._open.end_all(one, status, now)
        if kind != "ExecutionSucceeded":
            attempt = visit.attempts[-1] if visit is not None and visit.attempts else None
            ended: Any = status
            self.failure = ExecutionFailure(event.get("id", 0), ended, error, cause, visit, attempt)

    # ---- Map and Parallel

    def _fork_started(self, event: Mapping[str, Any], before: int) -> StateVisit | None:
        kind = str(event["type"]).removesuffix("StateStarted")
        place = self._places.get(before)
        visit = self._open.around(place, lambda one: one.kind == kind)
        if visit is None and self._types.get(before) == "ExecutionRedriven":
            visit = self._open.resume(lambda one: one.kind == kind and not one.iterations)
        if visit is None:
            return None
        if visit.attempts:
            self._open.fail_attempt(visit, visit_at(place), self._times.get(before, _time(event)))
            visit.iterations = {}
        start_attempt(visit, event, self._types.get(before) == "ExecutionRedriven")
        if kind == "Map":
            visit.length = details_of(event).get("length")
        return visit

    def _iteration_started(self, event: Mapping[str, Any], before: int) -> Iteration | None:
        name, index = _iteration(event)
        visit = self._open.around(self._places.get(before), lambda one: one.state == name) or self._open.latest(name)
        if visit is None:
            visit = self._open.resume(lambda one: one.state == name)
        if visit is None:
            return None
        iteration = visit.iterations[index] = Iteration(visit, index, _time(event), depth=_depth_in(visit))
        return iteration

    def _iteration_ended(self, event: Mapping[str, Any], before: int) -> StateVisit | Iteration | None:
        name, index = _iteration(event)
        place = self._places.get(before)
        visit = self._open.around(place, lambda one: one.state == name) or self._open.latest(name)
        iteration = visit.iterations.get(index) if visit else None
        if visit is None or iteration is None:
            return place
        kind, now = str(event["type"]), _time(event)
        failed = kind == "MapIterationFailed"
        iteration.status = "failed" if failed else "aborted" if kind == "MapIterationAborted" else "succeeded"
        iteration.ended = now
        culprit = visit_at(place) if failed else None
        if culprit is not None:
            self._open.blame(visit, culprit)
        self._open.stop(iteration.running, culprit, now)
        return culprit or visit

    def _map_run(self, event: Mapping[str, Any], before: int) -> StateVisit | None:
        """MapRunStarted, MapRunFailed, MapRunRedriven."""
        details = details_of(event)
        visit = visit_at(self._places.get(before))
        arn = details.get("mapRunArn")
        if event["type"] == "MapRunRedriven":
            visit = self._open.resume(lambda one: one.map_run == arn)
        if visit is None:
            return None
        if arn is not None:
            visit.map_run = arn
        if event["type"] == "MapRunFailed":
            visit.error, visit.cause = details.get("error"), details.get("cause")
        return visit

    # ---- attempts, evaluation, redrive

    def _attempt(
        self, event: Mapping[str, Any], kind: str, place: StateVisit | Iteration | None
    ) -> StateVisit | Iteration | None:
        before = event.get("previousEventId", 0)
        if kind.endswith("Scheduled") and self._types.get(before) == "ExecutionRedriven":
            wanted = resource_of(kind, details_of(event))
            visit = self._open.resume(lambda one: one.kind == "Task" and _last_resource(one) == wanted)
            if visit is not None:
                start_attempt(visit, event, redriven=True)
            return visit
        visit = visit_at(place)
        if visit is not None:
            note_attempt(visit, event, kind)
        return place

    def _evaluation_failed(self, event: Mapping[str, Any], before: int) -> StateVisit | None:
        details = details_of(event)
        name = str(details.get("state", ""))
        place = visit_at(self._places.get(before))
        visit = self._entered.get((name, before)) or (
            place if place and place.state == name else self._open.latest(name)
        )
        if visit is not None:
            visit.error, visit.cause = details.get("error"), details.get("cause")
        return visit

    def _redriven(self, event: Mapping[str, Any], before: int) -> None:  # noqa: ARG002 - one shape of handler
        self.failure = None
        self._open.redriven()


_HANDLERS: dict[str, Callable[[Reading, Mapping[str, Any], int], StateVisit | Iteration | None]] = {
    **dict.fromkeys(_ENDS, Reading._execution_ended),  # noqa: SLF001 - its own module
    **dict.fromkeys([f"{kind}StateStarted" for kind in _FORKS], Reading._fork_started),  # noqa: SLF001
    **dict.fromkeys([f"{kind}StateFailed" for kind in _FORKS], Reading._fork_failed),  # noqa: SLF001
    **dict.fromkeys(["MapRunStarted", "MapRunFailed", "MapRunRedriven"], Reading._map_run),  # noqa: SLF001
    **dict.fromkeys([f"MapIteration{end}" for end in ("Succeeded", "Failed", "Aborted")], Reading._iteration_ended),  # noqa: SLF001
    "MapIterationStarted": Reading._iteration_started,  # noqa: SLF001
    "EvaluationFailed": Reading._evaluation_failed,  # noqa: SLF001
    "ExecutionRedriven": Reading._redriven,  # noqa: SLF001
}


def _last_resource(visit: StateVisit) -> str:
    return visit.attempts[-1].resource if visit.attempts else ""


def _depth_in(visit: StateVisit) -> int:
    return 1 if visit.within is None else visit.within.depth + 1


def _iteration(event: Mapping[str, Any]) -> tuple[str, int]:
    details = details_of(event)
    return str(details.get("name", "")), int(details.get("index") or 0)


def _time(event: Mapping[str, Any]) -> float:
    return float(event.get("timestamp") or 0)
