"""The path of an execution: as a table, and in one line."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pupline.asl import StateVisit
from pupline.cli._graph import errors_of, sign
from pupline.cli._output import cell
from pupline.cli._table import Column, show_table
from pupline.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_COLUMNS = [
    Column("", needs=1),
    Column("state", needs=16),
    Column("type"),
    Column("seconds", right=True, left_out=2),
    Column("attempts", right=True, left_out=1),
    Column("errors", needs=16),
]
_MAX_ROWS = 60
_MAX_NAMES = 12


def show_path(out: "Console", path: Sequence[StateVisit]) -> None:
    """A row for each visit to a state; of very many the first and the last."""
    left_out = max(len(path) - _MAX_ROWS, 0)
    half = _MAX_ROWS // 2
    shown = [*path[:half], *path[-half:]] if left_out else path
    rows = [_row(visit) for visit in shown]
    if left_out:
        more = cell(f"… {left_out:,} more; --history and --json have all", "dim")
        rows.insert(half, [cell(""), more, *([cell("")] * (len(_COLUMNS) - 2))])
    show_table(out, _COLUMNS, rows)
    out.print()


def _row(visit: StateVisit) -> "list[Text]":
    mark, style = sign(visit)
    errors = printable(", ".join(dict.fromkeys(errors_of(visit))), 300)
    return [
        cell(mark, style),
        cell(visit.state),
        cell(visit.kind),
        cell("" if visit.seconds is None or visit.status == "aborted" else f"{visit.seconds:.2f}"),
        cell(_calls(visit) or ""),
        cell(f"{errors}{' (caught)' if visit.status == 'caught' else ''}", "red" if mark == "✘" else "yellow"),
    ]


def _calls(visit: StateVisit) -> int:
    """The attempts of a Task; a Map or Parallel shows those inside it."""
    return len(visit.attempts) if visit.kind == "Task" else 0


def path_text(path: Sequence[StateVisit]) -> str:
    """`Charge (3 attempts) → Tell → Done`; of a long path the first and the last states."""
    names: list[str] = []
    for visit in path:
        name = printable(visit.state) + (f" ({calls} attempts)" if (calls := _calls(visit)) > 1 else "")
        names.append(name)
    half = _MAX_NAMES // 2
    if len(names) > _MAX_NAMES:
        names = [*names[:half], f"… {len(names) - _MAX_NAMES:,} more …", *names[-half:]]
    return " → ".join(names)


def failed_state(history: Sequence[Mapping[str, Any]]) -> str | None:
    """The state in which an execution ended: the innermost one, of the thread that wrote the last event."""
    at = len(history)
    while at > 0:
        event = history[at - 1]
        if event["type"].endswith("StateEntered"):
            return str(event["stateEnteredEventDetails"]["name"])
        at = min(event["previousEventId"], at - 1)
    return None
