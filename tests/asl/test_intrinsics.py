"""Intrinsic functions: results as AWS gives them, and failures that name the call."""

import json
import random
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl.jsonpath import compile_intrinsic

INPUT: dict[str, Any] = {
    "n": 5, "half": 1.5, "text": "Rex", "nothing": None, "list": [1, 2, 3, 4, 5], "object": {"Arg1": 1, "Arg2": []},
    "empty": [], "dogs": [{"a": 1}, {"a": 1.0}, True, 1, "1"], "template": "n={}", "braces": "\\{{}\\}",
}  # fmt: skip


def call(text: str, given_input: Any = INPUT, seed: int = 1) -> Any:
    """The result of an intrinsic function call over an input."""
    scope = Scope(given_input, {"Execution": {"Name": "run"}}, {"var": [7]}, None, random.Random(seed))
    return compile_intrinsic(text, field="x.$")(scope)


RESULTS: list[tuple[str, Any]] = [
    ("States.Format('Hello {}, {}', $.text, $.n)", "Hello Rex, 5"),
    ("States.Format('{}', $.nothing)", "null"),
    ("States.Format('{}', $.object)", "{Arg1=1, Arg2=[]}"),
    ("States.Format('{}', $.half)", "1.5"),
    ("States.Format('{} {} {}', 0.00015, -12345678.5, 1e10)", "1.5E-4 -1.23456785E7 1.0E10"),
    ("States.Format('{} {}', 9999999.5, 0.001)", "9999999.5 0.001"),
    ("States.Format('{}', true)", "true"),
    ("States.Format('no placeholder')", "no placeholder"),
    ("States.Format('\\{\\} \\'{}\\' \\\\', $.n)", "{} '5' \\"),
    ("States.Format($.template, 1)", "n=1"),
    ("States.Format($.braces, 1)", "{1}"),
    ("States.Format('{}{}', States.Format('{}', 1), $var[0])", "17"),
    ("States.StringToJson('')", None),
    ("States.StringToJson(' ')", None),
    ("States.StringToJson('-0')", 0),
    ("States.StringToJson('[1, \"é\"]')", [1, "é"]),
    ("States.JsonToString($.object)", '{"Arg1":1,"Arg2":[]}'),
    ("States.JsonToString('é')", '"é"'),
    ("States.Array()", []),
    ("States.Array(1, 'a', null, $.list[0])", [1, "a", None, 1]),
    ("States.ArrayPartition($.list, 2)", [[1, 2], [3, 4], [5]]),
    ("States.ArrayPartition($.list, 9)", [[1, 2, 3, 4, 5]]),
    ("States.ArrayPartition($.empty, 4)", []),
    ("States.ArrayContains($.list, 3)", True),
    ("States.ArrayContains($.dogs, $.object)", False),
    ("States.ArrayContains($.list, true)", False),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayRange(0, 10, 3)", [0, 3, 6, 9]),
    ("States.ArrayRange(5, 1, -2)", [5, 3, 1]),
    ("States.ArrayRange(5, 1, 1)", []),
    ("States.ArrayGetItem($.list, 2)", 3),
    ("States.ArrayLength($.list)", 5),
    ("States.ArrayUnique($.dogs)", [{"a": 1}, True, 1, "1"]),
    ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "Data to encode"),
    ("States.Base64Decode('RGF0YSB0byBlbmNvZGU')", "Data to encode"),
    ("States.MathRandom(0, 1000, 42)", 130),
    ("States.MathRandom(0, 16, 42)", 11),
    ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("States.Hash('input data', 'MD5')", "812f45842bc6d66ee14572ce20db8e86"),
    ("States.JsonMerge($.object, States.StringToJson('{\"Arg2\": {\"x\": 1}}'), false)", {"Arg1": 1, "Arg2": {"x": 1}}),
    ("States.MathAdd($.n, -9)", -4),
    ("States.MathAdd(1.5, 1.51)", 4),
    ("States.MathAdd(-1.5, 0)", -1),
    ("States.MathAdd(-0.5, 0.5)", 1),
    ("States.MathAdd(-2.5, 0)", -2),
    ("States.MathAdd(1.49, 1.5)", 3),
    ("States.StringSplit(', , ,', ',')", [" ", " "]),
    ("States.StringSplit('a.b+c,d=e', '.+,=')", ["a", "b", "c", "d", "e"]),
    ("States.StringSplit(',,,,', ',')", []),
    ("States.ArrayLength($.gone[*])", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), RESULTS, ids=[row[0] for row in RESULTS])
def test_functions_compute_what_aws_computes(text: str, expected: Any) -> None:
    """Each call gives AWS's result, types included."""
    result = call(text)
    assert json.dumps(result) == json.dumps(expected)


FAILURES = [
    ("States.ArrayGetItem($.list, 5)", "index 5"),
    ("States.ArrayGetItem($.list, -1)", "index -1"),
    ("States.ArrayLength($.text)", "expected an array"),
    ("States.ArrayRange(1, 9, 0)", "step"),
    ("States.ArrayRange(1, 1001, 1)", "1000"),
    ("States.ArrayRange(1, 1e308, 1)", "1000"),
    ("States.ArrayPartition($.list, 0)", "not positive"),
    ("States.StringToJson('\\{')", "not valid JSON"),
    ("States.StringToJson('NaN')", "not valid JSON"),
    ("States.StringToJson('1e999')", "not valid JSON"),
    ("States.StringToJson($.n)", "expected a string"),
    ("States.Base64Decode('*')", "Base64Decode"),
    ("States.Hash('a', 'SHA1')", "SHA-256"),
    ("States.JsonMerge($.object, $.object, true)", "deep"),
    ("States.JsonMerge($.object, $.list, false)", "objects"),
    ("States.MathAdd('1', 1)", "expected a number"),
    ("States.MathRandom(5, 5)", "not greater"),
    ("States.Format('{} {}', 1)", "2 placeholders"),
    ("States.Format($.template)", "1 placeholders"),
    ("States.Format($.n)", "expected a string"),
]


@pytest.mark.parametrize(("text", "part"), FAILURES, ids=[row[0] for row in FAILURES])
def test_failures_name_the_call(text: str, part: str) -> None:
    """What cannot be computed is a States.IntrinsicFailure that quotes the call and says why."""
    with pytest.raises(EvaluationError) as caught:
        call(text)
    assert caught.value.error == "States.IntrinsicFailure"
    assert caught.value.cause.startswith(f"The function '{text}' had the following error: ")
    assert part in caught.value.cause


@pytest.mark.parametrize("text", ["States.Format('{}', $.nope)", "States.Format('{}', States.Array($.nope))"])
def test_a_missing_argument_is_a_runtime_error(text: str) -> None:
    """A path argument that finds nothing fails the execution, naming the whole call, the path and the input."""
    with pytest.raises(EvaluationError) as caught:
        call(text, {"other": 1})
    reason = "The JsonPath argument for the field '$.nope' could not be found in the input '{\"other\":1}'"
    expected = f"The function '{text}' had the following error: {reason}"
    assert (caught.value.error, caught.value.cause) == ("States.Runtime", expected)


REFUSED = [
    "States.Nope()", "States.Format", "States.Format(", "States.Format('a'", "States.Format('a' 'b')",
    "States.Format()",
    "States.Format('a\\n')", "States.Format('\\\"')", "States.Format(\"a\")", "States.MathAdd(1)", "States.UUID(1)",
    "States.MathAdd(1, 2) trailing", "States.Array(01)", "States.Array($.)", "States.Array(" * 11 + ")" * 11,
    "States.ArrayRange(1, 2)", "States.Array(1,)", "States.Array(" + "1," * 5000 + "1)",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED, ids=[text[:30] for text in REFUSED])
def test_invalid_calls_are_refused(text: str) -> None:
    """Unknown functions, wrong counts of arguments, illegal escapes and too deep a nesting do not compile."""
    with pytest.raises(SyntaxProblem):
        compile_intrinsic(text, field="x.$")


def test_random_values_come_from_the_scope() -> None:
    """The same seed gives the same UUID and the same numbers, so that a replay gets the same as the first run."""
    for text in ("States.UUID()", "States.MathRandom(0, 1000000)"):
        assert call(text, seed=3) == call(text, seed=3)
        assert call(text, seed=3) != call(text, seed=4)
    assert uuid.UUID(call("States.UUID()")).version == 4
    assert call("States.MathRandom(0, 1000000, 7)", seed=1) == call("States.MathRandom(0, 1000000, 7)", seed=2)


def test_math_random_leaves_out_its_end() -> None:
    """MathRandom gives whole numbers from its start up to, but not including, its end."""
    assert {call("States.MathRandom(1, 4)", seed=seed) for seed in range(60)} == {1, 2, 3}


@settings(max_examples=100)
@given(st.lists(st.integers(-5, 5), max_size=12), st.integers(1, 5))
def test_partitions_put_together_give_the_array(items: list[int], size: int) -> None:
    """ArrayPartition cuts without losing, and every chunk but the last is full."""
    chunks = call(f"States.ArrayPartition($, {size})", items)
    assert [item for chunk in chunks for item in chunk] == items
    assert all(len(chunk) == size for chunk in chunks[:-1])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100)
@given(json_values)
def test_json_survives_a_string(value: Any) -> None:
    """StringToJson(JsonToString(x)) is x."""
    assert call("States.StringToJson(States.JsonToString($))", value) == value


@settings(max_examples=100)
@given(st.text(max_size=100))
def test_text_survives_base64(text: str) -> None:
    """Base64Decode(Base64Encode(x)) is x."""
    assert call("States.Base64Decode(States.Base64Encode($))", text) == text
