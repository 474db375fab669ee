"""The inspectionData of TestState: the value after each stage of a state's data flow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from pupline.asl._errors import EvaluationError
from pupline.asl._expression import Scope
from pupline.asl.states import DistributedMapState, MapState, ParallelState, PassState, State, TaskState, put_result
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl.test_state._probe import Probe
    from pupline.asl.test_state._request import TestStateRequest

_MAX_STAGE = 4_194_304
"""Characters of a stage that holds a value for each item."""

Failure = tuple[str | None, str | None]


def inspection_data(
    probe: Probe, request: TestStateRequest, failure: Failure | None, *, caught: bool
) -> dict[str, AnyJSON]:
    """The stages that the state has passed, under AWS's names; values as JSON text, numbers as numbers."""
    found: dict[str, AnyJSON] = {"input": dumps(request.input)}
    if request.variables is not None or probe.variables:
        found["variables"] = dumps(dict(probe.variables))
    with suppress(EvaluationError):  # the state itself has failed there; the stages before it are shown
        _Stages(probe, found).add_all(probe.state)
    details = _error_details(probe, failure, caught=caught)
    if details:
        found["errorDetails"] = details
    return found


class _Stages:
    """Adds stages to `found` one after the other, until one cannot be evaluated."""

    def __init__(self, probe: Probe, found: dict[str, AnyJSON]) -> None:
        self.probe = probe
        self.found = found

    def add_all(self, state: State) -> None:
        if isinstance(state, TaskState):
            self.add_task(state)
        elif isinstance(state, MapState):
            self.add_map(state)
        elif isinstance(state, ParallelState):
            self.add_result(state)
        elif isinstance(state, PassState) and not state.jsonata:
            self.add_pass(state)
        elif not state.jsonata:
            self.add("afterInputPath", state.effective_input(self.probe, self.probe.root))

    def add(self, name: str, value: AnyJSON) -> None:
        self.found[name] = dumps(value)

    def add_task(self, state: TaskState) -> None:
        events = self.probe.root.events
        if not state.jsonata:
            self.add("afterInputPath", state.effective_input(self.probe, self.probe.root))
        arguments = [event[3] for event in events if event[0] is state.integration.scheduled]
        if arguments and not (state.jsonata and state.arguments is None):
            self.add("afterArguments" if state.jsonata else "afterParameters", arguments[0])
        for event in events:
            if event[0] is state.integration.succeeded:
                self.add("result", event[3])
                self.add_selected(state, event[3])

    def add_pass(self, state: PassState) -> None:
        if state.has_result:
            result = state.result
            self.add("result", result)
        else:
            result = state.effective_input(self.probe, self.probe.root)
            self.add("afterInputPath", result)
            if state.parameters is not None:
                if "afterParameters" not in self.probe.stages:
                    return
                result = self.probe.stages["afterParameters"]
            self.add("afterParameters", result)
        self.add_selected(state, result)

    def add_result(self, state: State) -> None:
        """After the mocked result of a Map or Parallel state."""
        if "result" in (self.probe.request.mock or {}) and self.probe.last_failure is None:
            self.add_selected(state, self.probe.mocked_result)

    def add_selected(self, state: State, result: AnyJSON) -> None:
        """After ResultSelector and ResultPath."""
        if state.jsonata:
            return
        if state.result_selector is not None:
            if "afterResultSelector" not in self.probe.stages:
                return
            result = self.probe.stages["afterResultSelector"]
        self.add("afterResultSelector", result)
        self.add("afterResultPath", put_result(state.result_path, self.probe.input, result))

    def add_map(self, state: MapState) -> None:
        scope = state.input_scope(self.probe, self.probe.root)
        reads = isinstance(state, DistributedMapState) and state.reader_resource is not None
        if not state.jsonata:
            self.add("afterInputPath", scope.input)
        items = self.items_read() if reads else state.item_list(scope)
        if not (state.jsonata or reads):
            self.add("afterItemsPath", items)
        self.found["maxConcurrency"] = int(state.max_concurrency.value(scope) or 0)
        if isinstance(state, DistributedMapState):
            count, percentage = state.count.value(scope), state.percentage.value(scope)
            if count is not None:
                self.found["toleratedFailureCount"] = int(count)
            if percentage is not None:
                self.found["toleratedFailurePercentage"] = float(percentage)
        self.add_result(state)
        self.add_inputs(state, scope, items)

    def items_read(self) -> list[AnyJSON]:
        """What the ItemReader has read, as the request has it."""
        data = self.probe.request.state_configuration.get("mapItemReaderData")
        items = [] if data is None else json.loads(data)
        return items if isinstance(items, list) else []

    def add_inputs(self, state: MapState, scope: Scope, items: list[AnyJSON]) -> None:
        """The inputs of the iterations after ItemSelector, and of the child executions after ItemBatcher."""
        probe = self.probe
        if state.selector is not None:
            selected = (
                state.item_value(probe, probe.root, scope.input, index, item) for index, item in enumerate(items)
            )
            self.add_long("afterItemSelector", selected)
        if isinstance(state, DistributedMapState) and state.batch_items is not None:
            batches = state.inputs(probe, probe.root, state.plan(scope), items)
            self.add_long("afterItemBatcher", (batch for batch, _ in batches))

    def add_long(self, name: str, values: Iterator[AnyJSON]) -> None:
        """A value for each item; left out when the text would be too long, as each of many items may select a lot."""
        texts: list[str] = []
        size = 0
        for value in values:
            texts.append(dumps(value))
            size += len(texts[-1])
            if size > _MAX_STAGE:
                return
        self.found[name] = f"[{','.join(texts)}]"


def _error_details(probe: Probe, failure: Failure | None, *, caught: bool) -> dict[str, AnyJSON]:
    catching = probe.state.catching
    if failure is None or failure[0] is None or catching is None:
        return {}
    error = failure[0]
    found: dict[str, AnyJSON] = {}
    matching = [number for number, retrier in enumerate(catching.retriers) if retrier.matches(error)]
    if matching:
        found["retryIndex"] = matching[0]
    if probe.waits_for_retry is not None:
        found["retryBackoffIntervalSeconds"] = int(probe.waits_for_retry.due - probe.now)
    if caught:
        found["catchIndex"] = [each.matches(error) for each in catching.catchers].index(True)
    return found
