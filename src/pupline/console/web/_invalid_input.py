"""What is wrong with the parameters or the body of a request, in one line for people."""

from collections.abc import Mapping
from typing import Any

from pupline.text import printable

_RULES = {
    "bool_parsing": "write true or false",
    "dict_type": "write a JSON object",
    "extra_forbidden": "there is no such field",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "finite_number": "write a finite number",
    "greater_than": "write more than {gt}",
    "greater_than_equal": "write {ge} or more",
    "int_from_float": "write a whole number",
    "int_parsing": "write a whole number",
    "int_parsing_size": "the number is too large",
    "int_type": "write a whole number",
    "json_invalid": "it is not valid JSON",
    "less_than_equal": "write {le} or less",
    "list_type": "write a list",
    "literal_error": "write {expected}",
    "missing": "it is missing",
    "model_attributes_type": "write a JSON object",
    "string_too_long": "write at most {max_length} characters",
    "string_too_short": "write at least {min_length} character",
    "string_type": "write a text",
    "string_unicode": "it is not valid Unicode",
    "too_long": "give at most {max_length} values",
    "too_short": "give at least {min_length} value",
}
"""By pydantic's type of error; its context fills the braces. Other types have pydantic's own words."""

_SHOWN_CHARACTERS = 60


def invalid_input(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors: its place, its value, and what would be right."""
    kind = error["type"]
    names = [] if kind == "json_invalid" else [part for part in error["loc"][1:] if isinstance(part, str)]
    place = printable(".".join(names), _SHOWN_CHARACTERS) or "the body"
    value = error.get("input")
    shown = f" {printable(value, _SHOWN_CHARACTERS)!r}" if isinstance(value, str) and value else ""
    own = str(error["msg"]).removeprefix("Value error, ")
    rule = _RULES[kind].format_map(error.get("ctx", {})) if kind in _RULES else own
    return f"{place}{shown}: {printable(rule)}"
