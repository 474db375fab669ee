"""A visit to a state, and the attempts in it."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pupline.json_values import loads

AttemptStatus = Literal["running", "succeeded", "failed", "timed out", "aborted"]
VisitStatus = Literal["running", "succeeded", "caught", "failed", "timed out", "aborted"]
"""caught: the state failed, and a Catcher handled the error."""

_MAX_OUTPUT = 262_144 * 4
"""Characters of an output that is searched for an ARN or a log; AWS allows 262,144 bytes."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt of a Task: from ...Scheduled to its end; or of a Map or Parallel: from its start to the next one.

    event_id: of the event that began it. resource: such as `lambda:invoke`, or an ARN; empty for a Map or Parallel.
    input: the parameters, and output: the result, both as JSON text, None where the history has none. wait: seconds
    since the attempt before ended, which its Retrier demanded. redriven: the attempt began with a redrive.
    """

    event_id: int
    scheduled: float
    resource: str = ""
    input: str | None = None
    started: float | None = None
    submitted: str | None = None
    ended: float | None = None
    status: AttemptStatus = "running"
    error: str | None = None
    cause: str | None = None
    output: str | None = None
    wait: float | None = None
    redriven: bool = False

    @property
    def nested_execution(self) -> str | None:
        """The ARN of the execution that the attempt started."""
        if "startExecution" not in self.resource and "startSyncExecution" not in self.resource:
            return None
        value = _parsed(self.submitted) or _parsed(self.output)
        arn = value.get("ExecutionArn") or value.get("executionArn")
        return arn if isinstance(arn, str) else None

    @property
    def log_lines(self) -> list[str]:
        """The end of the function's log, where it was asked for (`LogType`: `Tail`)."""
        text = self.output
        if text is None or "LogResult" not in text:
            return []
        found = _parsed(text).get("LogResult")
        try:
            return base64.b64decode(found or "", validate=True).decode("utf-8", "replace").splitlines()
        except (binascii.Error, TypeError, ValueError):
            return []


def _parsed(text: str | None) -> Mapping[str, Any]:
    """The object that JSON text holds; empty for everything else."""
    if text is None or len(text) > _MAX_OUTPUT:
        return {}
    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


@dataclass(slots=True, eq=False)
class Iteration:
    """One iteration of an inline Map, or one branch of a Parallel, in one attempt of its state.

    running: the visits in it that have not ended, for the reader. depth: Maps and Parallels around it, with its own.
    """

    visit: "StateVisit"
    index: int
    started: float
    ended: float | None = None
    status: AttemptStatus = "running"
    running: dict["StateVisit", None] = field(default_factory=dict, repr=False)
    depth: int = 1


@dataclass(frozen=True, slots=True)
class MapCounts:
    """The items of a Map by status, in the words of DescribeMapRun."""

    total: int = 0
    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    aborted: int = 0

    def shown(self) -> Iterator[tuple[VisitStatus | Literal["pending"], int]]:
        """(status, count) of the statuses that have items."""
        counts: list[tuple[VisitStatus | Literal["pending"], int]] = [
            ("succeeded", self.succeeded),
            ("failed", self.failed),
            ("timed out", self.timed_out),
            ("aborted", self.aborted),
            ("running", self.running),
            ("pending", self.pending),
        ]
        return ((status, count) for status, count in counts if count)


@dataclass(slots=True, eq=False)
class StateVisit:
    """One visit to a state. Times: epoch seconds; values: JSON text, None where the history has none.

    number: its place among the visits, from 1. event_id: of its ...StateEntered. kind: the state's Type. within: the
    iteration or branch it is in; None for the states of the machine itself. left: None while it runs. error and cause:
    of the failure that ended it, or that was caught. assigned: variables by name. following: the next visit of the same
    thread. length: items of an inline Map. map_run: the ARN of a Distributed Map's Map Run, counts: its items.
    """

    number: int
    event_id: int
    state: str
    kind: str
    entered: float
    within: Iteration | None = None
    left: float | None = None
    status: VisitStatus = "running"
    input: str | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    assigned: Mapping[str, str] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    following: "StateVisit | None" = None
    length: int | None = None
    map_run: str | None = None
    map_run_counts: MapCounts | None = None
    iterations: dict[int, Iteration] = field(default_factory=dict, repr=False)

    @property
    def parent(self) -> "StateVisit | None":
        """The visit to the Map or Parallel around it."""
        return None if self.within is None else self.within.visit

    @property
    def index(self) -> int | None:
        """The iteration or branch it is in, from 0."""
        return None if self.within is None else self.within.index

    @property
    def path(self) -> Sequence[tuple[str, int | None]]:
        """(state, index) from the outermost state to this one: `[("Each", 4), ("Fetch", None)]`."""
        found: list[tuple[str, int | None]] = [(self.state, None)]
        within = self.within
        while within is not None:
            found.append((within.visit.state, within.index))
            within = within.visit.within
        return found[::-1]

    @property
    def seconds(self) -> float | None:
        """The time that it took; None while it runs."""
        return None if self.left is None else self.left - self.entered

    @property
    def errors(self) -> list[str]:
        """The Error Names of the attempts that failed."""
        return [attempt.error or "States.Timeout" for attempt in self.attempts if attempt.status in _ENDED_BADLY]

    @property
    def counts(self) -> MapCounts | None:
        """The items of a Map by status; None for other states, and for a Map that has not read its items."""
        if self.map_run_counts is not None:
            return self.map_run_counts
        if self.kind != "Map" or self.length is None or self.map_run is not None:
            return None
        by_status = dict.fromkeys(get_args(AttemptStatus), 0)
        for iteration in self.iterations.values():
            by_status[iteration.status] += 1
        return MapCounts(
            total=self.length,
            pending=max(self.length - len(self.iterations), 0),
            running=by_status["running"],
            succeeded=by_status["succeeded"],
            failed=by_status["failed"],
            timed_out=by_status["timed out"],
            aborted=by_status["aborted"],
        )


_ENDED_BADLY = ("failed", "timed out")


@dataclass(frozen=True, slots=True)
class ExecutionFailure:
    """The failure that ended an execution.

    visit: to the innermost state that failed; None where the execution ended outside its states, or was stopped.
    attempt: the last one of that visit. event_id: of the event that ended the execution.
    """

    event_id: int
    status: Literal["failed", "timed out", "aborted"]
    error: str | None
    cause: str | None
    visit: StateVisit | None
    attempt: Attempt | None
