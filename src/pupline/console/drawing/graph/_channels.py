"""The horizontal pieces of edges: one channel between two rows, with tracks that keep lines apart.

The edges of a channel that leave one vertex, or enter one, are one net: they may share a line. Two nets must not
overlap in a track. And where a net comes down at the place where another goes down to the next row, the first must
turn off above the second, or the two would look like one edge.
"""

import heapq
from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass, field

_APART = 8.0
"""Between two lines next to each other."""

_MOST_TRACKS = 40
"""Beyond it, nets share the last track."""


@dataclass(slots=True)
class Net:
    """Lines of one channel that may touch. above, below: the x of its ends at the upper and the lower row."""

    above: set[float] = field(default_factory=set)
    below: set[float] = field(default_factory=set)
    track: int = -1

    @property
    def left(self) -> float:
        """The least x."""
        return min(self.above | self.below)

    @property
    def right(self) -> float:
        """The greatest x."""
        return max(self.above | self.below)

    @property
    def order(self) -> float:
        """Of nets that lead to the right the rightmost come first, of the others the leftmost: they do not cross."""
        if not self.above or not self.below:
            return 0.0
        return -max(self.above) if min(self.below) > max(self.above) else min(self.above)


class Channel:
    """The nets between two rows."""

    def __init__(self) -> None:
        self._nets: dict[Hashable, Net] = {}
        self.tracks = 0

    def net(self, key: Hashable) -> Net:
        """The net with this key."""
        return self._nets.setdefault(key, Net())

    def assign(self) -> None:
        """Give each net that is not straight a track."""
        nets = [net for net in self._nets.values() if net.right - net.left > 0.5]
        after, missing = _constraints(nets)
        ready = [(nets[at].order, at) for at in range(len(nets)) if not missing[at]]
        heapq.heapify(ready)
        least = [0] * len(nets)
        tracks: list[list[tuple[float, float]]] = []
        waiting = set(range(len(nets)))
        while waiting:
            at = heapq.heappop(ready)[1] if ready else min(waiting)  # a circle is broken anywhere
            if at not in waiting:
                continue
            waiting.remove(at)
            nets[at].track = _first_free(tracks, nets[at], least[at])
            for other in after[at]:
                least[other] = max(least[other], nets[at].track + 1)
                missing[other] -= 1
                if not missing[other]:
                    heapq.heappush(ready, (nets[other].order, other))
        self.tracks = len(tracks)


def _constraints(nets: list[Net]) -> tuple[list[list[int]], list[int]]:
    """net -> those that must be below it; net -> how many must be above it."""
    ends = sorted((x, at) for at, net in enumerate(nets) for x in net.below)
    after: list[list[int]] = [[] for _ in nets]
    missing = [0] * len(nets)
    for at, net in enumerate(nets):
        found: set[int] = set()
        for x in net.above:
            place = bisect_left(ends, (x - _APART, -1))
            while place < len(ends) and ends[place][0] < x + _APART:
                found.add(ends[place][1])
                place += 1
        after[at] = sorted(found - {at})
        for other in after[at]:
            missing[other] += 1
    return after, missing


def _first_free(tracks: list[list[tuple[float, float]]], net: Net, least: int) -> int:
    """The first track, from `least` on, where nothing is in the way."""
    left, right = net.left - _APART, net.right + _APART
    for number in range(min(least, _MOST_TRACKS), _MOST_TRACKS):
        while number >= len(tracks):
            tracks.append([])
        if all(right <= start or left >= end for start, end in tracks[number]):
            tracks[number].append((left + _APART, right - _APART))
            return number
    return _MOST_TRACKS - 1
