"""The order of vertices in their rows, with few crossings.

It begins with the order of the definition, depth first, which draws trees without a crossing. Then each vertex moves
towards the mean place of its neighbours in the row above or below, a few times up and down; the best order wins, and
of equally good ones the first, which is closest to the definition.
"""

from collections.abc import Sequence
from itertools import pairwise

from pupline.console.drawing.graph._layers import Layers

_ROUNDS, _ROUNDS_OF_MANY = 8, 2
_MANY = 3_000
"""Vertices of a drawing that has no time for more rounds."""

_SWAPPED = 400
"""Vertices of a drawing whose neighbours are also tried in the other order."""


def order_rows(layers: Layers) -> None:
    """Fill and order the rows."""
    _depth_first(layers)
    best, least = _copy(layers.rows), _crossings(layers)
    for number in range(_ROUNDS if len(layers.widths) < _MANY else _ROUNDS_OF_MANY):
        if not least:
            break
        _sweep(layers, downwards=number % 2 == 0)
        if len(layers.widths) <= _SWAPPED:
            _swap_neighbours(layers)
        count = _crossings(layers)
        if count < least:
            best, least = _copy(layers.rows), count
    layers.rows = best
    for route in layers.routes:
        if route.turns:
            _move_towards(layers, route.vertices[1], route.vertices[2])


def _move_towards(layers: Layers, label: int, bend: int) -> None:
    """Move a label next to the line that leads back up from it, as far as it crosses no more lines there."""
    row = layers.rows[layers.row_of[label]]
    above = {vertex: at for at, vertex in enumerate(layers.rows[layers.row_of[label] - 1])}
    at, goal = row.index(label), row.index(bend)
    step = 1 if goal > at else -1
    source = above[layers.up[label][0][0]]
    while at + step != goal:
        others = [above[other] for other, _ in layers.up[row[at + step]]]
        if any((place - source) * step > 0 for place in others):
            return
        row[at], row[at + step] = row[at + step], row[at]
        at += step


def _copy(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    return [list(row) for row in rows]


def _depth_first(layers: Layers) -> None:
    seen = [False] * len(layers.widths)
    for root in range(len(layers.widths)):
        if layers.up[root] and root:
            continue
        stack = [root]
        while stack:
            vertex = stack.pop()
            if seen[vertex]:
                continue
            seen[vertex] = True
            layers.rows[layers.row_of[vertex]].append(vertex)
            stack += [lower for lower, _ in reversed(layers.down[vertex])]
    for vertex in range(len(layers.widths)):
        if not seen[vertex]:
            layers.rows[layers.row_of[vertex]].append(vertex)


def _sweep(layers: Layers, *, downwards: bool) -> None:
    rows = layers.rows if downwards else layers.rows[::-1]
    neighbours = layers.up if downwards else layers.down
    place = {vertex: float(at) for at, vertex in enumerate(rows[0])}
    for row in rows[1:]:
        wanted: dict[int, float] = {}
        for at, vertex in enumerate(row):
            places = [place[other] for other, _ in neighbours[vertex]]
            wanted[vertex] = sum(places) / len(places) if places else float(at)
        row.sort(key=wanted.__getitem__)
        place = {vertex: float(at) for at, vertex in enumerate(row)}


def _crossings(layers: Layers) -> int:
    """The number of crossings, in O(segments * log vertices)."""
    total = 0
    for upper, lower in pairwise(layers.rows):
        place = {vertex: at for at, vertex in enumerate(lower)}
        tree = [0] * (len(lower) + 1)
        count = 0
        for vertex in upper:
            places = [place[other] for other, _ in layers.down[vertex]]
            total += sum(count - _sum(tree, at) for at in places)
            for at in places:
                _add(tree, at)
            count += len(places)
    return total


def _sum(tree: Sequence[int], at: int) -> int:
    """How many were added at places up to `at`."""
    at, found = at + 1, 0
    while at:
        found += tree[at]
        at &= at - 1
    return found


def _add(tree: list[int], at: int) -> None:
    at += 1
    while at < len(tree):
        tree[at] += 1
        at += at & -at


def _around(rows: Sequence[list[int]], number: int) -> tuple[list[int], list[int]]:
    """The rows above and below one."""
    return rows[number - 1] if number else [], rows[number + 1] if number + 1 < len(rows) else []


def _swap_neighbours(layers: Layers) -> None:
    """Exchange neighbours in a row where that removes crossings."""
    for number, row in enumerate(layers.rows):
        above = {vertex: at for at, vertex in enumerate(layers.rows[number - 1])} if number else {}
        below = (
            {vertex: at for at, vertex in enumerate(layers.rows[number + 1])} if number + 1 < len(layers.rows) else {}
        )
        for at in range(len(row) - 1):
            left, right = row[at], row[at + 1]
            now = then = 0
            for place, neighbours in ((above, layers.up), (below, layers.down)):
                lefts = [place[other] for other, _ in neighbours[left]]
                rights = [place[other] for other, _ in neighbours[right]]
                now += sum(one > two for one in lefts for two in rights)
                then += sum(one < two for one in lefts for two in rights)
            if then < now:
                row[at], row[at + 1] = right, left
