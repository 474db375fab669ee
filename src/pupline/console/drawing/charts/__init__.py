"""Charts: shares, stacked columns and lines, each with a table that says the same."""

from pupline.console.drawing.charts._bars import share_chart
from pupline.console.drawing.charts._columns import line_chart, stacked_chart
from pupline.console.drawing.charts._parts import Chart, Column, Datum, Series, Tone

__all__ = [
    "Chart",
    "Column",
    "Datum",
    "Series",
    "Tone",
    "line_chart",
    "share_chart",
    "stacked_chart",
]
