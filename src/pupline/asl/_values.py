"""What all expressions share: JSON values, what an expression sees, how it fails, how values are printed.

JSON values are never mutated once made; every function here and in the modules built on it returns values that may
share structure with what it was given.
"""

import random
from collections.abc import Callable, Mapping
from decimal import Decimal

from pupline.json_values import AnyJSON, dumps


class Scope:
    """What an expression sees: the state's input (`$`), the Context Object (`$$`), variables and `$states`.

    random: where States.UUID, States.MathRandom, `$uuid()` and `$random()` take their randomness from. The engine seeds
    it from the execution, so that a replay draws the same values.
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


class EvaluationError(Exception):
    """An expression failed while a state ran.

    error: the Error Name, such as "States.Runtime" or "States.QueryEvaluationError".
    cause: AWS's text, without the "An error occurred while executing the state ..." that goes before it.
    location: for JSONata, the slash path of the field, such as "Output/result"; else None.
    """

    def __init__(self, error: str, cause: str, location: str | None = None) -> None:
        super().__init__(cause)
        self.error = error
        self.cause = cause
        self.location = location


class SyntaxProblem(Exception):
    """A path, template, intrinsic, rule or JSONata expression cannot be compiled.

    path: where inside the compiled value the problem is, as keys and indices; empty for the value itself.
    code: AWS's code for such a problem.
    """

    def __init__(self, message: str, path: tuple[str | int, ...] = (), code: str = "SCHEMA_VALIDATION_FAILED") -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.code = code


class Expression:
    """A compiled path, template, intrinsic or JSONata value: call it with a Scope, get a JSON value.

    text: the source (of a template, its compact JSON text).
    constant: whether the result is the same for every Scope.
    variables: names of the workflow variables that it reads, without the `$`.
    evaluate: the closure that does the work; callers in a hurry keep it instead of the object.
    Raises (when called): EvaluationError.
    """

    __slots__ = ("constant", "evaluate", "text", "variables")

    def __init__(
        self,
        text: str,
        evaluate: Callable[[Scope], AnyJSON],
        variables: frozenset[str] = frozenset(),
        *,
        constant: bool = False,
    ) -> None:
        self.text = text
        self.evaluate = evaluate
        self.variables = variables
        self.constant = constant

    def __call__(self, scope: Scope) -> AnyJSON:
        return self.evaluate(scope)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def java_text(value: AnyJSON) -> str:
    """A value as States.Format prints it: strings bare, objects and arrays in Java's toString form.

    {"a": [1, null, "x"]} gives `{a=[1, null, x]}`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join([f"{key}={java_text(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([java_text(item) for item in value]) + "]"
    return _java_double(value) if isinstance(value, float) else dumps(value)


def _java_double(value: float) -> str:
    """A number with a fraction as Java prints it: beyond 10**-3 and 10**7 in E notation, `1.0E10`."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' * sign}{first}.{rest}E{int(exponent) + len(digits) - 1}"


def is_number(value: AnyJSON) -> bool:
    """Whether a value is a JSON number; true and false are not."""
    kind = type(value)
    return kind is int or kind is float


def type_name(value: AnyJSON) -> str:
    """The JSON name of a value's type, as AWS's messages say it: `array`, `boolean`, `null`, ..."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return next(name for types, name in _TYPE_NAMES if isinstance(value, types))


_TYPE_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "string"),
    ((int, float), "number"),
    (list, "array"),
    (dict, "object"),
    (object, "unknown"),
)
