"""Charts over time: stacked columns, and lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from pupline.console.drawing._markup import Markup, columns_of, element, join, number
from pupline.console.drawing.charts._parts import (
    Chart,
    Column,
    Datum,
    Series,
    Textures,
    amount,
    chart_svg,
    label_step,
    legend,
    linked,
    nothing,
    steps,
    table,
    value_axis,
)

_WIDTH, _HEIGHT, _BELOW = 640.0, 170.0, 26.0
_WIDEST = 56.0
"""Of a column, where there are few."""

_MOST = 120
"""Columns and points; the caller chooses a longer period for each when there are more."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The room of a column, from x on."""

    x: float
    width: float
    bottom: float

    def frame(self) -> Markup:
        """What a pointer can meet."""
        size = {"width": self.width, "height": _HEIGHT + 8, "rx": 3}
        return element("rect", {"x": self.x, "y": self.bottom - _HEIGHT - 8, **size, "class": "line-frame"})


def stacked_chart(title: str, columns: Sequence[Column], series: Sequence[Series], *, unit: str = "") -> Chart:
    """Columns, in the order of time, with the parts of each on top of one another; the latest 120 are drawn."""
    shown = columns[-_MOST:]
    textures = Textures(title, [one.tone for one in series])
    names = [one.name for one in series]
    words, top = legend(names, textures, _WIDTH)
    axis = steps(max((column.total for column in shown), default=0.0), 4)
    left, bottom = _left(axis), top + 8 + _HEIGHT
    each = (_WIDTH - left) / max(len(shown), 1)
    wide = min(each * 0.7, _WIDEST)
    pieces: list[Markup] = []
    for at, column in enumerate(shown):
        y, parts = bottom, []
        for place, name in enumerate(names):
            height = _HEIGHT * column.values.get(name, 0.0) / axis[-1]
            y -= height
            if height > 0:
                parts.append(textures.rect(place, left + each * (at + 0.5) - wide / 2, y, wide, max(height, 1.0)))
        pieces.append(_column(column, names, _Place(left + each * at, each, bottom), unit, parts))
    body = [
        *value_axis(axis, left, _WIDTH, top + 8, bottom),
        *_labels([one.label for one in shown], left, each, bottom),
    ]
    hidden = element("g", {"class": "axis", "aria-hidden": "true"}, join(body))
    height = bottom + _BELOW
    svg = chart_svg(
        title, "stacked", _WIDTH, height, textures.definitions(), words, hidden, join(pieces or [nothing(_WIDTH)])
    )
    rows = [
        (one.label, one.href, [amount(one.values.get(name, 0.0)) for name in names] + [amount(one.total)])
        for one in columns
    ]
    return Chart(svg, table(title, [title, *names, f"All {unit}".rstrip()], rows))


def line_chart(title: str, points: Sequence[Datum], *, unit: str = "") -> Chart:
    """A line through values in the order of time, with the area below it; the latest 120 are drawn."""
    shown = points[-_MOST:]
    axis = steps(max((one.value for one in shown), default=0.0), 4)
    left, bottom = _left(axis), 8 + _HEIGHT
    each = (_WIDTH - left) / max(len(shown), 1)
    places = [(left + each * (at + 0.5), bottom - _HEIGHT * one.value / axis[-1]) for at, one in enumerate(shown)]
    pieces = [_point(one, place, each, bottom, unit) for one, place in zip(shown, places, strict=True)]
    body = [*value_axis(axis, left, _WIDTH, 8, bottom), *_labels([one.label for one in shown], left, each, bottom)]
    hidden = element("g", {"class": "axis", "aria-hidden": "true"}, join(body), join(_line(places, bottom)))
    svg = chart_svg(title, "line", _WIDTH, bottom + _BELOW, hidden, join(pieces or [nothing(_WIDTH)]))
    rows = [(one.label, one.href, [amount(one.value)]) for one in points]
    return Chart(svg, table(title, [title, unit or "Value"], rows))


def _left(axis: Sequence[float]) -> float:
    """Room for the values of the axis."""
    return max(columns_of(amount(value)) for value in axis) * 6.4 + 12


def _labels(labels: Sequence[str], left: float, each: float, bottom: float) -> list[Markup]:
    step = label_step(labels, _WIDTH - left)
    found: list[Markup] = []
    for at in range(0, len(labels), step):
        place = {"x": left + each * (at + 0.5), "y": bottom + 17}
        found.append(element("text", {**place, "text-anchor": "middle", "class": "tick-text"}, labels[at]))
    return found


def _column(column: Column, names: Sequence[str], place: _Place, unit: str, parts: Sequence[Markup]) -> Markup:
    values = ", ".join(f"{name} {amount(column.values[name])}" for name in names if column.values.get(name))
    words = f"{column.label}: {amount(column.total, unit)}" + (f" ({values})" if values and len(names) > 1 else "")
    return linked(column.href, "column", words, place.frame(), *parts)


def _point(one: Datum, at: tuple[float, float], each: float, bottom: float, unit: str) -> Markup:
    words = f"{one.label}: {amount(one.value, unit)}"
    dot = element("circle", {"cx": at[0], "cy": at[1], "r": 3, "class": "dot"})
    return linked(one.href, "column", words, _Place(at[0] - each / 2, each, bottom).frame(), dot)


def _line(places: Sequence[tuple[float, float]], bottom: float) -> list[Markup]:
    if len(places) < 2:
        return []
    path = "L".join(f"{number(x)} {number(y)}" for x, y in places)
    area = f"M{number(places[0][0])} {number(bottom)}L{path}L{number(places[-1][0])} {number(bottom)}Z"
    return [element("path", {"d": area, "class": "area"}), element("path", {"d": f"M{path}", "class": "stroke"})]
