"""AWS's limits on one execution: events, time, and what the tool says about an execution that ran into them."""

import json
from typing import Any

import pytest

from pupline.asl import (
    DefinitionError,
    Execution,
    ExecutionRedriven,
    InvalidExecutionInput,
    ProtocolError,
    Result,
    StateMachine,
    TaskError,
    execute,
)
from pupline.asl._endless import endless_loop
from pupline.asl.states import _catch
from pupline.errors import ConfigurationError
from tests.plain_only import plain_only

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
FULL = "The execution reached the maximum number of history events (25000)."
NEVER = [{"Variable": "$.never", "IsPresent": True, "Next": "End"}]


def machine(states: dict[str, Any], start: str = "A", **more: Any) -> StateMachine:
    """A machine of these states, and `End`."""
    return StateMachine.parse({"StartAt": start, "States": {**states, "End": {"Type": "Succeed"}}}, **more)


def loop(first: dict[str, Any]) -> dict[str, Any]:
    """A, then B, which goes back to A."""
    return {"A": {**first, "Next": "B"}, "B": {"Type": "Choice", "Choices": NEVER, "Default": "A"}}


def many(items: int, following: int) -> StateMachine:
    """A Map over `items` Pass states and then `following` Pass states: 4 * items + 2 * following + 8 events."""
    inner = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    items_of = {"Type": "Pass", "Result": [0] * items, "Next": "A"}
    states: dict[str, Any] = {"Items": items_of, "A": {"Type": "Map", "ItemProcessor": inner, "Next": "S1"}}
    for at in range(1, following):
        states[f"S{at}"] = {"Type": "Pass", "Next": f"S{at + 1}"}
    states[f"S{following - 1}"]["Next"] = "End"
    return machine(states, "Items")


def assert_full(result: Result) -> None:
    """The execution has failed as event 25,000, which follows event 24,999."""
    last = result.history[-1]
    assert (result.status, result.error, result.cause, result.output) == ("FAILED", "States.Runtime", FULL, None)
    assert (last["type"], last["id"], last["previousEventId"]) == ("ExecutionFailed", 25_000, 24_999)
    assert last["executionFailedEventDetails"] == {"error": "States.Runtime", "cause": FULL}


@pytest.mark.slow
def test_a_loop_fails_at_event_25000() -> None:
    """A loop that nothing ends fails as on AWS, and the result says which states it goes through."""
    result = execute(machine(loop({"Type": "Pass"})), {})
    assert_full(result)
    assert result.history[-2]["type"] == "PassStateExited"
    assert result.hint == "this loop never ends with these answers: A → B → A"


def full_history(names: str, cause: str = FULL) -> list[dict[str, Any]]:
    """A history of states that were entered one after the other, cut off at its end."""
    events: list[dict[str, Any]] = [
        {"type": "PassStateEntered", "previousEventId": at, "stateEnteredEventDetails": {"name": name}}
        for at, name in enumerate(names)
    ]
    end = {"type": "ExecutionFailed", "previousEventId": len(names), "executionFailedEventDetails": {"cause": cause}}
    return [*events, end]


@pytest.mark.parametrize(
    ("names", "cycle"),
    [
        ("ABCABCABC", "A → B → C → A"),
        ("XBCABCABCA", "B → C → A → B"),
        ("AAA", "A → A"),
        ("ABCABC", None),
        ("ABCXABCABC", None),
    ],
)
def test_three_rounds_are_a_loop(names: str, cycle: str | None) -> None:
    """The hint begins with the state of the loop that was entered first."""
    hint = endless_loop(full_history(names))
    assert hint == (None if cycle is None else f"this loop never ends with these answers: {cycle}")
    assert endless_loop(full_history(names, "another cause")) is None


def test_an_input_that_is_nested_too_deeply_is_refused() -> None:
    """Also where nobody has measured it before: never a RecursionError."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidExecutionInput, match="nested too deeply"):
        Execution(many(1, 2), value, name="e", now=0.0)


@pytest.mark.slow
def test_success_may_be_the_last_event() -> None:
    """Event 25,000 may be ExecutionSucceeded, as AWS's documentation says; one state more is too many."""
    result = execute(many(6_246, 4), {})
    assert (result.status, result.output, len(result.history)) == ("SUCCEEDED", [0] * 6_246, 25_000)
    assert result.hint is None
    assert_full(execute(many(6_246, 5), {}))


@pytest.mark.slow
def test_nothing_catches_a_full_history() -> None:
    """Not even States.ALL, and a call that the last events asked for is not made."""
    calls: list[Any] = []
    call = {"Type": "Task", "Resource": FUNCTION, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End"}]}
    assert_full(execute(machine(loop(call)), {}, tasks={"f": calls.append}))
    assert len(calls) == 3_571  # seven events a round


@pytest.mark.slow
def test_a_storm_of_retries_ends() -> None:
    """MaxAttempts 99999999 does not go on forever, with events or without."""

    def fail(_event: Any) -> Any:
        raise TaskError("Busy")

    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 99_999_999, "MaxDelaySeconds": 1, "IntervalSeconds": 1}]
    storm = {"Type": "Task", "Resource": FUNCTION, "Retry": retry, "Next": "End"}
    result = execute(machine({"A": storm}), {}, tasks={"f": fail})
    assert_full(result)
    assert result.hint == "the retries of A never end with these answers: 8,333 attempts"
    silent = {**storm, "Parameters": {"a.$": "States.ArrayRange(1, 2, 0)"}}
    result = execute(machine({"A": silent}), {}, tasks={"f": fail})
    assert (result.status, result.cause) == ("FAILED", FULL)


@plain_only
def test_attempts_that_write_no_event_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """After as many as a history has events, here five: four retries, a second apart, and the end."""
    monkeypatch.setattr(_catch, "MAX_HISTORY_EVENTS", 5)
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 99, "BackoffRate": 1.0, "IntervalSeconds": 1}]
    silent = {"Type": "Task", "Resource": FUNCTION, "Parameters": {"a.$": "States.ArrayRange(1, 2, 0)"}, "Retry": retry}
    result = execute(machine({"A": {**silent, "Next": "End"}}), {})
    seconds = result.history[-1]["timestamp"] - result.history[0]["timestamp"]
    assert (result.status, seconds) == ("FAILED", 4)


@pytest.mark.slow
def test_a_map_with_too_many_items_ends() -> None:
    """An inline Map ends at the limit, whatever the number of its items."""
    processor = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    state = {"Type": "Map", "QueryLanguage": "JSONata", "Items": "{% [1..800000] %}", "ItemProcessor": processor}
    result = execute(machine({"A": {**state, "Next": "End"}}), {})
    assert_full(result)
    assert result.hint is not None
    assert result.hint.startswith("the Map state A writes too many events for one history; use Mode DISTRIBUTED")


@pytest.mark.slow
def test_the_loop_of_a_branch_is_told_from_the_others() -> None:
    """The hint follows one thread through the history."""
    pause = {"Type": "Wait", "Seconds": 3}
    branches = [{"StartAt": "A", "States": {**loop(pause), "End": {"Type": "Succeed"}}}]
    branches.append({"StartAt": "Z", "States": {"Z": {"Type": "Wait", "Seconds": 99_999_999, "End": True}}})
    whole = StateMachine.parse(
        {"StartAt": "Fan", "States": {"Fan": {"Type": "Parallel", "Branches": branches, "End": True}}}
    )
    result = execute(whole, {})
    assert_full(result)
    assert result.hint == "this loop never ends with these answers: A → B → A"


@pytest.mark.parametrize(("kind", "succeeded"), [("STANDARD", 0), ("EXPRESS", 2)])
def test_a_child_execution_has_a_history_of_its_own(kind: str, succeeded: int) -> None:
    """A Standard child fails at its own 25,000 events, which its parent does not count; Express ones have no quota."""
    inner = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    state_of_many = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "ResultPath": None, "End": True}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": "Many",
        "States": {"Many": state_of_many},
    }
    state = {"Type": "Map", "ItemProcessor": processor, "ToleratedFailurePercentage": 100, "ResultPath": None}
    items = [{"items": [0] * 6_300}, {"items": [0] * 6_300}]
    result = execute(machine({"A": {**state, "Next": "End"}}), items)
    assert result.status == "SUCCEEDED"
    run = result.execution.map_runs[0]
    assert (run.items.succeeded, run.items.failed) == (succeeded, 2 - succeeded)


@pytest.mark.slow
def test_an_express_execution_has_five_minutes() -> None:
    """It is TIMED_OUT after 300 seconds, or sooner by its own TimeoutSeconds; a loop without waits ends, too."""
    pause = loop({"Type": "Wait", "Seconds": 7})
    result = execute(machine(pause, type="EXPRESS"), {}, start=1_000.0)
    assert (result.status, result.execution.stop_time) == ("TIMED_OUT", 1_300.0)
    assert result.hint == "this loop never ends with these answers: A → B → A"
    definition = {"StartAt": "A", "States": {**pause, "End": {"Type": "Succeed"}}, "TimeoutSeconds": 20}
    result = execute(StateMachine.parse(definition, type="EXPRESS"), {}, start=1_000.0)
    assert (result.status, result.execution.stop_time) == ("TIMED_OUT", 1_020.0)
    assert execute(machine(loop({"Type": "Pass"}), type="EXPRESS"), {}).status == "TIMED_OUT"


def test_a_full_history_is_not_redriven() -> None:
    """There is no room for ExecutionRedriven and another event."""
    result = execute(machine(loop({"Type": "Pass"})), {})
    assert result.execution.redrive_refusal == "Execution history event limit exceeded"
    with pytest.raises(ProtocolError, match="Execution history event limit exceeded"):
        result.execution.receive(ExecutionRedriven(), now=result.execution.now)


def test_an_execution_without_the_limit_goes_on() -> None:
    """`bounded=False` replays journals of versions that had no limit."""
    execution = Execution(many(6_300, 5), {}, name="old", now=0.0, bounded=False)
    assert (execution.status, len(execution.history)) == ("SUCCEEDED", 25_218)


# ---------------------------------------------------------------- values that are not JSON

INSIDE_ITSELF: list[Any] = []
INSIDE_ITSELF.append(INSIDE_ITSELF)
DEEP: list[Any] = []
for _ in range(5_000):
    DEEP = [DEEP]

NOT_JSON = [
    (float("nan"), "it holds NaN or an infinite number"),
    ({"a": [float("-inf")]}, "it holds NaN or an infinite number"),
    (10**5000, "it has a number of more than 4,300 digits"),
    ({(1, 2): 3}, "a key of an object is not a text"),
    ({"a": {1, 2}}, "set is not a JSON value"),
    (INSIDE_ITSELF, "it is nested"),
    (DEEP, "it is nested"),
]
REASONS = [row[1] for row in NOT_JSON]
PASS = machine({"A": {"Type": "Pass", "Next": "End"}})
CALL = machine({"A": {"Type": "Task", "Resource": FUNCTION, "Next": "End"}})
READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "Parameters": {"Bucket": "b", "Key": "k"},
    "ReaderConfig": {"InputType": "JSON"},
}
EACH = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "P",
    "States": {"P": {"Type": "Pass", "End": True}},
}
MAP = machine({"A": {"Type": "Map", "ItemReader": READER, "ItemProcessor": EACH, "ResultPath": None, "Next": "End"}})


@pytest.mark.parametrize(("value", "reason"), NOT_JSON, ids=REASONS)
def test_an_input_that_is_not_json_is_refused(value: Any, reason: str) -> None:
    """The input and the context of `execute`: one line that says what is wrong."""
    with pytest.raises(InvalidExecutionInput) as caught:
        execute(PASS, value)
    assert str(caught.value).startswith(f"Invalid State Machine Execution Input: '{reason}")
    with pytest.raises(ConfigurationError, match="the context is not JSON"):
        execute(PASS, {}, context={"Execution": {"Input": value}})


@pytest.mark.parametrize(("value", "reason"), NOT_JSON, ids=REASONS)
def test_a_result_that_is_not_json_fails_as_on_lambda(value: Any, reason: str) -> None:
    """Runtime.MarshalError, which a Catcher can handle."""
    result = execute(CALL, {}, tasks={"f": lambda _event: value})
    assert (result.status, result.error) == ("FAILED", "Runtime.MarshalError")
    report = json.loads(result.cause or "")
    assert report["errorMessage"].startswith(f"Unable to marshal response: {reason}")
    assert (report["errorType"], report["stackTrace"]) == ("Runtime.MarshalError", [])


@pytest.mark.parametrize("payload", [b"NaN", b'{"a": [Infinity]}', b"1e400", b"1" * 5_000, b"[" * 5_000 + b"]" * 5_000])
def test_a_payload_that_is_almost_json_fails(payload: bytes) -> None:
    """What other parsers take for JSON is not passed on as text: States.Runtime."""
    result = execute(CALL, {}, tasks={"f": lambda _event: payload})
    assert (result.status, result.error) == ("FAILED", "States.Runtime")
    assert (result.cause or "").startswith("The function returned a payload that is not JSON: ")
    assert execute(CALL, {}, tasks={"f": lambda _event: b"plain text"}).output == "plain text"


@pytest.mark.parametrize("answer", [None, 5, {"a": 1}, True, b"{}", b"NaN", b"\xff", b"", "not JSON", [float("nan")]])
def test_items_of_the_wrong_shape_fail_the_reader(answer: Any) -> None:
    """Whatever an ItemReader's callable gives that is not a list of items: States.ItemReaderFailed."""
    result = execute(MAP, {}, tasks={"arn:aws:states:::s3:getObject": lambda _arguments: answer})
    assert (result.status, result.error) == ("FAILED", "States.ItemReaderFailed")
    assert "Traceback" not in (result.cause or "")


def test_an_input_over_the_quota_is_refused() -> None:
    """As by StartExecution: 262,144 bytes of JSON text are accepted, one more is not."""
    assert execute(PASS, "x" * 262_142).status == "SUCCEEDED"
    for value in ("x" * 262_143, "é" * 131_072, "\x01" * 43_691):
        with pytest.raises(InvalidExecutionInput, match="Member must have length less than or equal to 262144"):
            execute(PASS, value)


def test_an_item_over_the_quota_fails_its_map_run() -> None:
    """A child execution cannot be started with more than StartExecution accepts."""
    reader = {"arn:aws:states:::s3:getObject": lambda _arguments: [1, "x" * 262_143, 3]}
    result = execute(MAP, {}, tasks=reader)
    assert (result.status, result.error) == ("FAILED", "States.DataLimitExceeded")
    assert result.execution.map_runs[0].status == "FAILED"


def test_a_definition_with_other_keys_is_refused() -> None:
    """A definition made in Python may have keys that are not texts: an error of the definition."""
    state = {"Type": "Pass", "Result": {1: 2}, "Next": "End"}
    with pytest.raises(DefinitionError, match="must be a valid JSON object"):
        machine({"A": state})


@pytest.mark.slow
def test_a_loop_that_wraps_its_input_ends_in_an_error_of_the_data() -> None:
    """Each state deepens the value by one level: printing it later must not exceed Python's recursion."""
    wrap = {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "Again"}
    again = {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "End"}], "Default": "Wrap"}
    states = {"Wrap": wrap, "Again": again, "End": {"Type": "Succeed"}}
    result = execute(StateMachine.parse({"StartAt": "Wrap", "States": states}), {})
    assert (result.status, result.error) == ("FAILED", "States.Runtime")
    assert str(result.cause).endswith("The data is nested too deeply.")
    assert len(result.history) == 3599
