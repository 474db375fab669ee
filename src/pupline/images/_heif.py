"""AVIF and HEIC: boxes, the primary item's size, and where the items' bytes are.

Sources: ISO/IEC 14496-12 (boxes, item location, tracks), ISO/IEC 23008-12 (HEIF), AV1 Image File Format 1.1. A rotation
(`irot`) is not applied to the size. A free-space box that was cut off whole at the end cannot be missed.
"""

from collections.abc import Iterator
from typing import TypeAlias

from pupline.images._structure import Damage, Picture, need, unpack

Range: TypeAlias = tuple[int, int]

# A grid of tiles has some hundred items and extents; these bounds keep hostile tables from taking seconds.
_MAX_BOXES = 20_000
_MAX_EXTENTS = 100_000


def walk_heif(body: bytes, picture: Picture) -> None:
    """Measure an AVIF or HEIC, still or sequence. Raises: Damage."""
    boxes = _first_of(body, 0, len(body))
    if b"meta" in boxes:
        start, end = boxes[b"meta"]
        _still(body, _first_of(body, start + 4, end), start, picture)
    if b"moov" in boxes:
        _sequence(body, boxes[b"moov"], picture)
    if picture.width is None:
        raise Damage("no picture among the boxes of the file that begins", 0)


def _boxes(body: bytes, offset: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, start of content and end of each box up to `end`."""
    for _ in range(_MAX_BOXES):
        if offset == end:
            return
        size, kind, start = *unpack(">I", body, offset, "a box"), body[offset + 4 : offset + 8], offset + 8
        if size == 1:
            (size,) = unpack(">Q", body, start, "a large box")
            start += 8
        elif size == 0:
            size = end - offset
        if size < start - offset or offset + size > end:
            raise Damage(f"a box of {size} bytes that does not fit where it is", offset)
        yield kind, start, offset + size
        offset += size
    raise Damage(f"more than {_MAX_BOXES} boxes", offset)


def _first_of(body: bytes, start: int, end: int) -> dict[bytes, Range]:
    """Where the first box of each type has its content."""
    found: dict[bytes, Range] = {}
    for kind, first, last in _boxes(body, start, end):
        found.setdefault(kind, (first, last))
    return found


def _still(body: bytes, boxes: dict[bytes, Range], meta: int, picture: Picture) -> None:
    """Measure the primary item and check that all items' bytes are there."""
    missing = [kind.decode() for kind in (b"pitm", b"iloc", b"iprp") if kind not in boxes]
    if missing:
        raise Damage(f"no {', '.join(missing)} in the meta box that begins", meta)
    start = boxes[b"pitm"][0]
    (primary,) = unpack(">I" if body[start] else ">H", body, start + 4, "the primary item")
    inner = _first_of(body, *boxes[b"iprp"])
    sizes = _sizes(body, *inner.get(b"ipco", (0, 0)))
    for width, height in sizes.values():
        picture.see(width, height)
    for number in _associations(body, *inner.get(b"ipma", (0, 0)), primary):
        if number in sizes and picture.width is None:
            picture.measure(*sizes[number], start)
    if picture.width is None:
        raise Damage(f"no size for the primary item, {primary}, which is named", start)
    if primary not in _check_items(body, *boxes[b"iloc"], boxes.get(b"idat", (0, 0))):
        raise Damage(f"no data for the primary item, {primary}, which is named", start)


def _sizes(body: bytes, start: int, end: int) -> dict[int, tuple[int, int]]:
    """The `ispe` properties by their number, from 1."""
    sizes: dict[int, tuple[int, int]] = {}
    for number, (kind, first, last) in enumerate(_boxes(body, start, end), 1):
        if kind == b"ispe" and last - first >= 12:
            width, height = unpack(">II", body, first + 4, "a size")
            sizes[number] = (width, height)
    return sizes


def _associations(body: bytes, start: int, end: int, item: int) -> Iterator[int]:
    """The numbers of the properties that `item` has."""
    if end - start < 8:
        return
    wide_ids, wide_numbers = body[start] > 0, body[start + 3] & 1
    (entries,) = unpack(">I", body, start + 4, "item properties")
    offset = start + 8
    for _ in range(entries):
        found, count = unpack(">IB" if wide_ids else ">HB", body, offset, "item properties")
        offset += 5 if wide_ids else 3
        if offset + count * (2 if wide_numbers else 1) > end:
            raise Damage("item properties that overrun their box", offset)
        numbers = unpack(f">{count}{'H' if wide_numbers else 'B'}", body, offset, "item properties")
        offset += count * (2 if wide_numbers else 1)
        if found == item:
            yield from (number & (0x7FFF if wide_numbers else 0x7F) for number in numbers)


class _Fields:
    """Integers of stated widths, one after the other."""

    def __init__(self, body: bytes, offset: int, end: int) -> None:
        self.body, self.offset, self.end = body, offset, end

    def take(self, size_bytes: int) -> int:
        """The next integer; 0 for a width of 0."""
        start, self.offset = self.offset, self.offset + size_bytes
        if self.offset > self.end:
            raise Damage("item locations that overrun their box", start)
        return int.from_bytes(self.body[start : self.offset], "big")


def _check_items(body: bytes, start: int, end: int, idat: Range) -> set[int]:
    """The items that have bytes, once all their extents are found inside the file (or inside `idat`)."""
    fields = _Fields(body, start, end)
    version, _ = fields.take(1), fields.take(3)
    widths = fields.take(2)
    offset_bytes, length_bytes, base_bytes, index_bytes = (widths >> shift & 15 for shift in (12, 8, 4, 0))
    items: set[int] = set()
    left = _MAX_EXTENTS
    for _ in range(fields.take(4 if version == 2 else 2)):
        item = fields.take(4 if version == 2 else 2)
        method = fields.take(2) & 15 if version else 0
        fields.take(2)
        base, extents = fields.take(base_bytes), fields.take(2)
        left -= extents + 1
        if left < 0:
            raise Damage(f"more than {_MAX_EXTENTS} extents", fields.offset)
        for _ in range(extents):
            fields.take(index_bytes if version else 0)
            first, length = base + fields.take(offset_bytes), fields.take(length_bytes)
            _check_extent(body, method, first, length, idat)
        if extents:
            items.add(item)
    return items


def _check_extent(body: bytes, method: int, first: int, length: int, idat: Range) -> None:
    """Method 0 counts from the start of the file, 1 from the start of `idat`; others point into items."""
    if method == 0:
        need(body, first, length or 1, f"an item of {length} bytes")
    elif method == 1 and first + length > idat[1] - idat[0]:
        raise Damage(f"an item of {length} bytes that overruns its box", idat[0])


def _sequence(body: bytes, moov: Range, picture: Picture) -> None:
    """Measure the tracks of an image sequence."""
    for kind, start, end in _boxes(body, *moov):
        if kind != b"trak":
            continue
        track = _first_of(body, start, end)
        width, height = _track_size(body, track, start)
        samples = _samples(body, track)
        if not width or not height:
            continue
        if picture.width is None:
            picture.measure(width, height, start)
        picture.see(width, height)
        picture.animated |= samples > 1


def _track_size(body: bytes, track: dict[bytes, Range], offset: int) -> tuple[int, int]:
    if b"tkhd" not in track:
        raise Damage("no header in the track that begins", offset)
    start, end = track[b"tkhd"]
    at = start + (88 if end > start and body[start] == 1 else 76)
    if at + 8 > end:
        raise Damage("a track header that is too short", start)
    width, height = unpack(">II", body, at, "a track header")
    return width >> 16, height >> 16


def _samples(body: bytes, track: dict[bytes, Range]) -> int:
    """How many frames the track has, once the chunks that hold them begin inside the file."""
    boxes = track
    for kind in (b"mdia", b"minf", b"stbl"):
        boxes = _first_of(body, *boxes[kind]) if kind in boxes else {}
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        start, end = boxes.get(kind, (0, 0))
        if end - start < 8:
            continue
        (count,) = unpack(">I", body, start + 4, "chunk offsets")
        if start + 8 + count * width > end or count > _MAX_EXTENTS:
            raise Damage(f"a table of {count} chunk offsets", start)
        for offset in unpack(f">{count}{'I' if width == 4 else 'Q'}", body, start + 8, "chunk offsets"):
            need(body, offset, 1, "a chunk of frames")
    start, end = boxes.get(b"stsz", (0, 0))
    return unpack(">I", body, start + 8, "sample sizes")[0] if end - start >= 12 else 0
