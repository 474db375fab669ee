"""The items of a `meta` box: their types, properties, sources, and where their bytes are.

Sources: ISO/IEC 14496-12, section 8.11 (items), ISO/IEC 23008-12, section 9.3 (properties).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pupline.images._boxes import Range, boxes, first_of
from pupline.images._structure import Damage, Picture, need, unpack


@dataclass(slots=True)
class Meta:
    """What a `meta` box says of its items, each under its number.

    primary: the item to show; None where none is named, as in sequences. types: four letters each, such as `hvc1`.
    properties: the numbers of an item's properties, from 1, in order. all_properties: type and place of each, by that
    number less 1. sizes: of those that are an `ispe`. derived_from: the items that a derived one is made of.
    lengths: bytes of each item. places: its first extent in the file, start and length.
    """

    primary: int | None = None
    types: dict[int, bytes] = field(default_factory=dict)
    properties: dict[int, list[int]] = field(default_factory=dict)
    all_properties: list[tuple[bytes, int, int]] = field(default_factory=list)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    derived_from: dict[int, list[int]] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)

    def property_at(self, number: int) -> tuple[bytes, int, int]:
        """Type, start and end of a property; an empty one where there is none of this number."""
        return self.all_properties[number - 1] if 1 <= number <= len(self.all_properties) else (b"", 0, 0)

    def kinds_of(self, item: int) -> set[bytes]:
        """The types of an item's properties."""
        return {self.property_at(number)[0] for number in self.properties.get(item, ())}


def read_meta(body: bytes, inside: dict[bytes, Range], picture: Picture) -> Meta:
    """What the boxes inside a `meta` box say. Raises: Damage, also where bytes of an item are outside the file."""
    meta = Meta()
    nowhere = (0, 0)
    if b"pitm" in inside:
        start, end = inside[b"pitm"]
        fields = _Fields(body, start, end)
        wide = fields.take(1) > 0
        fields.take(3)
        meta.primary = fields.take(4 if wide else 2)
    properties = first_of(body, *inside.get(b"iprp", nowhere), picture)
    _read_properties(body, properties.get(b"ipco", nowhere), meta, picture)
    for kind, start, end in boxes(body, *inside.get(b"iprp", nowhere), picture):
        if kind == b"ipma":
            _read_associations(_Fields(body, start, end), meta, picture)
    _read_types(body, inside.get(b"iinf", nowhere), meta, picture)
    _read_references(body, inside.get(b"iref", nowhere), meta, picture)
    if b"iloc" in inside:
        start, end = inside[b"iloc"]
        _read_locations(_Fields(body, start, end), inside.get(b"idat", nowhere), meta, picture)
    return meta


def data_start(meta: Meta, item: int, count: int) -> int | None:
    """Where the first `count` bytes of an item are, if they are together in the file; None otherwise."""
    start, length = meta.places.get(item, (0, 0))
    return start if length >= count else None


class _Fields:
    """Integers of stated widths, one after the other, inside one box."""

    def __init__(self, body: bytes, offset: int, end: int) -> None:
        self.body, self.offset, self.end = body, offset, end

    def take(self, size_bytes: int) -> int:
        """The next integer; 0 for a width of 0. Raises: Damage where the box ends before."""
        start, self.offset = self.offset, self.offset + size_bytes
        if self.offset > self.end:
            raise Damage("a table that overruns its box", start)
        return int.from_bytes(self.body[start : self.offset], "big")

    def take_all(self, count: int, size_bytes: int) -> list[int]:
        """The next `count` integers of 1, 2 or 4 bytes. Raises: Damage."""
        start, self.offset = self.offset, self.offset + count * size_bytes
        if self.offset > self.end:
            raise Damage("a table that overruns its box", start)
        return list(unpack(f">{count}{' BH I'[size_bytes]}", self.body, start, "a table"))


def _read_properties(body: bytes, where: Range, meta: Meta, picture: Picture) -> None:
    meta.all_properties = list(boxes(body, *where, picture))
    for number, (kind, start, end) in enumerate(meta.all_properties, 1):
        if kind == b"ispe" and end - start >= 12:
            width, height = unpack(">II", body, start + 4, "a size")
            meta.sizes[number] = (width, height)


def _read_associations(fields: _Fields, meta: Meta, picture: Picture) -> None:
    wide_ids = fields.take(1) > 0
    wide_numbers = fields.take(3) & 1
    item_bytes, number_bytes = (4 if wide_ids else 2), (2 if wide_numbers else 1)
    mask = 0x7FFF if wide_numbers else 0x7F  # the first bit says that a reader must know the property
    for _ in range(fields.take(4)):
        item, count = fields.take(item_bytes), fields.take(1)
        picture.spend(1 + count, fields.offset)
        numbers = fields.take_all(count, number_bytes)
        meta.properties.setdefault(item, []).extend(number & mask for number in numbers)


def _read_types(body: bytes, where: Range, meta: Meta, picture: Picture) -> None:
    """Types of items. Those of `infe` before version 2 have none, and no image has been written with them."""
    start, end = where
    if start == end:
        return
    first = start + (8 if body[start] else 6)
    for kind, at, last in boxes(body, min(first, end), end, picture):
        version = body[at] if at < last else 0
        if kind == b"infe" and version >= 2:
            fields = _Fields(body, at + 4, last)
            item = fields.take(2 if version == 2 else 4)
            fields.take(2)
            meta.types[item] = fields.take(4).to_bytes(4, "big")


def _read_references(body: bytes, where: Range, meta: Meta, picture: Picture) -> None:
    """What derived images are made of: references of type `dimg`."""
    start, end = where
    if start == end:
        return
    id_bytes = 4 if body[start] else 2
    for kind, at, last in boxes(body, min(start + 4, end), end, picture):
        if kind == b"dimg":
            fields = _Fields(body, at, last)
            item, count = fields.take(id_bytes), fields.take(2)
            picture.spend(count, at)
            meta.derived_from.setdefault(item, []).extend(fields.take_all(count, id_bytes))


def _read_locations(fields: _Fields, idat: Range, meta: Meta, picture: Picture) -> None:
    """Where the bytes of all items are; those inside other items are checked once these are known."""
    inside_items: list[tuple[int, int, int]] = []
    for item, method, extents in _locations(fields, picture):
        for first, length in extents:
            meta.lengths[item] = meta.lengths.get(item, 0) + length
            if method == 0:
                # A length of 0 means all that follows.
                need(fields.body, first, length or 1, f"item {item} of {length} bytes")
                length = length or len(fields.body) - first
            elif method == 1:
                first += idat[0]
                if first + length > idat[1]:
                    raise Damage(f"item {item} of {length} bytes that overruns its box", idat[0])
                length = length or idat[1] - first
            else:
                inside_items.append((item, first, length))
                continue
            meta.places.setdefault(item, (first, length))
            meta.lengths[item] = max(meta.lengths[item], length)
    longest = max((meta.lengths[item] for item in meta.places), default=0)
    for item, first, length in inside_items:
        if first + length > longest:
            raise Damage(f"item {item} of {length} bytes at {first} of another item, none of which is that long", 0)


def _locations(fields: _Fields, picture: Picture) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Number, construction method (0: from the start of the file, 1: of `idat`, 2: of another item) and extents."""
    version, _ = fields.take(1), fields.take(3)
    widths = fields.take(2)
    offset_bytes, length_bytes, base_bytes, index_bytes = (widths >> shift & 15 for shift in (12, 8, 4, 0))
    id_bytes = 4 if version == 2 else 2
    for _ in range(fields.take(id_bytes)):
        item = fields.take(id_bytes)
        method = fields.take(2) & 15 if version else 0
        fields.take(2)
        base, count = fields.take(base_bytes), fields.take(2)
        picture.spend(1 + count, fields.offset)
        extents = []
        for _ in range(count):
            fields.take(index_bytes if version else 0)
            extents.append((base + fields.take(offset_bytes), fields.take(length_bytes)))
        yield item, method, extents
