"""Whole images: type, size, animation; and that none of them looks whole once cut."""

import io

import pytest
from PIL import Image

from pupline.images import content_type_of, inspect
from tests.images import handmade_images as made


@pytest.mark.parametrize("name", made.HANDMADE)
def test_handmade_images_are_whole(name: str) -> None:
    """A structurally whole image has its type and size, and no problem."""
    kind, body = made.HANDMADE[name]
    found = inspect(body)
    assert (found.file_type, found.width, found.height) == (kind, 3, 2)
    assert (found.is_image, found.animated, found.problem, found.detail) == (True, False, None, "")


@pytest.mark.parametrize("name", made.PILLOW)
def test_sizes_are_those_that_pillow_finds(name: str) -> None:
    """Every type and mode that Pillow saves is recognised, measured as Pillow measures it, and whole."""
    kind, save = made.PILLOW[name]
    body = save()
    found = inspect(body)
    with Image.open(io.BytesIO(body)) as picture:
        assert (found.width, found.height) == picture.size
    assert (found.file_type, found.problem, found.detail, found.animated) == (kind, None, "", False)


@pytest.mark.parametrize("name", made.ANIMATED)
def test_several_frames_are_an_animation(name: str) -> None:
    """An APNG, GIF, WebP or AVIF of several frames is animated, and has the size of its canvas."""
    kind, save = made.ANIMATED[name]
    found = inspect(save())
    assert (found.file_type, found.animated, found.problem) == (kind, True, None)
    assert (found.width, found.height) == (9, 6)


@pytest.mark.parametrize("name", [*made.HANDMADE, *made.PILLOW, *(f"animated {name}" for name in made.ANIMATED)])
def test_an_image_cut_anywhere_is_never_fine(name: str) -> None:
    """Of all these images, no beginning passes as whole that lacks a pixel.

    They have nothing after their last needed byte. Where a TIFF or HEIF carries bytes at its end that nothing refers
    to, a cut inside those cannot be known. One that lacks no pixel passes with a remark. An animated GIF does not say
    how many frames it has: one that ends after some frame, before anything announces another, has no trailer.
    """
    if name in made.HANDMADE:
        body = made.HANDMADE[name][1]
    else:
        body = (made.PILLOW | {f"animated {key}": value for key, value in made.ANIMATED.items()})[name][1]()
    passing = [cut for cut in range(len(body)) if inspect(body[:cut]).problem is None]
    if name != "animated gif":
        assert [cut for cut in passing if cut < _last_pixel(body)] == []
    assert all(inspect(body[:cut]).detail for cut in passing)
    assert len(passing) <= len(body) - _last_pixel(body) + 2


def _last_pixel(body: bytes) -> int:
    """Where the last byte of a pixel ends, in a body from this file."""
    if body.startswith(b"\x89PNG"):
        data = max(body.rfind(b"IDAT"), body.rfind(b"fdAT"))
        return data + 4 + int.from_bytes(body[data - 4 : data], "big") + 4
    if body.startswith(b"GIF"):
        return len(body) - 1
    return len(body) - 3 if body.startswith(b"BM") else len(body)


@pytest.mark.parametrize("name", ["png", "gif", "lossless webp", "bmp", "baseline jpeg"])
def test_bytes_after_the_end_are_noted(name: str) -> None:
    """Bytes after the end of an image do no harm, and are mentioned with their number and place."""
    body = made.HANDMADE[name][1]
    found = inspect(body + b"more")
    assert found.problem is None
    assert found.detail == f"4 more bytes follow the end of the image at byte {len(body)}"


@pytest.mark.parametrize(
    ("body", "width", "height"),
    [
        (made.jpeg(made.frame(65_535, 65_535), made.scan()), 65_535, 65_535),
        (made.png(made.ihdr(2**31 - 1, 2**31 - 1), made.IDAT, made.IEND), 2**31 - 1, 2**31 - 1),
        (made.riff(made.vp8l(16_384, 16_384)), 16_384, 16_384),
        (made.gif(made.gif_frame(), made.gif_frame(40_000, 40_000, b"\2\1\1\0")), 3, 2),
        (made.heif(width=100_000, height=100_000), 100_000, 100_000),
    ],
    ids=["jpeg", "png", "webp", "frame of a gif", "heic"],
)
def test_the_pixel_limit_stops_bombs(body: bytes, width: int, height: int) -> None:
    """A small file that announces a huge picture, or a huge frame, is told by its size, with the size recorded."""
    found = inspect(body)
    assert (found.problem, found.width, found.height) == ("too_many_pixels", width, height)
    assert found.detail.endswith("more than the limit of 250000000")


def test_the_pixel_limit_is_inclusive() -> None:
    """An image of exactly the limit passes, one pixel less of a limit stops it."""
    body = made.HANDMADE["png"][1]
    assert inspect(body, max_pixels=6).problem is None
    assert inspect(body, max_pixels=5).problem == "too_many_pixels"


@pytest.mark.parametrize(("width", "height"), [(12_000, 9_000), (16_320, 12_240), (19_968, 12_480)])
def test_phones_with_200_megapixels_are_within_the_limit(width: int, height: int) -> None:
    """The largest pictures that cameras take by themselves pass without an option."""
    assert inspect(made.jpeg(made.frame(width, height), made.scan())).problem != "too_many_pixels"


@pytest.mark.parametrize("problem", ["not_an_image", "damaged_image", "too_many_pixels"])
def test_what_has_a_problem_is_served_as_plain_octets(problem: str) -> None:
    """The type of a damaged or oversized image would make a browser decode it."""
    assert content_type_of("png", problem) == "application/octet-stream"
    assert content_type_of("png", None) == "image/png"
    assert content_type_of("dng", None) == "application/octet-stream"
