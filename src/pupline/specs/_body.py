"""The JSON body of a POST: a template in the spec, filled with params and with what the paginator sends.

A text `{name}` is a placeholder if `name` is a param; GraphQL has braces of its own, which stay as they are. A text
that is nothing but a placeholder becomes a number where the param is one in the spec: GraphQL tells 50 from "50".
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pupline.json_values import JSON

BODY_PATH: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*){0,7}", re.ASCII)
"""A dotted path in the body, such as `variables.after`."""

MAX_BODY_BYTES: Final = 64 * 1024
_MAX_DEPTH = 16
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.-]*)\}", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,15})?")


class UnsuitableBody(ValueError):
    """A body that cannot be sent as JSON; its text says what is allowed."""


def checked_body(value: Any) -> Mapping[str, JSON]:
    """A table of TOML as a JSON object. Raises: UnsuitableBody."""
    if not isinstance(value, dict) or not value:
        raise UnsuitableBody("write a table, which begins [body]")
    _check_values(value, _MAX_DEPTH)
    if len(json.dumps(value)) > MAX_BODY_BYTES:
        raise UnsuitableBody(f"it has more than {MAX_BODY_BYTES:,} bytes")
    return value


def placeholders_in(value: JSON, depth: int = _MAX_DEPTH) -> set[str]:
    """The names of all placeholders in a body, as deep as one may be."""
    if isinstance(value, str):
        return set(_PLACEHOLDER.findall(value))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for one in inner for name in placeholders_in(one, depth - 1)} if depth else set()


def blocked_path(body: Mapping[str, JSON], path: str) -> bool:
    """Whether something other than an object is in the way of a dotted path."""
    here: Any = body
    for name in path.split(".")[:-1]:
        if name not in here:
            return False
        here = here[name]
        if not isinstance(here, dict):
            return True
    return False


def filled_body(
    body: Mapping[str, JSON], params: Mapping[str, str], numbers: frozenset[str], more: Mapping[str, JSON]
) -> bytes:
    """The body with its placeholders filled, and with values at dotted paths, as JSON.

    numbers: params that are numbers. more: values by path; they replace those of the body.
    """
    found: Any = _filled(dict(body), params, numbers)
    for path, value in more.items():
        here = found
        *names, last = path.split(".")
        for name in names:
            here = here.setdefault(name, {})
        here[last] = value
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _filled(value: JSON, params: Mapping[str, str], numbers: frozenset[str]) -> JSON:
    if isinstance(value, dict):
        return {name: _filled(one, params, numbers) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, params, numbers) for one in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole is not None and whole[1] in numbers and _NUMBER.fullmatch(params.get(whole[1], "")):
        number: JSON = json.loads(params[whole[1]])
        return number
    return _PLACEHOLDER.sub(lambda name: params.get(name[1], name[0]), value)


def _check_values(value: Any, depth: int) -> None:
    if depth == 0:
        raise UnsuitableBody(f"it is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _check_values(one, depth - 1)
    elif not isinstance(value, str | bool | int | float) or value != value or value in (float("inf"), -float("inf")):
        raise UnsuitableBody("write texts, numbers, true, false, lists and tables; write a date as a text")
