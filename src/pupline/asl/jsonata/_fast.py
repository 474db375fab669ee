"""The simple core of JSONata, compiled into closures: paths, literals, comparisons, arithmetic, `and`, `or`, `?:`.

jsonata-python walks an expression's tree at every evaluation, which takes some 15 microseconds for `$x = 5`; these
closures take less than one. They support only scalars and lookups in objects. For all else (arrays that a path maps
over, types that an operator refuses, numbers beyond 2**53) they raise `NeedsLibrary`, and the library evaluates the
whole expression again, which is safe because expressions have no effects. A test compares the two.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

from pupline.asl._expression import Evaluate, Scope
from pupline.json_values import AnyJSON

UNDEFINED: AnyJSON = object()
"""The result of an expression that returns nothing."""

_EXACT = 2**53

_MAX_DEPTH = 90
"""Deeper trees are left to the library, which counts the levels as AWS does."""


class NeedsLibrary(Exception):
    """Only the library can evaluate the expression, for this Scope or for any."""


def compile_fast(tree: Any, names: frozenset[str]) -> Evaluate:
    """A closure for an expression's tree.

    names: the built-in functions, which a bare `$name` may also mean.
    Raises: NeedsLibrary for a tree that is not simple; when called, for values that are not.
    """
    return _Compiler(names).compile(tree)


class _Compiler:
    _INTERNAL = frozenset({"_outer_instance", "id", "value", "bp", "lbp", "type", "position", "level", "nud", "led"})

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.depth = 0

    def compile(self, node: Any) -> Evaluate:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise NeedsLibrary
        make = getattr(self, f"compile_{node.type}", None)
        if make is None:
            raise NeedsLibrary
        evaluate: Evaluate = make(node)
        self.depth -= 1
        return evaluate

    def require_only(self, node: Any, *parts: str) -> None:
        """Refuses a node that has other parts (predicates, groupings, ...) than these."""
        for name, value in vars(node).items():
            if value and name not in self._INTERNAL and name not in parts and not callable(value):
                raise NeedsLibrary

    def constant(self, node: Any) -> Evaluate:
        self.require_only(node)
        value = node.value
        return lambda _: value

    compile_string = constant
    compile_number = constant

    def compile_value(self, node: Any) -> Evaluate:
        return self.constant(node)

    def compile_variable(self, node: Any) -> Evaluate:
        self.require_only(node)
        name = str(node.value)
        if name == "states":
            return lambda scope: scope.states
        if not name or name == "$":
            raise NeedsLibrary
        built_in = name in self.names

        def variable(scope: Scope) -> AnyJSON:
            value = scope.variables.get(name, UNDEFINED)
            if value is UNDEFINED and built_in:
                raise NeedsLibrary
            return value

        return variable

    def compile_path(self, node: Any) -> Evaluate:
        self.require_only(node, "steps")
        first, *rest = node.steps
        if first.type != "variable" or any(step.type != "name" for step in rest):
            raise NeedsLibrary
        root = self.compile_variable(first)
        for step in rest:
            self.require_only(step)
        keys = tuple(str(step.value) for step in rest)

        def path(scope: Scope) -> AnyJSON:
            value = root(scope)
            for key in keys:
                if isinstance(value, dict):
                    value = value.get(key, UNDEFINED)
                elif isinstance(value, list):
                    raise NeedsLibrary
                else:
                    return UNDEFINED
            return value

        return path

    def compile_block(self, node: Any) -> Evaluate:
        self.require_only(node, "expressions")
        if len(node.expressions) != 1:
            raise NeedsLibrary
        return self.compile(node.expressions[0])

    def compile_condition(self, node: Any) -> Evaluate:
        self.require_only(node, "condition", "then", "_else")
        test, then = self.compile(node.condition), self.compile(node.then)
        other = self.compile(node._else) if node._else is not None else lambda _: UNDEFINED  # noqa: SLF001 - the library's name
        return lambda scope: then(scope) if _truth(test(scope)) else other(scope)

    def compile_function(self, node: Any) -> Evaluate:
        self.require_only(node, "procedure", "arguments")
        name = node.procedure.value if node.procedure.type == "variable" else None
        if name not in ("not", "exists") or len(node.arguments) != 1:
            raise NeedsLibrary
        argument = self.compile(node.arguments[0])

        def call(scope: Scope) -> AnyJSON:
            if name in scope.variables:
                raise NeedsLibrary
            value = argument(scope)
            if name == "exists":
                return value is not UNDEFINED
            return UNDEFINED if value is UNDEFINED else not _truth(value)

        return call

    def compile_binary(self, node: Any) -> Evaluate:
        self.require_only(node, "lhs", "rhs")
        sign = str(node.value)
        left, right = self.compile(node.lhs), self.compile(node.rhs)
        if sign == "and":
            return lambda scope: _truth(left(scope)) and _truth(right(scope))
        if sign == "or":
            return lambda scope: _truth(left(scope)) or _truth(right(scope))
        combine = _BINARY.get(sign)
        if combine is None:
            raise NeedsLibrary
        return lambda scope: combine(left(scope), right(scope))


def _truth(value: AnyJSON) -> bool:
    """JSONata's boolean of a value: undefined, null, 0, "" and {} are false."""
    if isinstance(value, list):
        raise NeedsLibrary
    return False if value is UNDEFINED else bool(value)


def _scalar(value: AnyJSON) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return -_EXACT <= value <= _EXACT
    return value is None or isinstance(value, (str, bool))


def _equals(left: AnyJSON, right: AnyJSON) -> AnyJSON:
    if left is UNDEFINED or right is UNDEFINED:
        return False
    if not _scalar(left) or not _scalar(right):
        raise NeedsLibrary
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _differs(left: AnyJSON, right: AnyJSON) -> AnyJSON:
    if left is UNDEFINED or right is UNDEFINED:
        return False
    return not _equals(left, right)


def _is_number(value: AnyJSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_EXACT <= value <= _EXACT


def _ordered(compare: Callable[[AnyJSON, AnyJSON], bool]) -> Callable[[AnyJSON, AnyJSON], AnyJSON]:
    def test(left: AnyJSON, right: AnyJSON) -> AnyJSON:
        if (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
            return compare(left, right)
        raise NeedsLibrary

    return test


def _arithmetic(compute: Callable[[float, float], float]) -> Callable[[AnyJSON, AnyJSON], AnyJSON]:
    """Numbers are doubles, and a whole result is printed as a whole number."""

    def calculate(left: AnyJSON, right: AnyJSON) -> AnyJSON:
        if not (_is_number(left) and _is_number(right)):
            raise NeedsLibrary
        try:
            result = compute(float(left), float(right))
        except (ArithmeticError, ValueError):
            raise NeedsLibrary from None
        if not math.isfinite(result):
            raise NeedsLibrary
        return int(result) if result.is_integer() else result

    return calculate


def _concatenated(left: AnyJSON, right: AnyJSON) -> AnyJSON:
    return _as_text(left) + _as_text(right)


def _as_text(value: AnyJSON) -> str:
    if isinstance(value, str):
        return value
    if value is UNDEFINED:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return str(value)
    raise NeedsLibrary


_BINARY: dict[str, Callable[[AnyJSON, AnyJSON], AnyJSON]] = {
    "=": _equals,
    "!=": _differs,
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(operator.truediv),
    "%": _arithmetic(math.fmod),
    "&": _concatenated,
}
