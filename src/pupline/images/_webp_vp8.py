"""VP8: the partitions of a key frame. Source: RFC 6386, sections 7.3 (the decoder of bools), 9, 19.2 (the header)."""

from pupline.images._structure import Damage

_HEADER_BYTES = 10
_LOOKED_AT = 64  # the fields up to the number of partitions are 222 bits at most


class _Bits:
    """The fields of a frame header: bits of equal chances, coded arithmetically."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._unread = 8 * len(data) - 8
        self._range = 255

    def take(self, count: int) -> int:
        """The next field of `count` bits; zeros follow the end of the data."""
        value = 0
        for _ in range(count):
            split = 1 + ((self._range - 1) * 128 >> 8)
            border = split << self._unread if self._unread >= 0 else split >> -self._unread
            bit = self._value >= border
            if bit:
                self._value -= border
            self._range = self._range - split if bit else split
            while self._range < 128:
                self._range <<= 1
                self._unread -= 1
            value = value * 2 + bit
        return value

    def skip_optional(self, count: int, width: int) -> None:
        """Skip `count` fields of `width` bits, each after a bit that says whether it is there."""
        for _ in range(count):
            if self.take(1):
                self.take(width)


def check_partitions(body: bytes, start: int, length: int) -> None:
    """Check that the partitions of the frame at `start` fit its `length`, and none is empty. Raises: Damage."""
    first = int.from_bytes(body[start : start + 3], "little") >> 5
    begin = start + _HEADER_BYTES
    if first >= length - _HEADER_BYTES:
        raise Damage(f"a VP8 partition of {first} bytes in {length - _HEADER_BYTES}", start)
    number = _token_partitions(body[begin : begin + min(first, _LOOKED_AT)])
    sizes = begin + first
    offset, end = sizes + 3 * (number - 1), start + length
    for at in range(sizes, min(offset, end - 3), 3):
        offset += int.from_bytes(body[at : at + 3], "little")
    if offset >= end:
        raise Damage(f"{number} VP8 partitions that end {offset - end} bytes after their chunk", start)


def _token_partitions(data: bytes) -> int:
    """How many partitions the coefficients are in: 1, 2, 4 or 8."""
    bits = _Bits(data)
    bits.take(2)  # colour space, clamping
    if bits.take(1):  # segments
        new_map, new_data = bits.take(1), bits.take(1)
        if new_data:
            bits.take(1)
            bits.skip_optional(4, 8)  # quantisers and their signs
            bits.skip_optional(4, 7)  # strengths of the loop filter, likewise
        if new_map:
            bits.skip_optional(3, 8)
    bits.take(10)  # the loop filter
    if bits.take(1) and bits.take(1):
        bits.skip_optional(8, 7)
    return 1 << bits.take(2)
