"""A definition that begins in the middle, with the variables that were assigned before."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.asl import StateMachine, execute, starting_at

JSONPATH = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"given.$": "$", "kept.$": "$kept"}, "End": True},
    },
}
JSONATA = {
    "QueryLanguage": "JSONata",
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Pass", "Output": {"given": "{% $states.input %}", "kept": "{% [$kept] %}"}, "End": True},
    },
}
TEXTS = st.text(max_size=8) | st.sampled_from(["{% $x %}", "{%", "{% 1 %} %}", "$.a", "$states", "{% \"'\\ %}", "🐕"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("a.$"), inner, max_size=3),
    max_leaves=8,
)


def outcome(definition: dict[str, Any], state: str, variables: dict[str, Any]) -> Any:
    """The output of an execution that begins at the state, with the input 1."""
    machine = StateMachine.compiled_again(starting_at(definition, state, variables), type="STANDARD")
    result = execute(machine, 1, tasks={})
    assert result.status == "SUCCEEDED", result.cause
    return result.output


def test_without_variables_only_the_start_differs() -> None:
    """The states stay as they are."""
    assert starting_at(JSONPATH, "B", {}) == {**JSONPATH, "StartAt": "B"}


def test_a_second_time_the_variables_are_replaced() -> None:
    """What begins in the middle can begin in the middle again."""
    once = starting_at(JSONPATH, "B", {"kept": 1})
    assert outcome(once, "B", {"kept": 2}) == {"given": 1, "kept": 2}
    assert starting_at(once, "B", {}) == starting_at(JSONPATH, "B", {})


def test_a_state_inside_another_is_refused() -> None:
    """Only top-level states can be the first."""
    with pytest.raises(KeyError):
        starting_at(JSONPATH, "C", {})


@given(VALUES)
def test_variables_have_their_values_whatever_they_are(value: Any) -> None:
    """No text in a value is taken for an expression, in either query language."""
    assert outcome(JSONPATH, "B", {"kept": value}) == {"given": 1, "kept": value}
    assert outcome(JSONATA, "B", {"kept": value})["given"] == 1
