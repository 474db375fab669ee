"""Where an execution is: threads of states, and the frame they write their history to.

A thread is one line of states that follow one another: the execution itself, a Parallel branch, a Map iteration. It is
one object with slots, because a Map makes one per item.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pupline.asl._history import Event
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._fork import Fork
    from pupline.asl.states import State

NO_VARIABLES: Mapping[str, AnyJSON] = {}


class Frame:
    """What belongs to one execution: its events and its Context Object. Map Run children have their own.

    machine: the name of the state machine, for Map Run children with the run's label. start: seconds since the epoch.
    """

    __slots__ = ("context", "events", "input", "machine", "name", "start")

    def __init__(self, name: str, input: AnyJSON, machine: str, start: float) -> None:  # noqa: A002 - the API's word
        self.machine = machine
        self.start = start
        self.name = name
        self.input = input
        self.events: list[Event] = []
        self.context: dict[str, AnyJSON] | None = None  # made when the first expression asks for it


class Thread:
    """One line of states.

    variables: what `$name` reads; never changed in place, so that branches share their parent's for nothing.
    last: id of the newest event of this thread; entered: of the newest ...StateEntered; before: what came before that.
    raw: the state's input as it came in; value: what the next state will get.
    path: the prefix of this thread's command ids. visits: how often each state was entered, for the same ids.
    attempt: of the current visit, from 0. retries: per Retrier, how often it has answered.
    waiting: ids of the commands whose answers this thread waits for. child: the fork that it waits for.
    wreck: the fork of the current state that has failed or was stopped: a redrive goes on with it.
    stopped: a sibling has failed, this thread will not go on. token: of the task that waits for one.
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
        "fork",
        "frame",
        "index",
        "item",
        "last",
        "path",
        "randomness",
        "raw",
        "retries",
        "state",
        "stopped",
        "token",
        "value",
        "variables",
        "visit",
        "visits",
        "waiting",
        "wreck",
    )

    def __init__(self, frame: Frame, value: AnyJSON, path: str, variables: Mapping[str, AnyJSON], last: int) -> None:
        self.frame = frame
        self.events = frame.events
        self.value = value
        self.raw: AnyJSON = None
        self.path = path
        self.variables = variables
        self.last = last
        self.entered = 0
        self.before = 0
        self.entered_time = 0.0
        self.state: State | None = None
        self.fork: Fork | None = None
        self.index = 0
        self.stopped = False
        self.item: tuple[int, AnyJSON] | None = None
        self.deadline: float | None = None
        self.visits: dict[str, int] | None = None
        self.visit = 0
        self.attempt = 0
        self.retries: list[int] | None = None
        self.waiting: list[str] | None = None
        self.child: Fork | None = None
        self.wreck: Fork | None = None
        self.token: str | None = None
        self.randomness: random.Random | None = None

    def count_visit(self, key: str) -> None:
        """Note that a state which gives commands is entered again."""
        visits = self.visits
        if visits is None:
            visits = self.visits = {}
        self.visit = visits[key] = visits.get(key, 0) + 1
        self.attempt = 0
        self.retries = None
        self.wreck = None

    def command_id(self, key: str) -> str:
        """The id of what the current attempt of the state `key` asks for."""
        return f"{self.path}{key}@{self.visit}#{self.attempt}"
