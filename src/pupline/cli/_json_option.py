"""JSON values that an option holds: literal, in a file, or on stdin."""

import sys
from pathlib import Path
from typing import Any

from pupline.errors import ConfigurationError
from pupline.files import read_text
from pupline.json_values import loads
from pupline.text import printable


def json_value(text: str, option: str) -> Any:
    """The value of an option: JSON, @FILE, or - for stdin.

    Raises: ConfigurationError, also for NaN, infinities and numbers beyond a float, which are not JSON.
    """
    source = "stdin" if text == "-" else printable(text[1:]) if text.startswith("@") else "it"
    try:
        if text == "-":
            text = sys.stdin.read()
        elif text.startswith("@"):
            text = read_text(Path(text[1:]))
        return loads(text)
    except OSError as error:
        raise ConfigurationError(f"{option}: {source} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else printable(str(error))
        raise ConfigurationError(f"{option}: {source} is not JSON: {why}") from error


def json_object(text: str, option: str) -> dict[str, Any]:
    """As `json_value`, for an object. Raises: ConfigurationError."""
    value = json_value(text, option)
    if not isinstance(value, dict):
        raise ConfigurationError(f"{option}: it must be a JSON object")
    return value
