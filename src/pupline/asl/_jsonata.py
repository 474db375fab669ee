"""JSONata: `{% ... %}` in any JSON value."""

from pupline.asl._values import JSON, Expression


def compile_jsonata_value(value: JSON, *, location: str) -> Expression:
    """A JSON value that may hold JSONata, as a callable. Raises SyntaxProblem."""
    raise NotImplementedError
