"""HEIF in its low-overhead form: one `mini` box instead of `meta`, packed bit by bit.

Source: ISO/IEC 23008-12:2025, Annex on the low-overhead image file format, as libavif reads it (`avifParseMinimized
ImageBox`). Only the size is taken: what follows it depends on thirty flags, and the box's own size tells a cut.
"""

from pupline.images._structure import Picture, need

_BITS_BEFORE_SIZE = 2 + 9 + 2  # version, nine flags, chroma subsampling


def measure_mini(body: bytes, start: int, end: int, picture: Picture) -> None:
    """Measure a picture, turned as it is to be shown. Raises: Damage."""
    need(body[:end], start, 6, "a mini box")
    bits = int.from_bytes(body[start : start + 6], "big")
    left = 48 - _BITS_BEFORE_SIZE
    orientation, large = bits >> (left - 3) & 7, bits >> (left - 4) & 1
    left -= 4
    width_bits = 15 if large else 7
    mask = (1 << width_bits) - 1
    width, height = (bits >> (left - width_bits) & mask) + 1, (bits >> (left - 2 * width_bits) & mask) + 1
    picture.measure(*((height, width) if orientation >= 4 else (width, height)), start)
