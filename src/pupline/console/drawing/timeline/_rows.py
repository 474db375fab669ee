"""The rows of a timeline: visits below the Map or Parallel they are in, with most iterations of a large Map folded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pupline.asl import Iteration, StateVisit, StateVisits

MOST_ROWS = 120
MOST_ITERATIONS = 6
"""Of one Map, beyond which the others are one row."""

AttemptFilter = Literal["all", "retried", "failed"]
_BAD = ("failed", "timed out", "caught")


@dataclass(frozen=True, slots=True)
class Range:
    """What to show. since, until: epoch seconds; None for the ends."""

    attempts: AttemptFilter = "all"
    since: float | None = None
    until: float | None = None

    def has(self, visit: StateVisit) -> bool:
        """Whether a visit, or what is inside it, belongs there."""
        if self.until is not None and visit.entered > self.until:
            return False
        return self.since is None or visit.left is None or visit.left >= self.since

    def wants(self, visit: StateVisit) -> bool:
        """Whether the attempts of a visit are asked for."""
        if self.attempts == "all":
            return True
        return len(visit.attempts) > 1 if self.attempts == "retried" else bool(visit.errors) or visit.status in _BAD


@dataclass(frozen=True, slots=True)
class Row:
    """One visit, or a number of iterations that are not shown. depth: Maps and Parallels around it."""

    depth: int
    visit: StateVisit | None = None
    folded: Sequence[Iteration] = ()

    @property
    def start(self) -> float:
        """When it began."""
        return self.visit.entered if self.visit is not None else min(one.started for one in self.folded)


def rows_of(visits: StateVisits, shown: Range) -> Iterator[Row]:
    """All rows in order; there may be more than can be drawn."""
    wanted = _wanted(visits, shown)
    inside: dict[Iteration, list[StateVisit]] = {}
    threads: dict[StateVisit, list[Iteration]] = {}
    outermost: list[StateVisit] = []
    for visit in visits:
        if visit not in wanted:
            continue
        if visit.within is None:
            outermost.append(visit)
            continue
        if visit.within not in inside:
            threads.setdefault(visit.within.visit, []).append(visit.within)
        inside.setdefault(visit.within, []).append(visit)
    waiting: list[Row] = [Row(0, visit) for visit in reversed(outermost)]
    while waiting:
        row = waiting.pop()
        yield row
        if row.visit in threads:
            waiting += reversed(list(_inner(row.visit, threads[row.visit], inside, row.depth + 1)))


def _wanted(visits: StateVisits, shown: Range) -> set[StateVisit]:
    """The visits that are asked for, and those around them."""
    found: set[StateVisit] = set()
    for visit in visits:
        one: StateVisit | None = visit if shown.has(visit) and shown.wants(visit) else None
        while one is not None and one not in found:
            found.add(one)
            one = one.parent
    return found


def _inner(
    visit: StateVisit, threads: Sequence[Iteration], inside: dict[Iteration, list[StateVisit]], depth: int
) -> Iterator[Row]:
    """Of many iterations those that went wrong come first, then those that run; the others are folded."""
    chosen = set(threads)
    if visit.kind == "Map" and len(threads) > MOST_ITERATIONS:
        by_worth = sorted(threads, key=lambda one: (_WORTH.get(one.status, 2), one.started))
        chosen = set(by_worth[:MOST_ITERATIONS])
    for thread in threads:
        if thread in chosen:
            yield from (Row(depth, inner) for inner in inside[thread])
    folded = [one for one in threads if one not in chosen]
    if folded:
        yield Row(depth, None, folded)


_WORTH = {"failed": 0, "timed out": 0, "running": 1}
