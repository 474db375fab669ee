"""Events that the driver emits, each after it was committed."""

from dataclasses import dataclass
from typing import TypeAlias

from pupline.json_values import JSON


@dataclass(frozen=True, slots=True)
class ExecutionStarted:
    """A new execution."""

    execution: str
    run_id: str | None


@dataclass(frozen=True, slots=True)
class ExecutionResumed:
    """An unfinished or redriven execution continues. facts: how many were in the journal."""

    execution: str
    run_id: str | None
    facts: int


@dataclass(frozen=True, slots=True)
class TaskAttemptFailed:
    """One attempt of a task failed; the state machine decides what follows."""

    execution: str
    state: str
    error: str
    cause: str | None


@dataclass(frozen=True, slots=True)
class ExecutionFinished:
    """An execution has ended, or had ended before it was requested again. Times are seconds since the epoch."""

    execution: str
    run_id: str | None
    status: str
    output: JSON
    error: str | None
    cause: str | None
    start_time: float
    stop_time: float


@dataclass(frozen=True, slots=True)
class ExecutionRefused:
    """An execution cannot be started or resumed; it stays as it is until it is stopped. reason: for people."""

    execution: str
    run_id: str | None
    reason: str


DriverEvent: TypeAlias = ExecutionStarted | ExecutionResumed | TaskAttemptFailed | ExecutionFinished | ExecutionRefused
