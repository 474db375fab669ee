"""The `[?(...)]` filters of a path, compiled into predicates.

Comparisons follow Jayway before 2.1. A constant is a text, with or without quotes: it is compared with a number as a
number, with a boolean as a boolean, and with a string as it is written. A path exists when it selects something other
than null. Where two values cannot be compared, and where one is missing, no comparison holds, not even `!=`.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from pupline.asl._expression import Evaluate, Scope
from pupline.asl.jsonpath import _syntax as syntax
from pupline.choice_rules import is_number
from pupline.json_values import AnyJSON, dumps

Predicate: TypeAlias = Callable[[AnyJSON, Scope], bool]
_Value: TypeAlias = Callable[[AnyJSON, Scope], AnyJSON]
CompileSteps: TypeAlias = Callable[[tuple[syntax.Step, ...]], Callable[[AnyJSON, Scope], list[AnyJSON]]]
CompileRoot: TypeAlias = Callable[[syntax.ParsedPath], Evaluate]

_Comparison: TypeAlias = Callable[[AnyJSON, AnyJSON], bool]

_UNDEFINED: AnyJSON = object()
_ABSENT = (_UNDEFINED, None)
_NULLS = (None, "null")

_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
"""Whether a comparison holds, from the order of the values."""
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_MAX_DIGITS = 40


def compile_filter(test: syntax.Condition, steps: CompileSteps, root: CompileRoot) -> Predicate:
    """A filter's condition as (candidate, scope) -> bool.

    steps and root compile the paths inside it; they are parameters because `_select` imports this module.
    """
    if test.operator in ("and", "or", "not"):
        parts = [compile_filter(item, steps, root) for item in test.operands if isinstance(item, syntax.Condition)]
        return _logical(test.operator, parts)
    texts = test.operator in _COMPARISONS
    values = [
        _operand(item, steps, root, texts=texts) for item in test.operands if not isinstance(item, syntax.Condition)
    ]
    if test.operator == "exists":
        (value,) = values
        return lambda node, scope: value(node, scope) not in _ABSENT
    left, right = values
    constant = test.operands[-1]
    if texts and isinstance(constant, syntax.Literal):
        order, holds = _constant_order(constant.text), _COMPARISONS[test.operator]
        return lambda node, scope: (found := order(left(node, scope))) is not None and holds(found)
    compare = _COMPARE[test.operator]
    return lambda node, scope: compare(left(node, scope), right(node, scope))


def _logical(kind: str, parts: list[Predicate]) -> Predicate:
    if kind == "not":
        (part,) = parts
        return lambda node, scope: not part(node, scope)
    if kind == "and":
        return lambda node, scope: all(part(node, scope) for part in parts)
    return lambda node, scope: any(part(node, scope) for part in parts)


def _operand(item: syntax.Operand, steps: CompileSteps, root: CompileRoot, *, texts: bool) -> _Value:
    """texts: whether constants are texts, as for comparisons, or JSON values, as for `in`, `size` and the like."""
    if isinstance(item, syntax.Literal):
        constant = item.text if texts else item.value
        return lambda _, __: constant
    if isinstance(item, syntax.Pattern):
        pattern = item.regex
        return lambda _, __: pattern
    if item.root == "@" and (names := item.names) is not None:
        return _field(names)
    walk = steps(item.steps)
    start = None if item.root == "@" else root(item)
    single = item.definite

    def evaluate(node: AnyJSON, scope: Scope) -> AnyJSON:
        try:
            found = walk(node if start is None else start(scope), scope)
        except KeyError:
            return _UNDEFINED
        if single:
            return found[0] if found else _UNDEFINED
        return found

    return evaluate


def _field(names: tuple[str, ...]) -> _Value:
    """`@`, `@.a`, `@.a.b`: nearly all paths in filters."""

    def evaluate(node: AnyJSON, _: Scope) -> AnyJSON:
        for name in names:
            if type(node) is not dict or name not in node:
                return _UNDEFINED
            node = node[name]
        return node

    return evaluate


# ---------------------------------------------------------------- comparisons


def _constant_order(text: str) -> Callable[[AnyJSON], int | None]:
    """`_order` with a constant on the right."""
    number, truth = _number(text), text.lower() == "true"
    if text == "null":
        return lambda left: None if left is _UNDEFINED else int(left not in _NULLS)

    def order(left: AnyJSON) -> int | None:
        if left is None or left == "null":
            return -1
        if isinstance(left, str):
            return (left > text) - (left < text)
        if isinstance(left, bool):
            return left - truth
        if isinstance(left, (int, float)):
            return None if number is None else (left > number) - (left < number)
        return None

    return order


def _order(left: AnyJSON, right: AnyJSON) -> int | None:
    """Negative, 0 or positive, as `left` is less than, equal to or more than `right`; None when they do not compare.

    A text on the right stands for a number or a boolean, when there is one on the left. The text `null` is null.
    """
    if left is _UNDEFINED or right is _UNDEFINED:
        return None
    if left in _NULLS or right in _NULLS:
        return (right in _NULLS) - (left in _NULLS)
    if isinstance(right, str):
        if isinstance(left, bool):
            right = right.lower() == "true"
        elif is_number(left):
            right = _number(right)
    if not (
        (is_number(left) and is_number(right))
        or (isinstance(left, str) and isinstance(right, str))
        or (isinstance(left, bool) and isinstance(right, bool))
    ):
        return None
    return int(left > right) - int(left < right)


def _number(text: str) -> AnyJSON:
    if len(text) <= _MAX_DIGITS and _NUMBER.fullmatch(text):
        return float(text) if set(text) & set(".eE") else int(text)
    return None


def _compared(holds: Callable[[int], bool]) -> _Comparison:
    def compare(left: AnyJSON, right: AnyJSON) -> bool:
        order = _order(left, right)
        return order is not None and holds(order)

    return compare


def _identical(left: AnyJSON, right: AnyJSON) -> bool:
    if left is _UNDEFINED or right is _UNDEFINED:
        return False
    if isinstance(left, (bool, type(None))) or isinstance(right, (bool, type(None))):
        return left is right
    return bool(left == right)


# ---------------------------------------------------------------- operators that Jayway has since 2.1


def _matches(left: AnyJSON, right: AnyJSON) -> bool:
    """Java's `matches`: the whole text, a number by its spelling."""
    if hasattr(left, "fullmatch"):
        left, right = right, left
    if not hasattr(right, "fullmatch"):
        return False
    text = left if isinstance(left, str) else dumps(left) if is_number(left) or isinstance(left, bool) else None
    return text is not None and right.fullmatch(text) is not None


def _within(left: AnyJSON, right: AnyJSON) -> bool:
    return isinstance(right, list) and any(_identical(left, item) for item in right)


def _contains(left: AnyJSON, right: AnyJSON) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return _within(right, left)


def _size(left: AnyJSON, right: AnyJSON) -> bool:
    return isinstance(left, (str, list)) and is_number(right) and len(left) == right


def _empty(left: AnyJSON, right: AnyJSON) -> bool:
    return isinstance(left, (str, list)) and isinstance(right, bool) and (not left) == right


def _overlap(left: AnyJSON, right: AnyJSON) -> bool:
    return isinstance(left, list) and any(_within(item, right) for item in left)


_COMPARE: dict[str, _Comparison] = {
    **{operator: _compared(holds) for operator, holds in _COMPARISONS.items()},
    "===": _identical,
    "!==": lambda left, right: not _identical(left, right),
    "=~": _matches,
    "in": _within,
    "nin": lambda left, right: not _within(left, right),
    "contains": _contains,
    "subsetof": lambda left, right: isinstance(left, list) and all(_within(item, right) for item in left),
    "anyof": _overlap,
    "noneof": lambda left, right: not _overlap(left, right),
    "size": _size,
    "empty": _empty,
}
