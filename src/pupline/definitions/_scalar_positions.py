"""Where each character of a text stands in the file whose scalar holds the text."""

import re
from collections.abc import Callable

from pupline.definitions._document import Document
from pupline.definitions._marks import Lines, Mark, Position

# What stands for one character between quotes. The pair is one character beyond U+FFFF.
_DOUBLE = re.compile(
    r'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\.|[^"]'
)
_TAG = re.compile(r"!\S*+[ \t]++")
_SINGLE = re.compile(r"''|[^']")


def scalar_positions(document: Document, mark: Mark, text: str) -> Callable[[int], Position]:
    """A function from an offset in a text to its position. mark: of the scalar that holds the text.

    Exact for blocks whose lines are in the file as they are (`|`), and for scalars on one line. For others, and for a
    text that a function has changed, it is where the scalar begins.
    """
    if mark.is_literal:
        return _in_block(document, mark, text)
    line, column = mark.value
    shown = document.line(line)[column - 1 :]
    tag = _TAG.match(shown)
    skipped = tag.end() if tag else 0
    return _on_one_line(shown[skipped:], Position(line, column + skipped), text)


def _in_block(document: Document, mark: Mark, text: str) -> Callable[[int], Position]:
    lines, own = Lines(text), text.split("\n")

    def position(offset: int) -> Position:
        inner = lines.position(offset)
        line = mark.value.line + inner.line  # the block begins on the line after its sign
        shown, written = document.line(line), own[inner.line - 1]
        if not shown.endswith(written):
            return mark.value
        return Position(line, len(shown) - len(written) + inner.column)

    return position


def _on_one_line(shown: str, start: Position, text: str) -> Callable[[int], Position]:
    """shown: the line of the file from where the scalar begins."""
    part = {'"': _DOUBLE, "'": _SINGLE}.get(shown[:1])
    if part is None:
        is_plain = shown.startswith(text)
        return lambda offset: Position(start.line, start.column + offset) if is_plain else start
    starts: list[int] = []
    at = 1
    while found := part.match(shown, at):
        starts.append(at)
        at = found.end()
    is_whole = len(starts) == len(text) and shown[at : at + 1] == shown[0]
    starts.append(at)
    return lambda offset: Position(start.line, start.column + starts[min(offset, len(text))]) if is_whole else start
