"""Query parameters: understood or refused, never ignored.

An area declares its parameters as a subclass of `Filters` with fields of the types here:

    class AlertFilters(Filters):
        q: Text = None
        since: Moment = None
        status: Texts = ()
        limit: Limit = 50

    def alerts(filters: Annotated[AlertFilters, Query()]) -> ...

A parameter that a form sends empty counts as not given.
"""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, get_origin

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from pupline.console.web._problems import bad_request
from pupline.text import TIME_FORMS, nearest, printable, time_named

MAX_LIMIT = 500
_TEXT_CHARACTERS = 1000
_MAX_TEXTS = 60
_SHOWN_CHARACTERS = 60


def _moment(value: object) -> float | None:
    if value is None or isinstance(value, float):
        return value
    found = time_named(str(value).strip(), datetime.fromtimestamp(time.time(), UTC))
    if found is None or not math.isfinite(found):
        raise ValueError(f"write {TIME_FORMS}")
    return found


def _text(value: str | None) -> str | None:
    if value is not None and "\x00" in value:
        raise ValueError("it contains a NUL character")
    return value


Moment = Annotated[
    float | None,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-01-31T12:00:00Z", "7d"]}),
]
"""A time, as seconds since the epoch: RFC 3339, a date, an age such as `1h`, today or yesterday."""

Text = Annotated[str | None, Field(max_length=_TEXT_CHARACTERS), AfterValidator(_text)]
"""One text, or None."""

Texts = Annotated[
    tuple[Annotated[str, Field(max_length=_TEXT_CHARACTERS), AfterValidator(_text)], ...], Field(max_length=_MAX_TEXTS)
]
"""Any number of texts: the parameter may be repeated."""

Cursor = Annotated[str | None, Field(max_length=_TEXT_CHARACTERS), AfterValidator(_text)]
"""Where a page begins (`after`) or ends (`before`), as the page next to it says."""

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
"""How many items a page has at most."""


class Filters(BaseModel):
    """Query parameters of one page and its API. A parameter that is not a field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_ones(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        kept: dict[str, Any] = {}
        for name, value in values.items():
            found = [one for one in value if one != ""] if isinstance(value, list | tuple) else value
            if found not in ("", []):
                kept[name] = found
        return kept


async def check_parameters(request: Request) -> None:
    """Refuse parameters that the route does not have, and two values for one that takes a single value.

    Raises: Problem.
    """
    route = request.scope.get("route")
    many = _parameters_of(route) if isinstance(route, APIRoute) else {}
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in many:
            raise bad_request(_unknown(name, many))
        if name in seen and not many[name]:
            raise bad_request(f"{printable(name, _SHOWN_CHARACTERS)} is given twice; give it once")
        seen.add(name)


def _parameters_of(route: APIRoute) -> dict[str, bool]:
    """The query parameters of a route by name, and whether each may be repeated."""
    found: dict[str, bool] = {}
    for field in route.dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, inside in annotation.model_fields.items():
                found[inside.alias or name] = get_origin(inside.annotation) is tuple
        else:
            found[field.alias] = get_origin(annotation) is tuple
    return found


def _unknown(name: str, known: Mapping[str, bool]) -> str:
    shown = printable(name, _SHOWN_CHARACTERS)
    if not known:
        return f"{shown} is not a parameter of this page, which has none"
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"it has {', '.join(sorted(known))}"
    return f"{shown} is not a parameter of this page; {hint}"
