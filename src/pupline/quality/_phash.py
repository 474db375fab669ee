"""The perceptual hash: 64 bits that differ little between copies of a picture, whatever its size and encoding.

The picture's luminance (ITU-R 601) at 32 by 32 pixels, Lanczos-resampled; its discrete cosine transform (DCT-II); of
that the 8 by 8 lowest frequencies; for each, row by row, a bit: 1 where it is greater than the median of all 64. These
are the 64 bits of `imagehash.phash`, so lists from elsewhere can be compared. Here the transform is in whole numbers,
and gives the same bits on every machine.
"""

import math
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

_RELIABLE_BITS = 26
"""So many of the 64 bits must say something about the picture."""


def phash_of(luminance: bytes) -> tuple[int, bool]:
    """The hash of 32 by 32 pixels, row by row, and whether it says little about the picture.

    It says little where most of its bits depend on noise: plain areas, gradients, fine noise. Different pictures
    of that kind have similar hashes, and copies of one have different ones.
    """
    rows = [luminance[at : at + SIDE] for at in range(0, SIDE * SIDE, SIDE)]
    across = [[sum(map(mul, row, wave)) for row in rows] for wave in _WAVES]  # by horizontal frequency, then row
    low = [sum(map(mul, across[column], _WAVES[row])) for row in range(_LOW) for column in range(_LOW)]
    ordered = sorted(low)
    twice_median = ordered[BITS // 2 - 1] + ordered[BITS // 2]
    found = reliable = 0
    for value in low:
        found = found << 1 | (2 * value > twice_median)
        reliable += abs(2 * value - twice_median) >= 2 * _NOISE
    return found, reliable < _RELIABLE_BITS


def hex_of(phash: int) -> str:
    """The hash in 16 hex digits, as files have it."""
    return f"{phash:016x}"


def distance(one: int, other: int) -> int:
    """The number of bits in which two hashes differ, of 64."""
    return (one ^ other).bit_count()
