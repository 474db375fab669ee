"""Paths as people write them, in every field of a machine that holds one."""

from typing import Any

import pytest

from pupline.asl import DefinitionError, StateMachine, execute

INPUT = {
    "abc": {"def ghi": 5},
    "Snapshots": [{"State": "completed"}, {"State": "pending"}],
    "items": [{"bucket": "b", "key": "k", "size": 1}, {"bucket": "c", "key": "l", "size": 2}],
    "wait": {"list": [0]},
    "message": {"body": '{"id":7}'},
}


def run(*states: dict[str, Any], given: Any = None) -> Any:
    """The output of these states in a row."""
    names = [f"S{number}" for number in range(len(states))]
    chained = {}
    for name, following, state in zip(names, [*names[1:], None], states, strict=True):
        moves = {} if state["Type"] in ("Succeed", "Choice") else {"Next": following} if following else {"End": True}
        chained[name] = {**state, **moves}
    result = execute(StateMachine.parse({"StartAt": "S0", "States": chained}), INPUT if given is None else given)
    assert result.status == "SUCCEEDED", (result.error, result.cause)
    return result.output


VALUES = [
    ("$.abc.['def ghi']", 5),
    ("$.Snapshots.[0].State", "completed"),
    ("$.items.[*].['bucket','key']", [{"bucket": "b", "key": "k"}, {"bucket": "c", "key": "l"}]),
    ("$.items.[?(@.size > 1)].key", ["l"]),
    ("$.items[?(@.bucket==c)].key", ["l"]),
    ("$.items[(@.length-1)].key", "l"),
    ("$$.Execution.Input.abc.['def ghi'] ", 5),
    (" $.abc.['def ghi']", 5),
    ("$kept.['def ghi']", 5),
    ("States.Format('{}', $.Snapshots.[1].State)", "pending"),
    (" States.StringToJson($.message.['body'])", {"id": 7}),
    ("States.ArrayLength($.items[?(@.bucket==c)])", 1),
    ("States.ArrayGetItem($.items.[*].key, 1)", "l"),
]


@pytest.mark.parametrize(("path", "expected"), VALUES, ids=[path for path, _ in VALUES])
@pytest.mark.parametrize("field", ["Parameters", "Assign"])
def test_a_payload_template_holds_any_path(field: str, path: str, expected: Any) -> None:
    """Parameters and Assign, with paths into input, Context Object and variables, and as arguments of functions."""
    first = {"Type": "Pass", "Assign": {"kept.$": "$.abc"}}
    if field == "Parameters":
        assert run(first, {"Type": "Pass", "Parameters": {"x.$": path}}) == {"x": expected}
    else:
        shown = {"Type": "Pass", "Parameters": {"x.$": "$x"}}
        assert run(first, {"Type": "Pass", "Assign": {"x.$": path}}, shown) == {"x": expected}


@pytest.mark.parametrize(("path", "expected"), [row for row in VALUES if "States." not in row[0]])
def test_input_path_and_output_path_hold_any_path(path: str, expected: Any) -> None:
    """InputPath and OutputPath are paths too, but no functions."""
    first = {"Type": "Pass", "Assign": {"kept.$": "$.abc"}}
    assert run(first, {"Type": "Pass", "InputPath": path}) == expected
    assert run(first, {"Type": "Pass", "OutputPath": path}) == expected


def test_reference_paths_may_have_a_dot_before_a_bracket() -> None:
    """ResultPath, ItemsPath, SecondsPath, and a Choice's Variable and operand."""
    assert run({"Type": "Pass", "Result": 1, "ResultPath": "$.abc.['def ghi'] "})["abc"] == {"def ghi": 1}
    assert run({"Type": "Wait", "SecondsPath": "$.wait.list.[0]"}) == INPUT
    inner = {"StartAt": "Each", "States": {"Each": {"Type": "Pass", "InputPath": "$.['key']", "End": True}}}
    assert run({"Type": "Map", "ItemsPath": "$.['items']", "ItemProcessor": inner}) == ["k", "l"]
    rule = {"Variable": "$.Snapshots.[0].State", "StringEqualsPath": "$.Snapshots.[0].['State']", "Next": "S1"}
    assert run({"Type": "Choice", "Choices": [rule]}, {"Type": "Succeed"}) == INPUT
    present = {"Variable": "$.Snapshots.[9]", "IsPresent": False, "Next": "S1"}
    assert run({"Type": "Choice", "Choices": [present]}, {"Type": "Succeed"}) == INPUT


def test_a_batch_of_messages_is_an_array_at_the_root() -> None:
    """`$.[0].body`, as pipes and queues send them."""
    state = {"Type": "Pass", "Parameters": {"event.$": "States.StringToJson($.[0].body)"}}
    assert run(state, given=[{"body": '{"id":7}'}]) == {"event": {"id": 7}}


def test_the_problem_of_a_payload_is_worded_as_on_aws() -> None:
    """The message of CreateStateMachine names the field and nothing else."""
    state = {"Type": "Pass", "Parameters": {"x.$": "$.a b"}, "End": True}
    with pytest.raises(DefinitionError) as caught:
        StateMachine.parse({"StartAt": "S", "States": {"S": state}})
    assert "The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call" in str(
        caught.value
    )
