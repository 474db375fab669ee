"""Where an execution is: threads of states, and the frame that holds their history.

A thread is a sequence of states: the execution itself, a Parallel branch, a Map iteration. It is one object with slots,
because a Map makes one for each item.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pupline.asl._history import EventKind, HistoryEvent
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._fork import Fork
    from pupline.asl.states import State

NO_VARIABLES: Mapping[str, AnyJSON] = {}


class Frame:
    """The events and the Context Object of one execution. Each child execution of a Map Run has its own.

    machine: the name of the state machine, followed by the run's label in a Map Run. start: seconds since the epoch.
    max_events: how many events there is room for.
    """

    __slots__ = ("context", "events", "input", "machine", "max_events", "name", "start")

    def __init__(
        self,
        name: str,
        input: AnyJSON,  # noqa: A002 - the API's word
        machine: str,
        start: float,
        max_events: int,
    ) -> None:
        self.machine = machine
        self.max_events = max_events
        self.start = start
        self.name = name
        self.input = input
        self.events: list[HistoryEvent] = []
        self.context: dict[str, AnyJSON] | None = None  # made when the first expression asks for it


class Thread:
    """A sequence of states.

    variables: the values of `$name`; never changed in place, so that branches can share their parent's.
    last: id of this thread's newest event; entered: of the newest ...StateEntered; before: of the event before that.
    state_input: the state's raw input; value: the next state's input.
    path: the prefix of this thread's command ids. visits: how often each state was entered, for the same ids.
    attempt: of the current visit, from 0. retries: how many times each Retrier has retried.
    waiting: ids of the commands that this thread waits for. child: the fork that it waits for.
    failed_fork: the fork of the current state that has failed or was stopped; a redrive resumes it.
    stopped: this thread does not run any more, because a sibling has failed. token: of a task that waits for one.
    item: (index, value) of `$$.Map.Item`, inside a Map. deadline: when the current task times out.
    """

    __slots__ = (
        "attempt",
        "before",
        "child",
        "deadline",
        "entered",
        "entered_time",
        "events",
        "failed_fork",
        "fork",
        "frame",
        "index",
        "item",
        "last",
        "path",
        "randomness",
        "retries",
        "state",
        "state_input",
        "stopped",
        "token",
        "value",
        "variables",
        "visit",
        "visits",
        "waiting",
    )

    def __init__(self, frame: Frame, value: AnyJSON, path: str, variables: Mapping[str, AnyJSON], last: int) -> None:
        self.frame = frame
        self.events = frame.events
        self.value = value
        self.state_input: AnyJSON = None
        self.path = path
        self.variables = variables
        self.last = last
        self.entered = 0
        self.before = 0
        self.entered_time = 0.0
        self.state: State | None = None
        self.fork: Fork[Any] | None = None
        self.index = 0
        self.stopped = False
        self.item: tuple[int, AnyJSON] | None = None
        self.deadline: float | None = None
        self.visits: dict[str, int] | None = None
        self.visit = 0
        self.attempt = 0
        self.retries: list[int] | None = None
        self.waiting: list[str] | None = None
        self.child: Fork[Any] | None = None
        self.failed_fork: Fork[Any] | None = None
        self.token: str | None = None
        self.randomness: random.Random | None = None

    def write(self, kind: EventKind, now: float, *values: AnyJSON) -> None:
        """Append an event that follows this thread's newest one."""
        self.events.append((kind, self.last, now, *values))
        self.last = len(self.events)

    def count_visit(self, key: str) -> None:
        """Count an entry of a state that issues commands."""
        visits = self.visits
        if visits is None:
            visits = self.visits = {}
        self.visit = visits[key] = visits.get(key, 0) + 1
        self.attempt = 0
        self.retries = None
        self.failed_fork = None

    def command_id(self, key: str) -> str:
        """The id of the command that the current attempt of the state `key` issues."""
        return f"{self.path}{key}@{self.visit}#{self.attempt}"
