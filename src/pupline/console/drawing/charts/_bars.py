"""A chart of the shares of a whole."""

from collections.abc import Sequence

from pupline.console.drawing._markup import Markup, element, join, number
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
)

_WIDTH = 560.0


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
        pieces.append(
            linked(
                one.href,
                "share",
                f"{one.label}: {amount(one.value, unit)} ({percent(one.value, total)})",
                textures.rect(at, x, 0, width, 30),
            )
        )
        x += width
        edge = {"d": f"M{number(x)} 0v30", "class": "share-edge"}
        pieces.append(element("path", edge))
    moved = element("g", {"transform": "translate(0 38)"}, words)
    svg = chart_svg(
        title, "share", _WIDTH, 40 + height, textures.definitions(), join(pieces[:-1] or [nothing(_WIDTH)]), moved
    )
    rows = [(one.label, one.href, [amount(one.value), percent(one.value, total)]) for one in data]
    return Chart(svg, table(title, [title, unit or "Value", "Share"], rows))
