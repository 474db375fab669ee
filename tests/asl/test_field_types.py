"""What JSONata may give to the fields of a state: another type is a States.QueryEvaluationError at that field."""

import json
from typing import Any

import pytest

from pupline.asl import DefinitionError, StateMachine, execute

LAMBDA = "arn:aws:states:::lambda:invoke"
STATES: dict[str, dict[str, Any]] = {
    "Seconds": {"Type": "Wait", "End": True},
    "Timestamp": {"Type": "Wait", "End": True},
    "Error": {"Type": "Fail"},
    "Cause": {"Type": "Fail"},
    "TimeoutSeconds": {"Type": "Task", "Resource": LAMBDA, "Arguments": {"FunctionName": "f"}, "End": True},
    "HeartbeatSeconds": {
        "Type": "Task",
        "Resource": LAMBDA,
        "Arguments": {"FunctionName": "f"},
        "TimeoutSeconds": 99,
        "End": True,
    },
    "MaxConcurrency": {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
        "End": True,
    },
}


def fails(field: str, expression: str) -> tuple[str | None, str | None]:
    """The error and the cause when the field is `expression`."""
    state = {**STATES[field], field: f"{{% {expression} %}}"}
    machine = StateMachine.parse({"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": state}})
    result = execute(machine, [], tasks={"f": lambda event: event})
    assert [event["evaluationFailedEventDetails"]["location"] for event in result.history if "Eval" in event["type"]]
    return result.error, result.cause


@pytest.mark.parametrize("field", STATES)
@pytest.mark.parametrize(("expression", "kind"), [("null", "null"), ("true", "boolean"), ("[1]", "array")])
def test_another_type_is_named_with_the_expression_and_the_value(field: str, expression: str, kind: str) -> None:
    """A field that gets another type than its own fails as Items does in the recordings, with the same words."""
    expected = "string" if field in ("Timestamp", "Error", "Cause") else "number"
    error, cause = fails(field, expression)
    assert error == "States.QueryEvaluationError"
    assert cause is not None
    assert cause.endswith(
        f"The JSONata expression '{expression}' specified for the field '{field}' returned an unexpected result type. "
        f"Expected '{expected}', but was '{kind}' for value: {expression}"
    )


@pytest.mark.parametrize("field", ["Seconds", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency"])
@pytest.mark.parametrize("expression", ["'3'", "1.5", "-1"])
def test_seconds_and_counts_are_whole_numbers(field: str, expression: str) -> None:
    """A number in a string, a fraction and a negative number are refused where seconds or iterations are counted."""
    assert fails(field, expression)[0] == "States.QueryEvaluationError"


@pytest.mark.parametrize(("days", "status"), [(24_855, "SUCCEEDED"), (24_856, "FAILED")])
def test_a_timestamp_is_at_most_68_years_ahead(days: int, status: str) -> None:
    """AWS waits for at most a signed 32-bit number of seconds: 24,855 days, and not for 24,856."""
    state = {"Type": "Wait", "TimestampPath": "$.at", "End": True}
    machine = StateMachine.parse({"StartAt": "S", "States": {"S": state}})
    result = execute(machine, {"at": "2100-01-01T00:00:00Z"}, start=4_102_444_800.0 - days * 86_400)
    assert result.status == status
    assert status == "SUCCEEDED" or "Wait state delay is too long." in str(result.cause)


def test_a_direct_function_has_no_heartbeat_in_its_event() -> None:
    """LambdaFunctionScheduledEventDetails has timeoutInSeconds and no heartbeatInSeconds (API reference)."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "TimeoutSeconds": 9,
        "HeartbeatSeconds": 3,
        "End": True,
    }
    machine = StateMachine.parse({"StartAt": "S", "States": {"S": state}})
    (details,) = (
        event["lambdaFunctionScheduledEventDetails"]
        for event in execute(machine, {}, tasks={"f": lambda event: event}).history
        if "lambdaFunctionScheduledEventDetails" in event
    )
    assert isinstance(details, dict)
    assert set(details) == {"resource", "input", "inputDetails", "timeoutInSeconds"}


def test_a_catcher_does_not_handle_its_own_failure() -> None:
    """When a Catcher's Output cannot be evaluated the execution fails, with one EvaluationFailed."""
    state = {
        **STATES["TimeoutSeconds"],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $none %}", "Next": "E"}],
    }
    states = {"S": state, "E": {"Type": "Succeed"}}
    machine = StateMachine.parse({"QueryLanguage": "JSONata", "StartAt": "S", "States": states})
    result = execute(machine, {}, tasks={"f": lambda event: event["absent"]})
    assert result.error == "States.QueryEvaluationError"
    assert [event["type"] for event in result.history][-3:] == ["TaskFailed", "EvaluationFailed", "ExecutionFailed"]


@pytest.mark.parametrize("field", ["IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds"])
def test_the_numbers_of_a_retrier_are_not_computed(field: str) -> None:
    """JSONata stands in no field of a Retrier (States Language, "Retrying after error": they are numbers)."""
    state = {**STATES["TimeoutSeconds"], "Retry": [{"ErrorEquals": ["States.ALL"], field: "{% 1 %}"}]}
    with pytest.raises(DefinitionError, match=field):
        StateMachine.parse({"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": state}})


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Output": "{% $states.result %}", "End": True},
        {"Type": "Wait", "Seconds": 0, "Output": "{% $states.result %}", "End": True},
        {"Type": "Succeed", "Output": "{% $states.result %}"},
        {"Type": "Pass", "Assign": {"v": "{% $states.result %}"}, "End": True},
    ],
)
def test_only_work_has_a_result(state: dict[str, Any]) -> None:
    """`$states.result` is that of a Task, Parallel or Map (AWS, "Reserved variable: $states"); no other has one."""
    definition = {"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": state}}
    with pytest.raises(DefinitionError, match=r"Field '\$states\.result' does not exist\."):
        StateMachine.parse(definition)
    hidden = json.dumps(definition).replace("$states.result", "$lookup($states, 'result')")
    assert "returned nothing (undefined)" in str(execute(StateMachine.parse(hidden), {"n": 1}).cause)


@pytest.mark.parametrize("named", [["States.ALL"], ["States.TaskFailed"], [""]])
def test_a_failure_without_a_name_can_be_caught(named: list[str]) -> None:
    """A Fail state may give neither Error nor Cause; a Catcher then sees two empty strings, as at AWS."""
    branch = {"StartAt": "F", "States": {"F": {"Type": "Fail"}}}
    state = {"Type": "Parallel", "Branches": [branch], "Catch": [{"ErrorEquals": named, "Next": "E"}], "End": True}
    machine = StateMachine.parse({"StartAt": "S", "States": {"S": state, "E": {"Type": "Succeed"}}})
    result = execute(machine, {})
    caught = named != [""]
    assert result.status == ("SUCCEEDED" if caught else "FAILED")
    assert result.output == ({"Error": "", "Cause": ""} if caught else None)
