"""TIFF and BigTIFF, in both byte orders: pages, and the strips or tiles that hold their pixels.

Source: TIFF Revision 6.0. A file is measured by its first page. As readers do, a next page that is outside the file, or
was met before, ends the list, and fields that no reader needs may point anywhere. Uncompressed strips and tiles have a
size that follows from the page: that much must be there, whatever the counts say. Those compressed by Deflate must
inflate to it. Of others only the stated bytes must be there: whether they hold all rows is not known without decoding.
Bytes that no directory names cannot be missed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import add

from pupline.images._deflate import DEFLATES, Inflating
from pupline.images._directories import Directories, Directory, TooMany, directories_of
from pupline.images._structure import Damage, Picture, need

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _ROWS = 256, 257, 258, 259, 262, 277, 278
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _SUBSAMPLING, _DEPTH = 284, 322, 323, 530, 32997
_STRIPS, _TILES, _OLD_JPEG = (273, 279), (324, 325), (513, 514)  # tag of the offsets, tag of the byte counts
_TO_DECODE = (320, 347)  # the colours of a palette, the tables of all JPEG strips: long, and needed
_OLD_TABLES, _OLD_TABLE_BYTES = (519, 520, 521), 17  # where the tables of old-style JPEG are; the smallest one
_WANTED = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _ROWS}
    | {
        _PLANAR,
        _TILE_WIDTH,
        _TILE_HEIGHT,
        _SUBSAMPLING,
        _DEPTH,
        *_TO_DECODE,
        *_OLD_TABLES,
        *_STRIPS,
        *_TILES,
        *_OLD_JPEG,
    }
)
_MAX_PAGES = 10_000  # looking at a page takes 30 microseconds
_UNCOMPRESSED, _SEPARATE_PLANES, _YCBCR = 1, 2, 6


def walk_tiff(body: bytes, picture: Picture) -> None:
    """Measure a TIFF by its first page, and check that the pixels of all pages are there. Raises: Damage."""
    found, offset = directories_of(body)
    if not offset:
        raise Damage("no directory", 4)
    inflating = Inflating(body)
    try:
        for directory in _pages(found, offset, picture):
            offset = directory.offset
            _check_page(found, directory, picture, inflating)
    except TooMany:
        if picture.width is None:
            raise Damage("a first page of more parts than are looked at", offset) from None
        picture.note = f"more pages, strips and tiles than are looked at, from byte {offset} on"


def _pages(found: Directories, offset: int, picture: Picture) -> Iterator[Directory]:
    """The directories, up to the first offset that leads nowhere. Raises: Damage where the first one does, TooMany."""
    seen: set[int] = set()
    while offset and offset not in seen:
        try:
            directory = found.read(offset, _WANTED)
        except Damage:
            if not seen:
                raise
            break
        seen.add(offset)
        if len(seen) > _MAX_PAGES:
            raise TooMany
        yield directory
        offset = found.offset_at(directory.next_at)
    if offset:
        picture.note = f"the list of pages ends: there is no further one at byte {offset}"


@dataclass(frozen=True, slots=True)
class _Page:
    """What a page says of its pixels. bits: of one pixel, in one plane."""

    width: int
    height: int
    bits: int
    planes: int
    compression: int
    subsampling: tuple[int, ...]


def _check_page(found: Directories, directory: Directory, picture: Picture, inflating: Inflating) -> None:
    width, height = found.number(directory, _WIDTH, 0), found.number(directory, _HEIGHT, 0)
    is_first = picture.width is None
    if is_first or (width > 0 and height > 0):
        if width < 1 or height < 1:
            raise Damage(f"a directory for {width} x {height} pixels", directory.offset)
        picture.measure(width, height, directory.offset) if is_first else picture.see(width, height)
        for tag in _TO_DECODE:
            found.check(directory, tag)
        for tag in _OLD_TABLES:
            for at in found.numbers(directory, tag):
                need(found.body, at, _OLD_TABLE_BYTES, "a table of old-style JPEG")
        page = _page(found, directory, width, height)
        if not _check_pixels(found, directory, page, inflating) and is_first:
            raise Damage("a directory without image data", directory.offset)


def _page(found: Directories, directory: Directory, width: int, height: int) -> _Page:
    samples = found.number(directory, _SAMPLES, 1)
    bits = found.numbers(directory, _BITS) or (1,)
    planes = samples if found.number(directory, _PLANAR, 1) == _SEPARATE_PLANES else 1
    every = sum(bits) if len(bits) == samples else bits[0] * samples
    packed = found.number(directory, _PHOTOMETRIC, 0) == _YCBCR and planes == 1
    subsampling = (found.numbers(directory, _SUBSAMPLING) or (2, 2)) if packed else ()
    compression = found.number(directory, _COMPRESSION, _UNCOMPRESSED)
    return _Page(width, height, every if planes == 1 else bits[0], planes, compression, subsampling)


def _check_pixels(found: Directories, directory: Directory, page: _Page, inflating: Inflating) -> bool:
    """Check that all strips and tiles of a page are in the file; whether it has any."""
    offsets = found.numbers(directory, _TILES[0]) or found.numbers(directory, _STRIPS[0])
    counts = found.numbers(directory, _TILES[1]) or found.numbers(directory, _STRIPS[1])
    counts += (1,) * (len(offsets) - len(counts))
    jpeg = found.number(directory, _OLD_JPEG[0], 0)
    due = _sizes(found, directory, page, len(offsets)) if offsets and not jpeg else []
    if page.compression == _UNCOMPRESSED and due:
        # A count of 0 at offset 0 stands for a tile without content; GDAL writes such sparse files.
        counts = tuple(size if at else 0 for size, at in zip(due, offsets, strict=False))
    if jpeg:
        offsets, counts = (*offsets, jpeg), (*counts[: len(offsets)], found.number(directory, _OLD_JPEG[1], 1))
    ends = map(add, offsets, counts)
    if offsets and (min(offsets) < 0 or min(counts, default=0) < 0 or max(ends, default=0) > len(found.body)):
        _name_missing(found, offsets, counts)
    if page.compression in DEFLATES:
        for at, count, size in zip(offsets, counts, due, strict=False):
            if count > 1:  # readers work out a count that is not there
                inflating.check(at, count, size)
    return bool(offsets)


def _name_missing(found: Directories, offsets: tuple[int, ...], counts: tuple[int, ...]) -> None:
    """Raises: Damage for the first strip or tile that is not all there."""
    size = len(found.body)
    for at, count in zip(offsets, counts, strict=False):
        if at < 0 or count < 0 or at + count > size:
            raise Damage(f"the file ends at byte {size}, inside a strip or tile of {count} bytes that begins", at)


def _sizes(found: Directories, directory: Directory, page: _Page, count: int) -> list[int]:
    """The bytes of each strip or tile, uncompressed, in order. Raises: Damage where there are fewer than it takes."""
    across, down = found.number(directory, _TILE_WIDTH, 0), found.number(directory, _TILE_HEIGHT, 0)
    if found.number(directory, _DEPTH, 1) > 1:  # volumes: their strips hold slices, in a way of each writer
        return [1] * count
    if across > 0 and down > 0:
        due = -(-page.width // across) * -(-page.height // down) * page.planes
        sizes = [_bytes_of(page, across, down)]
        last = sizes[0]
    else:
        rows = found.number(directory, _ROWS, page.height)
        rows = rows if 0 < rows < page.height else page.height
        strips = -(-page.height // rows)
        due = strips * page.planes
        last = _bytes_of(page, page.width, page.height - (strips - 1) * rows)
        sizes = [_bytes_of(page, page.width, rows)] * (min(strips, count) - 1)
    if due > count:
        raise Damage(f"{count} strips or tiles where {due} are due, in the directory that begins", directory.offset)
    if across > 0 and down > 0:
        return sizes * due
    return [*sizes, last] * page.planes


def _bytes_of(page: _Page, width: int, height: int) -> int:
    """The bytes of an uncompressed block of pixels: each row begins at a byte."""
    if len(page.subsampling) == 2 and min(page.subsampling) > 0:
        across, down = page.subsampling
        return -(-width // across) * -(-height // down) * (across * down + 2) * max(page.bits // 3, 1) // 8
    return (width * page.bits + 7) // 8 * height
