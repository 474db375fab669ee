"""The path of one execution through its state machine, drawn for a terminal."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pupline.text import printable

if TYPE_CHECKING:
    from rich.text import Text

    from pupline.asl import StateVisit

_SIGNS = {
    "running": ("…", "yellow"),
    "succeeded": ("✔", "green"),
    "caught": ("✔", "green"),
    "failed": ("✘", "red"),
    "timed out": ("✘", "red"),
    "aborted": ("-", "bright_black"),
}


def sign(visit: "StateVisit") -> tuple[str, str]:
    """A sign for a visit and its style."""
    return _SIGNS[visit.status]


def errors_of(visit: "StateVisit") -> list[str]:
    """The Error Names of the calls of a Task that failed."""
    return visit.errors if visit.kind == "Task" else []


def draw(definition: Mapping[str, Any], history: Sequence[Mapping[str, Any]], columns: int) -> Iterator["Text"]:
    """Lines of the drawing, at most `columns` wide where the names of states allow it.

    A box for each visit, with its duration next to it and the transitions that were not taken, dimmed.
    """
    from rich.text import Text

    from pupline.asl import StateVisits, states_of

    path = list(StateVisits(history, definition))
    states = dict(states_of(dict(definition)))
    width = max((len(visit.state) for visit in path), default=0) + 2
    for number, visit in enumerate(path):
        mark, style = sign(visit)
        following = path[number + 1].state if number + 1 < len(path) else None
        yield Text("┌" + "─" * width + "┐", style=style)
        line = Text("│ " + printable(visit.state).ljust(width - 1) + "│", style=style)
        line.append(f"  {mark} {_caption(visit)}", style=style)
        yield line
        others = [name for name in _ways_out(states.get(visit.state, {})) if name != following]
        first, *more = _not_taken(others, max(24, columns - width - 4)) or [""]
        yield _line("└" + "─" * width + "┘", style, first)
        middle = " " * (width // 2)
        for words in more or [""] * bool(following):
            yield _line(f"{middle}│" if following else "", "dim", words, width + 2)
        if following:
            yield Text(f"{middle}▼", style="dim")


def _line(drawn: str, style: str, words: str, width: int = 0) -> "Text":
    """A piece of the drawing with words next to it."""
    from rich.text import Text

    line = Text(drawn.ljust(width), style=style)
    if words:
        line.append(f"  {words}", style="dim")
    return line


def _not_taken(names: Sequence[str], columns: int) -> list[str]:
    """The states not taken, on lines of at most `columns`."""
    text = printable("not taken: " + ", ".join(names), 1000)
    return textwrap.wrap(text, columns, subsequent_indent=" " * 11, break_long_words=False) if names else []


def _caption(visit: "StateVisit") -> str:
    parts = [visit.kind]
    if visit.status == "aborted":
        parts.append("aborted")
    elif visit.seconds is not None:
        parts.append(f"{visit.seconds:.2f} s")
    if errors := errors_of(visit):
        parts.append(f"{len(errors)} failed: " + printable(", ".join(dict.fromkeys(errors))))
    return ", ".join(parts)


def _ways_out(state: Mapping[str, Any]) -> list[str]:
    """The states that this one can lead to, in the order of the definition, each once."""
    names = [state.get("Next"), *(rule.get("Next") for rule in state.get("Choices", ()))]
    names += [state.get("Default"), *(catcher.get("Next") for catcher in state.get("Catch", ()))]
    return list(dict.fromkeys(name for name in names if name))
