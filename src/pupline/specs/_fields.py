"""The kinds of values in a spec. Each reads a value of a TOML file, or raises InvalidValue with what is allowed."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pupline import regex
from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http import Origin, Url
from pupline.json_values import JSON
from pupline.specs._body import BODY_PATH, UnsuitableBody, checked_body
from pupline.specs._expressions import Expression
from pupline.specs._secrets import FORMS, REFERENCE
from pupline.text import nearest, printable

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_MAX_SHOWN = 60
_EMPTY_STATUSES = (204, 400, 404, 406, 410, 416, 422)

Kind = Callable[[Any], Any]


class InvalidValue(ValueError):
    """A value that is not allowed; its text says what is allowed, and what to do."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table. hidden: messages never show its value, since people put secrets there by mistake."""

    kind: Kind
    required: bool = False
    hidden: bool = False


def shown(value: object) -> str:
    """A value for a message: short, on one line."""
    return printable(repr(value), _MAX_SHOWN)


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("write a text")
    return value


def any_text(value: Any) -> str:
    """A text that may be empty."""
    if not isinstance(value, str):
        raise InvalidValue("write a text")
    return value


def slug(value: Any) -> str:
    """A name that is safe in paths and URLs."""
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise InvalidValue("write small letters, digits and hyphens, such as my-dogs, at most 63")
    return value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue("write true or false, without quotes")
    return value


def whole(least: int, most: int = 10**9) -> Kind:
    """A whole number from `least` to `most`."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidValue(f"write a whole number from {least:,} to {most:,}, without quotes")
        return value

    return read


def rate(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:
        raise InvalidValue("write a number above 0, without quotes")
    return float(value)


def one_of(*choices: str) -> Kind:
    def read(value: Any) -> str:
        if value not in choices:
            near = did_you_mean(value, choices).removeprefix("; ")
            raise InvalidValue(near or f"write one of {', '.join(choices)}")
        return str(value)

    return read


def several_of(*choices: str) -> Kind:
    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise InvalidValue(f"write a list, such as [{choices[0]!r}]")
        return tuple(one_of(*choices)(one) for one in value)

    return read


def expression(value: Any) -> Expression:
    """A JMESPath expression."""
    if not isinstance(value, str):
        raise InvalidValue("write a JMESPath expression as a text")
    try:
        return Expression.parse(value)
    except ValueError as err:
        raise InvalidValue(f"write a JMESPath expression ({err}); see https://jmespath.org") from err


def expressions(most: int) -> Kind:
    """One JMESPath expression, or a list of some."""

    def read(value: Any) -> tuple[Expression, ...]:
        if not isinstance(value, list):
            return (expression(value),)
        if not 0 < len(value) <= most:
            raise InvalidValue(f"write one JMESPath expression, or a list of at most {most}")
        return tuple(map(expression, value))

    return read


def body(value: Any) -> Mapping[str, JSON]:
    """The JSON body of a POST."""
    try:
        return checked_body(value)
    except UnsuitableBody as err:
        raise InvalidValue(str(err)) from err


def body_path(value: Any) -> str:
    """A dotted path in the body."""
    if not isinstance(value, str) or not BODY_PATH.fullmatch(value):
        raise InvalidValue("write a path of names in the body, such as variables.after")
    return value


def replacements(value: Any) -> tuple[tuple[str, str], ...]:
    """A table of texts to replace."""
    pairs = list(value.items()) if isinstance(value, dict) else []
    if not 0 < len(pairs) <= 10 or not all(name and len(name) <= 200 for name, _ in pairs):
        raise InvalidValue("write a table of up to ten texts and what replaces them, such as {'/square.' = '/large.'}")
    if not all(isinstance(text, str) and len(text) <= 200 for _, text in pairs):
        raise InvalidValue("what replaces a text is a text of at most 200 characters")
    return tuple(pairs)


def statuses(value: Any) -> tuple[int, ...]:
    """HTTP statuses that may mean that nothing is there."""
    if not isinstance(value, list) or not all(type(one) is int and one in _EMPTY_STATUSES for one in value):
        raise InvalidValue(f"write a list of statuses among {', '.join(map(str, _EMPTY_STATUSES))}, such as [204, 404]")
    return tuple(value)


def pattern(value: Any) -> re.Pattern[str]:
    """A regular expression that runs in linear time."""
    if not isinstance(value, str) or not value:
        raise InvalidValue("write a regular expression as a text")
    try:
        return regex.safe_compile(value)
    except (re.error, regex.SlowExpression, OverflowError, RecursionError) as err:
        raise InvalidValue(f"write a regular expression of Python ({err})") from err


def base_url(value: Any) -> Url:
    """A URL for paths to be appended to."""
    url = absolute_url(value)
    if url.query:
        raise InvalidValue("give the URL without ? and put what follows under params")
    return url


def absolute_url(value: Any) -> Url:
    try:
        return Url.parse(value if isinstance(value, str) else "")
    except InvalidUrl as err:
        raise InvalidValue(f"write a URL in full, such as https://api.example.org/v1 ({err})") from err


def https_url(value: Any) -> str:
    """A URL to which secrets may be sent: https, or this machine."""
    url = absolute_url(value)
    if url.origin.scheme != "https" and url.origin.host not in ("127.0.0.1", "::1", "localhost"):
        raise InvalidValue("secrets go over https only; write https://")
    return str(url)


def origins(value: Any) -> tuple[Origin, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidValue("write a list of origins, such as ['https://images.example.org']")
    try:
        return tuple(Origin.parse(one) for one in value)
    except ConfigurationError as err:
        raise InvalidValue(str(err)) from err


def reference(value: Any) -> str:
    """The reference of a secret. The value is never shown: most likely it is the secret itself."""
    if not isinstance(value, str) or not REFERENCE.fullmatch(value):
        raise InvalidValue(
            f"say where the secret is, not what it is: {FORMS}; if this was a secret, it is in a file now"
        )
    return value


def header_name(value: Any) -> str:
    if not isinstance(value, str) or not _HEADER_NAME.fullmatch(value):
        raise InvalidValue("write a header's name, such as X-Api-Key")
    return value


def day(value: Any) -> date | str:
    """A date, or `today` or `yesterday`."""
    if isinstance(value, datetime):
        raise InvalidValue("write a day without a time, such as 2026-01-31")
    if isinstance(value, date):
        return value
    if value in ("today", "yesterday"):
        return str(value)
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidValue("write a day, such as 2026-01-31, or 'today' or 'yesterday'") from None


def scalars(value: Any) -> Mapping[str, str]:
    """A table of texts and numbers, such as query parameters."""
    if not isinstance(value, dict):
        raise InvalidValue("write a table of texts and numbers")
    for name, one in value.items():
        if isinstance(one, bool) or not isinstance(one, str | int | float):
            raise InvalidValue(f"{printable(name, 40)} is {shown(one)}; write a text or a number")
    return {name: str(one) for name, one in value.items()}


def did_you_mean(found: object, choices: Iterable[str]) -> str:
    """`; did you mean ...?` where one of `choices` is near, else nothing."""
    near = nearest(str(found), choices)
    return f"; did you mean {near}?" if near else ""
