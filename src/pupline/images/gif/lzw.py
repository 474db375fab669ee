"""GIF: the number of pixels in LZW data. Source: GIF 89a, Appendix F.

Only the lengths of strings are tracked, not the strings: a code adds a string that is one longer than the last one.
"""

from typing import NamedTuple

from pupline.images._structure import Damage

_MAX_CODES = 4096
_MAX_BITS = 12

# All codes of a frame with fewer codes than this are read; those of a larger one only where the data does not end with
# the end-of-information code. A code takes a sixth of a microsecond.
_SHORT_CODES = 4096


class SubBlocks(NamedTuple):
    """Consecutive sub-blocks: begin, end (after the terminator), number, size of the last one."""

    begin: int
    end: int
    number: int
    last: int

    @property
    def size(self) -> int:
        """The size of their data."""
        return self.end - 1 - self.begin - self.number

    def joined(self, body: bytes) -> bytes:
        """Their data."""
        parts, offset = [], self.begin
        while size := body[offset]:
            parts.append(body[offset + 1 : offset + 1 + size])
            offset += size + 1
        return b"".join(parts)


def check_pixels(body: bytes, blocks: SubBlocks, code_size: int, pixels: int, budget: int) -> int:
    """Check that the LZW data in these sub-blocks has enough pixels; the number of codes that were read.

    budget: how many codes may be read. Raises: Damage.
    """
    size = blocks.size
    codes = size * 8 // (code_size + 1)
    growing = min(codes, _MAX_CODES)
    # The nth code after a clear code is a string of n pixels at most, and no string is longer than the table.
    if growing * (growing + 1) // 2 + (codes - growing) * _MAX_CODES < pixels:
        raise Damage(f"a frame of {pixels} pixels with {size} bytes of data that begin", blocks.begin)
    if codes > budget or (codes > _SHORT_CODES and _has_end_code(body, blocks, code_size)):
        return 0
    found = _pixels(blocks.joined(body), code_size, pixels, blocks.begin)
    if found < pixels:
        raise Damage(f"data of {found} pixels for a frame of {pixels} that begins", blocks.begin)
    return codes


def _has_end_code(body: bytes, blocks: SubBlocks, code_size: int) -> bool:
    """Whether the data ends with the end-of-information code, of any width, and zeros that fill the last byte."""
    if blocks.last < 3:
        return False
    bits, end_code = int.from_bytes(body[blocks.end - 4 : blocks.end - 1], "little"), (1 << code_size) + 1
    return any(bits >> (24 - fill - width) == end_code for fill in range(8) for width in range(code_size + 1, 13))


def _pixels(data: bytes, code_size: int, wanted: int, offset: int) -> int:
    """The number of pixels in LZW data, counted up to `wanted`. Raises: Damage for an invalid code."""
    clear = 1 << code_size
    lengths = [1] * clear + [0, 0]
    width, last, pixels = code_size + 1, 0, 0
    held = bits = 0
    for byte in data:
        held |= byte << bits
        bits += 8
        while bits >= width:
            code = held & (1 << width) - 1
            held >>= width
            bits -= width
            if code == clear:
                del lengths[clear + 2 :]
                width, last = code_size + 1, 0
                continue
            if code == clear + 1:
                return pixels
            known = len(lengths)
            if code > known or (code == known and not last):
                raise Damage(f"LZW code {code} of {known} in data that begins", offset)
            length = lengths[code] if code < known else last + 1
            if last and known < _MAX_CODES:
                lengths.append(last + 1)
                if known + 1 == 1 << width and width < _MAX_BITS:
                    width += 1
            last = length
            pixels += length
            if pixels >= wanted:
                return pixels
    return pixels
