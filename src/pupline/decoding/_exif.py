"""What a picture's EXIF and XMP say: camera, time, orientation, and whether there is a place. The place is not read."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pupline.text import printable

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_MAKE, _MODEL, _ORIENTATION, _TIME = 0x010F, 0x0110, 0x0112, 0x0132
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TAKEN_AT, _TAKEN_AT_OFFSET = 0x9003, 0x9011
_MAX_TEXT = 80
_STAMP = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d:\d\d:\d\d)", re.ASCII)
_OFFSET = re.compile(r"[+-]\d\d:\d\d", re.ASCII)
_XMP_PLACE = (b"GPSLatitude", b"GPSLongitude")


def exif_of(picture: "Picture") -> dict[str, Any]:
    """`has_exif`, `has_gps`, `orientation` (1 to 8), and where known `camera` and `taken_at`.

    taken_at: RFC 3339 to the millisecond, without an offset unless the picture has one. Unreadable tags are left out.
    """
    tags, found = _tags(picture), _tags(picture, _EXIF_IFD)
    xmp = picture.info.get("xmp")
    place = isinstance(xmp, bytes) and any(name in xmp for name in _XMP_PLACE)
    orientation = tags.get(_ORIENTATION)
    camera = " ".join(text for tag in (_MAKE, _MODEL) if (text := _text(tags.get(tag))))
    taken_at = _moment(found.get(_TAKEN_AT) or tags.get(_TIME), found.get(_TAKEN_AT_OFFSET))
    return {
        "has_exif": bool(tags or found or picture.info.get("exif")),
        "has_gps": place or any(tag != 0 for tag in _tags(picture, _GPS_IFD)),  # 0 is the version of the directory
        "orientation": orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        **({"camera": camera} if camera else {}),
        **({"taken_at": taken_at} if taken_at else {}),
    }


def _tags(picture: "Picture", directory: int | None = None) -> Mapping[int, Any]:
    """The tags of the main directory, or of one below it; none where they cannot be read."""
    try:
        exif = picture.getexif()
        return dict(exif if directory is None else exif.get_ifd(directory))
    except Exception:  # noqa: BLE001 - Pillow raises anything for damaged EXIF, which says nothing about the pixels
        return {}


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return printable(text.split("\0")[0].strip(), _MAX_TEXT) if isinstance(text, str) else ""


def _moment(value: object, offset: object) -> str | None:
    found = _STAMP.fullmatch(_text(value))
    if found is None or found[1] == "0000":
        return None
    zone = _text(offset)
    # PyArrow, and so `datasets`, guesses the type of texts without a fraction, and differently in each part of a file.
    return f"{found[1]}-{found[2]}-{found[3]}T{found[4]}.000{zone if _OFFSET.fullmatch(zone) else ''}"
