"""Choice rules."""

from collections.abc import Callable

from pupline.asl._values import JSON, Scope


def compile_rule(rule: dict[str, JSON], *, jsonata: bool) -> Callable[[Scope], bool]:
    """A Choice rule as a callable. Raises SyntaxProblem."""
    raise NotImplementedError
