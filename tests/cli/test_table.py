"""Tables that fit: what is left out, what is folded, and what never breaks."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from pupline.cli._table import Column, show_table

COLUMNS = [
    Column("when", left_out=1),
    Column("name", needs=10),
    Column("bytes", right=True, left_out=2),
    Column("outcome"),
    Column("why", needs=12),
]
ROW = ["2026-01-02 03:04:05", "a-rather-long-name.jpg", "12", "quarantined", "something quite long happened here"]


def shown(width: int, rows: list[list[str]], title: str = "") -> list[str]:
    """The lines of the table on a terminal of that width."""
    out = Console(file=io.StringIO(), width=width)
    show_table(out, COLUMNS, [[Text(cell) for cell in row] for row in rows], title)
    assert isinstance(out.file, io.StringIO)
    return [line.rstrip() for line in out.file.getvalue().splitlines()]


def test_with_room_every_cell_stands_on_one_line() -> None:
    """Nothing is folded or padded when all of it fits."""
    lines = shown(120, [ROW])
    assert len(lines) == 3
    assert lines[0].split() == ["when", "name", "bytes", "outcome", "why"]
    assert lines[2] == "  ".join([*ROW[:2], "   12", *ROW[3:]])


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (71, ["when", "name", "bytes", "outcome", "why"]),
        (50, ["name", "bytes", "outcome", "why"]),
        (43, ["name", "outcome", "why"]),
        (20, ["name", "outcome", "why"]),
    ],
)
def test_columns_are_left_out_in_their_order(width: int, names: list[str]) -> None:
    """Where there is too little room the least important goes first, and what must stay stays."""
    lines = shown(width, [ROW])
    assert max(map(len, lines)) <= width
    if width >= 40:
        assert lines[0].split() == names
        missing = [column.name for column in COLUMNS if column.name not in names]
        told = " ".join(lines[-2:])
        assert all(name in told for name in missing)
        assert ("No room for:" in told) == bool(missing)


def test_what_must_not_break_does_not() -> None:
    """A column that says no width of need keeps its words whole; the others are folded, and lose nothing."""
    lines = shown(44, [ROW])
    assert "quarantined" in lines[2]
    assert "".join(line[:16].strip() for line in lines[2:]).startswith("a-rather-long-name.jpg"[:10])
    assert all(word in " ".join(lines) for word in ROW[4].split())


def test_room_goes_where_it_is_missed() -> None:
    """A short column gets no more than it has; the longest gets the rest."""
    short = ["2026-01-02 03:04:05", "a.jpg", "1", "stored", "x" * 200]
    lines = shown(100, [short])
    assert lines[2].split()[:5] == ["2026-01-02", "03:04:05", "a.jpg", "1", "stored"]
    assert len(lines[2]) == 100


def test_markup_in_a_cell_is_only_text() -> None:
    """A name such as [red] is shown as it is."""
    assert "[red]" in shown(120, [["", "[red]", "", "", ""]])[2]


def test_no_rows_are_a_head_alone() -> None:
    """An empty table still says what it would hold."""
    assert shown(120, [])[0].split() == ["when", "name", "bytes", "outcome", "why"]
