"""Payload templates: Parameters, ResultSelector, ItemSelector, Assign, ... with `.$` keys."""

from pupline.asl._values import JSON, Expression


def compile_template(value: JSON, *, field: str) -> Expression:
    """A payload template as a callable. Raises SyntaxProblem."""
    raise NotImplementedError
