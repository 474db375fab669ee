"""Scores of a picture: blur, brightness, contrast, single colour. They describe it; nothing is rejected by them.

All are found on a copy that is at most 512 pixels long, so that they do not depend on the size of the original.
"""

from bisect import bisect_left
from functools import cache
from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image as Picture

LONG_SIDE = 512
"""Pixels of the longer side of the copy; smaller pictures stay as they are."""

_LAPLACIAN = (0, 1, 0, 1, -4, 1, 0, 1, 0)
_MIDDLE = 128
_SHARP = 100.0
"""The variance of the Laplacian at which a picture is half blurred; usual limits in the field are 50 to 200."""

_COLOUR_SIDE = 64
_BIN_BITS = 4
_NEAR = 16
"""Levels of each channel by which pixels of one colour may differ."""

_LEVELS = range(256)
_SQUARES = [level * level for level in _LEVELS]
_YES = 255

_BINS = bytes(level >> (8 - _BIN_BITS) for level in _LEVELS)
_INSIDE = [bytes(_YES * (level == wanted) for level in _BINS) for wanted in range(1 << _BIN_BITS)]
"""Tables for `bytes.translate`: the bin of each level; and for each bin, 255 for its levels and 0 for others."""


def scores_of(picture: "Picture", luminance: "Picture") -> dict[str, float]:
    """The scores by name. picture: RGB. luminance: of the whole picture, mode L. `docs/quality.md` explains each."""
    small = shrunk(luminance, LONG_SIDE)
    levels = small.histogram()
    mean, variance = _moments(levels)
    sharpness = _sharpness(small)
    return {
        "sharpness": round(sharpness, 2),
        "blur": round(_SHARP / (_SHARP + sharpness), 4),
        "brightness": round(mean / 255, 4),
        "darkness": round(1 - _percentile(levels, 0.95) / 255, 4),
        "contrast": round(variance**0.5 / 127.5, 4),
        "single_colour": round(_single_colour(picture), 4),
    }


def shrunk(picture: "Picture", long_side: int) -> "Picture":
    """The picture, at most so many pixels long, by area averages."""
    longer = max(picture.size)
    if longer <= long_side:
        return picture
    width, height = (max(1, round(side * long_side / longer)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def _sharpness(small: "Picture") -> float:
    """The variance of the Laplacian, each response limited to -128 to 127; without the border of one pixel."""
    if min(small.size) < 3:
        return 0.0
    filtered = small.filter(ImageFilter.Kernel((3, 3), _LAPLACIAN, scale=1, offset=_MIDDLE))
    return _moments(filtered.crop((1, 1, small.width - 1, small.height - 1)).histogram())[1]


def _moments(levels: "Sequence[int]") -> tuple[float, float]:
    """Mean and variance of a histogram."""
    count, total, squares = sum(levels), sum(map(mul, levels, _LEVELS)), sum(map(mul, levels, _SQUARES))
    return total / count, (count * squares - total * total) / (count * count)


def _percentile(levels: "Sequence[int]", share: float) -> int:
    """The lowest level that so large a share of the pixels does not exceed."""
    return bisect_left(list(accumulate(levels)), share * sum(levels))


def _single_colour(picture: "Picture") -> float:
    """The share of the picture whose colour is near the most frequent one, at 64 by 64 pixels."""
    small = picture.resize((_COLOUR_SIDE, _COLOUR_SIDE), Image.Resampling.BOX)
    pixels = small.tobytes()
    bins: Any = Image.frombytes("RGB", small.size, pixels.translate(_BINS)).getcolors(_COLOUR_SIDE * _COLOUR_SIDE)
    _, most = max(bins)
    channels = [pixels[channel::3] for channel in range(3)]
    inside = [channel.translate(_INSIDE[level]) for channel, level in zip(channels, most, strict=True)]
    mask = Image.frombytes("L", small.size, _all_of(inside))
    colour = [round(_moments(one.histogram(mask))[0]) for one in small.split()]
    near = [channel.translate(_near(level)) for channel, level in zip(channels, colour, strict=True)]
    return _all_of(near).count(_YES) / (_COLOUR_SIDE * _COLOUR_SIDE)


def _all_of(masks: "Sequence[bytes]") -> bytes:
    """The pixels that all masks have."""
    first, second, third = (int.from_bytes(mask, "big") for mask in masks)
    return (first & second & third).to_bytes(len(masks[0]), "big")


@cache
def _near(level: int) -> bytes:
    """A table for `bytes.translate`: 255 for levels that are near to this one, 0 for others."""
    return bytes(_YES * (abs(other - level) <= _NEAR) for other in range(256))
