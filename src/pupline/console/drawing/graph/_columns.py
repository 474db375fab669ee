"""The x of each vertex, by the method of Brandes and Köpf: straight lines first, then little width.

Each vertex is aligned with a median neighbour, four times: from above and from below, leftmost and rightmost first.
Aligned vertices form a block, blocks are packed, and each vertex takes the mean of the two middle ones of its four
places. Source: "Fast and Simple Horizontal Coordinate Assignment", 2001. Ours: of the segments at a vertex only those
of the highest priority align it, so that the main path stays straight and a Catcher's edge makes the bend.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from pupline.console.drawing.graph._layers import Layers

Gap = Callable[[int, int], float]
"""The least distance between the centres of two neighbours in a row."""


def columns(layers: Layers, gap: Gap) -> list[float]:
    """The x of the centre of each vertex; neighbours in a row keep their gap."""
    if not layers.widths:
        return []
    blocked = _conflicts(layers)
    found: list[list[float]] = []
    for from_above in (True, False):
        for leftmost in (True, False):
            root = _align(layers, blocked, from_above=from_above, leftmost=leftmost)
            found.append(_pack(layers, root, gap, leftmost=leftmost))
    narrowest = min(found, key=_width)
    for number, places in enumerate(found):
        leftmost = number % 2 == 0
        shift = min(narrowest) - min(places) if leftmost else max(narrowest) - max(places)
        found[number] = [x + shift for x in places]
    middle = [sorted(places)[1:3] for places in zip(*found, strict=True)]
    return [(first + second) / 2 for first, second in middle]


def _width(places: Sequence[float]) -> float:
    return max(places, default=0) - min(places, default=0)


def _candidates(layers: Layers, vertex: int, neighbours: list[list[tuple[int, int]]]) -> list[int]:
    """The neighbours by the segments that have the highest priority at both their ends."""
    segments = neighbours[vertex]
    if not segments:
        return []
    back = layers.up if neighbours is layers.down else layers.down
    most = max(priority for _, priority in segments)
    return [
        other
        for other, priority in segments
        if priority == most and priority == max(theirs for _, theirs in back[other])
    ]


def _conflicts(layers: Layers) -> set[tuple[int, int]]:
    """The segments (upper, lower) that cross one between two bends: a long edge is straight before all others."""
    blocked: set[tuple[int, int]] = set()
    for upper, lower in pairwise(layers.rows):
        place = {vertex: at for at, vertex in enumerate(upper)}
        start, left = 0, 0
        for at, vertex in enumerate(lower):
            inner = next((other for other, priority in layers.up[vertex] if priority >= 4), None)
            if inner is None and at < len(lower) - 1:
                continue
            right = place[inner] if inner is not None else len(upper) - 1
            for other in lower[start : at + 1]:
                for above, priority in layers.up[other]:
                    if priority < 4 and not left <= place[above] <= right:
                        blocked.add((above, other))
            start, left = at + 1, right
    return blocked


def _align(layers: Layers, blocked: set[tuple[int, int]], *, from_above: bool, leftmost: bool) -> list[int]:
    """vertex -> the first vertex of its block."""
    root = list(range(len(layers.widths)))
    taken = [False] * len(layers.widths)
    rows = layers.rows if from_above else layers.rows[::-1]
    neighbours = layers.up if from_above else layers.down
    for before, row in pairwise(rows):
        place = {vertex: at for at, vertex in enumerate(before)}
        last = -1 if leftmost else len(before)
        for vertex in row if leftmost else reversed(row):
            others = sorted(_candidates(layers, vertex, neighbours), key=place.__getitem__)
            medians = others[(len(others) - 1) // 2 : len(others) // 2 + 1]
            for other in medians if leftmost else reversed(medians):
                segment = (other, vertex) if from_above else (vertex, other)
                follows = place[other] > last if leftmost else place[other] < last
                if not taken[other] and follows and segment not in blocked:
                    root[vertex], taken[other], last = root[other], True, place[other]
                    break
    return root


def _pack(layers: Layers, root: Sequence[int], gap: Gap, *, leftmost: bool) -> list[float]:
    """The x of each vertex, with the blocks as far to one side as they can be, then drawn together."""
    after: dict[int, dict[int, float]] = {}
    missing = dict.fromkeys(root, 0)
    for row in layers.rows:
        ordered = row if leftmost else row[::-1]
        for left, right in pairwise(ordered):
            first, second = root[left], root[right]
            distance = gap(left, right)
            targets = after.setdefault(first, {})
            if second not in targets:
                missing[second] += 1
            targets[second] = max(targets.get(second, 0.0), distance)
    order = [block for block, count in missing.items() if not count]
    places = dict.fromkeys(missing, 0.0)
    for block in order:
        for other, distance in after.get(block, {}).items():
            places[other] = max(places[other], places[block] + distance)
            missing[other] -= 1
            if not missing[other]:
                order.append(other)
    for block in reversed(order):  # those at the side that nothing holds there move to their neighbours
        room = min((places[other] - distance for other, distance in after.get(block, {}).items()), default=None)
        if room is not None:
            places[block] = max(places[block], room)
    return [places[block] if leftmost else -places[block] for block in root]
