"""The perceptual hash: fixed bits, near for copies, far for different pictures."""

import io
import math
import random

import pytest
from PIL import Image, ImageEnhance

from pupline.decoding._phash import SIDE, distance, hex_of, phash_of
from tests.shared.pictures import encoded, picture


def _hash(image: Image.Image) -> tuple[int, bool]:
    return phash_of(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS).tobytes())


def _again(image: Image.Image, kind: str, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encoded(image, kind, quality=quality)))


def test_the_bits_are_those_of_the_version() -> None:
    """A pattern of whole numbers has this hash, on every machine and with every Pillow."""
    luminance = bytes(
        (7 * column * column + 13 * row * column + 29 * row) % 251 for row in range(SIDE) for column in range(SIDE)
    )
    assert (hex_of(phash_of(luminance)[0]), phash_of(luminance)[1]) == ("e0662fe337646433", False)


def _by_definition(luminance: bytes) -> int:
    """The hash by two sums over pixels, as the module's docstring defines it."""
    waves = [
        [round((1 << 14) * math.cos(math.pi * frequency * (2 * place + 1) / (2 * SIDE))) for place in range(SIDE)]
        for frequency in range(8)
    ]
    low = [
        sum(luminance[SIDE * y + x] * down[y] * across[x] for y in range(SIDE) for x in range(SIDE))
        for down in waves
        for across in waves
    ]
    middle = sum(sorted(low)[31:33])
    return int("".join(str(int(2 * value > middle)) for value in low), 2)


@pytest.mark.parametrize("levels", [range(256), (0, 255), (0,), (255,)])
def test_the_hash_is_the_one_of_its_definition(levels: range | tuple[int, ...]) -> None:
    """Bit by bit, also at the ends of the range: the sums are worked out together, and none reaches the next."""
    pixels = bytes(random.Random(4).choices(levels, k=SIDE * SIDE))
    assert phash_of(pixels)[0] == _by_definition(pixels)


@pytest.mark.parametrize(
    ("seed", "expected"), [(1, "c1bf40857e4335ce"), (2, "f06e0d202fe71fd0"), (3, "aed046b5c1ad59aa")]
)
def test_the_resampling_is_that_of_the_version(seed: int, expected: str) -> None:
    """Luminance and resampling of Pillow are part of the version: a change of theirs shows here."""
    assert hex_of(_hash(picture(seed))[0]) == expected


@pytest.mark.parametrize("seed", range(8))
def test_copies_are_near(seed: int) -> None:
    """A picture that was encoded again, resized, cropped a little or brightened has nearly the same hash."""
    original = picture(seed)
    width, height = original.size
    edge = (width // 80, height // 80, width - width // 80, height - height // 80)
    copies = [
        _again(original, "JPEG", 40),
        _again(original, "WEBP", 50),
        original.resize((width // 3, height // 3)),
        original.resize((width * 2, height * 2)),
        original.crop(edge),
        ImageEnhance.Brightness(original).enhance(1.15),
    ]
    assert max(distance(_hash(copy)[0], _hash(original)[0]) for copy in copies) <= 8


def test_different_pictures_are_far_apart() -> None:
    """No two of forty pictures are near."""
    hashes = [_hash(picture(seed))[0] for seed in range(40)]
    pairs = [distance(one, other) for at, one in enumerate(hashes) for other in hashes[:at]]
    assert min(pairs) > 12


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (400, 300), 200),
        Image.linear_gradient("L"),
        Image.linear_gradient("L").rotate(90),
        Image.radial_gradient("L"),
        _again(Image.new("RGB", (400, 300), (250, 240, 230)), "JPEG", 60),
        Image.effect_noise((400, 300), 5),
    ],
    ids=["flat", "down", "across", "radial", "flat JPEG", "noise"],
)
def test_plain_pictures_say_little(image: Image.Image) -> None:
    """A plain area, a gradient and fine noise are marked: their bits are noise."""
    assert _hash(image)[1]


@pytest.mark.parametrize("seed", range(8))
def test_pictures_say_something(seed: int) -> None:
    """A picture with shapes is not marked, dark or small as it may be."""
    original = picture(seed)
    assert not _hash(original)[1]
    assert not _hash(original.resize((40, 30)))[1]
    assert not _hash(ImageEnhance.Brightness(original).enhance(0.3))[1]
