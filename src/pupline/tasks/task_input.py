"""Reading a task's input: typed fields, and a clear InvalidInput for everything else."""

from collections.abc import Mapping
from datetime import datetime

from pupline.errors import InvalidInput
from pupline.json_values import JSON
from pupline.text import printable

TaskInput = Mapping[str, JSON]

BY_URL = "image_url"
"""`source` of an image whose URL was given: no API chose it."""


def checked_input(event: object) -> TaskInput:
    """`event` as a mapping. Raises: InvalidInput when it is not a JSON object."""
    if not isinstance(event, Mapping):
        raise InvalidInput(f"the event is {shown(event)}; it has to be a JSON object")
    return event


def text_or_none(fields: TaskInput, name: str, *, limit: int = 2048) -> str | None:
    """The text under `name`, or None when absent or null. Raises: InvalidInput when it is not text of 1 to `limit`."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise InvalidInput(f"{name} is {shown(value)}; it has to be text of 1 to {limit} characters")
    return value


def moment_or_none(fields: TaskInput, name: str) -> float | None:
    """The time under `name`, as in the Context Object, in seconds since the epoch; None when absent or null.

    Raises: InvalidInput.
    """
    text = text_or_none(fields, name, limit=40)
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError as err:
        raise InvalidInput(f"{name} is {shown(text)}; it has to be a time as in the Context Object") from err


def execution_of(fields: TaskInput) -> str:
    """The execution's name: `execution`, or `Name` as in the Context Object's Execution. Raises: InvalidInput."""
    name = text_or_none(fields, "execution", limit=80) or text_or_none(fields, "Name", limit=80)
    if name is None:
        raise InvalidInput("the event names no execution; add execution, the idempotency key of this piece of work")
    return name


def object_of(fields: TaskInput, name: str) -> TaskInput:
    """The JSON object under `name`. Raises: InvalidInput when there is none."""
    value = fields.get(name)
    if not isinstance(value, dict):
        raise InvalidInput(f"{name} is {shown(value)}; it has to be a JSON object")
    return value


def shown(value: object) -> str:
    """A value from outside, safe to print in a message."""
    return printable(repr(value), 80)
