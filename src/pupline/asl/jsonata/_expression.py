"""JSONata in states: any string that starts with `{%` and ends with `%}`, at any depth of a JSON value.

Most expressions of real state machines are plain paths such as `$states.input.order.id` or `$name`: these are compiled
here, into a few lookups. All others go to jsonata-python (see `_library`), which is imported when the first of them is
compiled. Error texts are AWS's.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pupline.asl._errors import QUERY_EVALUATION_ERROR, EvaluationError, SyntaxProblem
from pupline.asl._expression import Evaluate, Expression, Scope, copy_with
from pupline.asl._values import type_name
from pupline.asl.jsonata._fast import UNDEFINED, NeedsLibrary
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl.jsonata._library import Program

MAX_DEPTH = 200
MAX_TEXT = 32_768

_PLAIN_PATH = re.compile(r"\$([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)", re.ASCII)
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


def _error(text: str, location: str, what: str) -> EvaluationError:
    cause = f"The JSONata expression '{text}' specified for the field '{location}' {what}"
    return EvaluationError(QUERY_EVALUATION_ERROR, cause, location)


# ---------------------------------------------------------------- values that hold expressions


def _compile(value: AnyJSON, location: str, path: tuple[str | int, ...], depth: int) -> Expression | None:
    """The value as an Expression, or None when there is no JSONata in it."""
    if isinstance(value, str):
        text = expression_text(value)
        return None if text is None else _expression(text, location, path)
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


def _expression(text: str, location: str, path: tuple[str | int, ...]) -> Expression:
    if len(text) > MAX_TEXT:
        message = f"the expression has {len(text)} characters; at most {MAX_TEXT} are allowed"
        raise SyntaxProblem(message, path, "INVALID_JSONATA_EXPRESSION")
    plain = _PLAIN_PATH.fullmatch(text)
    if plain is not None:
        names = [name for name in plain.group(2).split(".") if name]
        if not _KEYWORDS.intersection(names):
            return _plain_path(text, plain.group(1), names, location)
    return _library_expression(text, location, path)


def _plain_path(text: str, root: str, names: list[str], location: str) -> Expression:
    """`$name.a.b` or `$states.input.a.b`.

    Only lookups in objects are done here. For all else (an array to map over, a built-in function's name) the library
    evaluates the whole path.
    """
    fallback: list[Evaluate] = []

    def slow(scope: Scope) -> AnyJSON:
        if not fallback:
            fallback.append(_library_expression(text, location, ()).evaluate)
        return fallback[0](scope)

    if root == "states":

        def states_path(scope: Scope) -> AnyJSON:
            value = scope.states
            try:
                for name in names:
                    value = value[name]
            except (KeyError, TypeError):
                return slow(scope)
            return value

        return Expression(text, states_path)

    def variable_path(scope: Scope) -> AnyJSON:
        try:
            value = scope.variables[root]
            for name in names:
                value = value[name]
        except (KeyError, TypeError):
            return slow(scope)
        return value

    return Expression(text, variable_path, frozenset({root}))


def _library_expression(text: str, location: str, path: tuple[str | int, ...]) -> Expression:
    from pupline.asl.jsonata import _library as library

    try:
        program = library.compile_program(text)
    except SyntaxProblem as problem:
        raise SyntaxProblem(problem.message, path, problem.code) from problem
    evaluate = _evaluator(program, text, location)
    return Expression(text, _quick(program.fast, evaluate, text, location), program.variables)


def _quick(fast: Evaluate | None, slow: Evaluate, text: str, location: str) -> Evaluate:
    """The compiled closure where there is one, with the library for the values that need it."""
    if fast is None:
        return slow

    def evaluate(scope: Scope) -> AnyJSON:
        try:
            value = fast(scope)
        except NeedsLibrary:
            return slow(scope)
        if value is UNDEFINED:
            raise _error(text, location, "returned nothing (undefined).")
        return value

    return evaluate


def _evaluator(program: "Program", text: str, location: str) -> Evaluate:
    from pupline.asl.jsonata import _bounds as bounds

    def evaluate(scope: Scope) -> AnyJSON:
        try:
            return program.evaluate(scope)
        except bounds.UndefinedResult:
            raise _error(text, location, "returned nothing (undefined).") from None
        except bounds.UnsupportedResult:
            raise _error(text, location, "returned an unsupported result type.") from None
        except bounds.JsonataError as err:
            raise _error(text, location, f"threw an error during evaluation. {err}") from err

    return evaluate
