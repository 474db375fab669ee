"""All problems of a state machine definition, in AWS's words."""

from pupline.asl._values import JSON


def problems(definition: JSON, type: str = "STANDARD") -> list[tuple[str, str]]:  # noqa: A002
    """(location, "CODE: message") of each problem; empty when the definition is fine."""
    raise NotImplementedError


def create_error(found: list[tuple[str, str]]) -> str:
    """The message that CreateStateMachine gives for these problems."""
    raise NotImplementedError


def variable_references(definition: JSON) -> dict[str, list[str]]:
    """State name -> the variables it reads, as DescribeStateMachine gives them."""
    raise NotImplementedError
