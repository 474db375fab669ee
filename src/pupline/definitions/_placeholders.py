"""Placeholders: `${Name}` in a definition, which DefinitionSubstitutions fill in.

A placeholder with a value is filled in; any other stays in the text. One that stands alone and without quotes, as in
`"MaxConcurrency": ${n}`, becomes what its value says: a number, a boolean, an object.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from pupline.json_values import AnyJSON, loads

# Braces inside, as in Terraform's ${lookup(x, {})}, two levels deep; possessive, so that the time is linear.
PLACEHOLDER = r"\$\{(?:[^{}\n]++|\{(?:[^{}\n]++|\{[^{}\n]*+\})*+\})*+\}"
_ANY = re.compile(PLACEHOLDER)
_NAME = re.compile(r"[A-Za-z_]")


class BarePlaceholder(str):
    """A placeholder that stands alone and without quotes: its value is read as JSON."""

    __slots__ = ()


def is_placeholder(text: str) -> bool:
    """Whether a text is one placeholder and nothing else."""
    return text.startswith("${") and _ANY.fullmatch(text) is not None


def filled(value: AnyJSON, values: Mapping[str, str]) -> AnyJSON:
    """The value with the placeholders that have values filled in, in texts and in keys."""
    if not values:
        return value

    def fill(text: str) -> AnyJSON:
        if "${" not in text:
            return text
        if isinstance(text, BarePlaceholder):
            name = _name(text)
            return _json_or_text(values[name]) if name in values else text
        return _ANY.sub(lambda found: values.get(_name(found.group()), found.group()), text)

    return mapped_texts(value, fill)


def placeholder_names(value: AnyJSON) -> list[str]:
    """The names of all placeholders in a value, each once, in the order in which they occur."""
    found: dict[str, None] = {}
    for text in _texts(value):
        if "${" in text:
            names = (_name(one) for one in _ANY.findall(text))
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


def _json_or_text(text: str) -> AnyJSON:
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return text
