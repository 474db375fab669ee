"""Map: the same states for each item of an array.

Both modes find their items and numbers in the same way. An `InlineFork` runs the items here, a Map Run of child
executions in `pupline.asl.states._distributed_map`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pupline.asl._errors import QUERY_EVALUATION_ERROR, RUNTIME, DataLimitExceeded, EvaluationError
from pupline.asl._expression import Evaluate, Scope
from pupline.asl._fork import Fork
from pupline.asl._history import EventKind, named
from pupline.asl._thread import Thread
from pupline.asl.jsonata import compile_jsonata_value, expression_text, unexpected_type
from pupline.asl.jsonpath import compile_path
from pupline.asl.states._base import State
from pupline.asl.states._catch import CatchingState
from pupline.asl.states._numbers import Number
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl._execution import Execution

#: Iterations at a time, however large MaxConcurrency is: "Map state", Inline mode, up to 40 concurrent iterations.
MAX_RUNNING = 40

STARTED = named("MapStateStarted", "length")
SUCCEEDED = EventKind("MapStateSucceeded")
FAILED = EventKind("MapStateFailed")
_ITERATION_STARTED = named("MapIterationStarted", "name", "index")
_ITERATION_SUCCEEDED = named("MapIterationSucceeded", "name", "index")
_ITERATION_FAILED = named("MapIterationFailed", "name", "index")
_ITERATION_ABORTED = named("MapIterationAborted", "name", "index")


class InlineFork(Fork["MapState"]):
    """The iterations of one attempt; at most `limit` at a time (0: as many as AWS runs).

    value: `$` of the ItemSelector. before: the event that the next MapIterationStarted points at.
    """

    __slots__ = ("before", "items", "limit", "next_index", "prefix", "value")

    def __init__(self, state: MapState, parent: Thread, items: list[AnyJSON], value: AnyJSON, limit: int) -> None:
        super().__init__(state, parent, len(items))
        self.items = items
        self.value = value
        self.limit = min(limit or MAX_RUNNING, MAX_RUNNING)
        self.next_index = 0
        self.prefix = parent.command_id(state.key)
        self.before = parent.last

    def fill(self, execution: Execution, parent: Thread) -> State | None:
        """Start iterations until the limit is reached; a step of the parent, whose expressions may fail here."""
        items, state = self.items, self.state
        while self.next_index < len(items) and len(self.running) < self.limit:
            index = self.next_index
            value = state.item_value(execution, parent, self.value, index, items[index])
            self.next_index += 1
            events = parent.events
            events.append((_ITERATION_STARTED, self.before, execution.now, state.name, index))
            child = self.child(index, value, self.prefix, len(events))
            child.item = (index, items[index])
            execution.make_ready(child, state.first.enter)
        return None

    def first(self, index: int) -> State:  # noqa: ARG002 - the same for all
        """The first state of the item processor."""
        return self.state.first

    def resume(self, execution: Execution, last: int) -> None:
        """Redrive the iterations that did not succeed, then start those that were never started."""
        super().resume(execution, last)
        self.before = last
        execution.make_ready(self.parent, self.fill)

    def succeeded(self, execution: Execution, child: Thread) -> None:
        """Start the next iteration, which points at the last event of this one; after the last, leave."""
        super().succeeded(execution, child)
        events = child.events
        events.append((_ITERATION_SUCCEEDED, child.last, execution.now, self.state.name, child.index))
        if self.next_index < len(self.items):
            self.before = child.last
            execution.make_ready(self.parent, self.fill)
        elif not self.running:
            self.parent.last = len(events)
            execution.make_ready(self.parent, self.state.join)

    def write_failed(self, execution: Execution, child: Thread) -> None:
        """Write MapIterationFailed."""
        child.events.append((_ITERATION_FAILED, child.last, execution.now, self.state.name, child.index))

    def write_aborted(self, execution: Execution, child: Thread, cause: int) -> None:
        """Write MapIterationAborted."""
        child.events.append((_ITERATION_ABORTED, cause, execution.now, self.state.name, child.index))


class MapState(CatchingState):
    """Map in INLINE mode, and the base of DISTRIBUTED mode.

    items: the ItemsPath, or Items, as an expression. expression: the text of Items, when it is one JSONata expression.
    first: the first state of the item processor.
    """

    __slots__ = ("expression", "first", "items", "items_text", "max_concurrency", "selector")

    type = "Map"

    def __init__(
        self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool, compile_branch: Callable[..., State]
    ) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        field = "ItemProcessor" if "ItemProcessor" in definition else "Iterator"
        self.first = compile_branch(definition[field], field)
        self.items: Evaluate | None = None
        self.expression = expression_text(definition.get("Items"))
        self.items_text: str = definition.get("ItemsPath", "$")
        if "Items" in definition:
            self.items = compile_jsonata_value(definition["Items"], location="Items").evaluate
        elif self.items_text != "$":
            self.items = compile_path(self.items_text, field="ItemsPath").evaluate
        self.max_concurrency = Number("MaxConcurrency", definition, jsonata=jsonata)
        selector = "ItemSelector" if "ItemSelector" in definition else "Parameters"
        self.selector = self.compile_field(definition, selector)

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Find the items and start the first iterations."""
        scope = self.input_scope(execution, thread)
        limit = int(self.max_concurrency.value(scope) or 0)
        items = self.item_list(scope)
        thread.write(STARTED, execution.now, len(items))
        if not items:
            thread.events.append((SUCCEEDED, thread.last, execution.now))
            return self.leave(execution, thread, [])
        return InlineFork(self, thread, items, scope.input, limit).fill(execution, thread)

    def item_list(self, scope: Scope) -> list[AnyJSON]:
        """The array to iterate over. Raises EvaluationError when it is not an array."""
        found = scope.input if self.items is None else self.items(scope)
        if isinstance(found, list):
            return found
        if self.expression is not None:
            raise unexpected_type(self.expression, "Items", "array", found)
        if self.jsonata:
            cause = f"Map state input must be an array but was: {dumps(found)}"
            raise EvaluationError(QUERY_EVALUATION_ERROR, cause)
        raise EvaluationError(RUNTIME, f'Reference path "{self.items_text}" must point to array.')

    def item_value(self, execution: Execution, thread: Thread, value: AnyJSON, index: int, item: AnyJSON) -> AnyJSON:
        """The input of one iteration: the item, or the result of the ItemSelector."""
        selector = self.selector
        if selector is None:
            return item
        outer, thread.item = thread.item, (index, item)
        try:
            if self.jsonata:
                return selector(self.jsonata_scope(execution, thread))
            return selector(self.scope(execution, thread, value))
        finally:
            thread.item = outer

    def join(self, execution: Execution, thread: Thread) -> State | None:
        """Leave with the results: all iterations have succeeded."""
        fork, thread.child = thread.child, None
        assert fork is not None  # noqa: S101 - only a fork makes its parent ready to join
        thread.events.append((SUCCEEDED, thread.last, execution.now))
        return self.finish(execution, thread, fork.results)

    def finish(self, execution: Execution, thread: Thread, result: AnyJSON) -> State | None:
        """Leave with the result. Raises DataLimitExceeded when it is too large."""
        if execution.texts.exceeds_quota(result):
            raise DataLimitExceeded(self.name)
        return self.leave(execution, thread, result)

    def write_state_failed(self, execution: Execution, thread: Thread) -> None:
        """Write MapStateFailed, after the last attempt only."""
        thread.write(FAILED, execution.now)
