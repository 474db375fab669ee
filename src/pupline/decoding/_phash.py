"""The perceptual hash: 64 bits that differ little between copies of a picture, whatever its size and encoding.

The picture's luminance (ITU-R 601) at 32 by 32 pixels, Lanczos-resampled; its discrete cosine transform (DCT-II); of
that the 8 by 8 lowest frequencies; for each, row by row, a bit: 1 where it is greater than the median of all 64. These
are the 64 bits of `imagehash.phash`, so lists from elsewhere can be compared. Here the transform is in whole numbers,
and gives the same bits on every machine.
"""

import math
import struct
from operator import mul

PHASH_VERSION = "dct64-1"
"""Changes whenever any picture's hash may change: hashes of two versions are not compared."""

SIDE = 32
"""Pixels of the square whose luminance is hashed."""

BITS = 64
_LOW = 8
_SCALE = 1 << 14
_WAVES = [
    [round(_SCALE * math.cos(math.pi * frequency * (2 * place + 1) / (2 * SIDE))) for place in range(SIDE)]
    for frequency in range(_LOW)
]
_NOISE = (SIDE * SIDE // 16) * _SCALE * _SCALE
"""A coefficient this near to the median is noise: what rounding and JPEG leave of a plain area.

It is the coefficient of a wave with the amplitude of a quarter of a grey level in 256. Of photographs, 52 to 64
coefficients are farther away; of a plain area one, of gradients at most 20.
"""

_LANES = struct.Struct(f"<{SIDE}Q")
_LANE = _LANES.size // SIDE
_OFFSET = 1 << 32
_OFFSETS = int.from_bytes(_OFFSET.to_bytes(_LANE, "little") * SIDE, "little")
"""Added to the 32 sums in one number, so that none is negative, and none borrows from the next."""

_RELIABLE_BITS = 26
"""So many of the 64 bits must say something about the picture."""


def phash_of(luminance: bytes) -> tuple[int, bool]:
    """The hash of 32 by 32 pixels, row by row, and whether it says little about the picture.

    It says little where most of its bits depend on noise: plain areas, gradients, fine noise. Different pictures
    of that kind have similar hashes, and copies of one have different ones.
    """
    low = [sum(map(mul, column, wave)) for column in _vertical_frequencies(luminance) for wave in _WAVES]
    ordered = sorted(low)
    twice_median = ordered[BITS // 2 - 1] + ordered[BITS // 2]
    found = reliable = 0
    for value in low:
        found = found << 1 | (2 * value > twice_median)
        reliable += abs(2 * value - twice_median) >= 2 * _NOISE
    return found, reliable < _RELIABLE_BITS


def _vertical_frequencies(luminance: bytes) -> list[list[int]]:
    """The 8 lowest vertical frequencies of the 32 columns of pixels.

    A row is one long number with 8 bytes for each pixel, so that one multiplication does 32: three times as fast.
    """
    spread = bytearray(_LANE * SIDE * SIDE)
    spread[::_LANE] = luminance
    rows = [int.from_bytes(spread[at : at + _LANES.size], "little") for at in range(0, len(spread), _LANES.size)]
    sums = [(sum(map(mul, rows, wave)) + _OFFSETS).to_bytes(_LANES.size, "little") for wave in _WAVES]
    return [[lane - _OFFSET for lane in _LANES.unpack(packed)] for packed in sums]


def hex_of(phash: int) -> str:
    """The hash in 16 hex digits, as files have it."""
    return f"{phash:016x}"


def distance(one: int, other: int) -> int:
    """The number of bits in which two hashes differ, of 64."""
    return (one ^ other).bit_count()
