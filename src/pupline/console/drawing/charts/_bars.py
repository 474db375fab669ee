"""Charts of bars: each value for itself, and shares of a whole."""

from collections.abc import Sequence

from pupline.console.drawing._markup import Markup, element, join, number, shortened
from pupline.console.drawing.charts._parts import (
    Chart,
    Datum,
    Textures,
    amount,
    chart_svg,
    legend,
    linked,
    nothing,
    percent,
    table,
    tone_class,
)

_WIDTH, _LABELS, _VALUES = 560.0, 170.0, 96.0
_ROW = 28.0


def bar_chart(title: str, data: Sequence[Datum], *, unit: str = "", most: int = 15) -> Chart:
    """Horizontal bars, in the given order; those after the first `most` are one bar for the rest.

    unit: the noun of the values, such as `images`.
    """
    shown = list(data[:most])
    if len(data) > most:
        rest = data[most:]
        shown.append(Datum(f"{len(rest):,} more", sum(one.value for one in rest), tone="neutral"))
    largest = max((one.value for one in shown), default=0.0) or 1.0
    total = sum(one.value for one in data)
    bars = [_bar(one, _ROW * at, largest, _words(one, total, unit)) for at, one in enumerate(shown)]
    svg = chart_svg(title, "bars", _WIDTH, max(_ROW * len(shown), _ROW), join(bars or [nothing(_WIDTH)]))
    heads = [title, unit or "Value", "Share"]
    rows = [(one.label, one.href, [amount(one.value), percent(one.value, total)]) for one in data]
    return Chart(svg, table(title, heads, rows))


def _words(one: Datum, total: float, unit: str) -> str:
    words = f"{one.label}: {amount(one.value, unit)} ({percent(one.value, total)})"
    return f"{words}, {one.note}" if one.note else words


def _bar(one: Datum, y: float, largest: float, words: str) -> Markup:
    room = _WIDTH - _LABELS - _VALUES
    width = max(room * max(one.value, 0.0) / largest, 2.0 if one.value else 0.0)
    middle = y + _ROW / 2
    frame = {"x": _LABELS, "y": middle - 8, "width": width, "height": 16, "rx": 3}
    return linked(
        one.href,
        "line",
        words,
        element("rect", {"x": 0, "y": y, "width": _WIDTH, "height": _ROW, "rx": 4, "class": "line-frame"}),
        element("text", {"x": 6, "y": middle + 4, "class": "line-name"}, shortened(one.label, 24)),
        element("rect", {"x": _LABELS, "y": middle - 8, "width": room, "height": 16, "rx": 3, "class": "bar-rest"}),
        element("rect", {**frame, "class": f"part {tone_class(one.tone)}"}),
        element("text", {"x": _LABELS + room + 10, "y": middle + 4, "class": "line-value"}, amount(one.value)),
    )


def share_chart(title: str, data: Sequence[Datum], *, unit: str = "") -> Chart:
    """One bar with the shares of a whole, with a legend. Values of 0 are only in the table."""
    parts = [one for one in data if one.value > 0]
    total = sum(one.value for one in parts) or 1.0
    textures = Textures(title, [one.tone for one in parts])
    names = [f"{one.label} {percent(one.value, total)}" for one in parts]
    words, height = legend(names, textures, _WIDTH)
    pieces: list[Markup] = []
    x = 0.0
    for at, one in enumerate(parts):
        width = _WIDTH * one.value / total
        pieces.append(linked(one.href, "share", _words(one, total, unit), textures.rect(at, x, 0, width, 30)))
        x += width
        edge = {"d": f"M{number(x)} 0v30", "class": "share-edge"}
        pieces.append(element("path", edge))
    moved = element("g", {"transform": "translate(0 38)"}, words)
    svg = chart_svg(
        title, "share", _WIDTH, 40 + height, textures.definitions(), join(pieces[:-1] or [nothing(_WIDTH)]), moved
    )
    rows = [(one.label, one.href, [amount(one.value), percent(one.value, total)]) for one in data]
    return Chart(svg, table(title, [title, unit or "Value", "Share"], rows))
