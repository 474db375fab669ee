"""VP8: whether the partitions of a key frame hold all its macroblocks. Source: RFC 6386, sections 9, 11 and 13.

Only modes and tokens are followed, as far as they say which bools come next; no coefficient and no pixel is computed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pupline.images._webp_bools import Bools
from pupline.images._webp_vp8_tables import COEFFICIENTS, MODES, UPDATES

_HEADER, _BYTE, _MACROBLOCK = 512, 4, 40  # each takes about as long as so many coefficients, besides its own

_DC, _TM, _VERTICAL, _HORIZONTAL = range(4)  # the modes that a whole macroblock may have, as `MODES` numbers them

_BANDS = (0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0)  # by position; the one after the last does not matter
_AFTER_Y2, _OF_Y2, _CHROMA, _WITH_DC = range(4)
_Y2 = 8  # its place among the flags, which begin with four for Y and two each for U and V
_EXTRA_BITS = (
    (173, 148, 140),
    (176, 155, 140, 135),
    (180, 157, 141, 134, 130),
    (254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129),
)

_Bit = Callable[[int], int]
_Plane = list[list[bytes]]  # probabilities of a token, by position and context


@dataclass(slots=True)
class Effort:
    """How many more coefficients of a file may be followed. It lasts a fifth of a second."""

    left: int = 300_000

    def spend(self, cost: int) -> bool:
        """Take so much if there is enough; whether there was."""
        if cost > self.left:
            return False
        self.left -= cost
        return True


@dataclass(slots=True, frozen=True)
class Frame:
    """A frame whose header was read up to the number of partitions.

    length: bytes of all of it. modes: the first partition. segments: the probabilities of the tree that numbers a
    macroblock's segment, none where the number is not stored. partitions: the others, and where they begin.
    columns, rows: of macroblocks.
    """

    length: int
    modes: Bools
    segments: list[int]
    partitions: list[tuple[bytes, int]]
    columns: int
    rows: int


def follow(frame: Frame, effort: Effort) -> None:
    """Follow the frame to its last macroblock, or until the effort is spent. Raises: Damage where data is missing.

    A frame that no encoder can have written is not followed.
    """
    modes = frame.modes
    if not effort.spend(_HEADER + _BYTE * frame.length + _MACROBLOCK * frame.columns * frame.rows):
        return
    used = [Bools(*partition) for partition in frame.partitions[: frame.rows]]
    if not all(bools.possible for bools in (modes, *used)):
        return
    modes.take(7)  # quantisers
    modes.skip_optional(5, 5)
    modes.take(1)  # whether the probabilities are kept
    planes = _planes(modes)
    skipping = modes.take(8) if modes.take(1) else None
    above = [[0] * 9 for _ in range(frame.columns)]
    modes_above = [[_DC] * 4 for _ in range(frame.columns)]
    for row in range(frame.rows):
        tokens = used[row & len(frame.partitions) - 1]
        left, modes_left = [0] * 9, [_DC] * 4
        for column in range(frame.columns):
            if frame.segments:
                modes.bit(frame.segments[1 + modes.bit(frame.segments[0])])
            skipped = skipping is not None and modes.bit(skipping)
            has_y2 = _macroblock_modes(modes.bit, modes_above[column], modes_left)
            if skipped:
                for flags in (above[column], left):
                    flags[:_Y2] = bytes(_Y2)
                    flags[_Y2] *= not has_y2
            elif not effort.spend(_macroblock(tokens.bit, planes, above[column], left, has_y2=has_y2)):
                return


def _planes(modes: Bools) -> list[_Plane]:
    """The probabilities of tokens in this frame."""
    found = bytes(
        modes.take(8) if modes.bit(update) else usual for update, usual in zip(UPDATES, COEFFICIENTS, strict=True)
    )
    rows = [found[at : at + 11] for at in range(0, len(found), 11)]
    return [[rows[at + 3 * band : at + 3 * band + 3] for band in _BANDS] for at in range(0, len(rows), 24)]


def _macroblock_modes(bit: _Bit, above: list[int], left: list[int]) -> bool:
    """Follow the modes of one macroblock; whether it has one for all its luma, and so a Y2 block."""
    whole = bit(145)
    if whole:
        mode = (_TM if bit(128) else _HORIZONTAL) if bit(156) else (_VERTICAL if bit(163) else _DC)
        above[:] = left[:] = [mode] * 4
    else:
        for y in range(4):
            for x in range(4):
                at = 90 * above[x] + 9 * left[y]
                above[x] = left[y] = _mode(bit, MODES[at : at + 9])
    if bit(142) and bit(114):
        bit(183)
    return bool(whole)


def _mode(bit: _Bit, nodes: bytes) -> int:
    """The mode of one subblock."""
    for mode in range(3):
        if not bit(nodes[mode]):
            return mode
    if not bit(nodes[3]):
        return 4 + bit(nodes[5]) if bit(nodes[4]) else 3
    for mode in (6, 7):
        if not bit(nodes[mode]):
            return mode
    return 8 + bit(nodes[8])


def _macroblock(bit: _Bit, planes: list[_Plane], above: list[int], left: list[int], *, has_y2: bool) -> int:
    """Follow the blocks of one macroblock; how many coefficients they have."""
    total, first, luma = 0, 0, planes[_WITH_DC]
    if has_y2:
        total = _block(bit, planes[_OF_Y2], above[_Y2] + left[_Y2], 0)
        above[_Y2] = left[_Y2] = int(total > 0)
        first, luma = 1, planes[_AFTER_Y2]
    for begin, end, plane, start in ((0, 4, luma, first), (4, 6, planes[_CHROMA], 0), (6, 8, planes[_CHROMA], 0)):
        for y in range(begin, end):
            for x in range(begin, end):
                count = _block(bit, plane, above[x] + left[y], start)
                above[x] = left[y] = int(count > start)
                total += count
    return total


def _block(bit: _Bit, plane: _Plane, context: int, place: int) -> int:
    """Follow the tokens of a block from position `place` on; the position after its last one."""
    nodes = plane[place][context]
    while place < 16:
        if not bit(nodes[0]):
            return place
        while not bit(nodes[1]):
            place += 1
            if place == 16:
                return 16
            nodes = plane[place][0]
        place += 1
        if bit(nodes[2]):
            _large(bit, nodes)
            context = 2
        else:
            context = 1
        bit(128)  # the sign
        nodes = plane[place][context]
    return 16


def _large(bit: _Bit, nodes: bytes) -> None:
    """Follow the rest of the token of a coefficient above 1, and its extra bits."""
    if not bit(nodes[3]):
        if bit(nodes[4]):
            bit(nodes[5])
    elif not bit(nodes[6]):
        if bit(nodes[7]):
            bit(165)
            bit(145)
        else:
            bit(159)
    else:
        high = bit(nodes[8])
        for probability in _EXTRA_BITS[2 * high + bit(nodes[9 + high])]:
            bit(probability)
