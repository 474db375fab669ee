"""Groups of near-duplicates, each around a representative: every member is near it, and no chain leads farther away.

An image joins the nearest representative, the earliest of several; where none is near enough it represents itself.
That is decided once, in the order in which images come, and kept: new images never move old ones. An image that says
little (`low_information`) stays alone, because such images are near to each other whatever they show.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pupline.decoding import distance
from pupline.quality._hash_index import HashIndex

DISTANCE = 8
"""Bits in which near-duplicates may differ, by default; docs/quality.md has figures."""

MAX_DISTANCE = 12
"""With more, different pictures would be near: 16 of 64 bits differ by chance once in 10,000 pairs."""


@dataclass(frozen=True, slots=True)
class HashedImage:
    """An image with its hash. low_information: it is not compared with others."""

    sha256: str
    phash: int
    low_information: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """Where an image belongs. representative: the SHA-256 of its group's; its own for the representative itself."""

    sha256: str
    representative: str
    distance: int


class Grouping:
    """The groups of a dataset, which grow image by image."""

    def __init__(self, most: int, expected: int) -> None:
        """most: bits in which a member may differ. expected: about how many images there will be."""
        self._index = HashIndex(most, expected)
        self._representatives: list[str] = []

    def restore(self, representatives: Iterable[HashedImage]) -> None:
        """Take over the representatives of an earlier pass, in their order."""
        for image in representatives:
            self._represent(image)

    def place(self, image: HashedImage) -> Membership:
        """The membership of the next image, for good."""
        if image.low_information:
            return Membership(image.sha256, image.sha256, 0)
        near = self._index.nearest(image.phash)
        if near is None:
            self._represent(image)
            return Membership(image.sha256, image.sha256, 0)
        number, apart = near
        return Membership(image.sha256, self._representatives[number], apart)

    def _represent(self, image: HashedImage) -> None:
        if not image.low_information:
            self._index.add(image.phash)
            self._representatives.append(image.sha256)


def count_distinct(hashes: Iterable[int], most: int) -> int:
    """How many of a few hashes differ from each other by more than `most` bits."""
    kept: list[int] = []
    for phash in hashes:
        if all(distance(phash, other) > most for other in kept):
            kept.append(phash)
    return len(kept)
