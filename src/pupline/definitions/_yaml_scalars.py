"""The scalars and tags of YAML, read as the author of a definition meant them.

Scalars follow JSON, not YAML 1.1: `on`, `yes`, `012` and `2026-01-31` are texts. CloudFormation's tags become the
functions that they stand for: `!Sub x` is {"Fn::Sub": "x"}.
"""

import re
from typing import Any

from pupline.definitions._placeholders import BarePlaceholder, is_placeholder
from pupline.json_values import AnyJSON
from pupline.text import printable

# As in JSON, and with a plus sign. More digits than these stay a text, which no number field takes.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,300})")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,200})(?:\.[0-9]{1,300})?(?:[eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, AnyJSON] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STANDARD = "tag:yaml.org,2002:"


def scalar_value(event: Any) -> AnyJSON:
    """The value of a scalar event: texts in quotes are texts, others what JSON would call them."""
    text: str = event.value
    tag: str | None = event.tag
    if tag is None:
        return plain_value(text) if event.implicit[0] else text
    return plain_value(text) if tag.startswith(_STANDARD) and tag != f"{_STANDARD}str" else text


def plain_value(text: str) -> AnyJSON:
    """The value of a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return BarePlaceholder(text) if is_placeholder(text) else text


def function_of(event: Any) -> str | None:
    """The intrinsic function that a value's tag stands for: `!Sub` is Fn::Sub; None without such a tag.

    Raises: YamlTrouble for tags that are neither CloudFormation's nor those of JSON's types.
    """
    tag: str | None = event.tag
    if tag is None or tag == "!":
        return None
    if tag.startswith("!"):
        name = tag[1:]
        return name if name in ("Ref", "Condition") else f"Fn::{name}"
    if tag.removeprefix(_STANDARD) in ("str", "int", "float", "bool", "null", "map", "seq"):
        return None
    raise YamlTrouble(f"the tag {printable(tag)} is not supported", event.start_mark.index)


class YamlTrouble(Exception):
    """What is wrong with a YAML text, and the offset where."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset
