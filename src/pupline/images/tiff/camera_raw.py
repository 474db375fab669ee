"""Camera raw files: their camera, and the size of their picture. They are recognised, not accepted.

Most are built like TIFF, with a thumbnail first and the raw picture in a later or inner directory: as a TIFF they would
be accepted with the size of the thumbnail. Sources: TIFF/EP (ISO 12234-2), Adobe DNG 1.7, ExifTool's tables of tags.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pupline.images._structure import Damage, Picture, unpack
from pupline.images.isobmff.boxes import top_level_boxes
from pupline.images.isobmff.tracks import track_sizes
from pupline.images.tiff.ifd import Ifd, IfdReader, LimitReached

_KIND, _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _MAKE, _INNER = 254, 256, 257, 259, 262, 271, 330
_EXIF, _EXIF_WIDTH, _EXIF_HEIGHT, _DNG_VERSION, _CROP_SIZE = 34665, 40962, 40963, 50706, 50720
_SENSOR_TOP, _SENSOR_LEFT, _SENSOR_BOTTOM, _SENSOR_RIGHT = 4, 5, 6, 7  # of Panasonic
_WANTED: Final = frozenset(
    {_KIND, _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _MAKE, _INNER, _EXIF, _EXIF_WIDTH, _EXIF_HEIGHT}
    | {_DNG_VERSION, _CROP_SIZE, _SENSOR_TOP, _SENSOR_LEFT, _SENSOR_BOTTOM, _SENSOR_RIGHT}
)
_RAW_PHOTOMETRICS: Final = frozenset({32803, 34892})  # a colour filter array, linear raw
# Of ARW, of packed and Samsung's raw, of Kodak, NEF and DCR, of PEF; no TIFF reader supports them.
_RAW_COMPRESSIONS: Final = frozenset({32767, 32769, 32770, 32867, 34713, 65000, 65535})
_MAX_DIRECTORIES: Final = 32

_MAKES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"NIKON", "nef"),
    (b"CANON", "cr2"),
    (b"SONY", "arw"),
    (b"PENTAX", "pef"),
    (b"RICOH", "pef"),
    (b"ASAHI", "pef"),
    (b"SAMSUNG", "srw"),
    (b"HASSELBLAD", "3fr"),
    (b"PHASE ONE", "iiq"),
    (b"LEAF", "mos"),
    (b"MAMIYA", "mef"),
    (b"EPSON", "erf"),
    (b"SEIKO EPSON", "erf"),
    (b"KODAK", "dcr"),
    (b"EASTMAN KODAK", "dcr"),
    (b"OLYMPUS", "orf"),
    (b"PANASONIC", "rw2"),
    (b"LEICA", "rw2"),
)


_LIKE_TIFF: Final = frozenset({"tiff", "orf", "rw2"})
_Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CameraRaw:
    """A camera raw file. width, height: of its picture; None where not found."""

    file_type: str
    width: int | None = None
    height: int | None = None


def detect_camera_raw(body: bytes, file_type: str) -> CameraRaw | None:
    """The camera raw file that `body` is, if it is one. file_type: from its first bytes. Raises: nothing."""
    size: _Size | None
    try:
        if file_type in _SIZES:
            size = _SIZES[file_type](body)
        elif file_type in _LIKE_TIFF:
            reader, offset = IfdReader.open(body)
            ifds = list(_all_ifds(reader, offset))
            kind = _type_of(body, ifds) if file_type == "tiff" else file_type
            if kind is None:
                return None
            file_type = kind
            size = _main_size(file_type, ifds)
        else:
            return None
    except (Damage, LimitReached):
        return CameraRaw(file_type) if file_type != "tiff" else None
    return CameraRaw(file_type, *(size or (None, None)))


def _all_ifds(reader: IfdReader, offset: int) -> Iterator[Ifd]:
    """The directories of the list, and those inside each, as far as they can be read."""
    left, seen = [offset], set[int]()
    while left and len(seen) < _MAX_DIRECTORIES:
        at = left.pop(0)
        if not at or at in seen:
            continue
        seen.add(at)
        try:
            ifd = reader.read(at, _WANTED)
            following = (reader.offset_at(ifd.next_at), *ifd.numbers(_INNER)[:_MAX_DIRECTORIES])
        except Damage:
            continue
        yield ifd
        left += following


def _type_of(body: bytes, ifds: list[Ifd]) -> str | None:
    """The type of a file that begins as a TIFF, if it is a camera raw file."""
    if not ifds:
        return None
    if _DNG_VERSION in ifds[0].fields:
        return "dng"
    if body[8:10] == b"CR":
        return "cr2"
    if body[8:12] in (b"IIII", b"MMMM"):
        return "iiq"
    if not any(map(_is_raw, ifds)):
        return None
    make = ifds[0].text(_MAKE).strip(b" \0").upper()
    return next((kind for maker, kind in _MAKES if make.startswith(maker)), "raw")


def _is_raw(ifd: Ifd) -> bool:
    return ifd.number(_PHOTOMETRIC, 0) in _RAW_PHOTOMETRICS or ifd.number(_COMPRESSION, 1) in _RAW_COMPRESSIONS


def _main_size(file_type: str, ifds: list[Ifd]) -> _Size | None:
    """The size of the picture in a file built like TIFF; None where there is none. Raises: Damage, LimitReached."""
    if file_type == "dng":
        size = _dng_size(ifds)
    elif file_type == "rw2":
        size = _rw2_size(ifds)
    else:
        size = _largest([ifd for ifd in ifds if _is_raw(ifd)]) or _exif_size(ifds)
    return size or _largest(ifds)


def _size_in(ifd: Ifd, width_tag: int = _WIDTH, height_tag: int = _HEIGHT) -> _Size | None:
    width, height = ifd.number(width_tag, 0), ifd.number(height_tag, 0)
    return (width, height) if width > 0 and height > 0 else None


def _largest(ifds: list[Ifd]) -> _Size | None:
    """The size of the largest picture; None where no directory has a size."""
    return max(filter(None, map(_size_in, ifds)), key=lambda size: size[0] * size[1], default=None)


def _dng_size(ifds: list[Ifd]) -> _Size | None:
    """The size of the main picture, cropped as it is to be shown. Source: DNG 1.7, NewSubFileType, DefaultCropSize."""
    main = [ifd for ifd in ifds if ifd.number(_KIND, 0) == 0 and _WIDTH in ifd.fields]
    raw = [ifd for ifd in main if _is_raw(ifd)] or main
    size = _largest(raw)
    for ifd in raw:
        crop = ifd.ratios(_CROP_SIZE)
        if size and _size_in(ifd) == size and len(crop) == 2 and 0 < crop[0] <= size[0] and 0 < crop[1] <= size[1]:
            return crop[0], crop[1]
    return size


def _rw2_size(ifds: list[Ifd]) -> _Size | None:
    """The size of the part of the sensor with the picture."""
    if not ifds:
        return None
    top, left, bottom, right = (
        ifds[0].number(tag, 0) for tag in (_SENSOR_TOP, _SENSOR_LEFT, _SENSOR_BOTTOM, _SENSOR_RIGHT)
    )
    return (right - left, bottom - top) if right > left and bottom > top else None


def _exif_size(ifds: list[Ifd]) -> _Size | None:
    """The size in the Exif directory, which is the camera's."""
    at = ifds[0].number(_EXIF, 0) if ifds else 0
    return _size_in(ifds[0].reader.read(at, _WANTED), _EXIF_WIDTH, _EXIF_HEIGHT) if at else None


def _raf_size(body: bytes) -> _Size:
    """The cropped size in Fujifilm's own directory, or the full one. Raises: Damage."""
    (at,) = unpack(">I", body, 92, "the offset of the raw directory")
    (count,) = unpack(">I", body, at, "the raw directory")
    sizes: dict[int, _Size] = {}
    at += 4
    for _ in range(min(count, 255)):
        tag, length = unpack(">HH", body, at, "a record")
        if tag in (0x100, 0x111) and length >= 4:
            height, width = unpack(">HH", body, at + 4, "the picture's size")
            sizes[tag] = (width, height)
        at += 4 + length
    if not sizes:
        raise Damage("no size in the raw directory", at)
    return sizes.get(0x111) or sizes[0x100]


def _mrw_size(body: bytes) -> _Size:
    """The size in Minolta's block of picture dimensions, which is the first block. Raises: Damage."""
    height, width = unpack(">HH", body, 28, "the picture's size")
    return width, height


def _cr3_size(body: bytes) -> _Size | None:
    """The size of the first track, which is the camera's. Raises: Damage."""
    picture = Picture()
    moov = top_level_boxes(body, picture).get(b"moov", (0, 0))
    return next(track_sizes(body, moov, picture), None)


_SIZES: Final[dict[str, Callable[[bytes], _Size | None]]] = {"raf": _raf_size, "mrw": _mrw_size, "cr3": _cr3_size}
