"""Scores of a picture: blur, brightness, contrast, single colour. They describe it; nothing is rejected by them.

All are found on a copy that is at most 512 pixels long, so that they do not depend on the size of the original.
"""

from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops, ImageFilter

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
    count = sum(levels)
    mean = sum(level * pixels for level, pixels in enumerate(levels)) / count
    return mean, sum((level - mean) ** 2 * pixels for level, pixels in enumerate(levels)) / count


def _percentile(levels: "Sequence[int]", share: float) -> int:
    """The lowest level that so large a share of the pixels does not exceed."""
    wanted, seen = share * sum(levels), 0
    for level, pixels in enumerate(levels):
        seen += pixels
        if seen >= wanted:
            return level
    return len(levels) - 1


def _single_colour(picture: "Picture") -> float:
    """The share of the picture whose colour is near the most frequent one, at 64 by 64 pixels."""
    small = picture.resize((_COLOUR_SIDE, _COLOUR_SIDE), Image.Resampling.BOX)
    bins = small.point([level >> (8 - _BIN_BITS) for level in range(256)] * 3)
    counts: Any = bins.getcolors(_COLOUR_SIDE * _COLOUR_SIDE)
    _, most = max(counts)
    inside = Image.new("L", small.size, 255)
    for channel, wanted in zip(bins.split(), most, strict=True):
        inside = ImageChops.darker(inside, channel.point([255 * (level == wanted) for level in range(256)]))
    colour = tuple(round(_moments(channel.histogram(inside))[0]) for channel in small.split())
    apart = ImageChops.difference(small, Image.new("RGB", small.size, colour))
    farthest = ImageChops.lighter(ImageChops.lighter(*apart.split()[:2]), apart.split()[2])
    return sum(farthest.histogram()[: _NEAR + 1]) / (_COLOUR_SIDE * _COLOUR_SIDE)
