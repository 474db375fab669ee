"""Compiled expressions, and the scope that they are evaluated in.

JSON values are never mutated once made: results may share structure with the values of the Scope.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from pupline.json_values import AnyJSON


class Scope:
    """The values that an expression can read: the input (`$`), the Context Object (`$$`), variables and `$states`.

    random: for States.UUID, States.MathRandom, `$uuid()` and `$random()`. The engine seeds it from the execution, so
    that a replay draws the same values.
    """

    __slots__ = ("context", "input", "random", "states", "variables")

    def __init__(
        self,
        input: AnyJSON,  # noqa: A002 - the States Language's own word
        context: AnyJSON,
        variables: Mapping[str, AnyJSON],
        states: AnyJSON = None,
        random: random.Random | None = None,
    ) -> None:
        self.input = input
        self.context = context
        self.variables = variables
        self.states = states
        self.random = random


Evaluate: TypeAlias = Callable[[Scope], AnyJSON]
"""A compiled expression as a function. Raises EvaluationError."""


class Expression:
    """A compiled path, template, intrinsic or JSONata value: call it with a Scope, get a JSON value.

    text: the source (of a template, its compact JSON text).
    constant: whether the result is the same for every Scope.
    variables: names of the workflow variables that it reads, without the `$`.
    evaluate: the compiled closure, which saves a call when it is used directly.
    doubts: sentences about parts that AWS does not read as their author expects.
    Raises (when called): EvaluationError.
    """

    __slots__ = ("constant", "doubts", "evaluate", "text", "variables")

    def __init__(
        self,
        text: str,
        evaluate: Evaluate,
        variables: frozenset[str] = frozenset(),
        *,
        constant: bool = False,
        doubts: tuple[str, ...] = (),
    ) -> None:
        self.text = text
        self.doubts = doubts
        self.evaluate = evaluate
        self.variables = variables
        self.constant = constant

    def __call__(self, scope: Scope) -> AnyJSON:
        return self.evaluate(scope)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def copy_with(value: AnyJSON, parts: Iterable[tuple[str | int, Expression | None]]) -> Expression | None:
    """A copy of an object or array with some of its values evaluated, as an Expression; None when `parts` has none.

    parts: the key or index and the expression of each value; None for a constant one.
    """
    found = [(key, part) for key, part in parts if part is not None]
    if not found:
        return None
    dynamic = [(key, part.evaluate) for key, part in found]

    def evaluate(scope: Scope) -> AnyJSON:
        result = value.copy()
        for key, part in dynamic:
            result[key] = part(scope)
        return result

    return Expression("", evaluate, frozenset[str]().union(*(part.variables for _, part in found)))
