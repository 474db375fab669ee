"""States that have Retry and Catch: Task, Parallel, Map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._commands import StartTimer
from pupline.asl._facts import Fact
from pupline.asl._failures import fill_history
from pupline.asl._limits import MAX_HISTORY_EVENTS
from pupline.asl.states._base import State, compile_result_path, place_in, put_result
from pupline.asl.states._retry import ErrorMatcher, Retrier
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread


class Catcher(ErrorMatcher):
    """One element of `Catch`."""

    __slots__ = ("assign", "next", "next_name", "output", "place", "result_path")

    def __init__(self, state: State, definition: dict[str, AnyJSON], number: int) -> None:
        super().__init__(definition["ErrorEquals"])
        self.place = place_in(state.name, f"Catch[{number}]")
        self.next_name: str = definition["Next"]
        self.next: State | None = None
        self.assign = state.compile_assign(definition)
        self.result_path = True if state.jsonata else compile_result_path(definition)
        location = f"Catch[{number}]/Output"
        self.output = state.compile_field(definition, "Output", location=location) if state.jsonata else None


class CatchingState(State):
    """A state whose failures its Retriers and Catchers may handle."""

    __slots__ = ("catchers", "retriers")

    counts_retries = True
    has_states_result = True

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.retriers = [Retrier(each) for each in definition.get("Retry", ())]
        self.catchers = [Catcher(self, each, number) for number, each in enumerate(definition.get("Catch", ()))]

    @property
    def catching(self) -> CatchingState:
        """The state itself."""
        return self

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Enter once; each attempt begins with `start`."""
        self.write_entered(execution, thread)
        thread.count_visit(self.key)
        return self.start(execution, thread)

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Begin the attempt number `thread.attempt`."""
        raise NotImplementedError

    def redrive(self, execution: Execution, thread: Thread) -> State | None:
        """Begin another attempt without entering the state again; its Retriers start from zero."""
        thread.retries = None
        thread.attempt += 1
        return self.start(execution, thread)

    def write_timed_out(self, execution: Execution, thread: Thread) -> None:
        """Write the ...TimedOut of a task; other states have no such event."""

    def schedule_retry(self, execution: Execution, thread: Thread, error: str | None, *, heartbeat: bool) -> bool:
        """Start the timer of the first Retrier that matches this error; False when there is none, or it is spent.

        Later Retriers are not consulted when the first matching one is spent (States Language, "Retrying after error":
        "scans through the Retriers in order").
        """
        number = next((at for at, each in enumerate(self.retriers) if each.matches(error, heartbeat=heartbeat)), None)
        if number is None:
            return False
        execution.taken.add(place_in(self.name, f"Retry[{number}]"))
        counts = thread.retries
        if counts is None:
            counts = thread.retries = [0] * len(self.retriers)
        timer = f"{thread.command_id(self.key)}/retry"
        delay = self.retriers[number].delay_seconds(counts[number], execution.seeded(timer))
        if delay is None:
            return False
        counts[number] += 1
        if sum(counts) >= MAX_HISTORY_EVENTS:  # not every attempt writes events, but none goes on forever
            fill_history(execution, thread)
            return True
        execution.command(StartTimer(timer, execution.now + delay), self._retry, thread)
        return True

    def _retry(self, execution: Execution, thread: Thread, _: Fact) -> State | None:
        """The delay is over: begin the next attempt."""
        thread.waiting = None
        thread.attempt += 1
        return self.start(execution, thread)

    def catcher_for(self, error: str | None, *, heartbeat: bool) -> Catcher | None:
        """The first Catcher that matches this error."""
        return next((each for each in self.catchers if each.matches(error, heartbeat=heartbeat)), None)

    def catch(
        self, execution: Execution, thread: Thread, catcher: Catcher, error: str | None, cause: str | None
    ) -> State | None:
        """Leave by a Catcher: neither ResultSelector, OutputPath nor the state's own ResultPath touch its output."""
        thread.failed_fork = None
        execution.taken.add(catcher.place)
        failure: dict[str, AnyJSON] = {"Error": error or "", "Cause": cause or ""}
        if self.jsonata:
            scope = self.jsonata_scope(execution, thread, errorOutput=failure)
        else:
            scope = self.scope(execution, thread, failure)
        assigned = None if catcher.assign is None else catcher.assign(scope)
        if catcher.output is not None:
            output = catcher.output(scope)
        else:
            output = put_result(catcher.result_path, thread.state_input, failure)
        return self.exit(execution, thread, output, assigned, catcher.next)
