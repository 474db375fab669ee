"""The visits of a history."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pupline.asl.visits._events import Reading
from pupline.asl.visits._visit import ExecutionFailure, Iteration, MapCounts, StateVisit

_COUNT_NAMES = {"timedOut": "timed_out"}
_COUNTED = ("total", "pending", "running", "succeeded", "failed", "timedOut", "aborted")


class StateVisits:
    """The visits of an execution, in order, and the failure that ended it.

    events: as GetExecutionHistory gives them, `timestamp` in epoch seconds; any beginning of a history will do.
    definition: tells the branches of a Parallel apart; a definition that does not fit does no harm. map_runs: in the
    shape of DescribeMapRun. The time is linear in the number of events. Raises nothing for what an event leaves out.
    """

    def __init__(
        self,
        events: Sequence[Mapping[str, Any]],
        definition: Mapping[str, Any] | None = None,
        map_runs: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        reading = Reading(definition or {})
        for event in events:
            reading.read(event)
        self.visits: Sequence[StateVisit] = reading.visits
        self.failure: ExecutionFailure | None = reading.failure
        self.started: float | None = _time(events, 0)
        self.last_time: float | None = _time(events, -1)
        self._by_state: dict[str, list[StateVisit]] = {}
        counts = {run.get("mapRunArn"): _counts(run) for run in map_runs}
        for visit in self.visits:
            self._by_state.setdefault(visit.state, []).append(visit)
            if visit.map_run is not None:
                visit.map_run_counts = counts.get(visit.map_run)

    def __iter__(self) -> Iterator[StateVisit]:
        return iter(self.visits)

    def __len__(self) -> int:
        return len(self.visits)

    def of_state(self, name: str) -> Sequence[StateVisit]:
        """The visits to a state, in order."""
        return self._by_state.get(name, ())

    def find(self, number: int) -> StateVisit | None:
        """The visit with this number."""
        return self.visits[number - 1] if 0 < number <= len(self.visits) else None

    def variables_at(self, visit: StateVisit) -> dict[str, str]:
        """The variables that the state could read when it was entered: name -> JSON text.

        Assigned by the states before it in its own thread, and in the threads around it.
        """
        threads: dict[Iteration | None, int] = {}  # None for the machine itself -> the visit before which it counts
        inner: StateVisit | None = visit
        while inner is not None:
            threads[inner.within] = inner.number
            inner = inner.parent
        found: dict[str, str] = {}
        for other in self.visits[: visit.number - 1]:
            limit = threads.get(other.within)
            if limit is not None and other.number < limit:
                found.update(other.assigned)
        return found


def _time(events: Sequence[Mapping[str, Any]], at: int) -> float | None:
    return events[at].get("timestamp") if events else None


def _counts(run: Mapping[str, Any]) -> MapCounts:
    counts = run.get("itemCounts") or {}
    return MapCounts(**{_COUNT_NAMES.get(name, name): int(counts.get(name) or 0) for name in _COUNTED})
