"""Executions that share the concurrency of Lambda functions, in virtual time: the engine runs all, nothing waits.

Lambda refuses an invocation beyond a function's concurrency and does not queue it. What then happens is in the
workflow files alone: their retriers, Catchers and waits, with the engine's jitter.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pupline.asl import (
    CancelCommand,
    Command,
    Execution,
    InvokeTask,
    ItemsRead,
    ReadItems,
    StartTimer,
    StateMachine,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
    parse_items,
)

START = 1_767_225_600.0
THROTTLED = "Lambda.TooManyRequestsException"

Function: TypeAlias = Callable[[Any, float], tuple[float, Any]]
"""Of a payload and the time, in seconds since the epoch: the seconds that it takes, and its answer."""


@dataclass
class Concurrency:
    """What a function, or several that share a quota, may run at the same time."""

    limit: int
    running: int = 0
    refused: int = 0
    most: int = 0

    def take(self) -> bool:
        """Whether there was a unit left, which is taken now."""
        if self.running >= self.limit:
            self.refused += 1
            return False
        self.running += 1
        self.most = max(self.most, self.running)
        return True


@dataclass
class Account:
    """Functions with their concurrency, other resources that answer at once, and executions that run together.

    read: the object under a key, for an ItemReader. attempts: by function, also those that were throttled.
    """

    functions: dict[str, tuple[Concurrency, Function]]
    read: Callable[[str], bytes] = lambda _: b""
    now: float = START
    attempts: Counter[str] = field(default_factory=Counter)
    executions: dict[str, Execution] = field(default_factory=dict)
    _running: int = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _cancelled: set[tuple[str, str]] = field(default_factory=set)

    def start(self, machine: StateMachine, name: str, given: Any, after: float = 0.0) -> None:
        """Start an execution so many seconds after the beginning."""
        self._running += 1
        self._at(START + after, lambda: self._begin(machine, name, given))

    def run(self) -> float:
        """Run all executions to their ends; the seconds from the beginning until then."""
        while self._running:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        return self.now - START

    def statuses(self) -> Counter[str]:
        """How many executions have ended in each status."""
        return Counter(execution.status for execution in self.executions.values())

    def _at(self, due: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (due, next(self._numbers), happen))

    def _begin(self, machine: StateMachine, name: str, given: Any) -> None:
        self.executions[name] = Execution(machine, given, name=name, now=self.now)
        self._advance(self.executions[name])

    def _advance(self, execution: Execution) -> None:
        while execution.status == "RUNNING" and (commands := execution.commands()):
            for command in commands:
                if execution.status == "RUNNING":
                    self._carry_out(execution, command)
        if execution.status != "RUNNING":
            self._running -= 1

    def _carry_out(self, execution: Execution, command: Command) -> None:
        if isinstance(command, CancelCommand):
            self._cancelled.add((execution.name, command.id))
        elif isinstance(command, StartTimer):
            self._answer(execution, TimerFired(command.id), command.due)
        elif isinstance(command, ReadItems):
            items = parse_items(self.read(command.arguments["Key"]), command.reader_config)
            execution.receive(ItemsRead(command.id, items), now=self.now)
        elif isinstance(command, InvokeTask) and command.resource in self.functions:
            self._invoke(execution, command)
        else:
            execution.receive(TaskSucceeded(command.id, {}), now=self.now)

    def _invoke(self, execution: Execution, command: InvokeTask) -> None:
        concurrency, function = self.functions[command.resource]
        self.attempts[command.resource] += 1
        if not concurrency.take():
            execution.receive(TaskFailed(command.id, THROTTLED, "Rate Exceeded."), now=self.now)
            return
        seconds, answer = function(command.payload, self.now)

        def end() -> None:
            concurrency.running -= 1

        self._at(self.now + seconds, end)
        self._answer(execution, TaskSucceeded(command.id, answer), self.now + seconds)

    def _answer(self, execution: Execution, fact: TaskSucceeded | TimerFired, due: float) -> None:
        def happen() -> None:
            if execution.status == "RUNNING" and (execution.name, fact.id) not in self._cancelled:
                execution.receive(fact, now=self.now)
                self._advance(execution)

        self._at(due, happen)
