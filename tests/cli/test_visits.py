"""The visits of an execution, as a table and a drawing show them."""

from typing import Any

import pytest

from pupline.asl import StateMachine, Throw, execute
from pupline.cli._graph import visits

CALL: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage",
    "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 2}],
    "End": True,
}
WAITS = {"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": 60, "End": True}}}
FAILS = {
    "StartAt": "Short",
    "States": {"Short": {"Type": "Wait", "Seconds": 5, "Next": "Stop"}, "Stop": {"Type": "Fail", "Error": "Stopped"}},
}


def shown(machine: dict[str, Any], given: Any = None, **states: Any) -> list[str]:
    """`✔ Call 2.0 (2 attempts, Busy)` for each visit."""
    result = execute(StateMachine.parse(machine), given, states=states, name="visited")
    rows = []
    for visit in visits(result.history):
        row = f"{visit.sign[0]} {visit.state}"
        row += "" if visit.seconds is None else f" {visit.seconds:.0f}"
        row += f" ({visit.attempts} attempts, {' '.join(visit.errors)})" if visit.attempts else ""
        rows.append(row + (" caught" if visit.caught else ""))
    return rows


def test_attempts_and_their_errors() -> None:
    """An attempt is a call; the errors are those of attempts that failed."""
    machine = {"StartAt": "Call", "States": {"Call": CALL}}
    assert shown(machine, Call=[Throw("Busy"), 1]) == ["✔ Call 2 (2 attempts, Busy)"]
    assert shown(machine, Call=[Throw("Other")]) == ["✘ Call 0 (1 attempts, Other)"]


@pytest.mark.parametrize(("error", "caught"), [("Stopped", True), ("Other", False)])
def test_branches(error: str, caught: bool) -> None:
    """A branch that fails stops the others; the Parallel is left by its Catcher, or fails with them."""
    both = {
        "Type": "Parallel",
        "Branches": [WAITS, FAILS],
        "Catch": [{"ErrorEquals": [error], "Next": "Done"}],
        "Next": "Done",
    }
    machine = {"StartAt": "Both", "States": {"Both": both, "Done": {"Type": "Succeed"}}}
    inside = ["- Long", "✔ Short 5", "✘ Stop 0"]
    if caught:
        assert shown(machine) == ["✔ Both 5 caught", *inside, "✔ Done 0"]
    else:
        assert shown(machine) == ["✘ Both 5", *inside]


def test_iterations() -> None:
    """An iteration that fails its Map has failed, also where the Map handles it."""
    processor = {"StartAt": "Call", "States": {"Call": {**CALL, "Retry": []}}}
    each = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": processor,
        "Catch": [{"ErrorEquals": ["Busy"], "Next": "Done"}],
        "End": True,
    }
    machine = {"StartAt": "Each", "States": {"Each": each, "Done": {"Type": "Succeed"}}}
    assert shown(machine, [1, 2], Call=[1, 2]) == [
        "✔ Each 0",
        "✔ Call 0 (1 attempts, )",
        "✔ Call 0 (1 attempts, )",
    ]
    failed = ["✔ Call 0 (1 attempts, )", "✘ Call 0 (1 attempts, Busy)"]
    assert shown(machine, [1, 2], Call=[1, Throw("Busy")]) == ["✔ Each 0 caught", *failed, "✔ Done 0"]
