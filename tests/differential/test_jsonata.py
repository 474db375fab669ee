"""JSONata here against its reference implementation: random expressions give the same value, code and message."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl.jsonata import compile_jsonata_value
from tests.differential.jsonata_expressions import GIVEN, expressions
from tools.jsonata_reference import JsonataReference, why_no_reference

EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "0")) * 5

_DIFFERENT = (
    "internal error",  # AWS's own word for what its library cannot do
    "Stack overflow",
    "memory limit",
    "T2007",  # which of two values comes first is up to the sorting
)


@pytest.fixture(scope="module")
def reference() -> Iterator[JsonataReference]:
    """The reference implementation, where it is installed."""
    missing = why_no_reference()
    if missing:
        pytest.skip(missing)
    evaluate("$sum([1])")  # the library changes Python's recursion limit when it is imported
    with JsonataReference() as process:
        yield process


def evaluate(expression: str) -> dict[str, Any]:
    """What our evaluation gives, in the shape of the reference's answer."""
    try:
        value = compile_jsonata_value(f"{{% {expression} %}}", location="v")(Scope(GIVEN, None, {}, {"input": GIVEN}))
    except SyntaxProblem as problem:
        return {"message": problem.message}
    except EvaluationError as problem:
        ending = problem.cause.rpartition("specified for the field 'v' ")[2]
        if ending.startswith("returned nothing"):
            return {}
        if ending == "returned an unsupported result type.":
            return {"isFunction": True}
        code, _, message = ending.removeprefix("threw an error during evaluation. ").partition(": ")
        return {"code": code, "message": message}
    return {"value": value}


def is_comparable(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether the answers are about the query, and not about what an implementation can do."""
    if "message" in theirs and "code" not in theirs:
        return False
    return not any(each in json.dumps(ours) for each in _DIFFERENT)


def numbers_as_doubles(value: Any) -> Any:
    """The value with its numbers as ECMAScript has them."""
    if isinstance(value, list):
        return [numbers_as_doubles(item) for item in value]
    if isinstance(value, dict):
        return {key: numbers_as_doubles(item) for key, item in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.slow
def test_random_expressions_give_what_the_reference_gives(reference: JsonataReference) -> None:
    """Values to the last digit, with the order of keys; codes and messages of failures, also of the parser's."""

    @settings(
        max_examples=EXAMPLES or 100,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(expressions())
    def compare(expression: str) -> None:
        theirs = reference.evaluate(expression, GIVEN)
        ours = evaluate(expression)
        if theirs is None or not is_comparable(ours, theirs):
            return
        if "code" not in ours:  # a message of the parser comes without its code
            theirs.pop("code", None)
        assert json.dumps(numbers_as_doubles(ours)) == json.dumps(numbers_as_doubles(theirs)), expression

    compare()
