"""Finds the hash nearest to another among a million, without comparing it with each.

Multi-index hashing (Norouzi, Punjani, Fleet 2012): a hash is cut into bands, each with a table of its values. Every
value within a small distance of the band's own, its radius, is looked up, and only hashes that are found are compared.
The radii are such that two near hashes cannot differ by more than its radius in every band. More bands mean fewer
look-ups and more comparisons; how many are best depends on the number of hashes.

A chain of hashes with one value in a band is an array of links, so that a million hashes take some 40 MB. Chains are
long only where somebody chose the hashes; the time is then quadratic in the number of those.
"""

from array import array
from itertools import combinations, compress
from math import comb

from pupline.decoding import BITS

_MAX_WIDTH = 22
"""Bits of the widest band: its table has five bytes for each value."""

_FEWEST = 3
"""Bands of no more than that width."""

_COMPARISON_COST = 4.0
"""A comparison, with its jump to the hash and the next link, as a number of look-ups."""


class HashIndex:
    """Hashes, numbered from 0 in the order they were added."""

    def __init__(self, most: int, expected: int) -> None:
        """most: the greatest distance that is of interest. expected: about how many hashes there will be."""
        self._most = most
        self._hashes = array("Q")
        self._bands = [_Band(*layout) for layout in _best_layout(most, expected)]

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, phash: int) -> None:
        """Add a hash, with the next number."""
        number = len(self._hashes)
        self._hashes.append(phash)
        for band in self._bands:
            value = phash >> band.shift & band.mask
            band.links.append(band.heads[value])
            band.heads[value] = number
            band.taken[value] = 1

    def nearest(self, phash: int) -> tuple[int, int] | None:
        """Number and distance of the nearest hash, the earliest of several; None where none is near enough."""
        hashes = self._hashes
        best = (self._most + 1, 0)
        for band in self._bands:
            heads, links = band.heads, band.links
            values = list(map((phash >> band.shift & band.mask).__xor__, band.flips))
            for value in compress(values, map(band.taken.__getitem__, values)):
                number = heads[value]
                while number >= 0:
                    apart = (hashes[number] ^ phash).bit_count()
                    if apart <= best[0] and (apart, number) < best:
                        best = (apart, number)
                    number = links[number]
        return (best[1], best[0]) if best[0] <= self._most else None


class _Band:
    """The bits from `start` to `end`. flips: what to look up: all values with at most `radius` bits set.

    taken: 1 for each value that a hash has; few are, and this table fits in the processor's cache. heads: for each
    value the latest hash with it. links: for each hash the one before it with its value, or -1.
    """

    __slots__ = ("flips", "heads", "links", "mask", "shift", "taken")

    def __init__(self, start: int, width: int, radius: int) -> None:
        self.shift = start
        self.mask = (1 << width) - 1
        self.flips = [
            sum(1 << bit for bit in bits) for count in range(radius + 1) for bits in combinations(range(width), count)
        ]
        self.taken = bytearray(1 << width)
        self.heads = array("i", [-1]) * (1 << width)
        self.links = array("i")


def _best_layout(most: int, expected: int) -> list[tuple[int, int, int]]:
    """Start, width and radius of each band, such that a search takes the least time."""
    layouts = [_layout(most, count) for count in range(1, most + 2)]
    narrow = [layout for layout in layouts if all(width <= _MAX_WIDTH for _, width, _ in layout)]
    return min(narrow or [_layout(most, _FEWEST)], key=lambda layout: _cost(layout, expected))


def _layout(most: int, count: int) -> list[tuple[int, int, int]]:
    """Bands of about one width. If every band differed by more than its radius, all would by more than `most`:
    the radii and one each add up to `most` and one.
    """
    starts = [at * BITS // count for at in range(count + 1)]
    return [(starts[at], starts[at + 1] - starts[at], (most + 1 - at + count - 1) // count - 1) for at in range(count)]


def _cost(layout: list[tuple[int, int, int]], expected: int) -> float:
    """The cost of a search, in look-ups."""
    lookups = [(width, sum(comb(width, flipped) for flipped in range(radius + 1))) for _, width, radius in layout]
    return sum(number * (1 + _COMPARISON_COST * expected / (1 << width)) for width, number in lookups)
