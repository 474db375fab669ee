"""The inspectionData of TestState: the value after each stage of a state's data flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._errors import EvaluationError
from pupline.asl.states import DistributedMapState, MapState, ParallelState, PassState, State, TaskState, put_result
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl.test_state._probe import Probe
    from pupline.asl.test_state._request import TestStateRequest

Failure = tuple[str | None, str | None]


def inspection_data(
    probe: Probe, request: TestStateRequest, failure: Failure | None, *, caught: bool
) -> dict[str, AnyJSON]:
    """The stages that the state has passed, under AWS's names; values as JSON text, numbers as numbers."""
    found: dict[str, AnyJSON] = {"input": dumps(request.input)}
    if request.variables is not None:
        found["variables"] = dumps(request.variables)
    try:
        for name, value in _stages(probe, probe.state).items():
            found[name] = dumps(value)
        if isinstance(probe.state, MapState):
            found |= _map_numbers(probe, probe.state)
    except EvaluationError:  # the state itself has failed there; the stages before it are shown
        pass
    details = _error_details(probe, failure, caught=caught)
    if details:
        found["errorDetails"] = details
    return found


def _stages(probe: Probe, state: State) -> dict[str, AnyJSON]:
    found: dict[str, AnyJSON] = {}
    if isinstance(state, TaskState):
        _task_stages(probe, state, found)
    elif state.jsonata:
        return found
    elif isinstance(state, PassState):
        _pass_stages(probe, state, found)
    elif not isinstance(state, MapState | ParallelState):
        found["afterInputPath"] = state.effective_input(probe, probe.root)
    result = _result(probe, state)
    if not state.jsonata and result is not None and isinstance(state, TaskState | MapState | ParallelState):
        _result_stages(probe, state, result[0], found)
    return found


def _task_stages(probe: Probe, state: TaskState, found: dict[str, AnyJSON]) -> None:
    events = probe.root.events
    arguments = next((event[3] for event in events if event[0] is state.integration.scheduled), None)
    if state.jsonata:
        if state.arguments is not None:
            found["afterArguments"] = arguments
    else:
        found["afterInputPath"] = state.effective_input(probe, probe.root)
        found["afterParameters"] = arguments
    result = _result(probe, state)
    if result is not None:
        found["result"] = result[0]


def _pass_stages(probe: Probe, state: PassState, found: dict[str, AnyJSON]) -> None:
    if state.has_result:
        result = found["result"] = state.result
    else:
        result = found["afterInputPath"] = state.effective_input(probe, probe.root)
        if state.parameters is not None:
            result = state.parameters(state.scope(probe, probe.root, result))
        found["afterParameters"] = result
    _result_stages(probe, state, result, found)


def _result_stages(probe: Probe, state: State, result: AnyJSON, found: dict[str, AnyJSON]) -> None:
    if state.result_selector is not None:
        result = state.result_selector(state.scope(probe, probe.root, result))
    found["afterResultSelector"] = result
    found["afterResultPath"] = put_result(state.result_path, probe.input, result)


def _result(probe: Probe, state: State) -> tuple[AnyJSON] | None:
    """The result of the work, in a tuple because it may be null; None without a result."""
    if isinstance(state, TaskState):
        return next(((event[3],) for event in probe.root.events if event[0] is state.integration.succeeded), None)
    mock = probe.request.mock or {}
    return (probe.mocked_result,) if "result" in mock and probe.last_failure is None else None


def _map_numbers(probe: Probe, state: MapState) -> dict[str, AnyJSON]:
    scope = state.input_scope(probe, probe.root)
    found: dict[str, AnyJSON] = {}
    if not state.jsonata:
        found["afterInputPath"] = dumps(scope.input)
        found["afterItemsPath"] = dumps(state.item_list(scope))
    found["maxConcurrency"] = int(state.max_concurrency.value(scope) or 0)
    if isinstance(state, DistributedMapState):
        count, percentage = state.count.value(scope), state.percentage.value(scope)
        if count is not None:
            found["toleratedFailureCount"] = int(count)
        if percentage is not None:
            found["toleratedFailurePercentage"] = float(percentage)
    return found


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
