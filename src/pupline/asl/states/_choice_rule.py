"""Choice rules compiled into predicates.

Comparisons are type-strict: an operator for numbers never matches a string, a boolean or null. A `Variable` that
selects nothing fails the execution, except under IsPresent. Source: States Language, "Choice State".
"""

import operator
from collections.abc import Callable
from typing import TypeAlias

from pupline.asl._errors import SyntaxProblem
from pupline.asl._expression import Evaluate, Scope
from pupline.asl._timestamp import instant
from pupline.asl._values import is_number
from pupline.asl.jsonata import compile_condition
from pupline.asl.jsonpath import compile_path, compile_presence
from pupline.json_values import AnyJSON

Rule: TypeAlias = Callable[[Scope], bool]
_Check: TypeAlias = Callable[[AnyJSON], bool]

MAX_DEPTH = 100


def compile_rule(rule: dict[str, AnyJSON], *, jsonata: bool, where: str = "Choices[0]") -> Rule:
    """A Choice rule as a predicate: its Condition (JSONata), or its Variable, And, Or, Not (JSONPath).

    where: the rule's place in its state, such as "Choices[1]", for JSONata's error texts.
    Raises: SyntaxProblem; when called, EvaluationError.
    """
    if jsonata:
        return compile_condition(rule.get("Condition"), location=f"{where}/Condition")
    return _rule(rule, (), 0)


def _rule(rule: AnyJSON, path: tuple[str | int, ...], depth: int) -> Rule:
    if depth > MAX_DEPTH:
        raise SyntaxProblem(f"a Choice rule is nested more than {MAX_DEPTH} deep", path)
    if not isinstance(rule, dict):
        raise SyntaxProblem("Expected value of type [OBJECT]", path)
    for name in ("And", "Or"):
        if name in rule:
            return _several(name, rule[name], (*path, name), depth)
    if "Not" in rule:
        inner = _rule(rule["Not"], (*path, "Not"), depth + 1)
        return lambda scope: not inner(scope)
    return _comparison(rule, path)


def _several(name: str, rules: AnyJSON, path: tuple[str | int, ...], depth: int) -> Rule:
    if not isinstance(rules, list) or not rules:
        raise SyntaxProblem("Expected a non-empty array of rules", path)
    parts = [_rule(rule, (*path, at), depth + 1) for at, rule in enumerate(rules)]
    if len(parts) == 2:
        first, second = parts
        if name == "And":
            return lambda scope: first(scope) and second(scope)
        return lambda scope: first(scope) or second(scope)
    if name == "And":
        return lambda scope: all(part(scope) for part in parts)
    return lambda scope: any(part(scope) for part in parts)


def _comparison(rule: dict[str, AnyJSON], path: tuple[str | int, ...]) -> Rule:
    names = [name for name in rule if name in OPERATORS]
    if len(names) != 1 or not isinstance(rule.get("Variable"), str):
        raise SyntaxProblem("a rule needs a Variable and exactly one comparison operator, or And, Or or Not", path)
    (name,) = names
    variable = _path(rule["Variable"], (*path, "Variable"))
    operand = rule[name]
    problem = operand_problem(name, operand)
    if problem is not None:
        raise SyntaxProblem(problem, (*path, name))
    if name == "IsPresent":
        present = compile_presence(rule["Variable"])
        return present if operand else lambda scope: not present(scope)
    if name.endswith("Path"):
        other, compare = _path(operand, (*path, name)), COMPARE[name.removesuffix("Path")]
        return lambda scope: compare(variable(scope), other(scope))
    if name in _KINDS:
        kind = _KINDS[name]
        return lambda scope: kind(variable(scope)) is operand
    check = _literal(name, operand)
    return lambda scope: check(variable(scope))


def _path(text: AnyJSON, path: tuple[str | int, ...]) -> Evaluate:
    try:
        return compile_path(text, field="Variable").evaluate
    except SyntaxProblem as problem:
        raise SyntaxProblem(f"Value is not a Reference Path: {problem.message}", path) from problem


def operand_problem(name: str, operand: AnyJSON) -> str | None:
    """AWS's message about an operator's invalid literal operand; None for a valid one."""
    if name.endswith("Path") or name.startswith("String"):
        return None if isinstance(operand, str) else "Expected value of type [STRING]"
    if name.startswith("Numeric"):
        return None if is_number(operand) else "Expected value of type [NUMBER]"
    if name.startswith("Timestamp"):
        return None if instant(operand) else "String does not match RFC3339 timestamp"
    return None if isinstance(operand, bool) else "Expected value of type [BOOLEAN]"


# ---------------------------------------------------------------- operators


def _of(
    belongs: _Check, key: Callable[[AnyJSON], AnyJSON], compare: Callable[[AnyJSON, AnyJSON], bool]
) -> Callable[..., bool]:
    def test(value: AnyJSON, operand: AnyJSON) -> bool:
        return belongs(value) and belongs(operand) and compare(key(value), key(operand))

    return test


def _is_string(value: AnyJSON) -> bool:
    return isinstance(value, str)


def _java_order(text: str) -> bytes:
    """A key for Java's order of strings, by UTF-16 unit, which differs from Python's beyond the basic plane."""
    return text.encode("utf-16-be", "surrogatepass")


def _is_instant(value: AnyJSON) -> bool:
    return instant(value) is not None


def _itself(value: AnyJSON) -> AnyJSON:
    return value


_ORDERS: tuple[tuple[str, Callable[[AnyJSON, AnyJSON], bool]], ...] = (
    ("Equals", operator.eq),
    ("LessThan", operator.lt),
    ("LessThanEquals", operator.le),
    ("GreaterThan", operator.gt),
    ("GreaterThanEquals", operator.ge),
)

COMPARE: dict[str, Callable[[AnyJSON, AnyJSON], bool]] = {
    **{f"String{name}": _of(_is_string, _java_order, compare) for name, compare in _ORDERS},
    **{f"Numeric{name}": _of(is_number, _itself, compare) for name, compare in _ORDERS},
    **{f"Timestamp{name}": _of(_is_instant, instant, compare) for name, compare in _ORDERS},
    "BooleanEquals": lambda value, operand: isinstance(value, bool) and value is operand,
}
"""Operator -> (value, operand) -> bool."""

_KINDS: dict[str, _Check] = {
    "IsNull": lambda value: value is None,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNumeric": is_number,
    "IsString": _is_string,
    "IsTimestamp": _is_instant,
}

_NUMBER_TYPES = frozenset({int, float})

OPERATORS = frozenset(COMPARE) | {f"{name}Path" for name in COMPARE} | set(_KINDS) | {"IsPresent", "StringMatches"}


def _literal(name: str, operand: AnyJSON) -> _Check:
    """A comparison with a constant, without checks of the constant."""
    if name == "StringEquals":
        return lambda value: bool(value == operand)
    if name == "BooleanEquals":
        return lambda value: value is operand
    if name == "NumericEquals":
        return lambda value: value == operand and not isinstance(value, bool)
    if name == "StringMatches":
        return string_matcher(operand)
    compare = COMPARE[name]
    if name.startswith("Numeric"):
        order = dict(_ORDERS)[name.removeprefix("Numeric")]
        return lambda value: type(value) in _NUMBER_TYPES and order(value, operand)
    return lambda value: compare(value, operand)


def string_matcher(pattern: str) -> _Check:
    r"""A StringMatches pattern as a predicate: `*` is any text, `\*` an asterisk, `\\` a backslash.

    The pieces are searched from left to right without backtracking, so that no pattern is slow.
    """
    pieces = _pieces(pattern)
    if len(pieces) == 1:
        return lambda value: bool(value == pieces[0])
    head, *middle, tail = pieces

    def matches(value: AnyJSON) -> bool:
        if not isinstance(value, str) or len(value) < len(head) + len(tail):
            return False
        if not value.startswith(head) or not value.endswith(tail):
            return False
        at, end = len(head), len(value) - len(tail)
        for piece in middle:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return matches


def _pieces(pattern: str) -> list[str]:
    """The literal texts between the asterisks."""
    pieces, at = [""], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and pattern[at + 1 : at + 2] in ("*", "\\"):
            at += 1
            pieces[-1] += pattern[at]
        elif char == "*":
            pieces.append("")
        else:
            pieces[-1] += char
        at += 1
    return pieces
