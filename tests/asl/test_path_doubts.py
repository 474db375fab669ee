"""Warnings about paths that are valid, and that AWS does not read as their authors expect."""

from typing import Any

import pytest

from pupline.asl.jsonpath import compile_intrinsic, compile_path
from pupline.asl.validation import diagnostics

DOUBTFUL = [
    ("$.list.length()", "'length()' is the name of a field: AWS has no path functions; use States.ArrayLength"),
    ("$.list[*].n.sum()", "'sum()' is the name of a field"),
    ("$.list[-1].n", "AWS finds nothing at a negative index; write [(@.length-1)], or [-1:]"),
    ("$.list[0,-1]", "AWS finds nothing at a negative index"),
    ("$.list[1:-1]", "a slice counts from the end only with one bound"),
    ("$['a','b'].c", "several names must be the last step"),
    ("$.list[?(@.n in [1])]", "AWS's filters have no operator 'in'"),
    ("$.list[?(@.n == 1 && !(@.m[-1]))]", "AWS finds nothing at a negative index"),
]


@pytest.mark.parametrize(("path", "doubt"), DOUBTFUL, ids=[path for path, _ in DOUBTFUL])
def test_a_doubtful_path_says_why(path: str, doubt: str) -> None:
    """As a field, and as an argument of an intrinsic function."""
    assert doubt in compile_path(path, field="x.$").doubts[0]
    assert doubt in compile_intrinsic(f"States.JsonToString({path})", field="x.$").doubts[0]


@pytest.mark.parametrize(
    "path", ["$", "$.a.['b'][0]", "$.a[-1:]", "$.a[:-1]", "$.a[(@.length-1)]", "$..a[*]['x','y']", "$.a[?(@.b==c)]"]
)
def test_other_paths_have_no_doubts(path: str) -> None:
    """What AWS reads as it is written."""
    assert compile_path(path, field="x.$").doubts == ()


def test_validation_warns_about_doubtful_paths() -> None:
    """The definition stays valid; the warning names the path and its place."""
    state: dict[str, Any] = {"Type": "Pass", "InputPath": "$.l[-1]", "Parameters": {"n.$": "$.l.size()"}, "End": True}
    definition = {"StartAt": "A", "States": {"A": state}}
    assert diagnostics(definition) == []
    found = diagnostics(definition, severity="WARNING")
    assert [(each["code"], each["severity"], each["location"]) for each in found] == [
        ("DOUBTFUL_PATH", "WARNING", "/States/A/InputPath"),
        ("DOUBTFUL_PATH", "WARNING", "/States/A/Parameters/n.$"),
    ]
    assert found[0]["message"].startswith("In '$.l[-1]', AWS finds nothing at a negative index")
