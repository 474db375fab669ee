"""The items of a `meta` box: their types, properties, sources, and the location of their bytes.

Sources: ISO/IEC 14496-12, section 8.11 (items), ISO/IEC 23008-12, section 9.3 (properties).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pupline.images._structure import Damage, Picture, require, unpack
from pupline.images.isobmff.boxes import Range, boxes, first_boxes


@dataclass(slots=True)
class Meta:
    """The items of a `meta` box, by item ID.

    primary: the item to show; None where there is none, as in sequences. types: of four letters, such as `hvc1`.
    properties: the numbers of an item's properties, from 1, in order. all_properties: type, start and end of each
    property, in order. sizes: of each `ispe` property, by number. derived_from: the sources of a derived item.
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
        """Type, start and end of a property; empty where there is none with this number."""
        return self.all_properties[number - 1] if 1 <= number <= len(self.all_properties) else (b"", 0, 0)

    def size_of(self, item: int) -> tuple[int, int] | None:
        """The coded size of an item."""
        return next((self.sizes[number] for number in self.properties.get(item, ()) if number in self.sizes), None)

    def property_types(self, item: int) -> set[bytes]:
        """The types of an item's properties."""
        return {self.property_at(number)[0] for number in self.properties.get(item, ())}


def read_meta(body: bytes, inside: dict[bytes, Range], picture: Picture) -> Meta:
    """The items in the boxes of a `meta` box. Raises: Damage, also where bytes of an item are outside the file."""
    meta = Meta()
    nowhere = (0, 0)
    if b"pitm" in inside:
        start, end = inside[b"pitm"]
        fields = _FieldReader(body, start, end)
        wide = fields.take(1) > 0
        fields.take(3)
        meta.primary = fields.take(4 if wide else 2)
    properties = first_boxes(body, *inside.get(b"iprp", nowhere), picture)
    meta.all_properties = list(boxes(body, *properties.get(b"ipco", nowhere), picture))
    for number, (kind, start, end) in enumerate(meta.all_properties, 1):
        if kind == b"ispe" and end - start >= 12:
            width, height = unpack(">II", body, start + 4, "a size")
            meta.sizes[number] = (width, height)
    for kind, start, end in boxes(body, *inside.get(b"iprp", nowhere), picture):
        if kind == b"ipma":
            _read_associations(_FieldReader(body, start, end), meta, picture)
    _read_types(body, inside.get(b"iinf", nowhere), meta, picture)
    _read_references(body, inside.get(b"iref", nowhere), meta, picture)
    if b"iloc" in inside:
        start, end = inside[b"iloc"]
        _read_locations(_FieldReader(body, start, end), inside.get(b"idat", nowhere), meta, picture)
    return meta


class _FieldReader:
    """Reads consecutive integers of given widths inside one box."""

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


def _read_associations(fields: _FieldReader, meta: Meta, picture: Picture) -> None:
    wide_ids = fields.take(1) > 0
    wide_numbers = fields.take(3) & 1
    item_bytes, number_bytes = (4 if wide_ids else 2), (2 if wide_numbers else 1)
    mask = 0x7FFF if wide_numbers else 0x7F  # the first bit marks an essential property
    for _ in range(fields.take(4)):
        item, count = fields.take(item_bytes), fields.take(1)
        picture.spend(1 + count, fields.offset)
        numbers = fields.take_all(count, number_bytes)
        meta.properties.setdefault(item, []).extend(number & mask for number in numbers)


def _read_types(body: bytes, where: Range, meta: Meta, picture: Picture) -> None:
    """Read the types of items. `infe` before version 2 has none, and no image uses it."""
    start, end = where
    if start == end:
        return
    first = start + (8 if body[start] else 6)
    for kind, at, last in boxes(body, min(first, end), end, picture):
        version = body[at] if at < last else 0
        if kind == b"infe" and version >= 2:
            fields = _FieldReader(body, at + 4, last)
            item = fields.take(2 if version == 2 else 4)
            fields.take(2)
            meta.types[item] = fields.take(4).to_bytes(4, "big")


def _read_references(body: bytes, where: Range, meta: Meta, picture: Picture) -> None:
    """Read the sources of derived images: references of type `dimg`."""
    start, end = where
    if start == end:
        return
    id_bytes = 4 if body[start] else 2
    for kind, at, last in boxes(body, min(start + 4, end), end, picture):
        if kind == b"dimg":
            fields = _FieldReader(body, at, last)
            item, count = fields.take(id_bytes), fields.take(2)
            picture.spend(count, at)
            meta.derived_from.setdefault(item, []).extend(fields.take_all(count, id_bytes))


def _read_locations(fields: _FieldReader, idat: Range, meta: Meta, picture: Picture) -> None:
    """Read the extents of all items. Extents inside other items are checked when the lengths of these are known."""
    inside_items: list[tuple[int, int, int]] = []
    for item, method, extents in _locations(fields, picture):
        for first, length in extents:
            meta.lengths[item] = meta.lengths.get(item, 0) + length
            if method == 0:
                # A length of 0 means up to the end.
                require(fields.body, first, length or 1, f"item {item} of {length} bytes")
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


def _locations(fields: _FieldReader, picture: Picture) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """ID, construction method (0: offsets in the file, 1: in `idat`, 2: in another item) and extents of each item."""
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
