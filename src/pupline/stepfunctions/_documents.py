"""JSON documents in requests, and why a text is not JSON, in the words of AWS's parser, Jackson."""

import re
from json import JSONDecodeError

from pupline.json_values import JSON, deeper_than, loads

MAX_DEPTH = 400
"""Levels of objects and arrays, far from the limit of Python's stack."""

_TOO_DEEP = f"the value is nested too deeply: {MAX_DEPTH} levels are the most"
_ANY = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_EXPECTED = {
    "Expecting property name": "was expecting double-quote to start field name",
    "Expecting ':'": "was expecting a colon to separate field name and value",
    "Expecting ','": "was expecting comma to separate entries",
    "Expecting value": f"expected a valid value {_ANY}",
    "Illegal trailing comma": f"expected a valid value {_ANY}",
    "Invalid control character": "has to be escaped using backslash to be included in string value",
    "Invalid \\": "unrecognized character escape",
}
"""The beginning of Python's message -> Jackson's, after the character."""


class NotJson(ValueError):
    """A text that is not JSON; the message is AWS's."""


def read_document(text: str) -> JSON:
    """The value of a JSON text. Raises: NotJson."""
    try:
        value: JSON = loads(text)
    except RecursionError as error:
        raise NotJson(_TOO_DEEP) from error
    except JSONDecodeError as error:
        raise NotJson(_message(text, error)) from error
    except ValueError as error:
        raise NotJson(str(error)) from error
    if text.count("[") + text.count("{") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        raise NotJson(_TOO_DEEP)
    return value


def _message(text: str, error: JSONDecodeError) -> str:
    at = error.pos
    word = re.match(r"[A-Za-z_]\w*", text[at : at + 100])
    if word is not None and error.msg.startswith(("Expecting value", "Extra data")):
        return f"Unrecognized token '{word.group()}': was expecting {_ANY}"
    if at >= len(text) or error.msg.startswith("Unterminated string"):
        return "Unexpected end-of-input"
    for beginning, expected in _EXPECTED.items():
        if error.msg.startswith(beginning):
            return f"Unexpected character ('{text[at]}' (code {ord(text[at])})): {expected}"
    return error.msg
