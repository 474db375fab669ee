"""Ranks: which states stand next to each other, and the points that long edges pass.

The rows of the drawing are numbered from 0: states stand in the odd ones, labels in the even ones. An edge passes every
row between its ends at a vertex of its own, which keeps the place free of states. Edges to the same state share these
vertices, as many states lead to one handler of errors: their number is bounded by targets times rows, and the lines
run together into one.

An edge that leads back up goes down to the label below its source, turns, passes the rows upwards, and turns again
above its target.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

MOST_VERTICES = 8_000
"""Beyond it, an edge that passes more than a few rows ends at its label, which names the target."""

_NEAR = 8
"""Rows that an edge may always pass."""

VertexKind = Literal["state", "label", "bend"]


@dataclass(frozen=True, slots=True)
class Link:
    """An edge to lay out. style: edges of one style may share a line. label_width: 0 for none."""

    source: int
    target: int
    style: str
    label_width: float = 0
    stub_width: float = 0


@dataclass(slots=True)
class Route:
    """The way of an edge: vertices from the source to the target, or to the line of another edge that leads there.

    turns: whether it leads back up. is_stub: it ends at its label.
    """

    link: Link
    vertices: list[int]
    turns: bool = False
    is_stub: bool = False


@dataclass(slots=True)
class Layers:
    """Vertices in rows, and the segments between neighbouring rows.

    rows: row -> vertices from left to right. down: vertex -> (vertex in the next row, priority). The priority says
    which segments should be straight first. onward: bend -> the next vertex of all edges that pass it.
    """

    widths: list[float]
    row_of: list[int]
    kinds: list[VertexKind]
    down: list[list[tuple[int, int]]]
    up: list[list[tuple[int, int]]]
    rows: list[list[int]] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    connected: set[tuple[int, int]] = field(default_factory=set)
    onward: dict[int, int] = field(default_factory=dict)

    def add(self, kind: VertexKind, row: int, width: float) -> int:
        """Add a vertex."""
        self.widths.append(width)
        self.row_of.append(row)
        self.kinds.append(kind)
        self.down.append([])
        self.up.append([])
        return len(self.widths) - 1

    def connect(self, upper: int, lower: int, priority: int) -> None:
        """Add a segment, once."""
        if (upper, lower) not in self.connected:
            self.connected.add((upper, lower))
            self.down[upper].append((lower, priority))
            self.up[lower].append((upper, priority))


_PRIORITY = {"next": 2, "catch": 0}
_INNER = 4


def layered(widths: Sequence[float], links: Sequence[Link]) -> Layers:
    """The vertices 0, 1, ... of these widths in rows, with the routes of the links."""
    backward = _backward(len(widths), links)
    ranks = _ranks(len(widths), links, backward)
    layers = Layers(list(widths), [2 * rank + 1 for rank in ranks], ["state"] * len(widths), [], [])
    layers.down = [[] for _ in widths]
    layers.up = [[] for _ in widths]
    shared: dict[Hashable, int] = {}
    for number, link in enumerate(links):
        span = abs(ranks[link.target] - ranks[link.source]) * 2
        if len(layers.widths) > MOST_VERTICES and span > _NEAR:
            layers.routes.append(_stub(layers, link))
        elif number in backward:
            layers.routes.append(_back_route(layers, link, shared))
        else:
            layers.routes.append(_route(layers, link, shared))
    layers.rows = [[] for _ in range(max(layers.row_of, default=0) + 2)]
    return layers


def _backward(count: int, links: Sequence[Link]) -> set[int]:
    """The links that lead back to a state on the way to their source, found depth first from the first state."""
    outgoing: list[list[int]] = [[] for _ in range(count)]
    for number, link in enumerate(links):
        outgoing[link.source].append(number)
    backward: set[int] = set()
    state = [0] * count  # 0 new, 1 on the way, 2 done
    for root in range(count):
        if state[root]:
            continue
        state[root] = 1
        stack: list[tuple[int, Iterator[int]]] = [(root, iter(outgoing[root]))]
        while stack:
            vertex, rest = stack[-1]
            number = next(rest, -1)
            if number < 0:
                state[vertex] = 2
                stack.pop()
                continue
            target = links[number].target
            if state[target] == 1:
                backward.add(number)
            elif state[target] == 0:
                state[target] = 1
                stack.append((target, iter(outgoing[target])))
    return backward


def _ranks(count: int, links: Sequence[Link], backward: set[int]) -> list[int]:
    """The longest way to each state from those that nothing leads to."""
    outgoing: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for number, link in enumerate(links):
        if number not in backward:
            outgoing[link.source].append(link.target)
            missing[link.target] += 1
    ranks = [0] * count
    ready = [vertex for vertex in range(count) if not missing[vertex]]
    for vertex in ready:
        for target in outgoing[vertex]:
            ranks[target] = max(ranks[target], ranks[vertex] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return ranks


def _route(layers: Layers, link: Link, shared: dict[Hashable, int]) -> Route:
    first, last = layers.row_of[link.source], layers.row_of[link.target]
    vertices = [link.source]
    if link.label_width:
        vertices.append(layers.add("label", first + 1, link.label_width))
        first += 1
    _follow(layers, vertices, range(first + 1, last), link, shared)
    for upper, lower in pairwise(vertices):
        inner = layers.kinds[upper] != "state" and layers.kinds[lower] != "state"
        layers.connect(upper, lower, _INNER if inner else _PRIORITY.get(link.style, 1))
    return Route(link, vertices)


def _back_route(layers: Layers, link: Link, shared: dict[Hashable, int]) -> Route:
    """Source, label below it, bends from the label's row up to the target's row, target."""
    below, above = layers.row_of[link.source] + 1, layers.row_of[link.target]
    label = layers.add("label" if link.label_width else "bend", below, link.label_width)
    layers.connect(link.source, label, 0 if link.label_width else _PRIORITY.get(link.style, 1))
    vertices = [link.source, label]
    _follow(layers, vertices, range(below, above - 1, -1), link, shared)
    for lower, upper in pairwise(vertices[2:]):
        if layers.row_of[upper] < layers.row_of[lower]:
            layers.connect(upper, lower, _INNER)
    top = ("top", link.target, link.style)
    if top not in shared:
        shared[top] = layers.add("bend", above - 1, 0)
        layers.connect(shared[top], link.target, 0)
        layers.connect(shared[top], shared[link.target, link.style, -1, above], 0)
    return Route(link, vertices, turns=True)


def _follow(layers: Layers, vertices: list[int], rows: range, link: Link, shared: dict[Hashable, int]) -> None:
    """Lengthen a way by a bend in each of these rows, and by the target; or by the first bend that is there already."""
    bend = -1
    for row in rows:
        key = (link.target, link.style, rows.step, row)
        before, known = bend, shared.get(key)
        bend = shared[key] = layers.add("bend", row, 0) if known is None else known
        if before >= 0:
            layers.onward[before] = bend
        vertices.append(bend)
        if known is not None:
            return
    if bend >= 0:
        layers.onward[bend] = link.target
    vertices.append(link.target)


def _stub(layers: Layers, link: Link) -> Route:
    label = layers.add("label", layers.row_of[link.source] + 1, link.stub_width)
    layers.connect(link.source, label, 0)
    return Route(link, [link.source, label], is_stub=True)
