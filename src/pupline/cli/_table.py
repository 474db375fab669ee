"""Tables in the one style of all commands, legible from 80 columns on.

A terminal is often narrower than a table. rich would narrow every column alike, until each word takes three lines.
Here each column has a width that it needs and a rank for being left out; the remaining width goes to the columns that
lack most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column. right: it holds numbers.

    needs: characters in which it can be read well; 0 for what must not be broken. left_out: where it is too narrow,
    columns with 1 are left out first, then those with 2; with 0 never.
    """

    name: str
    needs: int = 0
    right: bool = False
    left_out: int = 0


def show_table(out: "Console", columns: Sequence[Column], rows: Sequence[Sequence["Text"]], title: str = "") -> None:
    """Print a table, and below it the names of the columns left out. rows: a cell for each column."""
    from rich import box
    from rich.table import Table

    natural = [max([len(column.name), *(row[at].cell_len for row in rows)]) for at, column in enumerate(columns)]
    kept = _kept(columns, natural, out.width)
    widths = _widths([columns[at] for at in kept], [natural[at] for at in kept], out.width)
    made = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    for at, width in zip(kept, widths, strict=True):
        name, right = columns[at].name, columns[at].right
        made.add_column(name, justify="right" if right else "left", overflow="fold", width=width)
    for row in rows:
        made.add_row(*(row[at] for at in kept))
    out.print(made)
    missing = [column.name for at, column in enumerate(columns) if at not in kept]
    if missing:
        out.print(f"No room for: {', '.join(missing)}. A wider terminal or --json shows them.", style="dim")


def _needed(columns: Sequence[Column], natural: Sequence[int]) -> list[int]:
    """The least width of each column: its whole width, or what it needs."""
    return [
        min(width, max(column.needs, len(column.name))) if column.needs else width
        for column, width in zip(columns, natural, strict=True)
    ]


def _kept(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """The indexes of the columns that fit."""
    needed = _needed(columns, natural)
    kept = list(range(len(columns)))
    for at in sorted((at for at in kept if columns[at].left_out), key=lambda at: columns[at].left_out):
        if sum(needed[one] + _GAP for one in kept) - _GAP > room:
            kept.remove(at)
    return kept


def _widths(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    widths = _needed(columns, natural)
    spare = room - sum(widths) - _GAP * (len(widths) - 1)
    for _ in range(max(spare, 0)):
        at = max(range(len(widths)), key=lambda one: natural[one] - widths[one])
        widths[at] += widths[at] < natural[at]
    for _ in range(max(-spare, 0)):
        at = max(range(len(widths)), key=widths.__getitem__)
        widths[at] = max(1, widths[at] - 1)
    return widths
