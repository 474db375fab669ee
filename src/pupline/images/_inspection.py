"""The inspection of a body: its type, its size and its integrity."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

from pupline.images._bmp import walk_bmp
from pupline.images._magic import PICTURE_TYPES
from pupline.images._sniff import sniff
from pupline.images._structure import Damage, OtherType, Picture
from pupline.images._types import IMAGE_TYPES
from pupline.images.gif.blocks import walk_gif
from pupline.images.isobmff.heif import walk_heif
from pupline.images.jpeg.segments import walk_jpeg
from pupline.images.png.chunks import walk_png
from pupline.images.tiff.camera_raw import detect_camera_raw
from pupline.images.tiff.pages import walk_tiff
from pupline.images.webp.chunks import walk_webp

Problem: TypeAlias = Literal["not_an_image", "damaged_image", "too_many_pixels"]

MAX_PIXELS: Final = 250_000_000
"""Phones take pictures of 200 million pixels, which are 1 GB as RGBA."""

_WALKERS: Final[dict[str, Callable[[bytes, Picture], None]]] = {
    "jpg": walk_jpeg,
    "png": walk_png,
    "gif": walk_gif,
    "webp": walk_webp,
    "avif": walk_heif,
    "heic": walk_heif,
    "bmp": walk_bmp,
    "tiff": walk_tiff,
}


class Inspection(NamedTuple):
    """What a body is.

    file_type: `jpg`, `png`, `gif`, `webp`, `avif`, `heic`, `bmp`, `tiff`, or another format (`html`, `svg`, `pdf`,
    `dng`, `jp2`, `zip`, `json`, `text`, `empty`, `unknown`, ...). is_image: one of the first eight, whole or not.
    animated: more than one frame (APNG, GIF, WebP, AVIF and HEIC sequences).
    width, height: in pixels, None where not known. For AVIF and HEIC as shown, cropped and rotated, as these formats
    require. For all others as stored: an orientation in Exif or in a TIFF tag is not applied. Camera raw files have the
    size of their picture, not of their thumbnail.
    problem: why it must not be stored among the images, a Reason of `pupline.errors`; None where it is sound.
    detail: one line about the problem and its offset, or a note on a harmless oddity, or empty.
    """

    file_type: str
    is_image: bool
    animated: bool = False
    width: int | None = None
    height: int | None = None
    problem: Problem | None = None
    detail: str = ""


def inspect(body: bytes, *, max_pixels: int = MAX_PIXELS) -> Inspection:
    """What `body` is, from its structure; no pixel is decoded. Raises: nothing.

    max_pixels: of the largest canvas, frame or page. The time is linear in the length of the body, the memory constant.
    """
    file_type = sniff(body)
    if (raw := detect_camera_raw(body, file_type)) is not None:
        return _not_an_image(raw.file_type, body, (raw.width, raw.height))
    if file_type not in IMAGE_TYPES:
        return _not_an_image(file_type, body)
    picture = Picture(max_pixels=max_pixels)
    problem: Problem | None = None
    try:
        _WALKERS[file_type](body, picture)
        detail = picture.note
    except OtherType as other:
        return _not_an_image(other.file_type, body)
    except Damage as damage:
        problem, detail = "damaged_image", f"damaged {file_type}: {damage}"
    if problem is None and picture.too_large:
        problem = "too_many_pixels"
        detail = f"{picture.pixels} pixels, more than the limit of {max_pixels}"
    return Inspection(file_type, True, picture.animated, picture.width, picture.height, problem, detail)


def _not_an_image(file_type: str, body: bytes, size: tuple[int | None, int | None] = (None, None)) -> Inspection:
    what = "not an image" if file_type not in PICTURE_TYPES else "not an accepted type of image"
    of = "" if None in size else f", {size[0]} x {size[1]} pixels"
    detail = f"{what}: {file_type}{of} ({len(body)} bytes, beginning with {body[:12].hex(' ')} at byte 0)"
    if not body:
        detail = "not an image: the body is empty"
    return Inspection(file_type, False, False, *size, "not_an_image", detail)
