"""The path of one execution through its state machine, drawn for a terminal."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pupline.text import printable

if TYPE_CHECKING:
    from rich.text import Text

_ENDED_BADLY = ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")
_FAILS_AROUND = ("MapIterationFailed", "MapStateFailed", "ParallelStateFailed")
"""Events that follow the state whose error nothing handled inside the Map or Parallel."""


@dataclass(slots=True)
class Visit:
    """One visit to a state.

    seconds: None while it runs, and when it was aborted. attempts: calls of a Task. errors: Error Names of the attempts
    that failed. caught: it was left by a Catcher. failed: it failed, and it did not handle the error. aborted: another
    state ended the execution, or the Parallel or Map around it.
    """

    state: str
    kind: str
    entered: float
    seconds: float | None = None
    attempts: int = 0
    errors: list[str] = field(default_factory=list)
    caught: bool = False
    failed: bool = False
    aborted: bool = False

    @property
    def sign(self) -> tuple[str, str]:
        """A sign and its style."""
        if self.failed:
            return "✘", "red"
        if self.seconds is None:
            return ("-", "bright_black") if self.aborted else ("…", "yellow")
        return "✔", "green"


def visits(history: Sequence[Mapping[str, Any]]) -> list[Visit]:
    """The visits in order, with their durations and attempts.

    history: events as GetExecutionHistory gives them, `timestamp` in epoch seconds.
    """
    found: list[Visit] = []
    latest: dict[int, Visit] = {}
    running: dict[str, list[Visit]] = {}
    before = ""
    for event in history:
        kind: str = event["type"]
        visit = latest.get(event["previousEventId"])
        if kind.endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            visit = Visit(name, kind.removesuffix("StateEntered"), event["timestamp"])
            found.append(visit)
            running.setdefault(name, []).append(visit)
            if visit.kind == "Fail":
                visit.failed, visit.seconds = True, 0
        elif kind.endswith("StateExited"):
            visit = _left(visit, event["stateExitedEventDetails"]["name"], running)
            if visit:
                visit.seconds = event["timestamp"] - visit.entered
                visit.caught, visit.failed = _is_failure(before), False
        elif visit:
            _note(visit, kind, event)
        if visit:
            latest[event["id"]] = visit
        before = kind
    if before in (*_ENDED_BADLY, "ExecutionSucceeded"):
        for visit in (visit for waiting in running.values() for visit in waiting if visit.seconds is None):
            if before in _ENDED_BADLY and visit.kind in ("Map", "Parallel"):
                visit.failed, visit.seconds = True, history[-1]["timestamp"] - visit.entered
            else:
                visit.aborted = True
    return found


def _left(visit: Visit | None, name: str, running: dict[str, list[Visit]]) -> Visit | None:
    """The visit that ends. The event of a Parallel or Map follows one of a state inside it."""
    waiting = running.get(name) or []
    found = visit if visit in waiting else waiting[-1] if waiting else None
    if found:
        waiting.remove(found)
    return found


def _note(visit: Visit, kind: str, event: Mapping[str, Any]) -> None:
    if kind.endswith("Scheduled"):
        visit.attempts += 1
    elif kind in _FAILS_AROUND or kind in _ENDED_BADLY:
        visit.failed = True
        visit.seconds = event["timestamp"] - visit.entered
    elif _is_failure(kind):
        visit.errors.append(_error_of(event))


def _is_failure(kind: str) -> bool:
    return kind.endswith(("Failed", "TimedOut"))


def _error_of(event: Mapping[str, Any]) -> str:
    details: Mapping[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    return str(details.get("error") or "States.Timeout")


def draw(definition: Mapping[str, Any], history: Sequence[Mapping[str, Any]], columns: int) -> Iterator["Text"]:
    """Lines of the drawing, at most `columns` wide where the names of states allow it.

    A box for each visit, with its duration next to it and the transitions that were not taken, dimmed.
    """
    from rich.text import Text

    from pupline.asl import states_of

    path = visits(history)
    states = dict(states_of(dict(definition)))
    width = max((len(visit.state) for visit in path), default=0) + 2
    for number, visit in enumerate(path):
        sign, style = visit.sign
        following = path[number + 1].state if number + 1 < len(path) else None
        yield Text("┌" + "─" * width + "┐", style=style)
        line = Text("│ " + printable(visit.state).ljust(width - 1) + "│", style=style)
        line.append(f"  {sign} {_caption(visit)}", style=style)
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


def _caption(visit: Visit) -> str:
    parts = [visit.kind]
    if visit.aborted:
        parts.append("aborted")
    if visit.seconds is not None:
        parts.append(f"{visit.seconds:.2f} s")
    if visit.errors:
        parts.append(f"{len(visit.errors)} failed: " + printable(", ".join(dict.fromkeys(visit.errors))))
    return ", ".join(parts)


def _ways_out(state: Mapping[str, Any]) -> list[str]:
    """The states that this one can lead to, in the order of the definition, each once."""
    names = [state.get("Next"), *(rule.get("Next") for rule in state.get("Choices", ()))]
    names += [state.get("Default"), *(catcher.get("Next") for catcher in state.get("Catch", ()))]
    return list(dict.fromkeys(name for name in names if name))
