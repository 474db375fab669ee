"""TestState: one state, run alone, with each stage of its data flow shown.

As on AWS, the result of a Task can be mocked. Map and Parallel states need a mock, as their children do not run. The
answer has the shape of AWS's API: `status` (SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR), `output`, `error`, `cause`,
`nextState`, and at the levels DEBUG and TRACE `inspectionData`, all JSON values as text.

A Task's mocked result is checked against the API model of its service, according to `fieldValidationMode`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pupline.asl._errors import InvalidExecutionInput
from pupline.asl._input import execution_input
from pupline.asl._state_machine import StateMachine
from pupline.asl.test_state._inspection import inspection_data
from pupline.asl.test_state._probe import Probe
from pupline.asl.test_state._request import TestStateError, TestStateRequest, tested_state
from pupline.json_values import AnyJSON, NotJSON, dumps, json_copy


def run_test_state(request: TestStateRequest) -> dict[str, AnyJSON]:
    """AWS's answer to a TestState request. Raises TestStateError for a request that AWS refuses."""
    request = _as_json(request)
    tested = tested_state(request)
    probe = Probe(StateMachine.parse(tested.machine), request)
    probe.run()
    return _answer(probe, request, tested.targets)


def _as_json(request: TestStateRequest) -> TestStateRequest:
    """The request with copies of its values. Raises: TestStateError for one that is not JSON, or too large."""
    try:
        given = execution_input(request.input)
    except InvalidExecutionInput as problem:
        raise TestStateError(problem.code, str(problem)) from problem
    copies: dict[str, AnyJSON] = {"input": given}
    for name in ("context", "variables"):
        try:
            copies[name] = json_copy(getattr(request, name))
        except NotJSON as problem:
            raise TestStateError("ValidationException", f"The {name} must be valid JSON: {problem}") from problem
    return replace(request, **copies)


def _answer(probe: Probe, request: TestStateRequest, targets: dict[str, str]) -> dict[str, AnyJSON]:
    found: dict[str, AnyJSON] = {}
    failure = (probe.error, probe.cause) if probe.status == "FAILED" else probe.last_failure
    if failure is not None:
        found |= {key: value for key, value in zip(("error", "cause"), failure, strict=True) if value is not None}
    exited, following = _output_and_next(probe)
    if exited is not None:
        found["output"] = dumps(exited)
        if exited is probe.mocked_result and "result" in (request.mock or {}):
            found["output"] = (request.mock or {})["result"]  # with its spaces, as on AWS
    if following is not None:
        found["nextState"] = targets[following]
    if probe.waits_for_retry is not None:
        found["status"] = "RETRIABLE"
    elif probe.status == "SUCCEEDED":
        found["status"] = "SUCCEEDED" if failure is None else "CAUGHT_ERROR"
    else:
        found["status"] = "FAILED"
    if request.inspection_level != "INFO":
        found["inspectionData"] = inspection_data(probe, request, failure, caught=found["status"] == "CAUGHT_ERROR")
    return found


def _output_and_next(probe: Probe) -> tuple[AnyJSON, str | None]:
    """(output, next state) of the state; both None when it has not succeeded."""
    events: list[Any] = probe.root.events
    for number, event in enumerate(events):
        if event[0] is probe.state.exited:
            following = events[number + 1][0]
            name = None
            if following.type.endswith("StateEntered"):
                name = following.details(events[number + 1], dumps)["name"]
            return event[3], name
    return None, None
