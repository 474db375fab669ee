"""TIFF and BigTIFF, in both byte orders: directories, and the strips or tiles that they name.

Sources: TIFF Revision 6.0, section 2; BigTIFF by libtiff, "The BigTIFF File Format". Camera raw files with a TIFF
skeleton pass as TIFF. Bytes that no directory names cannot be missed: a file cut inside them looks whole.
"""

from dataclasses import dataclass

from pupline.images._structure import Damage, Picture, need, unpack

_WIDTH, _HEIGHT = 256, 257
# Where the pixels are: tag of the offsets, tag of the byte counts. Strips, tiles, and the JPEG of old-style files.
_DATA_TAGS = ((273, 279), (324, 325), (513, 514))
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

# A scan of a thousand pages, a picture of 200,000 strips: larger ones exist in archives, not behind an image API, and
# without bounds overlapping directories would make the work quadratic.
_MAX_DIRECTORIES = 1_000
_MAX_VALUES = 200_000


@dataclass(slots=True)
class _Reader:
    """The integers of one file: its byte order and the width of its offsets."""

    body: bytes
    order: str
    big: bool
    values_left: int = _MAX_VALUES

    def offset_at(self, offset: int) -> int:
        """An offset, of 4 or 8 bytes."""
        return unpack(self.order + ("Q" if self.big else "I"), self.body, offset, "an offset")[0]

    def values(self, kind: int, count: int, offset: int) -> tuple[int, ...]:
        """`count` integers of a field type. Raises: Damage beyond what one file may hold."""
        self.values_left -= count
        if self.values_left < 0:
            raise Damage(f"more than {_MAX_VALUES} strips, tiles and fields", offset)
        letter = _LETTERS.get(kind)
        if letter is None:
            raise Damage(f"numbers of field type {kind}", offset)
        return unpack(f"{self.order}{count}{letter}", self.body, offset, "a field's values")


def walk_tiff(body: bytes, picture: Picture) -> None:
    """Measure a TIFF: the first directory's picture, all directories checked. Raises: Damage."""
    reader = _Reader(body, "<" if body[:2] == b"II" else ">", 43 in body[2:4])
    if reader.big and unpack(reader.order + "HH", body, 4, "the header") != (8, 0):
        raise Damage("a BigTIFF header without 8-byte offsets", 4)
    offset = reader.offset_at(8 if reader.big else 4)
    seen: set[int] = set()
    while offset:
        if offset in seen or len(seen) == _MAX_DIRECTORIES:
            raise Damage(f"a loop of directories, or more than {_MAX_DIRECTORIES},", offset)
        seen.add(offset)
        fields, next_at = _directory(reader, offset)
        _check_page(reader, fields, offset, picture)
        offset = reader.offset_at(next_at)
    if not seen:
        raise Damage("no directory", 4)


def _directory(reader: _Reader, offset: int) -> tuple[dict[int, tuple[int, ...]], int]:
    """The fields of the directory that matter here, and where the next directory's offset stands."""
    order, big = reader.order, reader.big
    (count,) = unpack(order + ("Q" if big else "H"), reader.body, offset, "a directory")
    entry_bytes, inline, first = (20, 8, offset + 8) if big else (12, 4, offset + 2)
    need(reader.body, first, count * entry_bytes, f"a directory of {count} fields")
    reader.values_left -= count
    if reader.values_left < 0:
        raise Damage(f"more than {_MAX_VALUES} fields", offset)
    fields: dict[int, tuple[int, ...]] = {}
    for at in range(first, first + count * entry_bytes, entry_bytes):
        tag, kind, values = unpack(order + ("HHQ" if big else "HHI"), reader.body, at, "a field")
        size = values * _TYPE_BYTES.get(kind, 0)
        place = at + entry_bytes - inline
        if size > inline:
            place = reader.offset_at(place)
            need(reader.body, place, size, f"field {tag} of {size} bytes")
        if tag in _NEEDED:
            fields[tag] = reader.values(kind, values, place)
    return fields, first + count * entry_bytes


_NEEDED = frozenset({_WIDTH, _HEIGHT, *(tag for pair in _DATA_TAGS for tag in pair)})


def _check_page(reader: _Reader, fields: dict[int, tuple[int, ...]], offset: int, picture: Picture) -> None:
    width, height = (next(iter(fields.get(tag, ())), 0) for tag in (_WIDTH, _HEIGHT))
    if not width or not height:
        raise Damage(f"a directory for {width} x {height} pixels", offset)
    if picture.width is None:
        picture.measure(width, height, offset)
    picture.see(width, height)
    places = [place for pair in _DATA_TAGS for place in _extents(fields, *pair)]
    if not places:
        raise Damage("a directory without image data", offset)
    for start, size in places:
        need(reader.body, start, size, f"a strip or tile of {size} bytes")


def _extents(fields: dict[int, tuple[int, ...]], offsets_tag: int, counts_tag: int) -> list[tuple[int, int]]:
    """Where the pixels are: offset and size each. Sizes may be left out: then one byte at least must be there."""
    offsets = fields.get(offsets_tag, ())
    counts = fields.get(counts_tag, ())
    return list(zip(offsets, (*counts, *(1 for _ in offsets[len(counts) :])), strict=False))
