"""What the columns of a list become, for people and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pupline.text import printable

if TYPE_CHECKING:
    from pupline.sources import ColumnUse

_MAX_NAMES = 20
_LAST = ("extra", "ours", "dropped")


def column_lines(columns: "Sequence[ColumnUse]") -> Iterator[str]:
    """A line for each thing that columns become: `caption <- TEXT`; nothing without columns."""
    by_use: dict[str, list[ColumnUse]] = {}
    for column in columns:
        by_use.setdefault(column.becomes, []).append(column)
    fields = [use for use in by_use if use not in _LAST]
    if by_use:
        yield "Columns:"
    for use in (*sorted(fields, key=lambda use: use != "url"), *(use for use in _LAST if use in by_use)):
        names = [_named(column) for column in by_use[use][:_MAX_NAMES]]
        more = len(by_use[use]) - len(names)
        yield f"  {use} <- {', '.join(names)}" + (f" and {more:,} more" if more else "")


def column_objects(columns: "Sequence[ColumnUse]") -> list[dict[str, Any]]:
    """One JSON object per column."""
    return [{"name": column.name, "becomes": column.becomes, "why": column.why or None} for column in columns]


def dropped_sentence(dropped: Mapping[str, str]) -> str:
    """Which columns of a list are not kept, and why."""
    shown = [f"{printable(name, 60)} ({printable(why, 60)})" for name, why in list(dropped.items())[:_MAX_NAMES]]
    more = len(dropped) - len(shown)
    return f"Not kept of the list's columns: {', '.join(shown)}" + (f" and {more:,} more." if more else ".")


def _named(column: "ColumnUse") -> str:
    why = f" ({printable(column.why, 80)})" if column.why and column.becomes != "ours" else ""
    return f"{printable(column.name, 60)}{why}"
