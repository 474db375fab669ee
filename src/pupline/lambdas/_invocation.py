"""One line of JSON for each invocation, in the function's log: what it was about, how it ended, how long it took.

The field names are those of AWS's Powertools for Lambda, so that queries for them work here. The line is printed, not
given to `logging`: in the log format JSON, Lambda takes a printed object as it is, with its `level` and its
`timestamp`, while its handler for `logging` makes a new object of which the line would be the `message`.
Sources: AWS Lambda Developer Guide, "Configuring JSON and plain text log formats", "Log-level filtering"; Powertools
for AWS Lambda (Python), "Logger".
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from pupline.errors import PuplineError, TaskFailure
from pupline.json_values import JSON
from pupline.text import printable, timestamp

_MAX_TEXT = 1024
"""Characters of one text in a line. Lambda's own line about an error has all of its message."""

_started = count()


@contextmanager
def logged_invocation(handler: Callable[..., Any], context: object) -> Iterator[dict[str, JSON]]:
    """Print a line about the `with` block when it ends, however it does. The block adds facts, such as `outcome`."""
    facts: dict[str, JSON] = {}
    fields = {"cold_start": next(_started) == 0, **_fields_of(context)}
    level, message = "INFO", "succeeded"
    began = time.monotonic()
    try:
        yield facts
    except BaseException as err:
        level, message = "WARNING" if isinstance(err, TaskFailure) else "ERROR", "failed"
        facts |= _failure(err)
        raise
    finally:
        name = fields.get("function_name") or handler.__module__.rpartition(".")[2]
        location = f"{handler.__name__}:{handler.__code__.co_firstlineno}"
        facts["milliseconds"] = round(1000 * (time.monotonic() - began))
        _print(level, location, f"{name} {message}", fields | facts)


def made_at_init(make: Callable[[], object], *settings: str) -> None:
    """Make a function's services while its module is imported: in Lambda, or where one of its `settings` is set.

    A configuration error gets one line here, and is the error of each invocation, which makes them again: an error in
    the initialisation of a function would end the process, and reach the state machine without its name.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ and not any(os.environ.get(name) for name in settings):
        return
    try:
        make()
    except PuplineError as err:
        fields = {"cold_start": True, "function_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME")}
        _print("ERROR", make.__name__, "the function cannot start", fields | _failure(err))


def text_at(fields: Mapping[str, JSON], *names: str) -> str | None:
    """The first text under one of the names; None where there is none, or something else than text."""
    return next((value for name in names if isinstance(value := fields.get(name), str)), None)


def print_line(fields: Mapping[str, JSON]) -> None:
    """Write an object to the log as one line; texts are made safe to show."""
    sys.stdout.write(f"{json.dumps(_safe(dict(fields)))}\n")
    sys.stdout.flush()


def _print(level: str, location: str, message: str, fields: Mapping[str, JSON]) -> None:
    first: dict[str, JSON] = {"level": level, "location": location, "message": message}
    print_line(first | {"timestamp": timestamp(time.time()), "service": "pupline"} | dict(fields))


def _fields_of(context: object) -> dict[str, JSON]:
    """Powertools' fields about the function and the request, as far as the context has them."""
    memory = str(getattr(context, "memory_limit_in_mb", ""))
    found: dict[str, JSON] = {
        "function_name": getattr(context, "function_name", None),
        "function_memory_size": int(memory) if memory.isdecimal() else None,
        "function_arn": getattr(context, "invoked_function_arn", None),
        "function_request_id": getattr(context, "aws_request_id", None),
        "xray_trace_id": _trace_id(os.environ.get("_X_AMZN_TRACE_ID", "")),
    }
    return {name: value for name, value in found.items() if value is not None}


def _trace_id(header: str) -> str | None:
    """`1-5759e988-bd862e3fe1be46a994272793` of `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1`."""
    roots = [part.removeprefix("Root=") for part in header.split(";") if part.startswith("Root=")]
    return roots[0] if roots else None


def _failure(err: BaseException) -> dict[str, JSON]:
    """The facts of an error, the name and message of which are what the state machine gets."""
    facts: dict[str, JSON] = {"outcome": "failed", "exception_name": type(err).__name__, "exception": str(err)}
    if isinstance(err, TaskFailure):
        facts |= {"outcome": err.outcome, "reason": err.reason, "exception": err.message}
    return facts


def _safe(value: JSON) -> JSON:
    if isinstance(value, str):
        return printable(value, _MAX_TEXT)
    if isinstance(value, list):
        return [_safe(one) for one in value]
    if isinstance(value, dict):
        return {printable(name, _MAX_TEXT): _safe(one) for name, one in value.items()}
    return value
