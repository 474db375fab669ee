"""Placeholders: `${Name}` in a definition, which DefinitionSubstitutions fill in.

A placeholder with a value is filled in; any other stays in the text. One that stands alone and without quotes, as in
`"MaxConcurrency": ${n}`, becomes what its value says: a number, a boolean, an object.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON, loads

# Braces inside, as in Terraform's ${lookup(x, {})}, two levels deep; possessive, so that the time is linear.
PLACEHOLDER = r"\$\{(?:[^{}\n]++|\{(?:[^{}\n]++|\{[^{}\n]*+\})*+\})*+\}"
PLACEHOLDERS = re.compile(PLACEHOLDER)
_NAME = re.compile(r"[A-Za-z_]")


_MAX_FILLED = 16 * 1024 * 1024
"""Characters that values may bring into a definition, which has at most 1 MB on AWS."""


class BarePlaceholder(str):
    """A placeholder that stands alone and without quotes: its value is read as JSON."""

    __slots__ = ()


def is_placeholder(text: str) -> bool:
    """Whether a text is one placeholder and nothing else."""
    return text.startswith("${") and PLACEHOLDERS.fullmatch(text) is not None


def filled(value: AnyJSON, values: Mapping[str, str]) -> AnyJSON:
    """The value with the placeholders that have values filled in, in texts and in keys."""
    return filled_by(value, lambda name: values.get(name)) if values else value


def filled_by(value: AnyJSON, value_of: Callable[[str], str | None]) -> AnyJSON:
    """The value with its placeholders filled in. value_of: the value for a name; None leaves the placeholder.

    Raises: ConfigurationError when it becomes too long.
    """
    length = 0

    def put(placeholder: str) -> str:
        nonlocal length
        found = value_of(_name(placeholder))
        length += len(found or "")
        if length > _MAX_FILLED:
            raise ConfigurationError(f"the values of its placeholders have more than {_MAX_FILLED:,} characters")
        return placeholder if found is None else found

    def fill(text: str) -> AnyJSON:
        if "${" not in text:
            return text
        if isinstance(text, BarePlaceholder):
            whole = put(text)
            return text if whole == text else json_or_text(whole)
        return PLACEHOLDERS.sub(lambda found: put(found.group()), text)

    return mapped_texts(value, fill)


def placeholder_names(value: AnyJSON) -> list[str]:
    """The names of all placeholders in a value, each once, in the order in which they occur."""
    found: dict[str, None] = {}
    for text in _texts(value):
        if "${" in text:
            names = (_name(one) for one in PLACEHOLDERS.findall(text))
            found.update(dict.fromkeys(name for name in names if _NAME.match(name)))
    return list(found)


def mapped_texts(value: AnyJSON, change: Callable[[str], AnyJSON]) -> AnyJSON:
    """A copy of a value with every text, and every key, changed. It needs no recursion; shared parts stay shared."""
    root: list[AnyJSON] = [value]
    copies: dict[int, AnyJSON] = {}
    waiting: list[AnyJSON] = [root]
    while waiting:
        holder = waiting.pop()
        for key, item in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if isinstance(item, str):
                holder[key] = change(item)
            elif isinstance(item, (dict, list)):
                if id(item) not in copies:
                    copies[id(item)] = _with_changed_keys(item, change) if isinstance(item, dict) else list(item)
                    waiting.append(copies[id(item)])
                holder[key] = copies[id(item)]
    return root[0]


def _with_changed_keys(value: dict[str, AnyJSON], change: Callable[[str], AnyJSON]) -> dict[str, AnyJSON]:
    return {str(change(key)): item for key, item in value.items()}


def _texts(value: AnyJSON) -> Iterator[str]:
    """Every text and every key of a value, in the order in which they occur."""
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, (dict, list)) and id(item) not in seen:
            seen.add(id(item))
            if isinstance(item, dict):
                waiting += [one for key, inner in reversed(item.items()) for one in (inner, key)]
            else:
                waiting += reversed(item)


def _name(placeholder: str) -> str:
    return placeholder[2:-1].strip()


def json_or_text(text: str) -> AnyJSON:
    """The JSON value that a text holds; the text itself where it holds none."""
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return text
