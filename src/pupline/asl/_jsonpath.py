"""Paths and Reference Paths of the States Language."""

from pupline.asl._values import JSON, Expression


def compile_path(text: str, *, field: str) -> Expression:
    """A path as a callable. Raises SyntaxProblem."""
    raise NotImplementedError


class ReferencePath:
    """Where a ResultPath puts its value."""

    __slots__ = ("keys", "text")

    def put(self, root: JSON, value: JSON) -> JSON:
        """A copy of `root` with `value` at this path."""
        raise NotImplementedError


def compile_reference_path(text: str, *, field: str) -> ReferencePath:
    """A Reference Path. Raises SyntaxProblem."""
    raise NotImplementedError
