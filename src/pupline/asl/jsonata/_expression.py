"""JSONata in states: any string that starts with `{%` and ends with `%}`, at any depth of a JSON value.

Most expressions of real state machines are plain paths such as `$states.input.order.id` or `$name`: these are compiled
here, into a few lookups. All others go to jsonata-python (see `_library`), which is imported when the first of them is
compiled. Error texts are AWS's.
"""

import re
from collections.abc import Callable
from functools import cache

from pupline.asl._errors import QUERY_EVALUATION_ERROR, EvaluationError, SyntaxProblem
from pupline.asl._expression import Evaluate, Expression, Scope, copy_with
from pupline.asl._values import type_name
from pupline.asl.jsonata._fast import UNDEFINED, NeedsLibrary
from pupline.json_values import AnyJSON, dumps

MAX_DEPTH = 200
MAX_TEXT = 32_768

_PLAIN_PATH = re.compile(r"\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_KEYWORDS = frozenset({"and", "or", "in", "true", "false", "null", "function"})
"""Words that are not field names where a name may stand alone; a path with one of them goes to the library."""


def compile_jsonata_value(value: AnyJSON, *, location: str) -> Expression:
    """A JSON value that may hold JSONata anywhere in it, as a callable.

    location: the field in AWS's notation: "Output", "Choices[1]/Output", ...; parts of it add "/key" or "[index]".
    Raises: SyntaxProblem with the path to the expression; when called, EvaluationError (States.QueryEvaluationError).
    """
    compiled = _compile(value, location, (), 0)
    if compiled is None:
        return Expression("", lambda _: value, constant=True)
    return compiled


def compile_condition(value: AnyJSON, *, location: str) -> Callable[[Scope], bool]:
    """A Choice rule's Condition as a predicate. Raises SyntaxProblem; when called, EvaluationError."""
    if isinstance(value, bool):
        return lambda _: value
    text = expression_text(value)
    if text is None:
        raise SyntaxProblem("Expected value of type Boolean or a JSONata expression")
    evaluate = compile_jsonata_value(value, location=location).evaluate

    def condition(scope: Scope) -> bool:
        result = evaluate(scope)
        if result is True or result is False:
            return bool(result)
        raise unexpected_type(text, location, "boolean", result)

    return condition


def expression_text(value: AnyJSON) -> str | None:
    """The text between `{%` and `%}`, or None when the value is not a JSONata expression."""
    if isinstance(value, str) and value.startswith("{%") and value.endswith("%}") and len(value) >= 4:
        return value[2:-2].strip()
    return None


def states_fields(text: str) -> frozenset[str]:
    """The fields of `$states` that a valid expression reads by name: `input`, `result` and the like."""
    if _PLAIN_PATH.fullmatch(text):
        root, *names = text[1:].split(".")
        return frozenset(names[:1]) if root == "states" else frozenset()
    from pupline.asl.jsonata import _library as library

    return library.compile_program(text).states_fields


def function_names() -> frozenset[str]:
    """The names of all functions, without the `$`."""
    from pupline.asl.jsonata._functions import BUILT_IN

    return frozenset(BUILT_IN)


def unexpected_type(text: AnyJSON, location: str, expected: str, value: AnyJSON) -> EvaluationError:
    """The error for an expression whose result has the wrong type for its field.

    text: the expression, or the field's whole value as written; expected: "array", "number", "boolean", ...
    """
    shown = expression_text(text) or text
    cause = (
        f"The JSONata expression '{shown}' specified for the field '{location}' returned an unexpected result type. "
        f"Expected '{expected}', but was '{type_name(value)}' for value: {dumps(value)}"
    )
    return EvaluationError(QUERY_EVALUATION_ERROR, cause, location)


def not_whole(text: AnyJSON, location: str, value: AnyJSON) -> EvaluationError:
    """The error for an expression whose result is not a whole number in a field that needs one."""
    return unexpected_type(text, location, "integer" if isinstance(value, float) else "number", value)


# ---------------------------------------------------------------- values that hold expressions


def _compile(value: AnyJSON, location: str, path: tuple[str | int, ...], depth: int) -> Expression | None:
    """The value as an Expression, or None when there is no JSONata in it."""
    if isinstance(value, str):
        text = expression_text(value)
        try:
            return None if text is None else _expression(text, location)
        except SyntaxProblem as problem:
            raise problem.inside(*path) from problem
    if isinstance(value, (dict, list)) and depth > MAX_DEPTH:
        raise SyntaxProblem(f"a value is nested more than {MAX_DEPTH} deep", path)
    if isinstance(value, dict):
        parts = ((key, _compile(item, f"{location}/{key}", (*path, key), depth + 1)) for key, item in value.items())
        return copy_with(value, parts)
    if isinstance(value, list):
        items = ((at, _compile(item, f"{location}[{at}]", (*path, at), depth + 1)) for at, item in enumerate(value))
        return copy_with(value, items)
    return None


# ---------------------------------------------------------------- one expression


def _expression(text: str, location: str) -> Expression:
    if len(text) > MAX_TEXT:
        message = f"the expression has {len(text)} characters; at most {MAX_TEXT} are allowed"
        raise SyntaxProblem(message, (), "INVALID_JSONATA_EXPRESSION")
    plain = _PLAIN_PATH.fullmatch(text)
    if plain is not None:
        root, *names = text[1:].split(".")
        if not _KEYWORDS.intersection(names):
            return _plain_path(text, root, names, location)
    return _library_expression(text, location)


def _plain_path(text: str, root: str, names: list[str], location: str) -> Expression:
    """`$name.a.b` or `$states.input.a.b`.

    Only lookups in objects are done here. For all else (an array to map over, a built-in function's name) the library
    evaluates the whole path.
    """
    of_states = root == "states"

    @cache
    def library() -> Evaluate:
        return _library_expression(text, location).evaluate

    def evaluate(scope: Scope) -> AnyJSON:
        try:
            value = scope.states if of_states else scope.variables[root]
            for name in names:
                value = value[name]
        except (KeyError, TypeError):
            return library()(scope)
        return value

    return Expression(text, evaluate, frozenset() if of_states else frozenset({root}))


def _library_expression(text: str, location: str) -> Expression:
    """An expression that the library evaluates, unless the compiled closure can."""
    from pupline.asl.jsonata import _bounds as bounds
    from pupline.asl.jsonata import _library as library

    program = library.compile_program(text)
    fast = program.fast

    def error(what: str) -> EvaluationError:
        cause = f"The JSONata expression '{text}' specified for the field '{location}' {what}"
        return EvaluationError(QUERY_EVALUATION_ERROR, cause, location)

    def slow(scope: Scope) -> AnyJSON:
        try:
            return program.evaluate(scope)
        except bounds.UndefinedResult:
            raise error("returned nothing (undefined).") from None
        except bounds.UnsupportedResult:
            raise error("returned an unsupported result type.") from None
        except bounds.JsonataError as err:
            raise error(str(err)) from err

    if fast is None:
        return Expression(text, slow, program.variables)

    def evaluate(scope: Scope) -> AnyJSON:
        try:
            value = fast(scope)
        except NeedsLibrary:
            return slow(scope)
        if value is UNDEFINED:
            raise error("returned nothing (undefined).")
        return value

    return Expression(text, evaluate, program.variables)
