"""Files of mocks: AWS's form, unchanged, and the simple form by state name."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.asl import Later, NoAnswer, Return, StateMachine, Throw, Unexpected, execute, parse_mocks, path_of
from pupline.errors import ConfigurationError

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:charge"
ORDERS: dict[str, Any] = {
    "StartAt": "Charge",
    "States": {
        "Charge": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "charge", "Payload.$": "$"},
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}],
            "Next": "Tell",
        },
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": "q", "MessageBody.$": "$"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}],
            "Next": "Done",
        },
        "Undo": {"Type": "Task", "Resource": FUNCTION, "Next": "Done"},
        "Done": {"Type": "Pass", "End": True},
    },
}
PAID = {"StatusCode": 200, "Payload": {"paid": 7}}
AWS: dict[str, Any] = {
    "StateMachines": {
        "Orders": {
            "TestCases": {
                "HappyPath": {"Charge": "Paid", "Tell": "Told"},
                "RetryPath": {"Charge": "PaidAtLast", "Tell": "Told"},
                "UndoPath": {"Charge": "Paid", "Tell": "Refused", "Undo": "Paid"},
                "HybridPath": {"Charge": "Paid"},
            }
        }
    },
    "MockedResponses": {
        "Paid": {"0": {"Return": PAID}},
        "Told": {"0": {"Return": {"MessageId": "m-1"}}},
        "Refused": {"0": {"Throw": {"Error": "Sqs.Refused", "Cause": "no such queue"}}},
        "PaidAtLast": {
            "0": {"Throw": {"Error": "Lambda.Busy", "Cause": "busy"}},
            "1-2": {"Throw": {"Error": "Lambda.Slow", "Cause": "slow"}},
            "3": {"Return": PAID},
        },
    },
}


def run(states: Any, definition: dict[str, Any] = ORDERS, given_input: Any = None) -> Any:
    """The end of an execution with these answers."""
    machine = StateMachine.parse(definition)
    return execute(machine, given_input or {}, states=states, default=Unexpected(), name="mocked")


def orders(value: Any, **more: Any) -> Any:
    """The mocks for ORDERS in a file's value."""
    return parse_mocks(value, ORDERS, file="mocks.json", **more)


# ---- AWS's form


@pytest.mark.parametrize(
    ("case", "path", "output"),
    [
        ("HappyPath", ["Charge", "Tell", "Done"], {"MessageId": "m-1"}),
        ("RetryPath", ["Charge", "Tell", "Done"], {"MessageId": "m-1"}),
        ("UndoPath", ["Charge", "Tell", "Undo", "Done"], {"paid": 7}),
    ],
)
def test_cases_of_a_mock_config_file(case: str, path: list[str], output: Any) -> None:
    """A test case answers its Tasks; states that it does not name need no answer as long as they are not reached."""
    found = orders(AWS).case(case)
    result = execute(StateMachine.parse(ORDERS), {}, states=found.states, default=Throw("not", "reached"))
    assert (result.status, result.output) == ("SUCCEEDED", output)
    assert path_of(result.history) == path


def test_the_response_of_invoke_is_the_whole_result_of_lambda_invoke() -> None:
    """Return is the result of the Task: nothing is added to the response of Invoke."""
    mocks = orders(AWS)
    history = run(mocks.case("HappyPath").states).history
    outputs = [e["taskSucceededEventDetails"]["output"] for e in history if e["type"] == "TaskSucceeded"]
    assert outputs[0] == '{"StatusCode":200,"Payload":{"paid":7}}'


def test_answers_count_over_iterations_and_retries() -> None:
    """As on Step Functions Local, one count for each state of an execution: retries, loops and iterations share it."""
    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "MaxConcurrency": 1,
                "ItemProcessor": {
                    "StartAt": "Call",
                    "States": {
                        "Call": {
                            "Type": "Task",
                            "Resource": FUNCTION,
                            "Retry": [{"ErrorEquals": ["Boom"]}],
                            "End": True,
                        }
                    },
                },
                "End": True,
            }
        },
    }
    response = {"0": {"Throw": {"Error": "Boom", "Cause": ""}}, "1": {"Return": {"Payload": 1}}, "2": {"Return": 2}}
    value = {"StateMachines": {"M": {"TestCases": {"A": {"Call": "R"}}}}, "MockedResponses": {"R": response}}
    mocks = parse_mocks(value, definition)
    assert run(mocks.case("A").states, definition, [0, 0]).output == [1, 2]
    with pytest.raises(ConfigurationError, match="'Call' has 3 answers"):
        run(mocks.case("A").states, definition, [0, 0, 0])


def test_a_single_attempt_counts_before_a_range() -> None:
    """A single attempt counts before a range that holds it; ranges of any length take no room."""
    answers = {"0-3": {"Return": "a"}, "2": {"Return": "b"}, "4-999999999": {"Return": "c"}}
    found = orders({"Tell": answers}).case("").states["Tell"]
    assert [found[attempt].value for attempt in (0, 1, 2, 3, 4, 999_999_999)] == ["a", "a", "b", "a", "c", "c"]
    assert len(found) == 1_000_000_000


def test_an_entry_without_attempts_is_not_an_error_until_it_is_used() -> None:
    """An empty entry, as programs write it, answers nothing; Step Functions Local starts all the same."""
    value = {**AWS, "MockedResponses": {**AWS["MockedResponses"], "Refused": {}}}
    states = orders(value).case("UndoPath").states
    assert len(states["Tell"]) == 0
    with pytest.raises(ConfigurationError, match="'Tell' has 0 answers"):
        run(states)


def test_a_state_that_is_not_called_is_ignored() -> None:
    """A case may name a state that calls nothing, as Step Functions Local allows it."""
    value = {**AWS, "StateMachines": {"Orders": {"TestCases": {"A": {"Done": "Paid"}}}}}
    assert orders(value).case("A").ignored == ("Done",)


@pytest.mark.parametrize(
    ("names", "choice", "expected"),
    [
        (["Orders", "Bills"], {"machine": "Bills"}, "Bills"),
        (["my-orders", "Bills"], {"likely": ("myOrdersStateMachine",)}, "my-orders"),
        (["Fits", "Other"], {}, "Fits"),
    ],
)
def test_one_of_several_state_machines(names: list[str], choice: dict[str, Any], expected: str) -> None:
    """The entry of StateMachines is the one that is named, or one with a likely name, or the only one that fits."""
    machines = {
        name: {"TestCases": {f"case of {name}": {"Charge" if name != "Other" else "Elsewhere": "Paid"}}}
        for name in names
    }
    assert orders({**AWS, "StateMachines": machines}, **choice).names == (f"case of {expected}",)


# ---- the simple form


def test_answers_by_state_name() -> None:
    """A plain value is what the function returned, at every attempt; Return is the response; a list is by attempt."""
    states = orders({"Charge": {"paid": 1}, "Tell": [{"Throw": "Busy"}], "Undo": {"Return": PAID}}).case("").states
    assert states == {"Charge": {"paid": 1}, "Tell": [Throw("Busy")], "Undo": Return({"paid": 7})}
    assert run(states).output == {"paid": 7}


def test_what_looks_like_invokes_response_is_the_response() -> None:
    """In the simple form too, where a plain value is otherwise what the function returned."""
    invoke = "arn:aws:states:::lambda:invoke"
    machine = {"StartAt": "Call", "States": {"Call": {"Type": "Task", "Resource": invoke, "End": True}}}
    whole = {"StatusCode": 200, "Payload": {"n": 1}}
    for plain, expected in [(whole, Return(whole)), ({**whole, "more": 1}, {**whole, "more": 1}), ({"n": 1}, {"n": 1})]:
        assert parse_mocks({"Call": plain}, machine).case("").states == {"Call": expected}


def test_answers_that_come_late_or_never() -> None:
    """NoAnswer lets the Task time out; Later answers after some seconds."""
    value = {"Charge": {"NoAnswer": {}}, "Tell": {"Later": {"Seconds": 5, "Answer": {"Throw": {"Error": "X"}}}}}
    states = orders(value).case("").states
    assert states == {"Charge": NoAnswer(), "Tell": Later(5, Throw("X"))}


def test_cases_with_input_and_expectation() -> None:
    """A case may have its own input, and say what it expects."""
    value = {
        "TestCases": {
            "A": {"Charge": 1, "Tell": 2},
            "B": {"Input": {"n": 1}, "States": {"Charge": 1, "Tell": 2}, "Expect": {"Output": 2}},
        }
    }
    mocks = orders(value)
    plain, full = mocks.case("A"), mocks.case("B")
    assert mocks.has_cases
    assert plain.states == full.states == {"Charge": 1, "Tell": 2}
    assert (plain.has_input, plain.expect) == (False, None)
    assert (full.has_input, full.input, full.expect and full.expect.fields) == (True, {"n": 1}, {"Output": 2})


def test_items_of_a_distributed_map() -> None:
    """An array for an ItemReader is the items; a file is read and parsed as the reader says."""
    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                    "Parameters": {"Bucket": "b", "Key": "k"},
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                    "StartAt": "P",
                    "States": {"P": {"Type": "Pass", "End": True}},
                },
                "End": True,
            }
        },
    }
    for key in ("Each", "Each.ItemReader"):
        for value in ([{"n": "1"}], {"Return": [{"n": "1"}]}, {"File": "items.csv"}):
            mocks = parse_mocks({key: value}, definition, read_file={"items.csv": b"n\n1\n"}.__getitem__)
            assert run(mocks.case("").states, definition).output == [{"n": "1"}]


# ---- what is expected


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({}, []),
        ({"Status": "SUCCEEDED", "Output": {"MessageId": "m-1"}, "Path": ["Charge", "Tell", "Done"]}, []),
        ({"Output": {"MessageId": "m-2"}}, ['Output .MessageId is "m-1", expected "m-2"']),
        ({"Output": {"Other": 1}}, ["Output has no 'Other', expected 1"]),
        ({"Output": {}}, ["Output has 'MessageId', which is not expected"]),
        ({"Error": "Busy"}, ["Status is SUCCEEDED, expected FAILED", 'Error is null, expected "Busy"']),
        ({"Path": ["Charge"]}, ["Path is Charge -> Tell -> Done, expected Charge"]),
    ],
)
def test_mismatches_are_named(expected: Any, found: list[str]) -> None:
    """Each field that differs is one line, with the first place where it differs."""
    value = {"TestCases": {"A": {"States": {"Charge": 1, "Tell": {"MessageId": "m-1"}}, "Expect": expected}}}
    case = orders(value).case("A")
    result = run(case.states)
    assert case.expect is not None
    assert case.expect.mismatches(result, path_of(result.history)) == found


def test_true_is_not_one() -> None:
    """Values are compared as JSON: 1 is 1.0, and true is not 1."""
    value = {"TestCases": {"A": {"States": {"Charge": 1, "Tell": [[1.0, True]]}, "Expect": {"Output": [1, 1]}}}}
    case = orders(value).case("A")
    assert case.expect is not None
    assert case.expect.mismatches(run(case.states), []) == ["Output [1] is true, expected 1"]


# ---- what is wrong in a file


def aws(**responses: Any) -> Any:
    """AWS's form with one case, whose Charge is answered by R."""
    return {"StateMachines": {"Orders": {"TestCases": {"A": {"Charge": "R"}}}}, "MockedResponses": responses}


@pytest.mark.parametrize(
    ("value", "case", "message"),
    [
        ([], "", "mocks.json: mocks are an object"),
        (AWS, "HapyPath", "mocks.json: it has no case 'HapyPath'; did you mean 'HappyPath'?"),
        (AWS, "x", "it has no case 'x'; it has 'HappyPath', 'RetryPath', 'UndoPath', 'HybridPath'"),
        (aws(S={}), "A", "mocks.json, case 'A', state 'Charge': MockedResponses has no 'R'"),
        (aws(r={}), "A", "MockedResponses has no 'R'; did you mean 'r'?"),
        (aws(R={"first": {"Return": 1}}), "A", "MockedResponses 'R': 'first' is not an attempt"),
        (aws(R={"3-1": {"Return": 1}}), "A", "the range '3-1' ends before it begins"),
        (aws(R={"0": {"Return": 1}, "2": {"Return": 1}}), "A", "attempt 1 is missing, although attempt 2 is there"),
        (aws(R={"999999999": {"Return": 1}}), "A", "attempt 0 is missing, although attempt 999999999 is there"),
        (aws(R={"0-3": {"Return": 1}, "3-4": {"Return": 1}}), "A", "the ranges 0-3 and 3-4 overlap"),
        (aws(R={"1234567890": {"Return": 1}}), "A", "'1234567890' is not an attempt"),
        (aws(R={"0": {"Return": 1, "Throw": {}}}), "A", "attempt 0: it must be an object with either Return or Throw"),
        (aws(R={"0": {"Throw": {"Cause": "c"}}}), "A", "attempt 0, Throw: Error is missing"),
        (aws(R={"0": {"Throw": {"Eror": "c"}}}), "A", "'Eror' is not known; did you mean Error?"),
        ({**AWS, "StateMachines": {"A": {}, "B": {}}}, "A", "it has several StateMachines: 'A', 'B'; name one"),
        ({**AWS, "StateMachines": {"A": {"TestCases": {"A": {"Charg": "Paid"}}}}}, "A", "no state 'Charg'; did you"),
        ({"Chargee": 1}, "", "mocks.json: the state machine has no state 'Chargee'; did you mean 'Charge'?"),
        ({"Done": 1}, "", "state 'Done': it is a Pass state, which calls nothing"),
        ({"Charge": {"Return": 1, "Throw": "x"}}, "", "it has Return and Throw; an answer is one of them"),
        ({"TestCases": {"A": {"States": {}, "Expects": {}}}}, "A", "'Expects' is not known; did you mean Expect?"),
        ({"TestCases": {"A": {"Expect": {"Status": "OK"}}}}, "A", "Expect: Status must be one of SUCCEEDED, "),
        ({"TestCases": {}}, "A", "TestCases: it must be an object with at least one case"),
        ({"Charge": {"Later": {"Answer": 1}}}, "", "Later: Seconds is missing"),
    ],
)
def test_one_clear_line(value: Any, case: str, message: str) -> None:
    """What is wrong is said in one line, with its place in the file and what was probably meant."""
    with pytest.raises(ConfigurationError) as raised:
        orders(value).case(case)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


_KEYS = st.sampled_from(
    [
        "StateMachines",
        "TestCases",
        "MockedResponses",
        "Charge",
        "Tell",
        "Orders",
        "R",
        "0",
        "1-2",
        "5-1",
        "Return",
        "Throw",
        "Error",
        "Cause",
        "Later",
        "Seconds",
        "NoAnswer",
        "Input",
        "States",
        "Expect",
        "Path",
        "Status",
        "A",
    ]
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["R", "A", "SUCCEEDED", "x\n"])
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=25
)


@given(_VALUES)
def test_nothing_but_our_own_error(value: Any) -> None:
    """Any value of a file either has cases that can be read, or raises ConfigurationError."""
    with suppress(ConfigurationError):
        mocks = orders(value)
        for name in mocks.names:
            mocks.case(name)
