"""Machines under test without pytest's fixture, as unittest and scripts use them."""

import json
import unittest
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import NothingAnswers, StateMachine, Throw
from pupline.errors import ConfigurationError
from pupline.testing import ExecutionResult, MachineUnderTest, load_machine, mock_cases

CHARGE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage",
    "Parameters": {"QueueUrl": "${Queue}", "MessageBody": "m"},
}
ORDERS: dict[str, Any] = {
    "StartAt": "Charge",
    "States": {
        "Charge": {**CHARGE, "Catch": [{"ErrorEquals": ["Refused"], "Next": "Report"}], "Next": "Ship"},
        "Ship": {"Type": "Pass", "End": True},
        "Report": {"Type": "Fail", "Error": "NotPaid", "Cause": "the card"},
    },
}
MOCKS = {
    "TestCases": {
        "Paid": {"Input": {"n": 1}, "States": {"Charge": {"Return": {"id": 1}}}, "Expect": {"Output": {"id": 1}}},
        "Wrong": {"States": {"Charge": {"Return": 2}}, "Expect": {"Output": 3}},
        "Plain": {"States": {"Charge": {"Throw": {"Error": "Refused"}}}},
    }
}


@pytest.fixture
def orders() -> MachineUnderTest:
    """The machine with its mocks."""
    return load_machine(ORDERS, mocks=MOCKS)


def test_cases_are_run_and_compared_with_what_they_expect(orders: MachineUnderTest) -> None:
    """A case has its input, its answers and its expectation; without one the execution must succeed."""
    assert orders.cases == ("Paid", "Wrong", "Plain")
    assert orders.run_case("Paid").output == {"id": 1}
    with pytest.raises(AssertionError, match=r"case 'Wrong':\nOutput is 2, expected 3"):
        orders.run_case("Wrong")
    with pytest.raises(AssertionError, match=r"(?s)the status is FAILED.*FAILED in state 'Report'\nError: NotPaid"):
        orders.run_case("Plain")
    with pytest.raises(ConfigurationError, match="without mocks: load it with mocks=FILE"):
        load_machine(ORDERS).run_case("Paid")


def test_answers_of_the_test_go_before_those_of_the_case(orders: MachineUnderTest) -> None:
    """`states` replaces a case's answers one by one; what has none raises when it is called."""
    assert orders.run(case="Paid", states={"Charge": 5}).output == 5
    with pytest.raises(NothingAnswers, match="'Charge'"):
        orders.run()
    assert orders.run(default=6).output == 6


def test_coverage_counts_every_run_of_the_machine(orders: MachineUnderTest) -> None:
    """`coverage` is the engine's own, filled by each run."""
    orders.run(states={"Charge": 1})
    assert orders.coverage.percent == 50
    orders.run(states={"Charge": Throw("Refused")})
    assert (orders.coverage.percent, orders.coverage.executions) == (100, 2)


def test_a_machine_that_is_started_is_covered_too(orders: MachineUnderTest) -> None:
    """Machines under test may be given as `machines`; their executions are `nested`."""
    start = {"StateMachineArn": "Orders", "Input": {}}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": start,
        "End": True,
    }
    parent = load_machine({"StartAt": "Start", "States": {"Start": state}})
    result = parent.run(machines={"Orders": orders}, states={"Charge": 1})
    assert result.output["Output"] == 1
    assert [each.path for each in result.nested] == [["Charge", "Ship"]]
    assert (orders.coverage.executions, parent.coverage.executions) == (1, 1)


def test_a_machine_is_loaded_from_a_template_with_mocks_from_a_file(tmp_path: Path) -> None:
    """As everywhere: FILE#Resource, substitutions, and the type that the template has."""
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Orders": {"Type": "AWS::Serverless::StateMachine", "Properties": {"Definition": ORDERS, "Type": "EXPRESS"}}
        },
    }
    (tmp_path / "template.json").write_text(json.dumps(template))
    (tmp_path / "mocks.json").write_text(json.dumps(MOCKS))
    spec = f"{tmp_path}/template.json#Orders"
    loaded = load_machine(spec, mocks=tmp_path / "mocks.json", substitutions={"Queue": "q"})
    assert (loaded.machine.type, loaded.name) == ("EXPRESS", spec)
    seen: list[Any] = []
    loaded.run(states={"Charge": seen.append})
    assert seen == [{"QueueUrl": "q", "MessageBody": "m"}]
    assert mock_cases(spec, tmp_path / "mocks.json") == ["Paid", "Wrong", "Plain"]


def test_what_is_wrong_with_a_definition_is_one_line() -> None:
    """The first problem with its JSON path; an engine's machine is taken as it is."""
    with pytest.raises(ConfigurationError, match=r"^\$\.States\.A\.Next: .*"):
        load_machine({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})
    with pytest.raises(ConfigurationError, match=r"Seconds: the placeholder .* substitutions=\{'Delay': \.\.\.\}$"):
        load_machine({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": "${Delay}", "End": True}}})
    assert load_machine(StateMachine.parse(ORDERS)).name == "StateMachine"


RESULT_OF = {"paid": 1, "refused": Throw("Refused")}


@pytest.mark.parametrize(
    ("answer", "assertion", "message"),
    [
        ("paid", lambda it: it.assert_failed(), "the status is SUCCEEDED, expected FAILED"),
        ("paid", lambda it: it.assert_output({"a": 1}), "the output differs"),
        ("paid", lambda it: it.assert_path(["Charge"]), r"the path differs\n(.*\n)*  \+Ship"),
        ("paid", lambda it: it.assert_entered("Ship", "Report"), "never entered: Report"),
        ("paid", lambda it: it.assert_not_entered("Ship"), "entered, but must not be: Ship"),
        ("refused", lambda it: it.assert_succeeded(), "the status is FAILED, expected SUCCEEDED"),
        ("refused", lambda it: it.assert_failed("Other"), "Error is 'NotPaid', expected 'Other'"),
        ("refused", lambda it: it.assert_failed(cause=None), "Cause is 'the card', expected None"),
        ("refused", lambda it: it.assert_failed(state="Charge"), "the failing state is 'Report', expected 'Charge'"),
        ("refused", lambda it: it.assert_history(["ExecutionStarted"]), "the history differs"),
    ],
)
def test_assertions_fail_with_the_difference(
    orders: MachineUnderTest, answer: str, assertion: Any, message: str
) -> None:
    """Each message has the difference first, and then how the execution ended."""
    result = orders.run(states={"Charge": RESULT_OF[answer]})
    with pytest.raises(AssertionError, match=message) as caught:
        assertion(result)
    assert "Path: Charge -> " in str(caught.value)


def test_assertions_that_hold_return_the_result(orders: MachineUnderTest) -> None:
    """They can be chained; 1.0 is 1, and an event may be described by some of its members."""
    result = orders.run(states={"Charge": 1})
    assert (
        result.assert_succeeded(1.0, path=["Charge", "Ship"]).assert_entered("Ship").assert_not_entered("Report")
        is result
    )
    failed = orders.run(states={"Charge": Throw("Refused")})
    failed.assert_failed("NotPaid", "the card", state="Report", path=["Charge", "Report"])
    failed.assert_history(
        [
            "ExecutionStarted",
            {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Charge"}},
            "TaskScheduled",
            "TaskStarted",
            {"taskFailedEventDetails": {"error": "Refused"}},
            "TaskStateExited",
            "FailStateEntered",
            "ExecutionFailed",
        ]
    )
    assert (
        repr(failed)
        == "<ExecutionResult FAILED in state 'Report'; Error: NotPaid; Cause: the card; Path: Charge -> Report>"
    )
    assert [event["type"] for event in failed.events_of("Report")] == ["FailStateEntered"]


class TestWithUnittest(unittest.TestCase):
    """The same without pytest."""

    def test_it(self) -> None:
        """A result's assertions are called like unittest's own."""
        result: ExecutionResult = load_machine(ORDERS).run(states={"Charge": 1})
        result.assert_succeeded(1)
        assert result.path == ["Charge", "Ship"]
