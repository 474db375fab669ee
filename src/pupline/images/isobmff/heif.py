"""AVIF and HEIC: the picture, its size as readers show it, and whether its bytes are in the file.

Sources: ISO/IEC 23008-12 (HEIF: items, derived images, transformations), ISO/IEC 14496-12 (boxes), AV1 Image File
Format 1.1. The size is the one that the format tells readers to show: cropped by `clap` and rotated by `irot`, in the
order in which the item lists them. `heic` stands for HEIF with any codec but AV1. Bytes after the last box are
harmless, and so is a cut in bytes that no item and no track refers to.
"""

from pupline.images._structure import Damage, Picture, require, unpack
from pupline.images.isobmff.boxes import brands, first_boxes, top_level_boxes
from pupline.images.isobmff.items import Meta, read_meta
from pupline.images.isobmff.tracks import walk_tracks

# The property without which no decoder opens an item of each of these types.
_CONFIGURATIONS = {b"hvc1": b"hvcC", b"av01": b"av1C", b"avc1": b"avcC", b"vvc1": b"vvcC", b"unci": b"uncC"}
_WITHOUT_DATA = frozenset({b"iden"})
_MINI_BITS_BEFORE_SIZE = 2 + 9 + 2  # version, nine flags, chroma subsampling


def walk_heif(body: bytes, picture: Picture) -> None:
    """Measure an AVIF or HEIC, still or sequence. Raises: Damage."""
    top = top_level_boxes(body, picture)
    if b"mini" in top:
        _measure_mini(body, *top[b"mini"], picture)
    elif b"meta" in top:
        start, end = top[b"meta"]
        inside = first_boxes(body, min(start + 4, end), end, picture)
        meta = read_meta(body, inside, picture)
        # Players of sequences use the tracks only, so the primary item of such a file may be missing.
        if meta.primary in meta.lengths or b"moov" not in top:
            missing = [kind.decode() for kind in (b"pitm", b"iloc", b"iprp") if kind not in inside]
            if missing:
                raise Damage(f"no {', '.join(missing)} in the meta box that begins", start)
            _check_primary_item(body, meta, start, picture)
    if b"moov" in top:
        walk_tracks(body, top[b"moov"], picture)
    elif b"avis" in brands(body):
        raise Damage("an image sequence by its brand (avis), but without the tracks (moov) of one,", 8)
    if picture.width is None:
        raise Damage("no picture among the boxes of the file that begins", 0)


def _measure_mini(body: bytes, start: int, end: int, picture: Picture) -> None:
    """Measure a file in the low-overhead form: one `mini` box instead of `meta`, packed bit by bit.

    Source: ISO/IEC 23008-12:2025, Annex on the low-overhead image file format, as libavif reads it
    (`avifParseMinimizedImageBox`). The layout after the size depends on thirty flags, and the size of the box shows a
    cut. Raises: Damage.
    """
    require(body[:end], start, 6, "a mini box")
    bits = int.from_bytes(body[start : start + 6], "big")
    left = 48 - _MINI_BITS_BEFORE_SIZE
    orientation, large = bits >> (left - 3) & 7, bits >> (left - 4) & 1
    left -= 4
    width_bits = 15 if large else 7
    mask = (1 << width_bits) - 1
    width, height = (bits >> (left - width_bits) & mask) + 1, (bits >> (left - 2 * width_bits) & mask) + 1
    picture.measure(*((height, width) if orientation >= 4 else (width, height)), start)


def _check_primary_item(body: bytes, meta: Meta, offset: int, picture: Picture) -> None:
    """Measure the primary item, and check that it and all that it is derived from can be read."""
    primary = meta.primary or 0
    for size in meta.sizes.values():
        picture.add_frame_size(*size)
    items, seen = [primary], {primary}
    for item in items:  # grows while it is read
        for source in meta.derived_from.get(item, ()):
            picture.spend(1, offset)
            if source not in seen:
                seen.add(source)
                items.append(source)
    for item in items:
        kind = meta.types.get(item, b"")
        if not meta.lengths.get(item) and kind not in _WITHOUT_DATA:
            raise Damage(f"no data for item {item}, of which the picture is made,", offset)
        configuration = _CONFIGURATIONS.get(kind)
        if configuration and configuration not in meta.property_types(item):
            raise Damage(f"item {item} of type {kind.decode()} without {configuration.decode()}", offset)
        if kind == b"grid":
            _check_grid(body, meta, item, offset, picture)
    picture.measure(*_displayed_size(body, meta, primary, offset), offset)


def _displayed_size(body: bytes, meta: Meta, item: int, offset: int) -> tuple[int, int]:
    """The size at which an item is shown. An identity item without a size has that of its source."""
    identities: dict[int, None] = {}  # in order
    while (size := meta.size_of(item)) is None:
        sources = meta.derived_from.get(item, [])
        if meta.types.get(item) != b"iden" or len(sources) != 1 or item in identities:
            raise Damage(f"no size (ispe) for item {item} of the meta box that begins", offset)
        identities[item] = None
        (item,) = sources
    for transformed in (item, *reversed(identities)):
        size = _transformed(body, meta, transformed, size)
    return size


def _transformed(body: bytes, meta: Meta, item: int, size: tuple[int, int]) -> tuple[int, int]:
    """`size` after the crops and rotations of an item. A mirror (`imir`) does not change it.

    A clean aperture that is empty or larger than the picture is ignored.
    """
    width, height = size
    for number in meta.properties.get(item, ()):
        kind, start, end = meta.property_at(number)
        if kind == b"irot" and start < end and body[start] & 1:
            width, height = height, width
        elif kind == b"clap" and end - start >= 32:
            across, across_by, down, down_by = unpack(">IIIIiIiI", body, start, "a clean aperture")[:4]
            if all((across, across_by, down, down_by)):
                cropped = (across + across_by // 2) // across_by, (down + down_by // 2) // down_by
                if 1 <= cropped[0] <= width and 1 <= cropped[1] <= height:
                    width, height = cropped
    return width, height


def _check_grid(body: bytes, meta: Meta, item: int, offset: int, picture: Picture) -> None:
    """Check that a grid has all its tiles, that they cover it, and that it has the size of its property.

    Source: ISO/IEC 23008-12, section 6.6.2.3. libheif and libavif refuse a grid that breaks these rules.
    """
    start, length = meta.places.get(item, (0, 0))
    if length < 8:  # in several extents, or inside another item: rare, and not checked
        return
    _, flags, rows, columns = unpack(">BBBB", body, start, "a grid")
    width, height = unpack(">II" if flags & 1 else ">HH", body, start + 4, "a grid")
    tiles = meta.derived_from.get(item, [])
    if len(tiles) != (rows + 1) * (columns + 1):
        raise Damage(f"a grid of {rows + 1} x {columns + 1} tiles that has {len(tiles)}", offset)
    if meta.size_of(item) not in ((width, height), None):
        raise Damage(f"a grid of {width} x {height} pixels with another size (ispe)", offset)
    picture.add_frame_size(width, height)
    tile = meta.size_of(tiles[0])
    if tile and (tile[0] * (columns + 1) < width or tile[1] * (rows + 1) < height):
        raise Damage(f"tiles of {tile[0]} x {tile[1]} pixels that do not fill a grid of {width} x {height}", offset)
