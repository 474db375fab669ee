"""Markup by code. Every text and every attribute is escaped; no caller can avoid that."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from pupline.text import printable

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})

Value: TypeAlias = str | float | None
Child: TypeAlias = "Markup | str | None"


class Markup:
    """A piece of finished markup; a Jinja template shows it as it is.

    Only `element` and `join` make one.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __html__(self) -> str:
        return self._text

    def __str__(self) -> str:
        return self._text


def element(name: str, attributes: Mapping[str, Value], *children: Child) -> Markup:
    """One element. name and the names of attributes: ours; everything else may come from outside.

    An attribute that is None is left out. Children that are None are left out, and text is escaped.
    """
    parts = [f' {key}="{_value(value)}"' for key, value in attributes.items() if value is not None]
    inner = "".join(_child(child) for child in children)
    return Markup(f"<{name}{''.join(parts)}>{inner}</{name}>" if inner else f"<{name}{''.join(parts)}/>")


def join(pieces: Iterable[Child]) -> Markup:
    """The pieces one after the other."""
    return Markup("".join(_child(piece) for piece in pieces))


def number(value: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def columns_of(text: str) -> int:
    """The width of text in narrow letters: those of Chinese, Japanese and Korean, and emoji, take two."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def shortened(text: str, columns: int) -> str:
    """`text` on one line of at most so many columns; the end is kept where it is too long: `FetchAndUp…ogImage`."""
    shown = printable(text, max(columns * 8, 200))
    if columns_of(shown) <= columns:
        return shown
    tail = _fitting(shown[::-1], (columns - 1) // 3)[::-1]
    return f"{_fitting(shown, columns - 1 - columns_of(tail))}…{tail}"


def wrapped(text: str, columns: int) -> list[str]:
    """`text` on one or two lines of at most so many columns, cut between words: `LogFailureTo`, `DynamoDB`."""
    shown = printable(text, max(columns * 16, 200))
    if columns_of(shown) <= columns:
        return [shown]
    most = len(_fitting(shown, columns))
    cuts = [at for at in range(most // 2, min(most, len(shown) - 4) + 1) if _is_cut(shown, at)]
    cut = cuts[-1] if cuts else most
    return [shown[:cut].rstrip(), shortened(shown[cut:].lstrip(), columns)]


def _is_cut(text: str, at: int) -> bool:
    """Whether a new word begins at this place."""
    before, after = text[at - 1], text[at]
    return before in " -_./" or after == " " or (before.islower() and after.isupper())


def _fitting(text: str, columns: int) -> str:
    """The beginning of `text` that fits."""
    for at, letter in enumerate(text):
        columns -= columns_of(letter)
        if columns < 0:
            return text[:at]
    return text


def _child(child: Child) -> str:
    if child is None:
        return ""
    return child.__html__() if isinstance(child, Markup) else printable(child, len(child) * 10).translate(_ESCAPES)


def _value(value: str | float) -> str:
    return printable(value, len(value) * 10).translate(_ESCAPES) if isinstance(value, str) else number(value)
