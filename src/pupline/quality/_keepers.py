"""Which image of a group of near-duplicates to keep, and why: a suggestion, which people's decisions override."""

from collections.abc import Sequence
from dataclasses import dataclass

from pupline.local import Decision
from pupline.quality._dataset import DatasetImage
from pupline.text import plural


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member of a group. width, height: 0 where they are unknown."""

    image: DatasetImage
    width: int
    height: int
    decision: Decision | None

    @property
    def pixels(self) -> int:
        """The area."""
        return self.width * self.height


def suggested_keeper(members: Sequence[Candidate]) -> tuple[Candidate, str]:
    """The member to keep, and the reason in a few words.

    The first difference counts: what people decided, the area, the bytes, whether the hash was verified, the arrival.
    """
    ranked = sorted(members, key=_rank)
    best, second = ranked[0], ranked[1]
    if best.decision == "keep":
        return best, "chosen"
    if second.decision == "drop":
        return best, "the others were dropped"
    if best.pixels != second.pixels:
        return best, f"largest: {best.width} x {best.height}, the next {second.width} x {second.height}"
    if best.image.size_bytes != second.image.size_bytes:
        return best, f"same size, most bytes: {plural(best.image.size_bytes, 'byte')}"
    if best.image.is_verified != second.image.is_verified:
        return best, "same size, its hash is verified"
    return best, "same size, came first"


def _rank(member: Candidate) -> tuple[int, int, int, bool, tuple[str, str, int]]:
    order = {"keep": 0, None: 1, "drop": 2}[member.decision]
    image = member.image
    return order, -member.pixels, -image.size_bytes, not image.is_verified, image.arrived
