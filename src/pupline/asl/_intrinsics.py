"""Intrinsic functions: `States.Format(...)` and its siblings."""

from pupline.asl._values import Expression


def compile_intrinsic(text: str, *, field: str) -> Expression:
    """An intrinsic function call as a callable. Raises SyntaxProblem."""
    raise NotImplementedError
