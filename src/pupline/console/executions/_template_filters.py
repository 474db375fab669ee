"""Jinja filters of this area, in addition to those that every template has."""

from collections.abc import Callable, Mapping
from typing import Any

from pupline.console.web import path_of, pretty_json
from pupline.json_values import loads
from pupline.tasks.log_to_dynamodb import readable_cause
from pupline.text import printable

_LINE_CHARACTERS = 2000


def parsed(text: str) -> Any:
    """The value of a JSON text; the text itself where it is not JSON, because AWS cuts long ones."""
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return text


def lines(text: str) -> str:
    """Text from outside with its line breaks; every other control character as an escape."""
    return "\n".join(printable(line, _LINE_CHARACTERS) for line in text.split("\n"))


def execution_path(arn: str) -> str:
    """The page of an execution that another one started, by its ARN."""
    parts = arn.split(":", 6)
    is_here = len(parts) == 7 and parts[5] in ("execution", "express")
    return path_of("executions", f"{parts[4]}:{parts[3]}:{parts[6]}" if is_here else arn)


def short_name(name: str, kind: str) -> str:
    """The name that people gave an execution of the API; the journal's has account, region and machine before it."""
    return name.split(":", 3)[-1] if kind == "api" else name


def whole_cause(text: str) -> str:
    """A cause for reading: the error JSON of Lambda as message and stack trace, other JSON over several lines."""
    value = parsed(text)
    if not isinstance(value, dict):
        return lines(text)
    message = value.get("errorMessage")
    trace = value.get("stackTrace") or value.get("trace")
    if not isinstance(message, str) or not isinstance(trace, list):
        return pretty_json(value)
    inner = parsed(message)
    shown = lines(message) if isinstance(inner, str) else pretty_json(inner)
    return "\n\n".join([shown, lines("".join(f"{one}" if f"{one}".endswith("\n") else f"{one}\n" for one in trace))])


FILTERS: Mapping[str, Callable[..., Any]] = {
    "parsed": parsed,
    "lines": lines,
    "plain_cause": readable_cause,
    "execution_path": execution_path,
    "short_name": short_name,
    "whole_cause": whole_cause,
}
