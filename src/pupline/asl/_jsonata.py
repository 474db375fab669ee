"""JSONata: `{% ... %}` in any JSON value."""

from collections.abc import Callable

from pupline.asl._values import JSON, Expression, Scope


def compile_jsonata_value(value: JSON, *, location: str) -> Expression:
    """A JSON value that may hold JSONata, as a callable. Raises SyntaxProblem."""
    raise NotImplementedError


def compile_condition(value: JSON, *, location: str) -> Callable[[Scope], bool]:
    """A Choice rule's Condition as a predicate. Raises SyntaxProblem; when called, EvaluationError."""
    raise NotImplementedError
