"""VP8: whether the partitions of a key frame fit its chunk, and hold all its macroblocks.

Source: RFC 6386, sections 7, 9, 11, 13 and 19.2. Modes and tokens are decoded only as far as they determine the next
bools; no coefficient and no pixel is computed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pupline.images._structure import Damage
from pupline.images.webp.vp8_tables import COEFFICIENTS, MODES, UPDATES

_EVEN = 128
_HEADER_BYTES = 10
_MAX_FRAME_BYTES = 2**14  # of frames that are decoded: a bool takes half a microsecond, and a byte has about twenty

_HEADER, _BYTE, _MACROBLOCK = 512, 4, 40  # cost, in coefficients that take as long

_DC, _TM, _VERTICAL, _HORIZONTAL = range(4)  # modes of a whole macroblock, by their index in `MODES`

_BANDS = (0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0)  # by position; the last one is never used
_AFTER_Y2, _OF_Y2, _CHROMA, _WITH_DC = range(4)
_Y2 = 8  # its flag, after four for Y and two each for U and V
_EXTRA_BITS = (
    (173, 148, 140),
    (176, 155, 140, 135),
    (180, 157, 141, 134, 130),
    (254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129),
)

_Bit = Callable[[int], int]
_Plane = list[list[bytes]]  # probabilities of a token, by position and context


class BoolDecoder:
    """Decodes the bools of one partition.

    Like libwebp, to the bit, it calls a partition cut where it needs a byte after the last one.
    """

    __slots__ = ("_data", "_next", "_range", "_spare", "_start", "_value")

    def __init__(self, data: bytes, start: int) -> None:
        """start: the offset of `data` in the file, for messages. Raises: Damage where there is no byte."""
        self._data, self._start = data, start
        self._next, self._value = 0, 0
        self._spare = -8  # bits of the value after the eight compared ones
        self._range = 254  # one less than in the RFC, which saves operations
        self._load()

    @property
    def is_possible(self) -> bool:
        """Whether an encoder can have written this: a first byte of 255 is out of range.

        libwebp decodes such data, and its result depends on the width of its registers.
        """
        return self._data[0] < 255

    def _load(self) -> None:
        if self._next == len(self._data):
            raise Damage(f"a VP8 partition of {self._next} bytes that ends before its last macroblock", self._start)
        self._value = self._value << 8 | self._data[self._next]
        self._next += 1
        self._spare += 8

    def bit(self, probability: int) -> int:
        """The next bool, which is 0 with this probability of 256. Raises: Damage at the end of the data."""
        if self._spare < 0:
            self._load()
        spare = self._spare
        split = self._range * probability >> 8
        if self._value >> spare > split:
            self._value -= split + 1 << spare
            width, bit = self._range - split, 1
        else:
            width, bit = split + 1, 0
        shift = 8 - width.bit_length()
        self._spare = spare - shift
        self._range = (width << shift) - 1
        return bit

    def take(self, count: int) -> int:
        """A field of `count` bits. Raises: Damage at the end of the data."""
        value = 0
        for _ in range(count):
            value = value * 2 + self.bit(_EVEN)
        return value

    def skip_optional(self, count: int, width: int) -> None:
        """Skip `count` optional fields of `width` bits, each after a presence bit. Raises: Damage."""
        for _ in range(count):
            if self.take(1):
                self.take(width)


@dataclass(slots=True)
class CoefficientBudget:
    """How many more coefficients of a file may be decoded: a fifth of a second."""

    left: int = 300_000

    def spend(self, cost: int) -> bool:
        """Take `cost` if there is enough left; whether there is."""
        if cost > self.left:
            return False
        self.left -= cost
        return True


@dataclass(slots=True, frozen=True)
class Vp8Frame:
    """A frame whose header was read up to the number of partitions.

    length: in bytes. modes: the first partition. segments: the probabilities of the segment tree, empty where
    macroblocks have no segment. partitions: the others, with their offsets. columns, rows: of macroblocks.
    """

    length: int
    modes: BoolDecoder
    segments: list[int]
    partitions: list[tuple[bytes, int]]
    columns: int
    rows: int


def check_vp8(body: bytes, start: int, length: int, size: tuple[int, int], budget: CoefficientBudget) -> None:
    """Check that the partitions of the frame at `start` fit its `length`, and that a short frame is complete.

    size: width and height, in pixels. Raises: Damage.
    """
    first = int.from_bytes(body[start : start + 3], "little") >> 5
    begin = start + _HEADER_BYTES
    end = start + length + (length & 1)  # for libwebp, the padding of the chunk is data
    if first >= end - begin:
        raise Damage(f"a VP8 partition of {first} bytes in {end - begin}", start)
    modes = BoolDecoder(body[begin : begin + first], begin)
    modes.take(2)  # colour space, clamping
    segments = _segments(modes)
    modes.take(10)  # the loop filter
    if modes.take(1) and modes.take(1):
        modes.skip_optional(8, 7)
    ranges = _partition_ranges(body, begin + first, end, 1 << modes.take(2))
    if length <= _MAX_FRAME_BYTES:
        partitions = [(body[at:end], at) for at, end in ranges]
        frame = Vp8Frame(length, modes, segments, partitions, *((side + 15) // 16 for side in size))
        _check_macroblocks(frame, budget)


def _segments(modes: BoolDecoder) -> list[int]:
    """The probabilities of the segment tree; empty where macroblocks have no segment."""
    if not modes.take(1):
        return []
    new_map, new_data = modes.take(1), modes.take(1)
    if new_data:
        modes.take(1)
        modes.skip_optional(4, 8)  # quantisers and their signs
        modes.skip_optional(4, 7)  # strengths of the loop filter, likewise
    return [modes.take(8) if modes.take(1) else 255 for _ in range(3)] if new_map else []


def _partition_ranges(body: bytes, sizes: int, end: int, number: int) -> list[tuple[int, int]]:
    """Begin and end of each partition with coefficients. Raises: Damage where they do not fit."""
    offset = sizes + 3 * (number - 1)
    places = []
    for at in range(sizes, min(offset, end - 3), 3):
        places.append((offset, offset + int.from_bytes(body[at : at + 3], "little")))
        offset = places[-1][1]
    if offset >= end:
        raise Damage(f"{number} VP8 partitions that end {offset - end} bytes after their chunk", sizes)
    return [*places, (offset, end)]


def _check_macroblocks(frame: Vp8Frame, budget: CoefficientBudget) -> None:
    """Decode the frame to its last macroblock, or until the budget is spent. Raises: Damage where data is missing.

    A frame that no encoder can have written is ignored.
    """
    modes = frame.modes
    if not budget.spend(_HEADER + _BYTE * frame.length + _MACROBLOCK * frame.columns * frame.rows):
        return
    used = [BoolDecoder(*partition) for partition in frame.partitions[: frame.rows]]
    if not all(bools.is_possible for bools in (modes, *used)):
        return
    modes.take(7)  # quantisers
    modes.skip_optional(5, 5)
    modes.take(1)  # whether to keep the probabilities
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
            elif not budget.spend(_macroblock(tokens.bit, planes, above[column], left, has_y2=has_y2)):
                return


def _planes(modes: BoolDecoder) -> list[_Plane]:
    """The token probabilities of this frame."""
    found = bytes(
        modes.take(8) if modes.bit(update) else usual for update, usual in zip(UPDATES, COEFFICIENTS, strict=True)
    )
    rows = [found[at : at + 11] for at in range(0, len(found), 11)]
    return [[rows[at + 3 * band : at + 3 * band + 3] for band in _BANDS] for at in range(0, len(rows), 24)]


def _macroblock_modes(bit: _Bit, above: list[int], left: list[int]) -> bool:
    """Decode the modes of one macroblock; whether it has a Y2 block: one mode for all luma."""
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
    """Decode the blocks of one macroblock; the number of their coefficients."""
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
    """Decode the tokens of a block from position `place` on; the position after the last one."""
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
    """Decode the rest of the token of a coefficient above 1, and its extra bits."""
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
