"""The column of a list, or the key of its objects, that holds the URLs: one rule for every format."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pupline.errors import ConfigurationError
from pupline.specs import did_you_mean
from pupline.text import printable

_NAMES: Final = frozenset(
    {"url", "uri", "link", "href", "src", "address", "image", "img", "picture", "photo"}
    | {f"{thing}{kind}" for thing in ("image", "img", "picture", "photo") for kind in ("url", "uri", "link", "src")}
    | {f"{kind}url" for kind in ("content", "media", "file", "download", "original", "source", "coco", "flickr")}
)
"""Names of columns of URLs, in lower case and without blanks, underscores, hyphens and dots."""

_JOINTS = re.compile(r"[\s_.-]+")
_KNOWN = 20  # names shown in a message


class NoColumn(ConfigurationError):
    """The column of URLs is missing or ambiguous."""


def key_of(name: str) -> str:
    """`name` for comparisons: `Image_URL`, `imageUrl` and `image url` are equal."""
    return _JOINTS.sub("", name).lower()


def is_url_name(name: str) -> bool:
    return key_of(name) in _NAMES


def column_at(columns: Sequence[str], name: str | None) -> int:
    """The index, from 0, of the column of URLs.

    name: its name, or its number from 1 where no column has that name. Without it: `url`, in any spelling; else the
    only column with a name for URLs, or the only one with a name. Raises: NoColumn where there is none, or several.
    """
    found = _by_name(columns, name)
    if found is not None:
        return found
    with_names = [at for at, column in enumerate(columns) if column]
    if name is None and len(with_names) == 1:
        return with_names[0]
    if name and name.isascii() and name.isdigit() and len(name) < 5 and 1 <= int(name) <= len(columns):
        return int(name) - 1
    raise _missing(columns, name)


def key_at(keys: Sequence[str], name: str | None) -> str:
    """The key of an object's URL. Raises: NoColumn where there is none, or several."""
    found = _by_name(keys, name)
    if found is None:
        raise _missing(keys, name)
    return keys[found]


def _by_name(columns: Sequence[str], name: str | None) -> int | None:
    """The column of that name, exactly or else by `key_of`; None where there is none."""
    for same in (str, key_of):
        found = [at for at, column in enumerate(columns) if same(column) == same(name or "url")]
        if len(found) == 1 and (name is not None or same is key_of):
            return found[0]
        if len(found) > 1:
            raise _several(columns, found)
    if name is None:
        found = [at for at, column in enumerate(columns) if is_url_name(column)]
        if len(found) > 1:
            raise _several(columns, found)
    return found[0] if found else None


def _several(columns: Sequence[str], found: Sequence[int]) -> NoColumn:
    names = [printable(columns[at], 40) for at in found[:_KNOWN]]
    if len(set(names)) == len(names):
        return NoColumn(f"several columns may hold the URLs, {', '.join(names)}. Name one as FILE#COLUMN")
    numbers = " or ".join(f"FILE#{at + 1}" for at in found[:_KNOWN])
    return NoColumn(f"several columns are called {names[0]!r}. Name one by its number, {numbers}")


def _missing(columns: Sequence[str], name: str | None) -> NoColumn:
    known = ", ".join(printable(column, 40) for column in columns[:_KNOWN]) or "no columns at all"
    near = did_you_mean(name or "url", columns) or "."
    message = f"there is no column {printable(name or 'url', 40)!r}; it has {known}{near} Name one as FILE#COLUMN"
    return NoColumn(message)


def value_at(value: Mapping[str, Any], path: str) -> Any:
    """The value at a key, or at a path of keys such as `image.url`; None where there is none."""
    if path in value:
        return value[path]
    first, dot, rest = path.partition(".")
    while dot:
        inner = value.get(first)
        if isinstance(inner, Mapping):
            return value_at(inner, rest)
        more, dot, rest = rest.partition(".")
        first = f"{first}.{more}"
    return None
