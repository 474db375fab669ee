"""Where everything stands: states, boxes, edges and labels, in units of about one pixel."""

from collections.abc import Hashable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import pairwise

from pupline.console.drawing._markup import columns_of, shortened, wrapped
from pupline.console.drawing.graph._channels import Channel
from pupline.console.drawing.graph._columns import columns
from pupline.console.drawing.graph._layers import Layers, Link, Route, layered
from pupline.console.drawing.graph._machine import END, START, Scope, State, Transition
from pupline.console.drawing.graph._order import order_rows

STATE_WIDTH, STATE_HEIGHT = 186.0, 52.0
PILL_WIDTH, PILL_HEIGHT = 64.0, 28.0
NAME_LINE = 16.0
"""What a second line of its name adds to a state."""

NAME_COLUMNS = 18
HEADER = 52.0
"""The upper part of a box, with the name of its Map or Parallel."""

LABEL_HEIGHT = 20.0
LABEL_COLUMNS = 22
LETTER = 6.3
"""The mean width of a letter of a label."""

_PADDING = 18.0
_BETWEEN_STATES, _BETWEEN_LINES, _BETWEEN_LABELS = 24.0, 16.0, 8.0
_STRAIGHT, _BESIDE_TRACKS, _BETWEEN_TRACKS = 16.0, 14.0, 10.0

Point = tuple[float, float]


@dataclass(slots=True)
class PlacedState:
    """A state, or Start or End (state is None). x, y: the upper left corner. depth: boxes around it."""

    name: str
    state: State | None
    x: float
    y: float
    width: float
    height: float
    depth: int = 0

    @property
    def is_box(self) -> bool:
        """Whether other states are inside."""
        return self.state is not None and bool(self.state.scopes)


@dataclass(slots=True)
class PlacedEdge:
    """A transition as a line. points: its corners. label: the middle of its label.

    has_tip: whether the line ends at the target, and not at its label or where it joins another line to the target.
    """

    transition: Transition
    points: list[Point]
    label: Point | None = None
    has_tip: bool = True
    text: str = ""


@dataclass(slots=True)
class Layout:
    """A drawing from (0, 0) on. dividers: (x, from y, to y) of the lines between branches."""

    width: float
    height: float
    states: list[PlacedState] = field(default_factory=list)
    edges: list[PlacedEdge] = field(default_factory=list)
    dividers: list[tuple[float, float, float]] = field(default_factory=list)

    def include(self, inner: "Layout", dx: float, dy: float) -> None:
        """Add a drawing at a place."""
        self.states += [replace(one, x=one.x + dx, y=one.y + dy, depth=one.depth + 1) for one in inner.states]
        for edge in inner.edges:
            label = None if edge.label is None else (edge.label[0] + dx, edge.label[1] + dy)
            self.edges.append(replace(edge, points=[(x + dx, y + dy) for x, y in edge.points], label=label))
        self.dividers += [(x + dx, top + dy, bottom + dy) for x, top, bottom in inner.dividers]


def layout_of(scope: Scope, whole: AbstractSet[Transition] = frozenset()) -> Layout:
    """The drawing of a scope. The time is bounded for any number of transitions; the same scope gives the same.

    whole: transitions whose lines do not end where they join others, unless those are whole too.
    """
    insides = {name: _inside(state, whole) for name, state in scope.states.items() if state.scopes}
    return _Placing(scope, insides, whole).layout()


def _inside(state: State, whole: AbstractSet[Transition]) -> Layout:
    """The states inside a Map or Parallel: its branches next to each other, below its header."""
    parts = [layout_of(scope, whole) for scope in state.scopes]
    height = max(part.height for part in parts)
    inside = Layout(0, HEADER + height + _PADDING)
    x = _PADDING
    for number, part in enumerate(parts):
        if number:
            inside.dividers.append((x, HEADER, inside.height - _PADDING))
            x += _PADDING
        inside.include(part, x, HEADER)
        x += part.width + _PADDING
    inside.width = max(x, STATE_WIDTH)
    spare = (inside.width - x) / 2
    if spare > 0:
        centred = Layout(inside.width, inside.height)
        centred.include(inside, spare, 0)
        for one in centred.states:
            one.depth -= 1
        return centred
    return inside


class _Placing:
    """The layout of one scope, step by step."""

    def __init__(self, scope: Scope, insides: dict[str, Layout], whole: AbstractSet[Transition]) -> None:
        self._scope = scope
        self._whole = whole
        self._passed: set[int] = set()
        self._insides = insides
        ends = {end for one in scope.transitions for end in (one.source, one.target)}
        first = [scope.first] if scope.first in scope.states else []
        rest = [name for name in scope.states if name not in first]
        self._names = [*([START] if START in ends else []), *first, *rest, *([END] if END in ends else [])]
        self._number = {name: at for at, name in enumerate(self._names)}
        self._sizes = [self._size(name) for name in self._names]
        self._x: list[float] = []
        self._top: list[float] = []
        self._bottom: list[float] = []

    def _size(self, name: str) -> tuple[float, float]:
        if name in (START, END):
            return PILL_WIDTH, PILL_HEIGHT
        inside = self._insides.get(name)
        if inside is not None:
            return inside.width, inside.height
        return STATE_WIDTH, STATE_HEIGHT + NAME_LINE * (len(wrapped(name, NAME_COLUMNS)) - 1)

    def layout(self) -> Layout:
        """The states and edges in their places."""
        links = [self._link(one) for one in self._scope.transitions]
        self._layers = layers = layered([width for width, _ in self._sizes], links)
        order_rows(layers)
        self._x = columns(layers, self._gap)
        left = min((x - layers.widths[at] / 2 for at, x in enumerate(self._x)), default=0) - 4
        self._x = [x - left for x in self._x]
        channels = self._channels()
        self._place_rows(channels)
        width = max((x + layers.widths[at] / 2 for at, x in enumerate(self._x)), default=0) + 4
        layout = Layout(width, max(one for one in self._bottom))
        for number, name in enumerate(self._names):
            self._add_state(layout, name, number)
        for transition, route in zip(self._scope.transitions, layers.routes, strict=True):
            layout.edges.append(self._edge(transition, route, channels))
        return layout

    def _link(self, transition: Transition) -> Link:
        text = label_text(transition)
        stub = f"→ {shortened(transition.target, LABEL_COLUMNS)}"
        style = "catch" if transition.kind == "catch" else "next"
        source, target = self._number[transition.source], self._number[transition.target]
        return Link(source, target, style, _label_width(text) if text else 0, _label_width(stub))

    def _gap(self, left: int, right: int) -> float:
        kinds = {self._layers.kinds[left], self._layers.kinds[right]}
        between = _BETWEEN_LINES
        if "label" in kinds:
            between = _BETWEEN_LABELS
        elif kinds == {"state"}:
            between = _BETWEEN_STATES
        return (self._layers.widths[left] + self._layers.widths[right]) / 2 + between

    # ---- lines

    def _port(self, vertex: int, style: str) -> float:
        """Where an edge leaves a vertex: the line of a Catcher next to the others."""
        if self._layers.kinds[vertex] == "state" and style == "catch":
            return self._x[vertex] + min(self._layers.widths[vertex] / 4, 60)
        return self._x[vertex]

    def _pieces(self, route: Route) -> Iterable[tuple[int, Hashable, float, float, bool, bool]]:
        """(channel, net, x of the start, x of the end, whether they are at its upper row) for each step of a route."""
        rows, style = self._layers.row_of, route.link.style
        for first, second in pairwise(route.vertices):
            start, end = self._port(first, style), self._x[second]
            if rows[first] < rows[second]:
                shared = sum(1 for _ in self._layers.up[second]) > 1
                key: Hashable = ("in", second, style) if shared else ("out", first, style)
                yield rows[first], key, start, end, True, False
            elif rows[first] > rows[second]:
                yield rows[second], ("turn", second), start, end, False, True
            elif self._layers.kinds[second] == "state":
                yield rows[first] - 1, ("top", second), start, end, False, False
            else:
                yield rows[first], ("turn", second), start, end, True, True

    def _channels(self) -> list[Channel]:
        channels = [Channel() for _ in self._layers.rows]
        for route in self._layers.routes:
            for number, key, start, end, starts_above, ends_above in self._pieces(route):
                net = channels[number].net(key)
                (net.above if starts_above else net.below).add(start)
                (net.above if ends_above else net.below).add(end)
        for channel in channels:
            channel.assign()
        return channels

    def _place_rows(self, channels: list[Channel]) -> None:
        y = 0.0
        for number, row in enumerate(self._layers.rows):
            height = 0.0
            for vertex in row:
                kind = self._layers.kinds[vertex]
                height = max(height, self._sizes[vertex][1] if kind == "state" else LABEL_HEIGHT * (kind == "label"))
            self._top.append(y)
            self._bottom.append(y + height)
            tracks = channels[number].tracks
            y += height + (2 * _BESIDE_TRACKS + _BETWEEN_TRACKS * (tracks - 1) if tracks else _STRAIGHT)

    def _track_y(self, channel: int, track: int) -> float:
        return self._bottom[channel] + _BESIDE_TRACKS + _BETWEEN_TRACKS * max(track, 0)

    def _whole_route(self, route: Route) -> Route:
        """The way of an edge on the lines that it joins, up to where one that was asked for before passes."""
        vertices = list(route.vertices)
        while vertices[-1] in self._layers.onward and vertices[-1] not in self._passed:
            self._passed.add(vertices[-1])
            vertices.append(self._layers.onward[vertices[-1]])
        self._passed.update(vertices)
        return replace(route, vertices=vertices)

    def _edge(self, transition: Transition, route: Route, channels: list[Channel]) -> PlacedEdge:
        if transition in self._whole:
            route = self._whole_route(route)
        rows, source = self._layers.row_of, route.vertices[0]
        style = route.link.style
        points = [(self._port(source, style), self._top[rows[source]] + self._sizes[source][1])]
        for number, key, start, end, *_ in self._pieces(route):
            y = self._track_y(number, channels[number].net(key).track)
            points += [(start, y), (end, y)]
        last = route.vertices[-1]
        points.append((self._x[last], self._top[rows[last]]))
        label = None
        if len(route.vertices) > 1 and self._layers.kinds[route.vertices[1]] == "label":
            vertex = route.vertices[1]
            label = (self._x[vertex], (self._top[rows[vertex]] + self._bottom[rows[vertex]]) / 2)
        text = f"→ {shortened(transition.target, LABEL_COLUMNS)}" if route.is_stub else label_text(transition)
        return PlacedEdge(transition, _corners(points), label, self._layers.kinds[last] == "state", text)

    def _add_state(self, layout: Layout, name: str, number: int) -> None:
        width, height = self._sizes[number]
        x, y = self._x[number] - width / 2, self._top[self._layers.row_of[number]]
        layout.states.append(PlacedState(name, self._scope.states.get(name), x, y, width, height))
        if name in self._insides:
            layout.include(self._insides[name], x, y)

    _layers: Layers


def label_text(transition: Transition) -> str:
    """The label of an edge, cut; a long one of a Catcher has only the errors, as its line is dashed."""
    label = transition.label
    if transition.kind == "catch" and columns_of(label[: LABEL_COLUMNS + 1]) > LABEL_COLUMNS:
        label = label.removeprefix("Catch ")
    return shortened(label, LABEL_COLUMNS) if label else ""


def _label_width(text: str) -> float:
    return columns_of(text) * LETTER + 14


def _corners(points: list[Point]) -> list[Point]:
    """The points at which a line turns."""
    found: list[Point] = []
    for point in points:
        if found and abs(found[-1][0] - point[0]) < 0.5 and abs(found[-1][1] - point[1]) < 0.5:
            continue
        if len(found) > 1 and _is_straight(found[-2], found[-1], point):
            found[-1] = point
        else:
            found.append(point)
    return found


def _is_straight(first: Point, second: Point, third: Point) -> bool:
    same_x = abs(first[0] - second[0]) < 0.5 and abs(second[0] - third[0]) < 0.5
    same_y = abs(first[1] - second[1]) < 0.5 and abs(second[1] - third[1]) < 0.5
    return same_x or same_y
