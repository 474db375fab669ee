"""What charts have in common: values, tones with textures, axes, legends and the table."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pupline.console.drawing._markup import Markup, Value, columns_of, element, join, number, shortened
from pupline.text import plain_number

Tone = Literal["accent", "succeeded", "failed", "running", "warning", "neutral"]
"""What a colour means; parts that mean nothing but themselves have none of these."""

_PARTS = 6

_TEXTURES = (
    None,
    "M0 6 6 0M-1.5 1.5 1.5-1.5M4.5 7.5 7.5 4.5",
    "M3 0v6",
    "M0 3h6",
    "M0 0 6 6M-1.5 4.5 1.5 7.5M4.5-1.5 7.5 1.5",
    "M3 2v2M2 3h2",
)
"""Lines on a field of 6 by 6: a series is known by its texture, where colours cannot be told apart."""

_LETTER = 6.2


@dataclass(frozen=True, slots=True)
class Datum:
    """One value of a chart. href: the list that the value leads to."""

    label: str
    value: float
    href: str | None = None
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A part of every column of a stacked chart."""

    name: str
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a stacked chart. values: by the names of the series; a series that is not there is 0."""

    label: str
    values: Mapping[str, float]
    href: str | None = None

    @property
    def total(self) -> float:
        """Of all series."""
        return sum(self.values.values())


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: svg and text are for a template, as they are."""

    svg: Markup
    text: Markup


class Textures:
    """The patterns of one chart. Their ids come from its title, as a page may show several charts."""

    def __init__(self, title: str, tones: Sequence[Tone | None]) -> None:
        self._key = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "chart"
        self._tones = tones

    def definitions(self) -> Markup:
        """The patterns that `fill` points at."""
        return element("defs", {}, join(self._pattern(at) for at in range(len(self._tones)) if _TEXTURES[at % _PARTS]))

    def _pattern(self, at: int) -> Markup:
        size: dict[str, Value] = {"width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
        line = element("path", {"d": _TEXTURES[at % _PARTS], "class": "texture"})
        return element("pattern", {"id": f"{self._key}-{at}", **size}, line)

    def rect(self, at: int, x: float, y: float, width: float, height: float) -> Markup:
        """A part in the tone and the texture of a series."""
        frame: dict[str, Value] = {"x": x, "y": y, "width": width, "height": height}
        tone = self._tones[at]
        name = f"is-part-{at % _PARTS + 1}" if tone is None else f"is-{tone}"
        plain = element("rect", {**frame, "class": f"part {name}"})
        if not _TEXTURES[at % _PARTS]:
            return plain
        return join([plain, element("rect", {**frame, "fill": f"url(#{self._key}-{at})"})])


def chart_svg(title: str, kind: str, width: float, height: float, *children: Markup | None) -> Markup:
    """The frame of a chart."""
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": f"chart is-{kind}",
        "role": "group",
        "aria-label": title,
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "width": number(width),
        "height": number(height),
    }
    return element("svg", attributes, *children)


def nothing(width: float) -> Markup:
    """What a chart without values says."""
    place: dict[str, Value] = {"x": width / 2, "y": 20, "text-anchor": "middle", "class": "tick-text"}
    return element("text", place, "Nothing to show yet")


def linked(href: str | None, classes: str, words: str, *children: Markup | None) -> Markup:
    """A part of a chart that says what it is, and leads to its list."""
    title = element("title", {}, words)
    if href is None:
        return element("g", {"class": classes, "role": "img", "aria-label": words}, title, *children)
    return element("a", {"href": href, "class": classes, "aria-label": words}, title, *children)


def steps(most: float, wanted: int) -> list[float]:
    """Round values from 0 to at least `most`, at most `wanted` steps apart; whole ones for a whole number."""
    if not 1e-9 < most < 1e300:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(most / wanted))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor * wanted >= most * 0.999_999)
    if float(most).is_integer():
        step = max(step, 1.0)
    return [step * at for at in range(math.ceil(most / step - 1e-6) + 1)]


def amount(value: float, unit: str = "") -> str:
    """`1,200 images`, `0.5`."""
    shown = plain_number(round(value, 2))
    return f"{shown} {unit}".rstrip()


def percent(value: float, total: float) -> str:
    """`12%`, `<1%`; a part is never shown as nothing, nor as everything."""
    share = 100 * value / total if total else 0.0
    if 0 < share < 1:
        return "<1%"
    return ">99%" if 99 < share < 100 else f"{share:.0f}%"


def legend(names: Sequence[str], textures: Textures, width: float) -> tuple[Markup, float]:
    """The names of the series with their textures, in lines of this width; and the height of it."""
    pieces: list[Markup] = []
    x, y = 0.0, 0.0
    for at, name in enumerate(names):
        shown = shortened(name, 28)
        taken = 22 + columns_of(shown) * _LETTER + 14
        if x and x + taken > width:
            x, y = 0.0, y + 20
        swatch = textures.rect(at, x, y + 3, 14, 12)
        pieces += [swatch, element("text", {"x": x + 20, "y": y + 13, "class": "legend-text"}, shown)]
        x += taken
    return element("g", {"class": "legend", "aria-hidden": "true"}, join(pieces)), (y + 28 if names else 0.0)


def value_axis(values: Sequence[float], left: float, right: float, top: float, bottom: float) -> Iterator[Markup]:
    """Horizontal lines at round values."""
    most = values[-1]
    for value in values:
        y = bottom - (bottom - top) * value / most
        yield element("path", {"d": f"M{number(left)} {number(y)}H{number(right)}", "class": "tick"})
        yield element("text", {"x": left - 8, "y": y + 4, "text-anchor": "end", "class": "tick-text"}, amount(value))


def label_step(labels: Sequence[str], room: float) -> int:
    """Every how many labels there is room for one."""
    widest = max((columns_of(label) for label in labels), default=0) * _LETTER + 12
    return max(-(-int(widest * max(len(labels), 1)) // max(int(room), 1)), 1)


def table(title: str, heads: Sequence[str], rows: Iterable[tuple[str, str | None, Sequence[str]]]) -> Markup:
    """The text form. rows: label, the link of the row, values."""
    classes = [None, *["number"] * (len(heads) - 1)]
    head = join(element("th", {"scope": "col", "class": name}, one) for name, one in zip(classes, heads, strict=True))
    body = join(
        element(
            "tr",
            {},
            element("th", {"scope": "row"}, label if href is None else element("a", {"href": href}, label)),
            join(element("td", {"class": "number"}, value) for value in values),
        )
        for label, href, values in rows
    )
    caption = element("caption", {"class": "visually-hidden"}, title)
    parts = [caption, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body)]
    return element("table", {"class": "figure-table"}, *parts)
