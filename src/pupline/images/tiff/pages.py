"""TIFF and BigTIFF, in both byte orders: pages, and the strips or tiles with their pixels.

Source: TIFF Revision 6.0. The size of a file is that of its first page. As for other readers, a next page outside the
file or seen before ends the list, and fields that no reader needs may point anywhere. The size of uncompressed strips
and tiles follows from the page; the file must have so many bytes, whatever the counts are. Strips and tiles compressed
by Deflate must inflate to that size. Of other compressed ones the stated bytes must be in the file: whether they have
all rows is not known without decoding. Bytes that no directory refers to may be missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import add

from pupline.images._structure import Damage, Picture, require
from pupline.images.tiff.deflate import DEFLATES, StripInflater
from pupline.images.tiff.ifd import Ifd, IfdReader, LimitReached

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _ROWS = 256, 257, 258, 259, 262, 277, 278
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _SUBSAMPLING, _DEPTH = 284, 322, 323, 530, 32997
_STRIPS, _TILES, _OLD_JPEG = (273, 279), (324, 325), (513, 514)  # tag of the offsets, tag of the byte counts
_TO_DECODE = (320, 347)  # the colours of a palette, the tables of all JPEG strips: long, and needed
_OLD_TABLES, _OLD_TABLE_BYTES = (519, 520, 521), 17  # offsets of the tables of old-style JPEG; the smallest table
_WANTED = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _ROWS, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT}
    | {_SUBSAMPLING, _DEPTH, *_TO_DECODE, *_OLD_TABLES, *_STRIPS, *_TILES, *_OLD_JPEG}
)
_MAX_PAGES = 10_000  # a page takes 30 microseconds
_UNCOMPRESSED, _SEPARATE_PLANES, _YCBCR = 1, 2, 6


def walk_tiff(body: bytes, picture: Picture) -> None:
    """Measure a TIFF by its first page, and check that the pixels of all pages are there. Raises: Damage."""
    reader, offset = IfdReader.open(body)
    if not offset:
        raise Damage("no directory", 4)
    inflater = StripInflater(body)
    try:
        for ifd in _pages(reader, offset, picture):
            offset = ifd.offset
            _check_page(ifd, picture, inflater)
    except LimitReached:
        if picture.width is None:
            raise Damage("a first page of more parts than are checked", offset) from None
        picture.note = f"more pages, strips and tiles than are checked, from byte {offset} on"


def _pages(reader: IfdReader, offset: int, picture: Picture) -> Iterator[Ifd]:
    """The directories, up to the first invalid offset. Raises: Damage where the first one is invalid, LimitReached."""
    seen: set[int] = set()
    while offset and offset not in seen:
        try:
            ifd = reader.read(offset, _WANTED)
        except Damage:
            if not seen:
                raise
            break
        seen.add(offset)
        if len(seen) > _MAX_PAGES:
            raise LimitReached
        yield ifd
        offset = reader.offset_at(ifd.next_at)
    if offset:
        picture.note = f"the list of pages ends: there is no further one at byte {offset}"


@dataclass(frozen=True, slots=True)
class _Page:
    """The layout of a page's pixels. bits: of one pixel, in one plane."""

    width: int
    height: int
    bits: int
    planes: int
    compression: int
    subsampling: tuple[int, ...]

    @classmethod
    def of(cls, ifd: Ifd, width: int, height: int) -> "_Page":
        """The page of a directory. Raises: Damage, LimitReached."""
        samples = ifd.number(_SAMPLES, 1)
        bits = ifd.numbers(_BITS) or (1,)
        planes = samples if ifd.number(_PLANAR, 1) == _SEPARATE_PLANES else 1
        every = sum(bits) if len(bits) == samples else bits[0] * samples
        packed = ifd.number(_PHOTOMETRIC, 0) == _YCBCR and planes == 1
        subsampling = (ifd.numbers(_SUBSAMPLING) or (2, 2)) if packed else ()
        compression = ifd.number(_COMPRESSION, _UNCOMPRESSED)
        return cls(width, height, every if planes == 1 else bits[0], planes, compression, subsampling)

    def bytes_of(self, width: int, height: int) -> int:
        """The size of an uncompressed block of pixels, whose rows begin at a byte."""
        if len(self.subsampling) == 2 and min(self.subsampling) > 0:
            across, down = self.subsampling
            blocks = -(-width // across) * -(-height // down)
            return blocks * (across * down + 2) * max(self.bits // 3, 1) // 8
        return (width * self.bits + 7) // 8 * height


def _check_page(ifd: Ifd, picture: Picture, inflater: StripInflater) -> None:
    width, height = ifd.number(_WIDTH, 0), ifd.number(_HEIGHT, 0)
    is_first = picture.width is None
    if width < 1 or height < 1:
        if is_first:
            raise Damage(f"a directory for {width} x {height} pixels", ifd.offset)
        return
    picture.measure(width, height, ifd.offset) if is_first else picture.add_frame_size(width, height)
    for tag in _TO_DECODE:
        ifd.check(tag)
    for tag in _OLD_TABLES:
        for at in ifd.numbers(tag):
            require(ifd.reader.body, at, _OLD_TABLE_BYTES, "a table of old-style JPEG")
    if not _check_pixels(ifd, _Page.of(ifd, width, height), inflater) and is_first:
        raise Damage("a directory without image data", ifd.offset)


def _check_pixels(ifd: Ifd, page: _Page, inflater: StripInflater) -> bool:
    """Check that all strips and tiles of a page are in the file; whether it has any."""
    offsets = ifd.numbers(_TILES[0]) or ifd.numbers(_STRIPS[0])
    counts = ifd.numbers(_TILES[1]) or ifd.numbers(_STRIPS[1])
    counts += (1,) * (len(offsets) - len(counts))
    jpeg = ifd.number(_OLD_JPEG[0], 0)
    due = _sizes(ifd, page, len(offsets)) if offsets and not jpeg else []
    if page.compression == _UNCOMPRESSED and due:
        # A count of 0 at offset 0 stands for a tile without content; GDAL writes such sparse files.
        counts = tuple(size if at else 0 for size, at in zip(due, offsets, strict=False))
    if jpeg:
        offsets, counts = (*offsets, jpeg), (*counts[: len(offsets)], ifd.number(_OLD_JPEG[1], 1))
    size = len(ifd.reader.body)
    ends = map(add, offsets, counts)
    if offsets and (min(offsets) < 0 or min(counts, default=0) < 0 or max(ends, default=0) > size):
        for at, count in zip(offsets, counts, strict=False):
            if at < 0 or count < 0 or at + count > size:
                raise Damage(f"the file ends at byte {size}, inside a strip or tile of {count} bytes that begins", at)
    if page.compression in DEFLATES:
        for at, count, inflated in zip(offsets, counts, due, strict=False):
            if count > 1:  # readers compute a missing count
                inflater.check(at, count, inflated)
    return bool(offsets)


def _sizes(ifd: Ifd, page: _Page, count: int) -> list[int]:
    """The uncompressed size of each strip or tile. Raises: Damage where there are too few."""
    across, down = ifd.number(_TILE_WIDTH, 0), ifd.number(_TILE_HEIGHT, 0)
    if ifd.number(_DEPTH, 1) > 1:  # volumes: how strips hold slices depends on the writer
        return [1] * count
    is_tiled = across > 0 and down > 0
    if is_tiled:
        due = -(-page.width // across) * -(-page.height // down) * page.planes
        sizes = [page.bytes_of(across, down)]
        last = sizes[0]
    else:
        rows = ifd.number(_ROWS, page.height)
        rows = rows if 0 < rows < page.height else page.height
        strips = -(-page.height // rows)
        due = strips * page.planes
        last = page.bytes_of(page.width, page.height - (strips - 1) * rows)
        sizes = [page.bytes_of(page.width, rows)] * (min(strips, count) - 1)
    if due > count:
        raise Damage(f"{count} strips or tiles where {due} are due, in the directory that begins", ifd.offset)
    return sizes * due if is_tiled else [*sizes, last] * page.planes
