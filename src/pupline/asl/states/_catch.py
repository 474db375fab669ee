"""States that have Retry and Catch: Task, Parallel, Map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._commands import StartTimer
from pupline.asl._facts import Fact
from pupline.asl.jsonata import compile_jsonata_value
from pupline.asl.jsonpath import compile_template
from pupline.asl.states._base import Evaluate, State, result_path
from pupline.asl.states._retry import ErrorMatcher, Retrier
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread


class Catcher(ErrorMatcher):
    """One element of `Catch`."""

    __slots__ = ("assign", "next", "next_name", "output", "result_path")

    def __init__(self, state: State, definition: dict[str, AnyJSON], number: int) -> None:
        super().__init__(definition["ErrorEquals"])
        self.next_name: str = definition["Next"]
        self.next: State | None = None
        self.assign = state.compile_assign(definition)
        self.result_path = True if state.jsonata else result_path(definition)
        self.output: Evaluate | None = None
        if state.jsonata and "Output" in definition:
            self.output = compile_jsonata_value(definition["Output"], location=f"Catch[{number}]/Output").evaluate


class CatchingState(State):
    """A state whose failures its Retriers and Catchers may answer."""

    __slots__ = ("catchers", "retriers")

    counts_retries = True
    gives_result = True

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.retriers = [Retrier(each) for each in definition.get("Retry", ())]
        self.catchers = [Catcher(self, each, number) for number, each in enumerate(definition.get("Catch", ()))]

    def compile_field(self, definition: dict[str, AnyJSON], field: str) -> Evaluate | None:
        """The field's value as an expression in the state's query language; None when there is no such field."""
        if field not in definition:
            return None
        if self.jsonata:
            return compile_jsonata_value(definition[field], location=field).evaluate
        return compile_template(definition[field], field=field).evaluate

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Enter once; each attempt starts with `start`."""
        self.note_entered(execution, thread)
        thread.count_visit(self.key)
        return self.start(execution, thread)

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Begin the attempt number `thread.attempt`."""
        raise NotImplementedError

    def again(self, execution: Execution, thread: Thread) -> State | None:
        """Redrive: another attempt, without entering the state again; its Retriers start anew."""
        thread.retries = None
        thread.attempt += 1
        return self.start(execution, thread)

    def note_timed_out(self, execution: Execution, thread: Thread) -> None:
        """Write that the task is late; nothing for states that are no task."""

    def retried(self, execution: Execution, thread: Thread, error: str | None, *, heartbeat: bool) -> bool:
        """Start the timer of the first Retrier that means this error, unless it is spent.

        The first matching Retrier decides alone: when it is spent, later ones are not asked (States Language,
        "Retrying after error": "scans through the Retriers in order").
        """
        matching = [number for number, each in enumerate(self.retriers) if each.matches(error, heartbeat=heartbeat)]
        if not matching:
            return False
        number = matching[0]
        counts = thread.retries
        if counts is None:
            counts = thread.retries = [0] * len(self.retriers)
        timer = f"{thread.command_id(self.key)}/retry"
        delay = self.retriers[number].delay_seconds(counts[number], execution.seeded(timer))
        if delay is None:
            return False
        counts[number] += 1
        execution.command(StartTimer(timer, execution.now + delay), self.retry_due, thread)
        return True

    def retry_due(self, execution: Execution, thread: Thread, _: Fact) -> State | None:
        """The delay is over: begin the next attempt."""
        thread.waiting = None
        thread.attempt += 1
        return self.start(execution, thread)

    @property
    def catching(self) -> CatchingState:
        """The state itself."""
        return self

    def catcher_for(self, error: str | None, *, heartbeat: bool) -> Catcher | None:
        """The first Catcher that means this error."""
        for catcher in self.catchers:
            if catcher.matches(error, heartbeat=heartbeat):
                return catcher
        return None

    def caught(
        self, execution: Execution, thread: Thread, catcher: Catcher, error: str | None, cause: str | None
    ) -> State | None:
        """Leave by a Catcher: neither ResultSelector, OutputPath nor the state's own ResultPath touch its output."""
        thread.wreck = None
        failure: dict[str, AnyJSON] = {"Error": error or "", "Cause": cause or ""}
        if self.jsonata:
            return self._leave_jsonata(execution, thread, catcher, failure)
        assigned = None
        if catcher.assign is not None:
            assigned = catcher.assign(self.scope(execution, thread, failure))
        path = catcher.result_path
        output = failure if path is True else thread.raw if path is False else path.put(thread.raw, failure)
        return self.exit(execution, thread, output, assigned, catcher.next)

    def _leave_jsonata(
        self, execution: Execution, thread: Thread, catcher: Catcher, failure: dict[str, AnyJSON]
    ) -> State | None:
        scope = self.jsonata_scope(execution, thread, errorOutput=failure)
        assigned = None if catcher.assign is None else catcher.assign(scope)
        output = failure if catcher.output is None else catcher.output(scope)
        return self.exit(execution, thread, output, assigned, catcher.next)
