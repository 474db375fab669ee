"""Coverage counts what executions have taken, and names what none has."""

from typing import Any

import pytest

from pupline.asl import Coverage, StateMachine, TaskError, execute

FETCH: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:fetch",
    "Retry": [
        {"ErrorEquals": ["Never"], "MaxAttempts": 0},
        {"ErrorEquals": ["Busy"], "MaxAttempts": 2},
    ],
    "Catch": [
        {"ErrorEquals": ["Never", "Busy"], "Next": "Tell"},
        {"ErrorEquals": ["States.ALL"], "Next": "Tell"},
    ],
    "Next": "IsSmall",
}
MACHINE = StateMachine.parse(
    {
        "StartAt": "Fetch",
        "States": {
            "Fetch": FETCH,
            "IsSmall": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.n", "NumericLessThan": 1, "Next": "Done"},
                    {"Variable": "$.n", "NumericLessThan": 10, "Next": "Done"},
                ],
                "Default": "Done",
            },
            "Tell": {"Type": "Pass", "Next": "Done"},
            "Done": {"Type": "Succeed"},
        },
    }
)


def run(answer: Any) -> Any:
    """The end of an execution whose Fetch answers so."""

    def fetch(_event: Any) -> Any:
        if isinstance(answer, str):
            raise TaskError(answer)
        return {"n": answer}

    return execute(MACHINE, {}, tasks={"fetch": fetch}, name="covered")


def never_taken(coverage: Coverage) -> list[str]:
    """The paths of what was never taken."""
    return [item.path.removeprefix("$.States.") for item in coverage.never_taken]


def test_rules_with_the_same_target_are_told_apart() -> None:
    """A Choice Rule is taken only when it is the one that matched, wherever the others lead."""
    coverage = Coverage(MACHINE)
    coverage.add(run(5))
    assert never_taken(coverage) == [
        "Fetch.Retry[0]",
        "Fetch.Retry[1]",
        "Fetch.Catch[0]",
        "Fetch.Catch[1]",
        "IsSmall.Choices[0]",
        "IsSmall.Default",
        "Tell",
    ]


@pytest.mark.parametrize(
    ("error", "retriers", "catcher"),
    [
        ("Busy", {"Fetch.Retry[1]"}, "Fetch.Catch[0]"),
        ("Never", {"Fetch.Retry[0]"}, "Fetch.Catch[0]"),
        ("X", set(), "Fetch.Catch[1]"),
    ],
)
def test_a_retrier_is_taken_when_it_matches(error: str, retriers: set[str], catcher: str) -> None:
    """A Retrier that matches is taken, also one with MaxAttempts 0; a Catcher is taken when it catches."""
    coverage = Coverage(MACHINE)
    coverage.add(run(error))
    found = {item.path.removeprefix("$.States.") for item in coverage.items if coverage.count(item) and item.part}
    assert found == retriers | {catcher}


def test_executions_add_up_to_everything() -> None:
    """Coverage is over all executions; with everything taken it is 100 %."""
    coverage = Coverage(MACHINE)
    for answer in (0, 5, 50, "Busy", "Never"):
        coverage.add(run(answer))
    assert never_taken(coverage) == ["Fetch.Catch[1]"]
    assert coverage.percent == pytest.approx(100 * 10 / 11)
    coverage.add(run("X"))
    assert coverage.percent == 100
    assert coverage.lines() == [
        "Coverage: 100% (states 4/4, choice rules 2/2, defaults 1/1, retriers 2/2, catchers 2/2)"
    ]


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_states_inside_maps_and_branches_count(mode: str) -> None:
    """States inside Map, in both modes, and Parallel count like all others."""
    config = {"Mode": mode, **({"ExecutionType": "EXPRESS"} if mode == "DISTRIBUTED" else {})}
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "One"}],
        "Default": "Other one",
    }
    processor = {
        "ProcessorConfig": config,
        "StartAt": "Which",
        "States": {"Which": choice, "One": {"Type": "Pass", "End": True}, "Other one": {"Type": "Pass", "End": True}},
    }
    branch = {"StartAt": "Items", "States": {"Items": {"Type": "Map", "ItemProcessor": processor, "End": True}}}
    machine = StateMachine.parse(
        {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "Branches": [branch], "End": True}}}
    )
    coverage = Coverage(machine)
    coverage.add(execute(machine, [2, 3]))
    where = "$.States.Both.Branches[0].States.Items.ItemProcessor.States"
    assert [item.path for item in coverage.never_taken] == [f"{where}.Which.Choices[0]", f"{where}.One"]
    coverage.add(execute(machine, [1]))
    assert coverage.never_taken == []


def test_text_and_json_name_places() -> None:
    """What was never taken is shown with its place in the file, its errors and its target; JSON has the same."""
    coverage = Coverage(MACHINE)
    for answer in (0, 5, 50, "Busy", "Never"):
        coverage.add(run(answer))
    lines = coverage.lines("flow.json", lambda path: (12, 3) if path.endswith("Catch[1]") else None)
    assert lines[0].startswith("Coverage: 90.9% (")
    assert lines[1:] == ["Never taken:", "  flow.json:12  catcher      Fetch Catch[1] (States.ALL) -> Tell"]
    assert coverage.as_json(lambda _: (12, 3)) == {
        "percent": 90.91,
        "executions": 5,
        "counts": {
            "states": {"taken": 4, "total": 4},
            "choice rules": {"taken": 2, "total": 2},
            "defaults": {"taken": 1, "total": 1},
            "retriers": {"taken": 2, "total": 2},
            "catchers": {"taken": 1, "total": 2},
        },
        "never_taken": [
            {
                "kind": "catcher",
                "state": "Fetch",
                "path": "$.States.Fetch.Catch[1]",
                "errors": ["States.ALL"],
                "next": "Tell",
                "line": 12,
                "column": 3,
            }
        ],
    }


def test_another_machine_is_refused() -> None:
    """An execution of another machine does not count."""
    other = StateMachine.parse({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    with pytest.raises(ValueError, match="another state machine"):
        Coverage(other).add(run(1))
