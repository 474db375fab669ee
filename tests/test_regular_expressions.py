"""No regular expression hangs: neither one of ours, whatever it meets, nor one that comes from outside."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl import DefinitionError, StateMachine
from pupline.regex import SlowExpression, safe_compile, time_exponent
from pupline.specs import SpecError, read_spec

SOURCE = Path(__file__).parents[1] / "src" / "pupline"
CALLS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}

BOUNDED = {
    "asl/validation/_placeholders.py": "possessive: what the loop has taken is not tried again in another way",
    "definitions/_json_text.py": "possessive too; a placeholder inside a string is looked at up to three braces deep",
    "http/_pool.py": "quadratic in a header that has a line end, which no header has",
    "images/_names.py": "possessive: each part of a URL or a name is taken once, in one way",
    "http/_url.py": "quadratic in a URL that has a line end; those are refused before",
}
"""Files with an expression that is not linear, and why that does no harm."""

NOT_LITERAL = {
    "asl/jsonpath/_functions.py": "a class of single characters",
    "asl/jsonpath/_filter_parser.py": "an escaped quote",
    "regex.py": "what this file tests",
}
"""Files in which an expression is put together, and of what."""


def expressions() -> Iterator[tuple[str, str | bytes, int]]:
    """The file, the expression and the flags of every regular expression in the source."""
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        for statement in ast.parse(path.read_text()).body:
            for node in ast.walk(statement):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.func.attr in CALLS:
                    try:
                        yield name, ast.literal_eval(node.args[0]), flags_of(node)
                    except ValueError:  # put together: a constant of the module has been by now
                        if not isinstance(statement, ast.Assign | ast.AnnAssign):
                            assert name in NOT_LITERAL, f"{name}, line {node.lineno}: compile it with pupline.regex"
        module = importlib.import_module(".".join(("pupline", *Path(name).with_suffix("").parts)))
        for value in vars(module).values():
            if isinstance(value, re.Pattern):
                yield name, value.pattern, value.flags & ~re.UNICODE


def flags_of(call: ast.Call) -> int:
    """The flags among the arguments of a call."""
    found = 0
    for argument in [*call.args[1:], *(keyword.value for keyword in call.keywords)]:
        for node in ast.walk(argument):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re":
                found |= getattr(re, node.attr)
    return found


@pytest.mark.long
@pytest.mark.slow
def test_our_own_expressions_are_linear() -> None:
    """Each of them: the text that it meets may come from anywhere."""
    found = list(expressions())
    assert len(found) > 80
    slow = {(name, str(pattern)) for name, pattern, flags in found if time_exponent(pattern, flags) > 1}
    assert {name for name, _ in slow} <= set(BOUNDED), slow


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "exponent"),
    [
        (r"(a+)+", float("inf")),
        (r"(a*)*b", float("inf")),
        (r"(?:<!--.*?-->\s*)*<a", float("inf")),
        (r'(?:[^"\\]+|\\.)*"', float("inf")),
        (r"(?:a{1,500})*b", float("inf")),
        (r"(\w+\s?)+$", float("inf")),
        (r"(a|b|ab)*c", float("inf")),
        (r"(?:a|a)*b", float("inf")),
        (r"(?:(?:a?)?b)*c", float("inf")),
        (r"(?i)(?:ab|AB|x)*c", float("inf")),
        (r"(a?){30}b", float("inf")),
        (r"(?=(a+)+b)a", float("inf")),
        (r"a?" * 40, float("inf")),
        (r".*" * 300, float("inf")),
        ("(?:" + "|".join(f"{number}x{number}" for number in range(300)) + ")*", float("inf")),
        (r"\s*(.*?)\s*", 3),
        (r"a*a*", 2),
        (r".*x.*y", 2),
        (r"a*b*", 1),
        (r"(\w+\.)+com", 1),
        (r'(?:[^"\\]++|\\.)*+"?', 1),
        (r'(?:[^"\\]|\\.)*"', 1),
        (r"(\d{1,3}\.){3}\d{1,3}", 1),
        (r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", 1),
        (r"breeds/([a-z]+)(?:-([a-z]+))?/", 1),
        (r"(['\"]).*?\1", 2),
        (rb"\xff[^\x00\xd0-\xd7\xff]", 1),
        (r"", 1),
    ],
)
def test_the_time_is_told_from_the_expression(pattern: str | bytes, exponent: float) -> None:
    """Exponential where ways double; else as many powers as there are loops in a row that take the same text."""
    assert time_exponent(pattern, re.DOTALL) == exponent


class Steps(Exception):
    """More than were allowed."""


def ways(tree: Any, text: str, most: int) -> int:
    """The steps that trying all ways takes: a plain backtracking matcher over `re`'s parse tree."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count > most:
            raise Steps

    def run(items: list[Any], at: int, then: Any) -> bool:
        step()
        if not items:
            return bool(then(at))
        (kind, argument), rest = items[0], items[1:]
        match str(kind):
            case "LITERAL":
                return at < len(text) and ord(text[at]) == argument and run(rest, at + 1, then)
            case "IN":
                taken = at < len(text) and any(ord(text[at]) == value for _, value in argument)
                return taken and run(rest, at + 1, then)
            case "BRANCH":
                return any(run([*branch], at, lambda end: run(rest, end, then)) for branch in argument[1])
            case "SUBPATTERN":
                return run([*argument[3]], at, lambda end: run(rest, end, then))
            case "MAX_REPEAT":
                least, _, body = argument

                def again(number: int, start: int) -> bool:
                    def more(end: int) -> bool:
                        return end > start and again(number + 1, end)

                    return run([*body], start, more) or (number >= least and run(rest, start, then))

                return again(0, at)
        raise AssertionError(kind)

    run([*tree], 0, lambda _: False)
    return count


atoms = st.sampled_from(["a", "b", "[ab]"])
small = st.recursive(
    atoms,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["*", "+"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
        | st.lists(inner, min_size=2, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=2).map(lambda both: f"(?:{both[0]}|{both[1]})")
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(small, st.text("ab", min_size=1, max_size=3))
def test_what_is_called_polynomial_is(pattern: str, pump: str) -> None:
    """No text that is pumped up makes more steps than the exponent allows, counted by a matcher of its own."""
    exponent = time_exponent(pattern)
    if exponent > 3:
        return
    text = pump * 8
    ways(importlib.import_module("re._parser").parse(pattern), text, 40 * (len(text) + 2) ** int(exponent + 1))


@pytest.mark.parametrize("slow", ["(a+)+$", "(.*)*x", "a?" * 60 + "b"])
def test_slow_expressions_from_outside_are_refused(slow: str) -> None:
    """In a JSONPath filter, in JSONata and in a source's description: before any text meets them."""
    with pytest.raises(SlowExpression, match="make them exclude each other"):
        safe_compile(slow)
    path = {"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": f"$.a[?(@ =~ /{slow}/)]", "End": True}}}
    with pytest.raises(DefinitionError):
        StateMachine.parse(path)
    state = {"Type": "Pass", "Output": f"{{% $match('aaa', /{slow}/) %}}", "End": True}
    with pytest.raises(DefinitionError, match="Slow regular expression"):
        StateMachine.parse({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state}})


def test_a_slow_expression_in_a_spec_is_a_problem_of_its_own() -> None:
    """Named with its place, like all others."""
    text = """
name = "dogs"
base_url = "https://dogs.example"
path = "/list"
items = "message[]"
labels_from = '(a+)+$'
"""
    with pytest.raises(SpecError, match="labels_from"):
        read_spec(text.encode(), "dogs.toml")
