"""AVIF and HEIC: where the picture is, how large a reader shows it, and whether its bytes are there.

Sources: ISO/IEC 23008-12 (HEIF: items, derived images, transformations), ISO/IEC 14496-12 (boxes), AV1 Image File
Format 1.1. The size is the one that the format tells readers to show: cropped by `clap`, turned by `irot`, in the order
in which the item names them. `heic` stands for HEIF with any codec but AV1. Bytes after the last box do no harm, and
neither does a cut in bytes that no item and no track names: nobody can miss them.
"""

from pupline.images._boxes import first_of, top_level
from pupline.images._items import Meta, data_start, read_meta
from pupline.images._mini import measure_mini
from pupline.images._structure import Damage, Picture, unpack
from pupline.images._tracks import walk_tracks

# What describes the coded bytes of an item of each of these types; no decoder opens them without it.
_CONFIGURATIONS = {b"hvc1": b"hvcC", b"av01": b"av1C", b"avc1": b"avcC", b"vvc1": b"vvcC", b"unci": b"uncC"}
_WITHOUT_DATA = frozenset({b"iden"})


def walk_heif(body: bytes, picture: Picture) -> None:
    """Measure an AVIF or HEIC, still or sequence. Raises: Damage."""
    top = top_level(body, picture)
    if b"mini" in top:
        measure_mini(body, *top[b"mini"], picture)
    elif b"meta" in top:
        start, end = top[b"meta"]
        inside = first_of(body, min(start + 4, end), end, picture)
        meta = read_meta(body, inside, picture)
        # Players of sequences look at the tracks alone, so the primary item of such a file need not be there.
        if meta.primary in meta.lengths or b"moov" not in top:
            missing = [kind.decode() for kind in (b"pitm", b"iloc", b"iprp") if kind not in inside]
            if missing:
                raise Damage(f"no {', '.join(missing)} in the meta box that begins", start)
            _still(body, meta, start, picture)
    if b"moov" in top:
        walk_tracks(body, top[b"moov"], picture)
    elif b"avis" in brands(body):
        raise Damage("an image sequence by its brand (avis), but without the tracks (moov) of one,", 8)
    if picture.width is None:
        raise Damage("no picture among the boxes of the file that begins", 0)


def brands(body: bytes) -> list[bytes]:
    """The brands of a file that begins with `ftyp`: the major one, then the compatible ones, a thousand at most."""
    end = min(max(int.from_bytes(body[:4], "big"), 16), 4096)
    return [body[8:12], *(body[at : at + 4] for at in range(16, end, 4))]


def _still(body: bytes, meta: Meta, offset: int, picture: Picture) -> None:
    """Measure the primary item, and check that it and all that it is derived from can be read."""
    primary = meta.primary or 0
    for number in meta.sizes:
        picture.see(*meta.sizes[number])
    for item in _sources(meta, primary, offset, picture):
        kind = meta.types.get(item, b"")
        if not meta.lengths.get(item) and kind not in _WITHOUT_DATA:
            raise Damage(f"no data for item {item}, of which the picture is made,", offset)
        needed = _CONFIGURATIONS.get(kind)
        if needed and needed not in meta.kinds_of(item):
            raise Damage(f"item {item} of type {kind.decode()} without {needed.decode()}", offset)
        if kind == b"grid":
            _check_grid(body, meta, item, offset, picture)
    picture.measure(*_shown(body, meta, primary, offset), offset)


def _sources(meta: Meta, primary: int, offset: int, picture: Picture) -> list[int]:
    """The primary item and all items that it is derived from, each once."""
    found = [primary]
    seen = {primary}
    for item in found:
        for source in meta.derived_from.get(item, ()):
            picture.spend(1, offset)
            if source not in seen:
                seen.add(source)
                found.append(source)
    return found


def _shown(body: bytes, meta: Meta, item: int, offset: int) -> tuple[int, int]:
    """The size in which an item is shown. An identity without a size of its own has that of its source."""
    turned: list[int] = []
    seen: set[int] = set()
    while (size := _coded(meta, item)) is None:
        sources = meta.derived_from.get(item, [])
        if meta.types.get(item) != b"iden" or len(sources) != 1 or item in seen:
            raise Damage(f"no size (ispe) for item {item} of the meta box that begins", offset)
        seen.add(item)
        turned.append(item)
        (item,) = sources
    size = _transformed(body, meta, item, size)
    for outer in reversed(turned):
        size = _transformed(body, meta, outer, size)
    return size


def _coded(meta: Meta, item: int) -> tuple[int, int] | None:
    return next((meta.sizes[number] for number in meta.properties.get(item, ()) if number in meta.sizes), None)


def _transformed(body: bytes, meta: Meta, item: int, size: tuple[int, int]) -> tuple[int, int]:
    """`size` after the crops and turns of an item. A mirror (`imir`) changes no size."""
    width, height = size
    for number in meta.properties.get(item, ()):
        kind, start, end = meta.property_at(number)
        if kind == b"irot" and start < end and body[start] & 1:
            width, height = height, width
        elif kind == b"clap" and end - start >= 32:
            width, height = _cropped(unpack(">IIIIiIiI", body, start, "a clean aperture"), width, height)
    return width, height


def _cropped(aperture: tuple[int, ...], width: int, height: int) -> tuple[int, int]:
    """The size that a clean aperture leaves; the whole where it is larger than the picture, or no size at all."""
    across, across_by, down, down_by = aperture[:4]
    if not all((across, across_by, down, down_by)):
        return width, height
    cropped = (across + across_by // 2) // across_by, (down + down_by // 2) // down_by
    return cropped if 1 <= cropped[0] <= width and 1 <= cropped[1] <= height else (width, height)


def _check_grid(body: bytes, meta: Meta, item: int, offset: int, picture: Picture) -> None:
    """A grid has as many tiles as it says, they cover it, and it has the size that its property states.

    Source: ISO/IEC 23008-12, section 6.6.2.3. libheif and libavif refuse what breaks these rules.
    """
    start = data_start(meta, item, 8)
    if start is None:  # in pieces, or inside another item: rare, and then not looked at
        return
    _, flags, rows, columns = unpack(">BBBB", body, start, "a grid")
    width, height = unpack(">II" if flags & 1 else ">HH", body, start + 4, "a grid")
    tiles = meta.derived_from.get(item, [])
    if len(tiles) != (rows + 1) * (columns + 1):
        raise Damage(f"a grid of {rows + 1} x {columns + 1} tiles that has {len(tiles)}", offset)
    if _coded(meta, item) not in ((width, height), None):
        raise Damage(f"a grid of {width} x {height} pixels with another size (ispe)", offset)
    picture.see(width, height)
    tile = _coded(meta, tiles[0])
    if tile and (tile[0] * (columns + 1) < width or tile[1] * (rows + 1) < height):
        raise Damage(f"tiles of {tile[0]} x {tile[1]} pixels that do not fill a grid of {width} x {height}", offset)
