"""One picture, decoded in full with Pillow: its perceptual hash, scores and EXIF, or why it cannot be decoded.

Runs in a decoder process only (`_decoder`), because the bytes are untrusted and the decoders are C code.
"""

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import AvifImagePlugin, Image, ImageFile, UnidentifiedImageError

from pupline.decoding._exif import exif_of
from pupline.decoding._phash import SIDE, hex_of, phash_of
from pupline.decoding._scores import scores_of, shrunk
from pupline.text import printable

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
"""The types that pupline stores. No other decoder of Pillow ever sees the bytes: EPS would start a program."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What shows a picture of each EXIF orientation upright."""

_SIDEWAYS = 5
"""This orientation and those after it exchange width and height."""

_WIDE = 65_535
_THUMBNAIL_QUALITY = 75
_MAX_DETAIL = 200

Image.MAX_IMAGE_PIXELS = None  # the limit is ours, checked before anything is decoded
ImageFile.LOAD_TRUNCATED_IMAGES = False
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # there is a process for each processor already


@dataclass(frozen=True, slots=True)
class Undecodable(Exception):
    """Why a picture cannot be decoded. reason: of a closed list, in `docs/quality.md`."""

    reason: str
    detail: str


def examine(body: bytes, max_pixels: int) -> dict[str, Any]:
    """What is found in the picture, JSON-ready. Raises: Undecodable, and nothing else but MemoryError."""
    picture = _decoded(body, max_pixels)
    exif = exif_of(picture)
    plain = _opaque(picture)
    luminance = plain.convert("L")
    square = luminance.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    orientation = exif["orientation"]
    phash, low_information = phash_of(_upright(square, orientation).tobytes())
    as_stored = {"phash_stored": hex_of(phash_of(square.tobytes())[0])} if orientation in _UPRIGHT else {}
    width, height = picture.size if orientation < _SIDEWAYS else picture.size[::-1]
    return {
        "width": width,
        "height": height,
        "aspect": round(width / height, 4),
        "phash": hex_of(phash),
        **as_stored,
        "low_information": low_information,
        **scores_of(plain, luminance),
        **exif,
    }


def thumbnail(body: bytes, max_pixels: int, side: int) -> dict[str, Any]:
    """A small upright JPEG of the picture: `jpeg`, in Base64. side: the longer one. Raises: as `examine`.

    Of a JPEG, only as many frequencies are decoded as the size needs: ten times as fast.
    """
    picture = _decoded(body, max_pixels, draft_side=side)
    orientation = exif_of(picture)["orientation"]
    small = _upright(shrunk(_opaque(picture), side), orientation)
    target = io.BytesIO()
    small.save(target, "JPEG", quality=_THUMBNAIL_QUALITY)
    return {"jpeg": base64.b64encode(target.getvalue()).decode("ascii")}


def _decoded(body: bytes, max_pixels: int, draft_side: int | None = None) -> "Picture":
    """The first frame, every pixel of it. Raises: Undecodable; MemoryError.

    draft_side: a JPEG may be decoded smaller, with sides at least so long.
    """
    try:
        picture = Image.open(io.BytesIO(body), formats=_FORMATS)
        if picture.width * picture.height <= max_pixels:
            if draft_side is not None:
                picture.draft(None, (draft_side, draft_side))
            picture.load()
            return picture
    except MemoryError:
        raise
    except UnidentifiedImageError as err:
        raise Undecodable("unsupported", "Pillow knows no decoder for it") from err
    except NotImplementedError as err:
        raise Undecodable("unsupported", printable(str(err), _MAX_DETAIL)) from err
    except Exception as err:
        raise Undecodable("damaged", printable(f"{type(err).__name__}: {err}", _MAX_DETAIL)) from err
    raise Undecodable("too_many_pixels", f"{picture.width} x {picture.height}, more than {max_pixels:,}")


def _opaque(picture: "Picture") -> "Picture":
    """The picture as RGB, over white where it is transparent."""
    if picture.mode.startswith(("I", "F")):
        picture = _eight_bits(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    shown = picture.convert("RGBA")
    ground = Image.new("RGB", shown.size, "white")
    ground.paste(shown, mask=shown.getchannel("A"))
    return ground


def _eight_bits(picture: "Picture") -> "Picture":
    """A picture of 16 or 32 bits with 8: by its high byte, or by its own range where that is not 16 bits."""
    wide = picture.convert("F")
    low, high = wide.getextrema()
    if not (isinstance(low, float) and isinstance(high, float)):
        raise Undecodable("unsupported", f"mode {picture.mode}")
    if picture.mode != "F" and low >= 0 and high <= _WIDE:
        low, high = 0.0, float(_WIDE)
    scale = 255 / (high - low) if high > low else 0.0
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _upright(picture: "Picture", orientation: int) -> "Picture":
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture
