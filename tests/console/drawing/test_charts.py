"""Charts: every value with its list, its words and its row in the table."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.console.drawing import (
    Chart,
    Column,
    Datum,
    Series,
    line_chart,
    share_chart,
    stacked_chart,
)
from pupline.console.drawing.charts._parts import steps

SVG = "{http://www.w3.org/2000/svg}"
DATA = [Datum("JPEG", 300, "?type=jpeg"), Datum("PNG", 99, "?type=png"), Datum("GIF", 1)]


def words(chart: Chart) -> list[str]:
    """What each value says to a screen reader."""
    root = ElementTree.fromstring(str(chart.svg))  # noqa: S314 - our own text
    assert not [one for one in root.iter() if "style" in one.attrib]
    return [one.attrib["aria-label"] for one in root.iter() if "aria-label" in one.attrib][1:]


def cells(chart: Chart) -> list[list[str]]:
    """The table."""
    root = ElementTree.fromstring(str(chart.text))  # noqa: S314 - our own text
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]


def test_shares() -> None:
    """Each value has its share, and a small one is never nothing."""
    expected = ["JPEG: 300 images (75%)", "PNG: 99 images (25%)", "GIF: 1 images (<1%)"]
    assert words(share_chart("Types", DATA, unit="images")) == expected
    assert cells(share_chart("Types", DATA, unit="images"))[2] == ["PNG", "99", "25%"]
    assert 'href="?type=png"' in str(share_chart("Types", DATA).svg)


def test_columns_over_time() -> None:
    """A column says its total and its parts; the parts have textures, not only colours."""
    columns = [Column("1 May", {"name": 2, "content": 1}, "?day=1"), Column("2 May", {"name": 5})]
    chart = stacked_chart("Alerts", columns, [Series("name"), Series("content", "failed")], unit="alerts")
    assert words(chart) == ["1 May: 3 alerts (name 2, content 1)", "2 May: 5 alerts (name 5)"]
    assert 'fill="url(#alerts-1)"' in str(chart.svg)
    assert cells(chart) == [
        ["Alerts", "name", "content", "All alerts"],
        ["1 May", "2", "1", "3"],
        ["2 May", "5", "0", "5"],
    ]


def test_lines() -> None:
    """A point is a link to its list."""
    chart = line_chart("Rate", [Datum("10:00", 1.5, "?hour=10"), Datum("11:00", 2)], unit="images per second")
    assert words(chart) == ["10:00: 1.5 images per second", "11:00: 2 images per second"]
    assert str(chart.svg).count("<a ") == 1


@pytest.mark.parametrize("chart", [share_chart("t", []), line_chart("t", []), stacked_chart("t", [], [])])
def test_nothing_yet(chart: Chart) -> None:
    """Without values a chart says so."""
    assert "Nothing to show yet" in str(chart.svg)


@pytest.mark.slow
@given(st.lists(st.tuples(st.text(max_size=30), st.floats(0, 1e12)), max_size=20), st.text(max_size=20))
@settings(max_examples=30, deadline=None)
def test_any_text_and_any_value(rows: list[tuple[str, float]], title: str) -> None:
    """Labels come from outside: whatever they are, the drawing is well-formed."""
    data = [Datum(label, value, f"?q={number}") for number, (label, value) in enumerate(rows)]
    for chart in (share_chart(title, data), line_chart(title, data)):
        words(chart)
        assert len(cells(chart)) == len(rows) + 1
    columns = [Column(label, {title: value, "b": 1}) for label, value in rows]
    words(stacked_chart(title, columns, [Series(title), Series("b")]))


@given(st.floats(0, 1e15))
def test_axes_have_few_round_steps(most: float) -> None:
    """The axis reaches the largest value with at most four equal steps."""
    values = steps(most, 4)
    assert values[-1] >= most * 0.999_99
    assert 2 <= len(values) <= 5
    assert all(later > earlier for earlier, later in pairwise(values))
