"""Camera raw files: which camera's, and how large their picture is. They are told apart, not kept.

Most are built like TIFF, with a thumbnail first and the raw picture in a further or inner directory: as TIFF they would
pass with the thumbnail's size. Sources: TIFF/EP (ISO 12234-2), Adobe DNG 1.7, and ExifTool's tables of tags.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pupline.images._boxes import top_level
from pupline.images._directories import Directories, Directory, TooMany, directories_of
from pupline.images._structure import Damage, Picture, unpack
from pupline.images._tracks import track_sizes

_KIND, _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _MAKE, _INNER = 254, 256, 257, 259, 262, 271, 330
_EXIF, _EXIF_WIDTH, _EXIF_HEIGHT, _DNG_VERSION, _CROP_SIZE = 34665, 40962, 40963, 50706, 50720
_SENSOR_TOP, _SENSOR_LEFT, _SENSOR_BOTTOM, _SENSOR_RIGHT = 4, 5, 6, 7  # Panasonic's own
_WANTED: Final = frozenset(
    {_KIND, _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _MAKE, _INNER, _EXIF, _EXIF_WIDTH, _EXIF_HEIGHT}
    | {_DNG_VERSION, _CROP_SIZE, _SENSOR_TOP, _SENSOR_LEFT, _SENSOR_BOTTOM, _SENSOR_RIGHT}
)
_RAW_PHOTOMETRICS: Final = frozenset({32803, 34892})  # a colour filter array, linear raw
# Of ARW, of packed and Samsung's raw, of Kodak, NEF and DCR, of PEF: no TIFF reader knows them.
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


@dataclass(frozen=True, slots=True)
class Raw:
    """A camera raw file. width, height: of its picture; None where not found."""

    file_type: str
    width: int | None = None
    height: int | None = None


_LIKE_TIFF: Final = frozenset({"tiff", "orf", "rw2"})
_WITH_SIZE: Final = _LIKE_TIFF | {"raf", "mrw", "cr3"}


def camera_raw(body: bytes, file_type: str) -> Raw | None:
    """What `body` is, if it is a camera raw file. file_type: as its first bytes tell. Raises: nothing."""
    if file_type not in _WITH_SIZE:
        return None
    pages: list[Directory] = []
    found = None
    try:
        if file_type in _LIKE_TIFF:
            found, offset = directories_of(body)
            pages += _all(found, offset)
            named = _name(body, found, pages) if file_type == "tiff" else file_type
            if named is None:
                return None
            file_type = named
        return Raw(file_type, *_size_of(body, file_type, found, pages))
    except (Damage, TooMany):
        return Raw(file_type) if file_type != "tiff" else None


def _size_of(
    body: bytes, file_type: str, found: Directories | None, pages: list[Directory]
) -> tuple[int, int] | tuple[None, None]:
    """The size of the picture. Raises: Damage, TooMany."""
    if found is None:
        return {"raf": _size_of_raf, "mrw": _size_of_mrw, "cr3": _size_of_cr3}[file_type](body)
    if file_type == "dng":
        size = _size_of_dng(found, pages)
    elif file_type == "rw2":
        size = _size_of_rw2(found, pages)
    else:
        size = _largest(found, [page for page in pages if _is_raw(found, page)]) or _exif_size(found, pages)
    return size or _largest(found, pages) or (None, None)


def _all(found: Directories, offset: int) -> Iterator[Directory]:
    """The directories of the list, and those inside each, as far as they can be read."""
    left, seen = [offset], set[int]()
    while left and len(seen) < _MAX_DIRECTORIES:
        at = left.pop(0)
        if not at or at in seen:
            continue
        seen.add(at)
        try:
            directory = found.read(at, _WANTED)
            following = (found.offset_at(directory.next_at), *found.numbers(directory, _INNER)[:_MAX_DIRECTORIES])
        except Damage:
            continue
        yield directory
        left += following


def _name(body: bytes, found: Directories, pages: list[Directory]) -> str | None:
    """The type of what begins as a TIFF, if it is a camera raw file."""
    if not pages:
        return None
    if _DNG_VERSION in pages[0].fields:
        return "dng"
    if body[8:10] == b"CR":
        return "cr2"
    if body[8:12] in (b"IIII", b"MMMM"):
        return "iiq"
    if not any(_is_raw(found, page) for page in pages):
        return None
    make = found.text(pages[0], _MAKE).strip(b" \0").upper()
    return next((kind for maker, kind in _MAKES if make.startswith(maker)), "raw")


def _is_raw(found: Directories, page: Directory) -> bool:
    return (
        found.number(page, _PHOTOMETRIC, 0) in _RAW_PHOTOMETRICS
        or found.number(page, _COMPRESSION, 1) in _RAW_COMPRESSIONS
    )


def _size(found: Directories, page: Directory) -> tuple[int, int]:
    return found.number(page, _WIDTH, 0), found.number(page, _HEIGHT, 0)


def _largest(found: Directories, pages: list[Directory]) -> tuple[int, int] | None:
    """The size of the largest picture of these; None where none has a size."""
    sizes = [(width, height) for width, height in (_size(found, page) for page in pages) if width > 0 and height > 0]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _size_of_dng(found: Directories, pages: list[Directory]) -> tuple[int, int] | None:
    """The size of the main picture, cropped as it is to be shown. Source: DNG 1.7, NewSubFileType, DefaultCropSize."""
    main = [page for page in pages if found.number(page, _KIND, 0) == 0 and _WIDTH in page.fields]
    raw = [page for page in main if _is_raw(found, page)] or main
    size = _largest(found, raw)
    for page in raw:
        crop = found.ratios(page, _CROP_SIZE)
        if size and _size(found, page) == size and len(crop) == 2 and 0 < crop[0] <= size[0] and 0 < crop[1] <= size[1]:
            return crop[0], crop[1]
    return size


def _size_of_rw2(found: Directories, pages: list[Directory]) -> tuple[int, int] | None:
    """The part of the sensor that is the picture."""
    if not pages:
        return None
    edges = [found.number(pages[0], tag, 0) for tag in (_SENSOR_TOP, _SENSOR_LEFT, _SENSOR_BOTTOM, _SENSOR_RIGHT)]
    width, height = edges[3] - edges[1], edges[2] - edges[0]
    return (width, height) if width > 0 and height > 0 else None


def _exif_size(found: Directories, pages: list[Directory]) -> tuple[int, int] | None:
    """The size that the Exif directory states: of the picture as the camera means it."""
    at = found.number(pages[0], _EXIF, 0) if pages else 0
    if not at:
        return None
    exif = found.read(at, _WANTED)
    width, height = found.number(exif, _EXIF_WIDTH, 0), found.number(exif, _EXIF_HEIGHT, 0)
    return (width, height) if width > 0 and height > 0 else None


def _size_of_raf(body: bytes) -> tuple[int, int]:
    """The cropped size in Fujifilm's own directory, or the full one. Raises: Damage."""
    (at,) = unpack(">I", body, 92, "the place of the raw directory")
    (count,) = unpack(">I", body, at, "the raw directory")
    sizes: dict[int, tuple[int, int]] = {}
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


def _size_of_mrw(body: bytes) -> tuple[int, int]:
    """The picture's size in Minolta's block of picture dimensions, which comes first. Raises: Damage."""
    height, width = unpack(">HH", body, 28, "the picture's size")
    return width, height


def _size_of_cr3(body: bytes) -> tuple[int, int] | tuple[None, None]:
    """The size of the first track: the picture as the camera means it. Raises: Damage."""
    picture = Picture()
    moov = top_level(body, picture).get(b"moov", (0, 0))
    return next(track_sizes(body, moov, picture), (None, None))
