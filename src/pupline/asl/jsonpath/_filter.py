"""The `[?(...)]` filters of a path, compiled into predicates.

Comparisons follow Jayway: a number equals the string that spells it, `<` and the like compare only numbers with numbers
and strings with strings, and a missing value equals nothing.
"""

import operator
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

_UNDEFINED: AnyJSON = object()


def compile_filter(test: syntax.Condition, steps: CompileSteps, root: CompileRoot) -> Predicate:
    """A filter's condition as (candidate, scope) -> bool.

    steps and root compile the paths inside it; they are parameters because `_select` imports this module.
    """
    if test.operator in ("and", "or", "not"):
        parts = [compile_filter(item, steps, root) for item in test.operands if isinstance(item, syntax.Condition)]
        return _logical(test.operator, parts)
    values = [_operand(item, steps, root) for item in test.operands if not isinstance(item, syntax.Condition)]
    if test.operator == "exists":
        (value,) = values
        return lambda node, scope: value(node, scope) is not _UNDEFINED
    left, right = values
    compare = _COMPARE[test.operator]
    return lambda node, scope: compare(left(node, scope), right(node, scope))


def _logical(kind: str, parts: list[Predicate]) -> Predicate:
    if kind == "not":
        (part,) = parts
        return lambda node, scope: not part(node, scope)
    if kind == "and":
        return lambda node, scope: all(part(node, scope) for part in parts)
    return lambda node, scope: any(part(node, scope) for part in parts)


def _operand(item: syntax.Operand, steps: CompileSteps, root: CompileRoot) -> _Value:
    if isinstance(item, syntax.Literal):
        constant = item.value
        return lambda _, __: constant
    if isinstance(item, syntax.Pattern):
        pattern = item.regex
        return lambda _, __: pattern
    function = item.steps[-1] if item.steps and isinstance(item.steps[-1], syntax.PathFunction) else None
    walk = steps(item.steps)
    start = None if item.root == "@" else root(item)
    single = item.definite and function is None

    def evaluate(node: AnyJSON, scope: Scope) -> AnyJSON:
        try:
            found = walk(node if start is None else start(scope), scope)
        except KeyError:
            return _UNDEFINED
        if single or function is not None:
            return found[0] if found else _UNDEFINED
        return found

    return evaluate


def _equal(left: AnyJSON, right: AnyJSON) -> bool:
    if left is _UNDEFINED or right is _UNDEFINED:
        return False
    if isinstance(left, str) and is_number(right):
        return left == dumps(right)
    if is_number(left) and isinstance(right, str):
        return dumps(left) == right
    return _identical(left, right)


def _identical(left: AnyJSON, right: AnyJSON) -> bool:
    if left is _UNDEFINED or right is _UNDEFINED:
        return False
    if isinstance(left, (bool, type(None))) or isinstance(right, (bool, type(None))):
        return left is right
    return bool(left == right)


def _ordered(compare: Callable[[AnyJSON, AnyJSON], bool]) -> Callable[[AnyJSON, AnyJSON], bool]:
    def test(left: AnyJSON, right: AnyJSON) -> bool:
        both_numbers = is_number(left) and is_number(right)
        both_strings = isinstance(left, str) and isinstance(right, str)
        return (both_numbers or both_strings) and compare(left, right)

    return test


def _matches(left: AnyJSON, right: AnyJSON) -> bool:
    """Java's `matches`: the whole text, a number by its spelling."""
    if hasattr(left, "fullmatch"):
        left, right = right, left
    if not hasattr(right, "fullmatch"):
        return False
    text = left if isinstance(left, str) else dumps(left) if is_number(left) else None
    return text is not None and right.fullmatch(text) is not None


def _within(left: AnyJSON, right: AnyJSON) -> bool:
    return isinstance(right, list) and any(_equal(left, item) for item in right)


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


_COMPARE: dict[str, Callable[[AnyJSON, AnyJSON], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "===": _identical,
    "!==": lambda left, right: not _identical(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
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
