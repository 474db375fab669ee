"""TestState: the stages of a state's data flow, and the requests that are refused."""

import json
from typing import Any

import pytest

from pupline.asl import TestStateError, TestStateRequest, run_test_state

TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "InputPath": "$.in",
    "Parameters": {"FunctionName": "f", "Payload.$": "$"},
    "ResultSelector": {"got.$": "$.Payload.n"},
    "ResultPath": "$.result",
    "Next": "After",
}


def inspected(answer: dict[str, Any]) -> dict[str, Any]:
    """The inspectionData, its JSON texts parsed."""
    data = answer["inspectionData"]
    return {key: json.loads(value) if isinstance(value, str) else value for key, value in data.items()}


def test_every_stage_of_a_task_is_shown() -> None:
    """From the input over InputPath, Parameters, result, ResultSelector and ResultPath to output and next state."""
    mock = {"result": '{"Payload": {"n": 5}}'}
    answer = run_test_state(TestStateRequest(TASK, {"in": {"a": 1}}, inspection_level="DEBUG", mock=mock))
    assert (answer["status"], answer["nextState"]) == ("SUCCEEDED", "After")
    assert json.loads(answer["output"]) == {"in": {"a": 1}, "result": {"got": 5}}
    assert inspected(answer) == {
        "input": {"in": {"a": 1}},
        "afterInputPath": {"a": 1},
        "afterParameters": {"FunctionName": "f", "Payload": {"a": 1}},
        "result": {"Payload": {"n": 5}},
        "afterResultSelector": {"got": 5},
        "afterResultPath": {"in": {"a": 1}, "result": {"got": 5}},
    }


def test_without_a_mock_the_function_is_called() -> None:
    """`tasks` answer as in `execute`."""
    request = TestStateRequest(TASK, {"in": {"n": 2}}, tasks={"f": lambda event: {"n": event["n"] * 2}})
    assert json.loads(run_test_state(request)["output"])["result"] == {"got": 4}


@pytest.mark.parametrize(
    ("count", "status", "details"),
    [
        (0, "RETRIABLE", {"retryIndex": 0, "retryBackoffIntervalSeconds": 2}),
        (1, "RETRIABLE", {"retryIndex": 0, "retryBackoffIntervalSeconds": 4}),
        (2, "CAUGHT_ERROR", {"retryIndex": 0, "catchIndex": 0}),
    ],
)
def test_retries_that_were_made_are_counted(count: int, status: str, details: dict[str, int]) -> None:
    """retrierRetryCount says how often the Retrier has answered already; when it is spent Catch is asked."""
    retry = [{"ErrorEquals": ["Boom"], "IntervalSeconds": 2, "MaxAttempts": 2}]
    state = {**TASK, "Retry": retry, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    request = TestStateRequest(
        state,
        {"in": {}},
        inspection_level="TRACE",
        mock={"errorOutput": {"error": "Boom", "cause": "why"}},
        state_configuration={"retrierRetryCount": count},
    )
    answer = run_test_state(request)
    assert (answer["status"], answer["error"], answer["cause"]) == (status, "Boom", "why")
    assert answer["inspectionData"]["errorDetails"] == details


def test_a_state_inside_a_map_can_be_named() -> None:
    """The state is found wherever it is in the machine, and keeps the machine's query language."""
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Output": "{% $states.input + 1 %}", "End": True}}}
    outer = {"Type": "Map", "ItemProcessor": inner, "End": True}
    machine = {"QueryLanguage": "JSONata", "StartAt": "Out", "States": {"Out": outer}}
    assert run_test_state(TestStateRequest(machine, 1, state_name="In"))["output"] == "2"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"definition": {"Type": "Pass", "End": True}, "mock": {"result": "1"}}, "'Pass' is not supported when a mock"),
        ({"definition": TASK, "mock": {"result": "{"}}, "must be valid JSON"),
        ({"definition": TASK, "mock": {"result": "1", "errorOutput": {}}}, "only one of the following fields"),
        ({"definition": TASK, "context": {"Map": {}}}, "'Map' field is not supported"),
        ({"definition": {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}, "state_name": "B"}, "not found"),
        ({"definition": {"Type": "Nothing"}}, "SCHEMA_VALIDATION_FAILED"),
    ],
)
def test_requests_that_cannot_be_answered_are_refused(more: dict[str, Any], message: str) -> None:
    """The texts are AWS's."""
    with pytest.raises(TestStateError, match=message):
        run_test_state(TestStateRequest(**more))
