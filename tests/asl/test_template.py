"""Payload templates: which parts are evaluated, which are not, and the order of the result's keys."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl.jsonpath import compile_template
from pupline.asl.jsonpath._template import hash_map_order
from pupline.json_values import dumps

SCOPE = Scope({"a": 1, "list": [1, 2], "o": {"b": "x"}}, {"Execution": {"Name": "run"}}, {"v": True})

EVALUATED = [
    ({"x.$": "$.a"}, {"x": 1}, "a path"),
    ({"x.$": "$$.Execution.Name"}, {"x": "run"}, "the Context Object"),
    ({"x.$": "$v"}, {"x": True}, "a variable"),
    ({"x.$": "States.Format('{}!', $.o.b)"}, {"x": "x!"}, "an intrinsic function"),
    ({"x": "$.a"}, {"x": "$.a"}, "without .$ a path is a text"),
    ({"o": {"p": {"q.$": "$.a"}}}, {"o": {"p": {"q": 1}}}, "at any depth"),
    ({"l": [{"q.$": "$.a"}, "$.a", 3]}, {"l": [{"q": 1}, "$.a", 3]}, "objects inside arrays"),
    ({"x": 1, "y.$": "$.list"}, {"x": 1, "y": [1, 2]}, "plain and evaluated side by side"),
    ([{"x.$": "$.a"}], [{"x": 1}], "a template may be an array"),
    ({}, {}, "an empty object"),
    ("text", "text", "or any constant"),
]


@pytest.mark.parametrize(("template", "expected", "why"), EVALUATED, ids=[row[2] for row in EVALUATED])
def test_dollar_fields_are_evaluated(template: Any, expected: Any, why: str) -> None:
    """Fields whose names end in .$ are evaluated and lose the suffix; all else is literal."""
    assert compile_template(template, field="Parameters")(SCOPE) == expected, why


def test_constant_parts_are_shared_and_marked() -> None:
    """A template without .$ fields is constant, and its value is not copied."""
    value = {"deep": [{"x": 1}]}
    compiled = compile_template(value, field="Parameters")
    assert compiled.constant
    assert compiled(SCOPE) is value
    assert not compile_template({"x.$": "$"}, field="Parameters").constant


def test_evaluating_leaves_the_template_alone() -> None:
    """Results never write into the template or into each other."""
    template = {"k": {"x.$": "$.a"}, "l": [{"y.$": "$.a"}]}
    before = json.dumps(template)
    compiled = compile_template(template, field="Parameters")
    first, second = compiled(SCOPE), compiled(Scope({"a": 2}, {}, {}))
    assert (first["k"]["x"], second["k"]["x"]) == (1, 2)
    assert json.dumps(template) == before


BROKEN = [
    ({"x.$": "a"}, (), "x.$"),
    ({"x.$": 5}, (), "x.$"),
    ({"a": {"x.$": "States.Nope()"}}, ("a",), "x.$"),
    ({"a": [0, {"y.$": "$["}]}, ("a", 1), "y.$"),
]


@pytest.mark.parametrize(("template", "path", "field"), BROKEN)
def test_bad_expressions_are_refused_with_their_place(template: Any, path: tuple[Any, ...], field: str) -> None:
    """A .$ field that is neither a path nor an intrinsic function is named, in AWS's words."""
    with pytest.raises(SyntaxProblem) as caught:
        compile_template(template, field="Parameters")
    message = f"The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call"
    assert (caught.value.message, caught.value.path) == (message, path)


def test_a_field_given_twice_is_refused() -> None:
    """The same name with and without .$ would hide one of the two."""
    with pytest.raises(SyntaxProblem, match="twice"):
        compile_template({"x": 1, "x.$": "$.a"}, field="Parameters")


def test_too_deep_a_template_is_refused() -> None:
    """A hostile depth ends in a SyntaxProblem, not in a RecursionError."""
    deep: Any = {"x.$": "$"}
    for _ in range(500):
        deep = {"d": deep}
    with pytest.raises(SyntaxProblem, match="deep"):
        compile_template(deep, field="Parameters")


def test_a_missing_value_names_its_field() -> None:
    """The error names the .$ field, however deep it is."""
    with pytest.raises(EvaluationError, match=r"specified for the field 'q\.\$' could not be found"):
        compile_template({"o": [{"q.$": "$.gone"}]}, field="Parameters")(SCOPE)


ORDERS = [
    (["b", "a"], ["a", "b"], "one letter hashes to its code"),
    (["apple", "banana", "cherry"], ["banana", "apple", "cherry"], "longer names by their spread hash"),
    (["Aa", "BB"], ["Aa", "BB"], "equal hashes keep their order"),
    (["BB", "Aa"], ["BB", "Aa"], "whichever came first"),
]


@pytest.mark.parametrize(("names", "expected", "why"), ORDERS)
def test_keys_come_in_hash_map_order(names: list[str], expected: list[str], why: str) -> None:
    """Evaluated fields are listed as a Java HashMap of their names lists them."""
    assert hash_map_order(names) == expected, why


def test_plain_keys_come_first() -> None:
    """Plain keys keep the document's order and go before the evaluated ones."""
    template = {"z.$": "$.a", "y": 1, "b.$": "$.a", "x": {"n.$": "$.a"}}
    assert dumps(compile_template(template, field="Parameters")(SCOPE)) == '{"y":1,"x":{"n":1},"b":1,"z":1}'


@given(st.lists(st.text(max_size=6), unique=True, max_size=40))
def test_hash_map_order_is_a_permutation(names: list[str]) -> None:
    """No name is lost or doubled, whatever its characters."""
    assert sorted(hash_map_order(names)) == sorted(names)


def test_a_template_knows_the_variables_that_it_reads() -> None:
    """Variables of paths and of intrinsic arguments are named, wherever they stand."""
    template = {"a": [{"x.$": "$one.y"}], "b.$": "States.Format('{} {}', $two, States.JsonToString($three))"}
    assert compile_template(template, field="Parameters").variables == {"one", "two", "three"}
