"""What every handler needs of its environment."""

from collections.abc import Mapping

from pupline.errors import ConfigurationError
from pupline.tasks.task_input import TaskInput, checked_input


def with_execution(event: object, context: object) -> TaskInput:
    """`event`, which outside of a workflow gets the request's id as its execution: Lambda's own retries keep it."""
    fields = checked_input(event)
    if "execution" in fields or "Name" in fields:
        return fields
    return {**fields, "execution": str(getattr(context, "aws_request_id", "")) or None}


def required(environment: Mapping[str, str], name: str) -> str:
    """The variable's value. Raises: ConfigurationError when it is unset or empty."""
    value = environment.get(name, "")
    if not value:
        raise ConfigurationError(f"the environment variable {name} is not set; set it in the function's configuration")
    return value
