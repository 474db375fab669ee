"""Choice rules of the States Language as predicates: And, Or, Not, and the comparison operators.

A leaf: the engine compiles rules with it in `pupline.asl`, where a Variable is any JSONPath, and bulk ingestion in
`pupline.tasks`, where it is a field of an image. Comparisons are type-strict: an operator for numbers never matches a
string, a boolean or null. Source: States Language, "Choice State".
"""

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from pupline.json_values import AnyJSON

Rule: TypeAlias = Callable[[AnyJSON], bool]
"""What the variables are read from, a Scope or an image -> whether the rule matches."""

Check: TypeAlias = Callable[[AnyJSON], bool]
"""A value -> whether it matches."""

RulePath: TypeAlias = tuple[str | int, ...]
"""Keys and indices to a place inside a rule."""

MAX_DEPTH = 100


class RuleProblem(Exception):
    """A rule cannot be compiled. path: to the problem inside the rule."""

    def __init__(self, message: str, path: RulePath) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class Variable(Protocol):
    """What a rule's Variable, or the operand of an operator that ends in Path, selects."""

    def value(self, source: AnyJSON, /) -> AnyJSON:
        """The value. May raise where there is none."""

    def presence(self) -> Rule:
        """Whether there is a value, as a predicate that never raises."""


ReadVariable: TypeAlias = Callable[[AnyJSON, RulePath], Variable]
"""The text of a path, and its place inside the rule -> the variable. May raise."""


def compile_choice_rule(rule: AnyJSON, read: ReadVariable, path: RulePath = (), depth: int = 0) -> Rule:
    """A Choice rule in JSONPath as a predicate. Raises: RuleProblem, and what `read` raises."""
    if depth > MAX_DEPTH:
        raise RuleProblem(f"a Choice rule is nested more than {MAX_DEPTH} deep", path)
    if not isinstance(rule, dict):
        raise RuleProblem("Expected value of type [OBJECT]", path)
    for name in ("And", "Or"):
        if name in rule:
            parts = _parts(rule[name], read, (*path, name), depth)
            if name == "And":
                return _all_of(parts)
            return _ending_of(rule[name], read, (*path, name)) or _any_of(parts)
    if "Not" in rule:
        inner = compile_choice_rule(rule["Not"], read, (*path, "Not"), depth + 1)
        return lambda source: not inner(source)
    return _comparison(rule, read, path)


def _parts(rules: AnyJSON, read: ReadVariable, path: RulePath, depth: int) -> list[Rule]:
    if not isinstance(rules, list) or not rules:
        raise RuleProblem("Expected a non-empty array of rules", path)
    return [compile_choice_rule(rule, read, (*path, at), depth + 1) for at, rule in enumerate(rules)]


def _all_of(parts: list[Rule]) -> Rule:
    if len(parts) == 2:
        first, second = parts
        return lambda source: first(source) and second(source)

    def matches(source: AnyJSON) -> bool:
        for part in parts:  # noqa: SIM110 - a generator for each image would cost more than the comparisons
            if not part(source):
                return False
        return True

    return matches


def _any_of(parts: list[Rule]) -> Rule:
    if len(parts) == 2:
        first, second = parts
        return lambda source: first(source) or second(source)

    def matches(source: AnyJSON) -> bool:
        for part in parts:  # noqa: SIM110 - as above
            if part(source):
                return True
        return False

    return matches


def _ending_of(rules: list[dict[str, AnyJSON]], read: ReadVariable, path: RulePath) -> Rule | None:
    """An Or of patterns such as `*.png` for one Variable, as one comparison; None for any other."""
    names = {rule.get("Variable") for rule in rules}
    if len(names) != 1 or not all(rule.keys() <= {"Variable", "StringMatches", "Comment"} for rule in rules):
        return None
    pieces = [_pieces(rule["StringMatches"]) for rule in rules if "StringMatches" in rule]
    if not all(len(each) == 2 and not each[0] for each in pieces) or len(pieces) != len(rules):
        return None
    value = read(rules[0]["Variable"], (*path, 0, "Variable")).value
    endings = tuple(ending for _, ending in pieces)

    def matches(source: AnyJSON) -> bool:
        found = value(source)
        return isinstance(found, str) and found.endswith(endings)

    return matches


def _comparison(rule: dict[str, AnyJSON], read: ReadVariable, path: RulePath) -> Rule:
    names = [name for name in rule if name in OPERATORS]
    if len(names) != 1 or not isinstance(rule.get("Variable"), str):
        raise RuleProblem("a rule needs a Variable and exactly one comparison operator, or And, Or or Not", path)
    (name,) = names
    variable = read(rule["Variable"], (*path, "Variable"))
    value = variable.value
    operand = rule[name]
    problem = operand_problem(name, operand)
    if problem is not None:
        raise RuleProblem(problem, (*path, name))
    if name == "IsPresent":
        present = variable.presence()
        return present if operand else lambda source: not present(source)
    if name.endswith("Path"):
        other, compare = read(operand, (*path, name)).value, COMPARE[name.removesuffix("Path")]
        return lambda source: compare(value(source), other(source))
    if name in KINDS:
        kind = KINDS[name]
        return lambda source: kind(value(source)) is operand
    check = _literal(name, operand)
    return lambda source: check(value(source))


# ---------------------------------------------------------------- operators


_SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: object) -> tuple[int, str] | None:
    """A timestamp as (whole seconds since the epoch, its fraction's digits without trailing zeros), or None.

    Such pairs compare in the order of time, however many digits the fraction has. `2016-03-14T01:59:00.50Z` is
    (1457920740, "5"). Source: States Language, "Timestamps".
    """
    found = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    sign, *offset = found.groups()[7:]
    hours, minutes, seconds = (int(part or 0) for part in offset)
    if hours > 18 or minutes > 59 or seconds > 59:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    shift = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    since = moment - _EPOCH + (shift if sign == "-" else -shift)
    return since.days * 86400 + since.seconds, (found.group(7) or "").rstrip("0")


def is_number(value: AnyJSON) -> bool:
    """Whether a value is a JSON number; true and false are not."""
    kind = type(value)
    return kind is int or kind is float


def operand_problem(name: str, operand: AnyJSON) -> str | None:
    """AWS's message about an operator's invalid literal operand; None for a valid one."""
    if name.endswith("Path") or name.startswith("String"):
        return None if isinstance(operand, str) else "Expected value of type [STRING]"
    if name.startswith("Numeric"):
        return None if is_number(operand) else "Expected value of type [NUMBER]"
    if name.startswith("Timestamp"):
        return None if instant(operand) else "String does not match RFC3339 timestamp"
    return None if isinstance(operand, bool) else "Expected value of type [BOOLEAN]"


def _of(
    belongs: Check, key: Callable[[AnyJSON], AnyJSON], compare: Callable[[AnyJSON, AnyJSON], bool]
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

KINDS: dict[str, Check] = {
    "IsNull": lambda value: value is None,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNumeric": is_number,
    "IsString": _is_string,
    "IsTimestamp": _is_instant,
}

_NUMBER_TYPES = frozenset({int, float})

OPERATORS = frozenset(COMPARE) | {f"{name}Path" for name in COMPARE} | set(KINDS) | {"IsPresent", "StringMatches"}


def _literal(name: str, operand: AnyJSON) -> Check:
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


def string_matcher(pattern: str) -> Check:
    r"""A StringMatches pattern as a predicate: `*` is any text, `\*` an asterisk, `\\` a backslash.

    The pieces are searched from left to right without backtracking, so that no pattern is slow.
    """
    pieces = _pieces(pattern)
    if len(pieces) == 1:
        return lambda value: bool(value == pieces[0])
    head, *middle, tail = pieces
    if not (head or middle):  # such as *.png
        return lambda value: isinstance(value, str) and value.endswith(tail)

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
