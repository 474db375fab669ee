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


INNER = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
INPUT = {"in": {"items": [1, 2]}}
ON_ITEMS = {"InputPath": "$.in", "ItemsPath": "$.items"}
STATES: dict[str, dict[str, Any]] = {
    "Pass": {"Type": "Pass", "InputPath": "$.in", "Parameters": {"id.$": "States.UUID()"}},
    "Task": {**TASK, "ResultSelector": {"id.$": "States.UUID()"}, "ResultPath": "$"},
    "Wait": {"Type": "Wait", "InputPath": "$.in", "Seconds": 1},
    "Parallel": {"Type": "Parallel", "InputPath": "$.in", "Branches": [INNER], "ResultSelector": {"n.$": "$[0]"}},
    "Map": {"Type": "Map", **ON_ITEMS, "ItemProcessor": INNER, "ItemSelector": {"v.$": "$$.Map.Item.Value"}},
    "Distributed Map": {
        "Type": "Map", **ON_ITEMS, "ItemProcessor": DISTRIBUTED, "ItemBatcher": {"MaxItemsPerBatch": 1},
    },
    "Map in JSONata": {
        "Type": "Map", "QueryLanguage": "JSONata", "Items": "{% $states.input.in.items %}", "ItemProcessor": INNER,
        "Assign": {"kept": "{% $states.result %}"},
    },
    "Task in JSONata": {
        "Type": "Task", "QueryLanguage": "JSONata", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "Arguments": {"x": "{% $states.input.in %}"}, "Assign": {"kept": "{% $states.result %}"},
    },
}  # fmt: skip
RESULT_PATHS: list[dict[str, Any]] = [{}, {"ResultPath": "$.r"}, {"ResultPath": None}]


def stages(state: dict[str, Any]) -> dict[str, Any]:
    """The inspectionData of a state that succeeds, and its output."""
    results = {"Task": '{"Payload": 5}', "Map": "[5]", "Parallel": "[5]"}
    mock = {"result": results[state["Type"]]} if state["Type"] in results else None
    answer = run_test_state(TestStateRequest(state, INPUT, inspection_level="DEBUG", mock=mock))
    assert answer["status"] == "SUCCEEDED", answer
    return {**inspected(answer), "output": json.loads(answer["output"])}


@pytest.mark.parametrize("name", STATES)
def test_the_stages_do_not_depend_on_what_follows(name: str) -> None:
    """A state that ends and one that goes on have the same stages, with and without a ResultPath."""
    state = {key: value for key, value in STATES[name].items() if key != "Next"}
    jsonpath = "QueryLanguage" not in state
    for result_path in RESULT_PATHS if jsonpath and state["Type"] != "Wait" else [{}]:
        ended = stages({**state, **result_path, "End": True})
        following = stages({**state, **result_path, "Next": "After"})
        assert ended.keys() == following.keys()
        if "States.UUID" not in json.dumps(state):
            assert ended == following
        if jsonpath and state["Type"] != "Parallel":
            assert following["afterInputPath"] == INPUT["in"]
        if not result_path and "afterResultPath" in following:
            assert following["afterResultPath"] == following["output"]


def test_the_stages_of_a_map_show_its_items() -> None:
    """ItemsPath, ItemSelector and ItemBatcher, and the numbers of the state."""
    shown = stages({**STATES["Map"], "Next": "After"})
    assert (shown["afterItemsPath"], shown["afterItemSelector"]) == ([1, 2], [{"v": 1}, {"v": 2}])
    shown = stages({**STATES["Distributed Map"], "Next": "After", "ToleratedFailureCount": 1})
    assert shown["afterItemBatcher"] == [{"Items": [1]}, {"Items": [2]}]
    assert (shown["maxConcurrency"], shown["toleratedFailureCount"]) == (0, 1)
    assert stages({**STATES["Map in JSONata"], "Next": "After"})["variables"] == {"kept": [5]}


def test_the_items_that_a_reader_has_read_are_part_of_the_request() -> None:
    """mapItemReaderData stands for the file, in the selector too; there is no ItemsPath then."""
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
    state = {"Type": "Map", "ItemReader": reader, "ItemProcessor": DISTRIBUTED, "End": True}
    selector = {"ItemSelector": {"v.$": "$$.Map.Item.Value"}}
    request = TestStateRequest(
        state | selector,
        {},
        inspection_level="DEBUG",
        mock={"result": "[]"},
        state_configuration={"mapItemReaderData": "[7]"},
    )
    shown = inspected(run_test_state(request))
    assert shown["afterItemSelector"] == [{"v": 7}]
    assert "afterItemsPath" not in shown
    assert shown["maxConcurrency"] == 0


def test_the_stages_of_a_caught_error_are_those_of_the_state() -> None:
    """The error output is the input of the state that follows, not of this one."""
    state = {**TASK, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    mock = {"errorOutput": {"error": "Boom"}}
    answer = run_test_state(TestStateRequest(state, {"in": {"a": 1}}, inspection_level="DEBUG", mock=mock))
    assert (answer["status"], inspected(answer)["afterInputPath"]) == ("CAUGHT_ERROR", {"a": 1})


@pytest.mark.parametrize("kind", ["Map", "Parallel"])
def test_the_error_of_a_mocked_fork_counts_as_an_attempt(kind: str) -> None:
    """retrierRetryCount holds for states that run others, too."""
    retry = [{"ErrorEquals": ["Boom"], "MaxAttempts": 2}]
    state = {**STATES[kind], "End": True, "Retry": retry, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    asked: dict[str, Any] = {
        "mock": {"errorOutput": {"error": "Boom"}},
        "state_configuration": {"retrierRetryCount": 2},
    }
    assert run_test_state(TestStateRequest(state, INPUT, **asked))["status"] == "CAUGHT_ERROR"


def test_the_stages_of_a_parallel_state_are_shown() -> None:
    """Its mocked result goes through ResultSelector and ResultPath."""
    state = STATES["Parallel"] | {"End": True, "ResultPath": "$.r"}
    request = TestStateRequest(state, INPUT, inspection_level="DEBUG", mock={"result": "[1, 2]"})
    shown = inspected(run_test_state(request))
    assert shown == {"input": INPUT, "afterResultSelector": {"n": 1}, "afterResultPath": INPUT | {"r": {"n": 1}}}


def test_a_stage_that_cannot_be_evaluated_is_not_shown() -> None:
    """Those before it are."""
    parameters = {"FunctionName": "f", "Payload": {"x.$": "$.gone"}}
    request = TestStateRequest(TASK | {"Parameters": parameters}, {"in": {}}, inspection_level="DEBUG")
    answer = run_test_state(request)
    assert answer["status"] == "FAILED"
    assert inspected(answer) == {"input": {"in": {}}, "afterInputPath": {}}


@pytest.mark.parametrize("state", [TASK, STATES["Map"] | {"End": True}, STATES["Parallel"] | {"End": True}])
def test_a_forgotten_mock_is_said(state: dict[str, Any]) -> None:
    """No error of a service is invented, which a Catch might handle."""
    caught = {**state, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "After"}]}
    machine = {"StartAt": "Pay", "States": {"Pay": caught, "After": {"Type": "Succeed"}}}
    with pytest.raises(TestStateError, match="give a mocked result or error") as refused:
        run_test_state(TestStateRequest(machine, INPUT, state_name="Pay"))
    assert refused.value.needs_mock
    if state is TASK:
        assert str(refused.value).startswith("State 'Pay' calls f, and nothing answers it")


def test_errors_name_the_state() -> None:
    """The cause has the name that the state has in the machine, which may lead to itself."""
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "Again"}
    choice = {"Type": "Choice", "Choices": [rule], "Default": "End"}
    machine = {"StartAt": "Again", "States": {"Again": choice, "End": {"Type": "Succeed"}}}
    failed = run_test_state(TestStateRequest(machine, {}, state_name="Again"))
    assert failed["cause"].startswith(
        "An error occurred while executing the state 'Again' (entered at the event id #2)"
    )
    assert run_test_state(TestStateRequest(machine, {"n": 1}, state_name="Again"))["nextState"] == "Again"
    assert run_test_state(TestStateRequest(machine, {"n": 2}, state_name="Again"))["nextState"] == "End"


def test_an_unknown_state_lists_the_names() -> None:
    """AWS's text comes first; states inside a Map are among the names."""
    states = {"Each": {"Type": "Map", "ItemProcessor": INNER, "End": True}}
    machine = {"StartAt": "Each", "States": states}
    with pytest.raises(TestStateError) as refused:
        run_test_state(TestStateRequest(machine, {}, state_name="Eahc"))
    assert refused.value.message == "State not found in definition"
    expected = "State not found in definition: 'Eahc'; did you mean 'Each'? Its states are Each, In"
    assert str(refused.value) == expected
    with pytest.raises(TestStateError, match="name one of its states: Each, In"):
        run_test_state(TestStateRequest(machine, {}))
