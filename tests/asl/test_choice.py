"""Choice rules: every operator is strict about types, and a missing value fails except under IsPresent."""

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl._timestamp import epoch_seconds
from pupline.asl.states._choice_rule import compile_rule
from pupline.choice_rules import COMPARE, OPERATORS, instant, string_matcher

SAMPLES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    -2.5,
    "",
    "A",
    "AB",
    "1",
    "2024-01-01T00:00:00Z",
    [],
    [1],
    {},
    {"a": 1},
]
NUMBERS = [0, 1, 1.0, -2.5]
STRINGS = ["", "A", "AB", "1", "2024-01-01T00:00:00Z"]


def decide(rule: dict[str, Any], value: Any = None, other: Any = None) -> bool:
    """The rule's answer for an input of `value` and `other`, with a variable `$v` of 5."""
    return compile_rule(rule, jsonata=False)(Scope({"value": value, "other": other}, {}, {"v": 5}))


ORDERS = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("kind", "members"), [("Numeric", NUMBERS), ("String", STRINGS)])
def test_comparisons_are_type_strict(kind: str, members: list[Any], order: str) -> None:
    """An operator holds for two values of its type in that order, and for nothing of another type."""
    for operand in members:
        for value in SAMPLES:
            belongs = any(type(value) is type(member) and value == member for member in members)
            expected = belongs and ORDERS[order](value, operand)
            literal = {"Variable": "$.value", f"{kind}{order}": operand}
            by_path = {"Variable": "$.value", f"{kind}{order}Path": "$.other"}
            assert decide(literal, value) is expected, (literal, value)
            assert decide(by_path, value, operand) is expected, (by_path, value, operand)


@pytest.mark.parametrize("value", SAMPLES)
def test_booleans_equal_only_booleans(value: Any) -> None:
    """BooleanEquals false does not hold for 0, 0.0, "" or null."""
    for operand in (True, False):
        assert decide({"Variable": "$.value", "BooleanEquals": operand}, value) is (value is operand)
        assert decide({"Variable": "$.value", "BooleanEqualsPath": "$.other"}, value, operand) is (value is operand)
    assert decide({"Variable": "$.value", "BooleanEqualsPath": "$.other"}, value, value) is isinstance(value, bool)


KINDS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNumeric": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "IsString": lambda value: isinstance(value, str),
    "IsTimestamp": lambda value: value == "2024-01-01T00:00:00Z",
    "IsPresent": lambda _: True,
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("value", SAMPLES)
def test_type_operators(name: str, value: Any) -> None:
    """Is... tests answer for the value's own type; IsPresent holds for null too; `false` turns them round."""
    expected = KINDS[name](value)
    assert decide({"Variable": "$.value", name: True}, value) is expected
    assert decide({"Variable": "$.value", name: False}, value) is not expected


def test_a_missing_variable_fails_except_for_is_present() -> None:
    """A Variable that selects nothing ends the execution with States.Runtime; only IsPresent is safe."""
    assert decide({"Variable": "$.gone", "IsPresent": False})
    assert not decide({"Variable": "$gone.x", "IsPresent": True})
    for name, operand in (("IsNull", True), ("StringEquals", "a"), ("NumericEqualsPath", "$.value")):
        with pytest.raises(EvaluationError) as caught:
            decide({"Variable": "$.gone", name: operand})
        cause = "Invalid path '$.gone': The choice state's condition path references an invalid value."
        assert (caught.value.error, caught.value.cause) == ("States.Runtime", cause)
    with pytest.raises(EvaluationError):
        decide({"Variable": "$.value", "NumericEqualsPath": "$.gone"})


TRUE, FALSE = {"Variable": "$v", "NumericEquals": 5}, {"Variable": "$v", "NumericEquals": 6}
FAILS = {"Variable": "$.gone", "IsNull": True}

COMBINED = [
    ({"And": [TRUE, TRUE]}, True), ({"And": [TRUE, FALSE]}, False), ({"And": [TRUE, TRUE, FALSE]}, False),
    ({"Or": [FALSE, TRUE]}, True), ({"Or": [FALSE, FALSE]}, False), ({"Or": [FALSE, FALSE, TRUE]}, True),
    ({"Not": FALSE}, True), ({"Not": {"Not": TRUE}}, True), ({"And": [TRUE]}, True),
    ({"And": [FALSE, FAILS]}, False), ({"Or": [TRUE, FAILS]}, True),
    ({"Or": [{"And": [TRUE, {"Not": FALSE}]}, FALSE]}, True),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "expected"), COMBINED)
def test_rules_combine_and_stop_early(rule: dict[str, Any], expected: bool) -> None:
    """And, Or and Not nest, and rules that cannot change the result are not evaluated."""
    assert decide(rule) is expected


PATTERNS = [
    ("*.png", "a.png", True), ("*.png", "a.PNG", False), ("*.png", ".png", True), ("*", "", True), ("", "", True),
    ("", "a", False), ("a*b", "ab", True), ("a*b", "axxb", True), ("a*b", "a", False), ("ab*ba", "aba", False),
    ("*a*a*", "aa", True), ("*a*a*", "a", False), ("a\\*b", "a*b", True), ("a\\*b", "axb", False),
    ("a\\\\*", "a\\x", True),
    ("a\\b", "a\\b", True), ("log-*.txt", "log-1.txt.txt", True), ("?", "a", False), ("[a]", "a", False),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "text", "expected"), PATTERNS)
def test_string_matches(pattern: str, text: str, expected: bool) -> None:
    """Only * is special; a backslash escapes it and itself; case counts."""
    assert decide({"Variable": "$.value", "StringMatches": pattern}, text) is expected
    assert not decide({"Variable": "$.value", "StringMatches": pattern}, 5)


def naive_match(pattern: str, text: str) -> bool:
    """Whether a pattern of letters and asterisks matches, by trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive_match(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and text[0] == pattern[0] and naive_match(pattern[1:], text[1:])


@settings(max_examples=300)
@given(st.text("ab*", max_size=7), st.text("ab", max_size=8))
def test_matching_agrees_with_trying_everything(pattern: str, text: str) -> None:
    """The one-pass matcher answers as an exhaustive one."""
    assert string_matcher(pattern)(text) is naive_match(pattern, text)


def test_no_pattern_is_slow() -> None:
    """A pattern that makes backtracking matchers hang is answered at once."""
    assert not string_matcher("*a" * 200 + "b")("a" * 20_000)


INSTANTS = [
    ("1970-01-01T00:00:00Z", 0.0), ("2016-03-14T01:59:00Z", 1457920740.0), ("2016-03-14T01:59:00.5Z", 1457920740.5),
    ("2016-03-14T02:59:00+01:00", 1457920740.0), ("2016-03-13T23:59:00-02:00", 1457920740.0),
    ("2024-02-29T00:00:00.123456789012Z", 1709164800.123456789),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), INSTANTS)
def test_timestamps_are_parsed(text: str, seconds: float) -> None:
    """RFC 3339 with T, Z or an offset, and any number of fraction digits."""
    assert epoch_seconds(text) == pytest.approx(seconds, abs=1e-6)


NOT_INSTANTS = [
    "2016-13-05T21:29:29Z",
    "05-12-2016T21:29:29Z",
    "2016-12-05T25:29:29Z",
    "2016-12-05 21:29:29Z",
    "2016-12-05T21:29:29",
    "2016-12-05t21:29:29z",
    "",
    "2023-02-24 12:15:56.832957",
    5,
    None,
    "٢016-12-05T21:29:29Z",
]


@pytest.mark.parametrize("text", NOT_INSTANTS)
def test_invalid_timestamps(text: Any) -> None:
    """Other forms are no timestamps, however close."""
    assert instant(text) is None


def test_timestamps_compare_by_instant() -> None:
    """Two spellings of one instant are equal, and the order is that of time, not of text."""
    first, same, later = "2024-01-01T00:00:00Z", "2024-01-01T01:00:00.000+01:00", "2024-01-01T00:00:00.0000000001Z"
    assert decide({"Variable": "$.value", "TimestampEquals": first}, same)
    assert decide({"Variable": "$.value", "TimestampGreaterThan": first}, later)
    assert decide({"Variable": "$.value", "TimestampLessThanPath": "$.other"}, same, later)
    assert not decide({"Variable": "$.value", "TimestampEquals": first}, "not a time")


def test_strings_order_as_in_java() -> None:
    """Beyond the basic plane, order is by UTF-16 unit: U+1F600 comes before U+FFFD."""
    assert COMPARE["StringLessThan"]("\U0001f600", "\ufffd")


BAD_RULES: list[dict[str, Any]] = [
    {},
    {"Variable": "$.value"},
    {"StringEquals": "a"},
    {"Variable": "$.value", "Nope": 1},
    {"And": []},
    {"Or": "x"},
    {"Not": []},
    {"Variable": "$.value", "StringEquals": 1},
    {"Variable": "a", "IsNull": True},
    {"Variable": "$.value", "IsNull": "yes"},
    {"Variable": "$.value", "NumericEquals": True},
    {"Variable": "$.value", "TimestampEquals": "now"},
    {"Variable": "$.value", "NumericEqualsPath": "x"},
    {"Variable": "$.value", "IsNull": True, "IsString": True},
]


@pytest.mark.parametrize("rule", BAD_RULES)
def test_bad_rules_do_not_compile(rule: dict[str, Any]) -> None:
    """An invalid rule is a SyntaxProblem."""
    with pytest.raises(SyntaxProblem):
        compile_rule(rule, jsonata=False)


def test_deep_rules_are_refused() -> None:
    """A hostile nesting ends in a SyntaxProblem, not in a RecursionError."""
    rule: dict[str, Any] = TRUE
    for _ in range(5000):
        rule = {"Not": rule}
    with pytest.raises(SyntaxProblem, match="deep"):
        compile_rule(rule, jsonata=False)


def test_all_39_operators_exist() -> None:
    """Five orders of three types and one for booleans, each also by path, five kinds, IsPresent and StringMatches."""
    assert len(OPERATORS) == 2 * (3 * 5 + 1) + 5 + 2


def test_conditions_in_jsonata() -> None:
    """Under JSONata a rule is its Condition, which must give a boolean."""
    scope = Scope(None, {}, {"v": 5}, {"input": {"n": 7}})
    assert compile_rule({"Condition": "{% $states.input.n > $v %}"}, jsonata=True)(scope) is True
    assert compile_rule({"Condition": False}, jsonata=True)(scope) is False
    with pytest.raises(EvaluationError) as caught:
        compile_rule({"Condition": "{% $v %}"}, jsonata=True, where="Choices[3]")(scope)
    assert caught.value.location == "Choices[3]/Condition"
    assert "Expected 'boolean', but was 'number' for value: 5" in caught.value.cause
    with pytest.raises(SyntaxProblem):
        compile_rule({"Condition": "yes"}, jsonata=True)
