"""The visits of an execution to its states, read from its history: what tables, graphs and timelines show."""

from pupline.asl.visits._reader import StateVisits
from pupline.asl.visits._visit import (
    Attempt,
    AttemptStatus,
    ExecutionFailure,
    Iteration,
    MapCounts,
    StateVisit,
    VisitStatus,
)

__all__ = [
    "Attempt",
    "AttemptStatus",
    "ExecutionFailure",
    "Iteration",
    "MapCounts",
    "StateVisit",
    "StateVisits",
    "VisitStatus",
]
