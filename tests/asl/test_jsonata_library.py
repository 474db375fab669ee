"""The internals of jsonata-python that `pupline.asl.jsonata` uses.

They are not part of the library's documented API. When one of these tests fails after an upgrade, adapt the code
before you move the upper bound of `jsonata-python` in pyproject.toml.
"""

import inspect
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from jsonata import functions, jexception, jsonata, parser, utils

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

NAMES = [
    *((jsonata.Jsonata, name) for name in ("Frame", "JFunction", "JLambda", "static_frame")),
    *((utils.Utils, name) for name in ("NULL_VALUE", "JList", "RangeList", "create_sequence")),
    *((utils.Utils, name) for name in ("create_sequence_from_iter", "convert_number", "is_numeric")),
    (parser.Parser, "Symbol"),
    (jexception, "JException"),
]

PARAMETERS: list[tuple[Callable[..., Any], list[str]]] = [
    (jsonata.Jsonata.eval, ["self", "expr", "input", "environment"]),
    (jsonata.Jsonata.evaluate_numeric_expression, ["self", "lhs", "rhs", "op"]),
    (jsonata.Jsonata.evaluate_range_expression, ["self", "lhs", "rhs"]),
    (functions.Functions.pad, ["string", "width", "char"]),
    (functions.Functions.parse_integer, ["value", "picture"]),
    (functions.Functions.datetime_from_millis, ["millis", "picture", "timezone"]),
    (functions.Functions.datetime_to_millis, ["timestamp", "picture"]),
]

TREES = {
    "$a.b": ("path", {"steps"}),
    "$a": ("variable", {"value"}),
    "'x'": ("string", {"value"}),
    "1": ("number", {"value"}),
    "true": ("value", {"value"}),
    "($a)": ("block", {"expressions"}),
    "$a ? 1 : 2": ("condition", {"condition", "then", "_else"}),
    "$not($a)": ("function", {"procedure", "arguments"}),
    "$a = 1": ("binary", {"lhs", "rhs", "value"}),
    "$a := 1": ("bind", {"lhs", "rhs"}),
    "function($x) { $x }": ("lambda", {"arguments", "body"}),
    "/a/": ("regex", {"value"}),
}


def test_the_installed_version_is_within_the_bounds() -> None:
    """pyproject.toml names one minor version, and that one is installed here."""
    dependencies = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    bounds = next(each for each in dependencies if each.startswith("jsonata-python"))
    assert bounds == "jsonata-python>=0.7.1,<0.8"
    assert version("jsonata-python").startswith("0.7.")


@pytest.mark.parametrize(("owner", "name"), NAMES, ids=[name for _, name in NAMES])
def test_names_exist(owner: object, name: str) -> None:
    """The evaluator, its frames, its sequences and its null are where the code looks for them."""
    assert hasattr(owner, name), f"jsonata-python {version('jsonata-python')} has no {name}"


@pytest.mark.parametrize(("function", "names"), PARAMETERS, ids=[each.__name__ for each, _ in PARAMETERS])
def test_functions_take_the_same_parameters(function: Callable[..., Any], names: list[str]) -> None:
    """Methods that the code overrides, and functions that it calls, have the parameters that it expects."""
    assert list(inspect.signature(function).parameters) == names


@pytest.mark.parametrize(("text", "expected"), TREES.items(), ids=TREES)
def test_trees_have_the_same_shape(text: str, expected: tuple[str, set[str]]) -> None:
    """The fast path and the search for variables read the node's type and these attributes."""
    kind, attributes = expected
    node = jsonata.Jsonata(text).ast
    assert node.type == kind
    assert attributes <= vars(node).keys()


def test_the_evaluator_calls_the_frame_around_every_node() -> None:
    """The limits on depth, work and size depend on two functions that are bound in the frame."""
    entered: list[object] = []
    left: list[object] = []
    expression = jsonata.Jsonata("1 + 2")
    frame = jsonata.Jsonata.Frame(jsonata.Jsonata.static_frame)
    frame.bindings["__evaluate_entry"] = lambda node, _input, _frame: entered.append(node)
    frame.bindings["__evaluate_exit"] = lambda _node, _input, _frame, result: left.append(result)
    assert expression.eval(expression.ast, None, frame) == 3
    assert len(entered) == len(left) == 3
    assert left == [1, 2, 3]
