"""VP8: the decoder of bools, which all fields of a frame are coded with. Source: RFC 6386, section 7."""

from pupline.images._structure import Damage

_EVEN = 128


class Bools:
    """The bools of one partition.

    A bool is known while eight bits are left to compare. libwebp calls a partition cut where a byte after its last is
    needed, so this does the same to the bit.
    """

    __slots__ = ("_data", "_next", "_range", "_spare", "_start", "_value")

    def __init__(self, data: bytes, start: int) -> None:
        """start: where in the file `data` begins, for messages. Raises: Damage where there is no byte."""
        self._data, self._start = data, start
        self._next, self._value = 0, 0
        self._spare = -8  # bits of the value after the eight that are compared
        self._range = 254  # one less than in the RFC, as sums are shorter so
        self._load()

    @property
    def possible(self) -> bool:
        """Whether an encoder can have written this. No code begins with 255: the value would be out of its range.

        libwebp reads such data, and what it makes of it depends on the width of its registers.
        """
        return self._data[0] < 255

    def _load(self) -> None:
        if self._next == len(self._data):
            raise Damage(f"a VP8 partition of {self._next} bytes that ends before its last macroblock", self._start)
        self._value = self._value << 8 | self._data[self._next]
        self._next += 1
        self._spare += 8

    def bit(self, probability: int) -> int:
        """The next bool: 0 in so many of 256 cases. Raises: Damage at the end of the data."""
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
        """Skip `count` fields of `width` bits, each after a bit that says whether it is there. Raises: Damage."""
        for _ in range(count):
            if self.take(1):
                self.take(width)
