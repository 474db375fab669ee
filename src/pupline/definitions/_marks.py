"""Where each value of a document stands: a tree of marks next to the tree of values."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

Step = str | int


class Position(NamedTuple):
    """A place in a text. Both count from 1; column in characters."""

    line: int
    column: int


class Lines:
    """The lines of a text, for the positions of its offsets. Lines end with a line feed, as editors count them."""

    def __init__(self, text: str) -> None:
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def position(self, offset: int) -> Position:
        """The line and column of an offset in the text."""
        line = bisect_left(self._ends, offset)
        begin = self._ends[line - 1] + 1 if line else 0
        return Position(line + 1, offset - begin + 1)

    def offset(self, position: Position) -> int:
        """The offset of a position."""
        begin = self._ends[position.line - 2] + 1 if position.line > 1 else 0
        return begin + position.column - 1


class Mark:
    """Where a value begins, and the marks of what is in it, by key or index.

    key: where the key of a member begins; None for the root and for elements of arrays. is_literal: the value is the
    text of a YAML block whose lines are in the file as they are (`|`).
    """

    __slots__ = ("inside", "is_literal", "key", "value")

    def __init__(self, value: Position, key: Position | None = None, inside: dict[Step, Mark] | None = None) -> None:
        self.value = value
        self.key = key
        self.inside: dict[Step, Mark] = {} if inside is None else inside
        self.is_literal = False

    def shown(self, *, at_key: bool = False) -> Position:
        """Where a message points: at the key of an object or array, and at any other value itself.

        at_key: at the key of any member.
        """
        return self.key if self.key is not None and (self.inside or at_key) else self.value


def nearest_mark(root: Mark, path: Iterable[Step]) -> Mark:
    """The mark of a path, or of the nearest value around it that exists."""
    found = root
    for step in path:
        inside = found.inside.get(step)
        if inside is None:
            break
        found = inside
    return found


_STEP = re.compile(r"\.([^.\[\]']+)|\['((?:[^'\\]|\\.)*+)'\]|\[(\d{1,9})\]", re.DOTALL)


def steps_of(json_path: str) -> list[Step]:
    r"""The keys and indices of a path such as `$.States['My state'].Choices[0]`, as the engine writes them."""
    found: list[Step] = []
    for plain, quoted, index in _STEP.findall(json_path):
        found.append(int(index) if index else plain or re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
    return found
