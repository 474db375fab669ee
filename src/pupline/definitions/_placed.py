"""Where definitions stand: in a file of their own, in a part of a document, or in a text inside a document."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from pupline.definitions._document import Document, read_document
from pupline.definitions._json_text import JsonText
from pupline.definitions._marks import Lines, Mark, Position, Step, nearest_mark
from pupline.definitions._scalar_positions import scalar_positions
from pupline.definitions._unreadable import DefinitionElsewhere, SyntaxTrouble, UnreadableDefinition
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON

Path_ = tuple[Step, ...]


class Find(Protocol):
    """Finds the position of a path, or of the nearest value around it; at_key: that of the member's key."""

    def __call__(self, steps: Iterable[Step], *, at_key: bool = False) -> Position:
        """The position."""


@dataclass(frozen=True)
class Placed:
    """A value and where it stands. find: the position of a path in it, or of the nearest value around.

    repeated: the paths of keys that occur more than once in an object.
    """

    value: AnyJSON
    file: Path
    find: Find
    repeated: tuple[Path_, ...] = ()


def whole_file(file: Path) -> Placed:
    """The document of a file. Raises: ConfigurationError, as `read_document`."""
    document = read_document(file)
    return part_of(document, (), document.value)


def part_of(document: Document, path: Path_, value: AnyJSON) -> Placed:
    """A value that stands at a path of a document."""
    inside = tuple(one[len(path) :] for one in document.repeated if one[: len(path)] == path)

    def find(steps: Iterable[Step], *, at_key: bool = False) -> Position:
        return nearest_mark(document.marks, (*path, *steps)).shown(at_key=at_key)

    return Placed(value, document.file, find, inside)


def trouble_at(document: Document, path: Path_, problem: str, cause: ConfigurationError | str) -> UnreadableDefinition:
    """The error of a problem at a path of a document. cause: what it comes from."""
    place = nearest_mark(document.marks, path).shown()
    error = UnreadableDefinition(document.file, problem, place.line, place.column)
    error.is_elsewhere = isinstance(cause, DefinitionElsewhere)
    return error


def text_in(document: Document, path: Path_, text: str) -> Placed:
    """The JSON in a text that stands at a path of a document. Raises: UnreadableDefinition where it is not JSON."""
    return _json(document.file, text, scalar_positions(document, nearest_mark(document.marks, path), text))


def joined_text(document: Document, path: Path_, delimiter: str, items: Sequence[str]) -> Placed:
    """The JSON in a text that Fn::Join makes of the items of an array, which stands at a path of a document."""
    array = nearest_mark(document.marks, path)
    starts, at = [], 0
    for item in items:
        starts.append(at)
        at += len(item) + len(delimiter)

    @cache
    def in_item(item: int) -> Callable[[int], Position]:
        return scalar_positions(document, array.inside.get(item, array), items[item])

    def outer(offset: int) -> Position:
        item = bisect_right(starts, offset) - 1
        return in_item(item)(offset - starts[item])

    return _json(document.file, delimiter.join(items), outer)


def _json(file: Path, text: str, outer: Callable[[int], Position]) -> Placed:
    lines = Lines(text)

    def placed(inner: Position) -> Position:
        return outer(lines.offset(inner))

    try:
        found = JsonText(text)
    except SyntaxTrouble as trouble:
        raise trouble.in_file(file, *placed(Position(trouble.line, trouble.column))) from trouble
    kept: list[Mark] = []

    def find(steps: Iterable[Step], *, at_key: bool = False) -> Position:
        if not kept:
            kept.append(found.marks())
        return placed(nearest_mark(kept[0], steps).shown(at_key=at_key))

    return Placed(found.value, file, find, tuple(found.repeated))
