"""The visits that have not ended, and how they end together."""

from collections.abc import Callable

from pupline.asl.visits._attempts import end_attempt
from pupline.asl.visits._visit import Iteration, StateVisit, VisitStatus

DEEPEST = 100
"""Maps and Parallels around a visit that are known; visits that would be deeper count as outermost."""


class OpenVisits:
    """The running visits, and those that a redrive may continue.

    outermost: the running visits that are in no Map or Parallel. culprits: the visit inside that made a Map or Parallel
    fail.
    """

    def __init__(self) -> None:
        self.outermost: dict[StateVisit, None] = {}
        self.culprits: dict[StateVisit, StateVisit] = {}
        self._by_name: dict[str, dict[StateVisit, None]] = {}
        self._interrupted: dict[StateVisit, None] = {}

    def keep(self, visit: StateVisit) -> None:
        """Add a visit that runs."""
        self._by_name.setdefault(visit.state, {})[visit] = None
        siblings = self.outermost if visit.within is None else visit.within.running
        siblings[visit] = None

    def await_exit(self, visit: StateVisit) -> None:
        """Find a visit that has failed by its name: an exit may follow, if a Catcher handles the error."""
        self._by_name.setdefault(visit.state, {})[visit] = None

    def latest(self, name: str) -> StateVisit | None:
        """The latest visit to a state that runs, or waits for its exit."""
        return next(reversed(self._by_name.get(name) or {}), None)

    def around(self, place: StateVisit | Iteration | None, wanted: Callable[[StateVisit], bool]) -> StateVisit | None:
        """The innermost visit at or around a place that is wanted, and runs."""
        visit = visit_at(place)
        for _ in range(DEEPEST):
            if visit is None or (visit in self._by_name.get(visit.state, ()) and wanted(visit)):
                return visit
            visit = visit.parent
        return None

    def end(self, visit: StateVisit, status: VisitStatus, now: float) -> None:
        """End a visit, and what still runs inside it."""
        visit.status, visit.left = status, now
        self._by_name.get(visit.state, {}).pop(visit, None)
        (self.outermost if visit.within is None else visit.within.running).pop(visit, None)
        if visit.attempts:
            end_attempt(visit, status, now)
        ended_well = status == "succeeded"
        for iteration in visit.iterations.values():
            if iteration.status == "running":
                iteration.status = "succeeded" if ended_well and not iteration.running else "aborted"
                iteration.ended = now
            self.stop(iteration.running, None, now)
        if status in ("failed", "timed out", "aborted"):
            self._interrupted[visit] = None
        else:
            self._interrupted.pop(visit, None)

    def end_all(self, visit: StateVisit, status: VisitStatus, now: float) -> None:
        """End a visit with everything inside it in the same way."""
        waiting = [visit]
        while waiting:
            one = waiting.pop()
            waiting += [inner for iteration in one.iterations.values() for inner in iteration.running]
            for iteration in one.iterations.values():
                iteration.running.clear()
            self.end(one, status, now)

    def stop(self, running: dict[StateVisit, None], culprit: StateVisit | None, now: float) -> None:
        """End the visits that run: the culprit and those around it have failed, the others are aborted."""
        blamed: set[StateVisit] = set()
        one = culprit
        while one is not None and len(blamed) < DEEPEST:
            blamed.add(one)
            one = one.parent
        for visit in list(running):
            if visit not in blamed or culprit is None:
                self.end(visit, "aborted", now)
                continue
            if visit is not culprit:
                self.blame(visit, culprit)
                for iteration in visit.iterations.values():
                    if iteration.running:
                        iteration.status = "failed" if culprit.within is iteration else iteration.status
                        self.stop(iteration.running, culprit, now)
            timed_out = bool(visit.attempts) and visit.attempts[-1].status == "timed out"
            self.end(visit, "timed out" if timed_out else "failed", now)

    def blame(self, visit: StateVisit, culprit: StateVisit | None) -> None:
        """Note which visit inside a Map or Parallel made it fail, with its error."""
        if culprit is None or culprit is visit:
            return
        self.culprits[visit] = culprit
        visit.error, visit.cause = culprit.error, culprit.cause

    def fail_attempt(self, visit: StateVisit, culprit: StateVisit | None, now: float) -> None:
        """An attempt of a Map or Parallel has failed; a Retrier may start another."""
        self.blame(visit, culprit)
        for iteration in visit.iterations.values():
            if iteration.running:
                blamed = culprit is not None and is_in(culprit, iteration)
                self.stop(iteration.running, culprit if blamed else None, now)
                if iteration.status == "running":
                    iteration.status, iteration.ended = "failed" if blamed else "aborted", now
            elif iteration.status == "running" and culprit is not None and is_in(culprit, iteration):
                iteration.status, iteration.ended = "failed", now
        if visit.attempts and visit.attempts[-1].status == "running":
            attempt = visit.attempts[-1]
            attempt.status, attempt.ended = "failed", now
            attempt.error, attempt.cause = visit.error, visit.cause

    def redriven(self) -> None:
        """A redrive has begun: forget the visits that it cannot continue."""
        self._interrupted = {visit: None for visit in self._interrupted if _may_continue(visit)}

    def repeat(self, state: str) -> StateVisit | None:
        """The interrupted visit to a state that a redrive enters again; the threads around it run again."""
        visit = next((one for one in self._interrupted if one.state == state), None)
        if visit is not None:
            self._interrupted.pop(visit)
            self.reopen(visit.within)
        return visit

    def resume(self, wanted: Callable[[StateVisit], bool]) -> StateVisit | None:
        """The interrupted visit that a redrive continues, running again; innermost visits are asked first."""
        visit = next((one for one in self._interrupted if wanted(one)), None)
        if visit is not None:
            self._interrupted.pop(visit)
            self._run_again(visit)
            self.reopen(visit.within)
        return visit

    def _run_again(self, visit: StateVisit) -> None:
        visit.status, visit.left, visit.error, visit.cause = "running", None, None, None
        self.culprits.pop(visit, None)
        self.keep(visit)

    def reopen(self, within: Iteration | None) -> None:
        """The Maps and Parallels around a thread run again."""
        while within is not None:
            within.status, within.ended = "running", None
            if within.visit.status != "running":
                self._interrupted.pop(within.visit, None)
                self._run_again(within.visit)
            within = within.visit.within


def visit_at(place: StateVisit | Iteration | None) -> StateVisit | None:
    return place.visit if isinstance(place, Iteration) else place


def is_in(visit: StateVisit, iteration: Iteration) -> bool:
    within = visit.within
    for _ in range(DEEPEST):
        if within is None or within is iteration:
            return within is iteration
        within = within.visit.within
    return False


def _may_continue(visit: StateVisit) -> bool:
    """Whether nothing has replaced the threads that the visit is in: no retry, and no Catcher."""
    within = visit.within
    for _ in range(DEEPEST):
        if within is None:
            return True
        around = within.visit
        if around.iterations.get(within.index) is not within or around.status in ("succeeded", "caught"):
            return False
        within = around.within
    return False
