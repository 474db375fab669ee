"""A graph as SVG: classes and attributes only, as the Content-Security-Policy allows no styles in it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pupline.console.drawing._markup import Markup, Value, columns_of, element, join, number, shortened, wrapped
from pupline.console.drawing._signs import STATUS_CLASSES, status_sign, type_sign
from pupline.console.drawing.graph._layout import (
    LABEL_HEIGHT,
    LETTER,
    NAME_COLUMNS,
    NAME_LINE,
    STATE_HEIGHT,
    STATE_WIDTH,
    Layout,
    PlacedEdge,
    PlacedState,
    Point,
)
from pupline.console.drawing.graph._machine import END, START, State, Transition
from pupline.console.drawing.graph._standing import NOT_ENTERED, Standing

_MARGIN = 12.0
_CORNER = 7.0
_CAPTION_COLUMNS = 22
_WIDTHS = ((3000, "is-widest"), (2000, "is-wider"), (1200, "is-wide"))
"""Classes of drawings that shrink only so far, by their least width."""


@dataclass(frozen=True)
class Look:
    """What is drawn of an execution. standings and taken: None without an execution: then nothing is faint."""

    title: str
    link: Callable[[str], str]
    selected: str | None
    standings: dict[str, Standing] | None
    taken: set[Transition]

    def standing(self, name: str) -> Standing:
        """How a state stands."""
        return (self.standings or {}).get(name, NOT_ENTERED)


def graph_svg(layout: Layout, look: Look) -> Markup:
    """The drawing; each state is a link, and everything else is hidden from screen readers."""
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    boxes = [one for one in layout.states if one.is_box]
    leaves = [one for one in layout.states if not one.is_box]
    by_taken = sorted(layout.edges, key=lambda edge: edge.transition in look.taken)
    classes = ["graph", *([] if look.standings is None else ["has-visits"])]
    classes += [name for least, name in _WIDTHS if width > least][:1]
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": " ".join(classes),
        "role": "group",
        "aria-label": look.title,
        "viewBox": f"{number(-_MARGIN)} {number(-_MARGIN)} {number(width)} {number(height)}",
        "width": number(width),
        "height": number(height),
    }
    return element(
        "svg",
        attributes,
        join(_box_frame(one, look) for one in boxes),
        element("g", {"class": "dividers", "aria-hidden": "true"}, join(_divider(*one) for one in layout.dividers)),
        element("g", {"class": "edges", "aria-hidden": "true"}, join(_edge(one, look) for one in by_taken)),
        element("g", {"class": "labels", "aria-hidden": "true"}, join(_label(one, look) for one in by_taken)),
        join(_pill(one, look) if one.state is None else _state(one, one.state, look) for one in leaves),
        join(_state(one, one.state, look) for one in boxes if one.state is not None),
    )


def _divider(x: float, top: float, bottom: float) -> Markup:
    return element("path", {"d": f"M{number(x)} {number(top)}V{number(bottom)}", "class": "divider"})


# ---- edges


def _edge(edge: PlacedEdge, look: Look) -> Markup:
    classes = ["edge"]
    if edge.transition.kind == "catch":
        classes.append("is-catch")
    if edge.transition in look.taken:
        classes.append("is-taken")
    x, y = edge.points[-1]
    line = element("path", {"d": rounded(edge.points), "class": "edge-line"})
    arrow = f"M{number(x - 4.5)} {number(y - 7)}L{number(x)} {number(y - 0.5)}L{number(x + 4.5)} {number(y - 7)}Z"
    tip = element("path", {"d": arrow, "class": "edge-tip"}) if edge.has_tip else None
    return element("g", {"class": " ".join(classes)}, line, tip)


def rounded(points: Sequence[Point]) -> str:
    """The data of a path through points, with rounded corners."""
    parts = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        room = min(_CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        start, end = _towards(corner, before, room), _towards(corner, after, room)
        parts.append(f"L{number(start[0])} {number(start[1])}")
        parts.append(f"Q{number(corner[0])} {number(corner[1])} {number(end[0])} {number(end[1])}")
    parts.append(f"L{number(points[-1][0])} {number(points[-1][1])}")
    return "".join(parts)


def _distance(first: Point, second: Point) -> float:
    return abs(first[0] - second[0]) + abs(first[1] - second[1])  # lines are horizontal or vertical


def _towards(point: Point, other: Point, distance: float) -> Point:
    whole = _distance(point, other) or 1.0
    part = distance / whole
    return point[0] + (other[0] - point[0]) * part, point[1] + (other[1] - point[1]) * part


def _label(edge: PlacedEdge, look: Look) -> Markup | None:
    if edge.label is None:
        return None
    x, y = edge.label
    width = columns_of(edge.text) * LETTER + 10
    classes = "edge-label is-catch" if edge.transition.kind == "catch" else "edge-label"
    if edge.transition in look.taken:
        classes += " is-taken"
    frame = {"x": x - width / 2, "y": y - LABEL_HEIGHT / 2, "width": width, "height": LABEL_HEIGHT, "rx": 5}
    return element(
        "g",
        {"class": classes},
        element("title", {}, edge.transition.label or edge.transition.target),
        element("rect", {**frame, "class": "label-frame"}),
        element("text", {"x": x, "y": y + 4, "text-anchor": "middle", "class": "label-text"}, edge.text),
    )


# ---- states


def _pill(one: PlacedState, look: Look) -> Markup:
    word = {START: "Start", END: "End"}[one.name]
    reached = {edge.source for edge in look.taken} | {edge.target for edge in look.taken}
    classes = "pill is-taken" if one.name in reached else "pill"
    frame = {"x": one.x, "y": one.y, "width": one.width, "height": one.height, "rx": one.height / 2}
    middle: dict[str, Value] = {"x": one.x + one.width / 2, "y": one.y + one.height / 2 + 4, "text-anchor": "middle"}
    text = element("text", {**middle, "class": "pill-text"}, word)
    return element("g", {"class": classes, "aria-hidden": "true"}, element("rect", dict(frame)), text)


def _classes(first: str, one: PlacedState, look: Look) -> str:
    standing = look.standing(one.name)
    found = [first, STATUS_CLASSES[standing.status]]
    if one.name == look.selected:
        found.append("is-selected")
    return " ".join(found)


def _box_frame(one: PlacedState, look: Look) -> Markup:
    frame = {"x": one.x, "y": one.y, "width": one.width, "height": one.height, "rx": 10}
    depth = "is-odd" if one.depth % 2 else "is-even"
    return element("rect", {**frame, "class": _classes(f"box {depth}", one, look), "aria-hidden": "true"})


def _state(one: PlacedState, state: State, look: Look) -> Markup:
    standing = look.standing(one.name)
    height = STATE_HEIGHT if one.is_box else one.height
    words = [state.name, state.caption]
    if look.standings is not None:
        words += standing.words
    attributes = {
        "href": look.link(state.name),
        "class": _classes("state is-header" if one.is_box else "state", one, look),
        "aria-label": ", ".join(words),
        "aria-current": "true" if one.name == look.selected else None,
        "data-state": state.name,
    }
    frame = {"x": one.x, "y": one.y, "width": one.width, "height": height, "rx": 10}
    columns = NAME_COLUMNS + int((one.width - STATE_WIDTH) / 8)
    x = one.x + 42
    lines = [shortened(state.name, columns)] if one.is_box else wrapped(state.name, columns)
    return element(
        "a",
        attributes,
        element("title", {}, "\u2002".join(words)),
        element("rect", {**frame, "class": "state-frame"}),
        type_sign(state.kind, one.x + 22, one.y + height / 2),
        element("text", {"x": x, "y": one.y + 21, "class": "state-caption"}, _caption(state, standing, columns)),
        join(_name_line(line, x, one.y + 39 + NAME_LINE * at) for at, line in enumerate(lines)),
        status_sign(standing.status, one.x + one.width - 1, one.y + 1),
        join(_counts(one, standing)),
    )


def _name_line(text: str, x: float, y: float) -> Markup:
    return element("text", {"x": x, "y": y, "class": "state-name"}, text)


def _caption(state: State, standing: Standing, columns: int) -> str:
    parts = ["Map Run" if state.is_distributed and standing.counts is not None else state.caption]
    total = sum(standing.visits.values())
    if standing.counts is not None:
        done = standing.counts.total - standing.counts.pending - standing.counts.running
        parts.append(f"{done:,} of {standing.counts.total:,}")
    elif total > 1:
        parts.append(f"{total:,} visits")
    elif standing.attempts > 1:
        parts.append(f"{standing.attempts} attempts")
    room = columns + _CAPTION_COLUMNS - NAME_COLUMNS
    words = " · ".join(parts)
    return shortened(words if len(words) <= room else parts[-1], room)


def _counts(one: PlacedState, standing: Standing) -> Iterator[Markup]:
    """The items of a Map as a bar at the lower edge of its name."""
    counts = standing.counts
    if counts is None or not counts.total:
        return
    x, width = one.x + 10, one.width - 20
    y = one.y + (STATE_HEIGHT if one.is_box else one.height) - 7
    yield element("rect", {"x": x, "y": y, "width": width, "height": 4, "rx": 2, "class": "count-rest"})
    for status, count in counts.shown():
        if status == "pending":
            continue
        part = max(width * count / counts.total, 1.5)
        classes = f"count-bar {STATUS_CLASSES[status]}"
        yield element("rect", {"x": x, "y": y, "width": part, "height": 4, "rx": 1, "class": classes})
        x += width * count / counts.total
