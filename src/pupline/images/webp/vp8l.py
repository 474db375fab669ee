"""VP8L: whether a short lossless bitstream has all its pixels. Source: RFC 9649, section 3.

Only codes and their lengths are decoded; no pixel is computed. Where the main image has several groups of prefix codes,
pixels select the group, so such a stream is not decoded.
"""

from pupline.images._structure import Damage

_MAX_STREAM_BYTES = 4096  # a bit takes a third of a microsecond
_HEADER_BITS = 40
_LENGTH_CODES = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
_REPEATS = {16: (2, 3), 17: (3, 3), 18: (7, 11)}  # extra bits, and the fewest repetitions
_LITERALS, _FIRST_CACHED = 256, 280
_PREDICTOR, _COLOUR, _GREEN, _INDEXING = range(4)

_Code = dict[int, int]  # symbols by code, with a leading 1; the code 1 alone stands for a single symbol


class _BitReader:
    """Reads the bits of a stream, the lowest of each byte first."""

    def __init__(self, data: bytes, start: int) -> None:
        self._value, self._size, self._start = int.from_bytes(data, "little"), 8 * len(data), start
        self.position = _HEADER_BITS

    def take(self, count: int) -> int:
        """The next field of `count` bits. Raises: Damage at the end of the data."""
        value = self._value >> self.position & (1 << count) - 1
        self.position += count
        if self.position > self._size:
            raise Damage("a VP8L stream that ends before its last pixel", self._start)
        return value

    def cache_size(self) -> int:
        """The size of the colour cache, 0 if there is none. Raises: Damage for an invalid one."""
        if not self.take(1):
            return 0
        size = self.take(4)
        if not 1 <= size <= 11:
            raise Damage(f"a VP8L colour cache of 2 to the power of {size}", self._start)
        return 1 << size

    def symbol(self, code: _Code) -> int:
        """The next symbol. Raises: Damage at the end of the data, and for an invalid code."""
        key = 1
        while key not in code:
            if key >> 15:
                raise Damage("an invalid prefix code in a VP8L stream", self._start)
            key = key << 1 | self.take(1)
        return code[key]

    def number(self, prefix: int) -> int:
        """A length or distance from its prefix symbol and extra bits."""
        if prefix < 4:
            return prefix + 1
        extra = (prefix - 2) >> 1
        return (2 + (prefix & 1) << extra) + self.take(extra) + 1


def check_vp8l(body: bytes, start: int, length: int, width: int, height: int) -> None:
    """Decode the codes of the stream at `start` to its last pixel, if it is short. Raises: Damage."""
    if length > _MAX_STREAM_BYTES:
        return
    bits = _BitReader(body[start : start + length + (length & 1)], start)  # for libwebp, the padding is data
    while bits.take(1):
        kind = bits.take(2)
        if kind in (_PREDICTOR, _COLOUR):
            block = bits.take(3) + 2
            _image(bits, _blocks(width, block), _blocks(height, block))
        elif kind == _INDEXING:
            colours = bits.take(8) + 1
            _image(bits, colours, 1)
            width = _blocks(width, 3 if colours <= 2 else 2 if colours <= 4 else 1 if colours <= 16 else 0)
    _image(bits, width, height, main=True)


def _blocks(size: int, bits: int) -> int:
    """The number of blocks of 2 to the power of `bits` pixels that cover `size` pixels."""
    return (size + (1 << bits) - 1) >> bits


def _image(bits: _BitReader, width: int, height: int, *, main: bool = False) -> None:
    """Decode the codes of one image: of a transform, or the main one."""
    cache = bits.cache_size()
    if main and bits.take(1):
        return  # several groups of codes
    green, red, blue, alpha, distance = (
        _code(bits, size) for size in (_FIRST_CACHED + cache, _LITERALS, _LITERALS, _LITERALS, 40)
    )
    left = width * height
    while left > 0:
        before, pixels = bits.position, 1
        symbol = bits.symbol(green)
        if symbol < _LITERALS:
            for code in (red, blue, alpha):
                bits.symbol(code)
        elif symbol < _FIRST_CACHED:
            pixels = bits.number(symbol - _LITERALS)
            bits.number(bits.symbol(distance))
        if bits.position == before:
            return  # every code has one symbol and no bits, so the other pixels take none
        left -= pixels


def _code(bits: _BitReader, size: int) -> _Code:
    """One prefix code of an alphabet of `size` symbols."""
    if bits.take(1):
        two = bits.take(1)
        first = bits.take(8 if bits.take(1) else 1)
        return {2: first, 3: bits.take(8)} if two else {1: first}
    lengths = [0] * len(_LENGTH_CODES)
    for place in _LENGTH_CODES[: 4 + bits.take(4)]:
        lengths[place] = bits.take(3)
    return _canonical(_code_lengths(bits, _canonical(lengths), size))


def _code_lengths(bits: _BitReader, code: _Code, size: int) -> list[int]:
    """The code lengths of `size` symbols, which are themselves coded."""
    read = 2 + bits.take(2 + 2 * bits.take(3)) if bits.take(1) else size
    lengths: list[int] = []
    last = 8
    while len(lengths) < size and read > 0:
        read -= 1
        symbol = bits.symbol(code)
        if symbol < 16:
            lengths.append(symbol)
            last = symbol or last
        else:
            extra, fewest = _REPEATS[symbol]
            lengths += [last if symbol == 16 else 0] * (fewest + bits.take(extra))
    return lengths


def _canonical(lengths: list[int]) -> _Code:
    """The canonical code with these lengths."""
    used = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
    if len(used) == 1:
        return {1: used[0][1]}
    code, last, found = 0, 0, {}
    for length, symbol in used:
        code <<= length - last
        last = length
        found[1 << length | code] = symbol
        code += 1
    return found
