"""The history of an execution as a table."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pupline.cli._output import cell
from pupline.cli._table import Column, show_table
from pupline.text import printable

if TYPE_CHECKING:
    from rich.console import Console

_HISTORY = [
    Column("id", right=True),
    Column("after", right=True),
    Column("seconds", right=True),
    Column("event"),
    Column("details", needs=20),
]
_FIRST = ("name", "error")
_NOT_SHOWN = {*_FIRST, "resourceType", "roleArn", "inputDetails", "outputDetails", "assignedVariablesDetails", "region"}


def show_history(out: "Console", history: Sequence[Mapping[str, Any]], start_time: float) -> None:
    """A line for each event, with what fits of its details. start_time: of the execution, in epoch seconds."""
    others = [
        [
            cell(event["id"]),
            cell(event["previousEventId"]),
            cell(f"{event['timestamp'] - start_time:.3f}"),
            cell(event["type"], "red" if event["type"].endswith(("Failed", "TimedOut", "Aborted")) else ""),
        ]
        for event in history
    ]
    # One line for an event: here the order matters, and --json has the rest.
    taken = [max(len(column.name), *(row[at].cell_len for row in others)) for at, column in enumerate(_HISTORY[:-1])]
    room = max(20, out.width - sum(width + 2 for width in taken))
    rows = [[*cells, cell(_details(event, room))] for cells, event in zip(others, history, strict=True)]
    show_table(out, _HISTORY, rows)


def _details(event: Mapping[str, Any], room: int) -> str:
    """The event's details on one line: the name and the error first, then what fits."""
    details: Mapping[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    first = [details[key] for key in _FIRST if details.get(key)]
    rest = [f"{key}={value}" for key, value in details.items() if key not in _NOT_SHOWN and value is not None]
    text = " ".join(printable(part) for part in [*first, *rest])
    return text if len(text) <= room else text[: room - 1] + "…"
