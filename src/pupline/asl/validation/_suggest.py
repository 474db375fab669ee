"""The hints of diagnostics: "Did you mean ...?", and lists in words."""

from collections import Counter
from collections.abc import Iterable

from pupline.json_values import AnyJSON
from pupline.text import nearest

_MOST_NAMES, _MOST_ALIKE = 2000, 100
"""Names that are looked at, and that are compared letter by letter: more would cost more than the hint is worth."""

_BOOLEANS = {"true": ("true", "yes", "on"), "false": ("false", "no", "off")}


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant by a word, or None. Words of one or two letters differ in case only."""
    typed = word.lower()
    letters, edits = Counter(typed), max(1, len(typed) // 3)
    alike = []
    for name in list(candidates)[:_MOST_NAMES]:
        lower = name.lower()
        if lower == typed and name != word:
            return name
        if len(typed) > 2 and name != word and _may_be_close(letters, edits, lower, typed):
            alike.append(name)
    return nearest(word, alike[:_MOST_ALIKE]) if alike else None


def _may_be_close(letters: Counter[str], edits: int, name: str, typed: str) -> bool:
    """Whether the letters alone leave it open that the names are close: cheaper than the distance."""
    if name.startswith(typed):
        return True
    return abs(len(name) - len(typed)) <= edits and sum((letters - Counter(name)).values()) <= edits


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """A hint with the candidate that was probably meant; empty when none is close."""
    found = closest(word, candidates)
    return f"Did you mean '{found}'?" if found is not None else ""


def hint_about_boolean(value: AnyJSON) -> str:
    """A hint for what is not a boolean, but is written as people write one."""
    word = value.strip().lower() if isinstance(value, str) else ""
    meant = next((name for name, words in _BOOLEANS.items() if word in words), None)
    return f"Write {meant}, without quotes." if meant is not None else ""


def in_words(names: Iterable[str], last: str = "and") -> str:
    """`Task, Parallel and Map`."""
    *first, final = names
    return f"{', '.join(first)} {last} {final}" if first else final
