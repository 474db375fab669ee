"""Errors of an evaluation, with the codes and messages of the reference implementation, which AWS uses.

jsonata-python has its codes, but says "Object" for "function", leaves out quotation marks, and passes some values in
another order.
"""

import json
import re
from functools import cache
from typing import Any, Final

from jsonata import jexception, utils

from pupline.asl.jsonata._numbers import number_text

_PLACE: Final = re.compile(r"\{\{\{(\w+)}}}|\{\{(\w+)}}")
_MAX_SHOWN: Final = 500


class QueryFailure(Exception):
    """An error of the query itself.

    code: such as "T0410". token: the operator or function. fields: the other values in the message.
    """

    def __init__(self, code: str, *, token: object = None, **fields: object) -> None:
        super().__init__(code)
        self.code = code
        self.token = token
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.code}: {self.message()}"

    def message(self) -> str:
        """The text, without the code."""
        values = {"token": self.token, **self.fields}

        def shown(place: re.Match[str]) -> str:
            if place[1]:
                return str(values.get(place[1]))
            if values.get(place[2]) is None:
                return "null" if self.code == "S0213" else "undefined"
            return json_text(values[place[2]])

        return _PLACE.sub(shown, _template(self.code))


@cache
def _template(code: str) -> str:
    text = str(jexception.JException.error_codes.get(code, code))
    return re.sub(r"\bObject\b", "function", text).replace('"', "'")


def failure_of(error: jexception.JException) -> QueryFailure:
    """The failure that the library's own error stands for."""
    code = str(error.error)
    names = [place[1] or place[2] for place in _PLACE.finditer(_template(code))]
    given = [error.current, error.expected, error.extra]
    if code == "D1002":  # the value follows the operator
        given = given[1:]
    fields: dict[str, Any] = dict(zip(names, given, strict=False))
    return QueryFailure(code, **fields)


def json_text(value: Any) -> str:
    """A value of the library as JSON text, for a message; what is not JSON is left out or null."""
    text = _json_text(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


def _json_text(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return json.dumps(value[:_MAX_SHOWN], ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value) if abs(value) < float("inf") else "null"
    if depth > 5 or value is None or value is utils.Utils.NULL_VALUE:
        return "null"
    if isinstance(value, list):
        return "[" + ",".join([_json_text(item, depth + 1) for item in list(value)[:_MAX_SHOWN]]) + "]"
    if isinstance(value, dict):
        parts = [f"{_json_text(key)}:{_json_text(item, depth + 1)}" for key, item in list(value.items())[:_MAX_SHOWN]]
        return "{" + ",".join(parts) + "}"
    return "{}"
