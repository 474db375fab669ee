"""HEIF files put together box by box: items with any properties and data, and tracks."""

import struct
from dataclasses import dataclass

from tests.images.handmade_images import box


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def ispe(width: int, height: int) -> bytes:
    """The property for a size."""
    return full(b"ispe", struct.pack(">II", width, height))


def irot(quarter_turns: int) -> bytes:
    """The property for a rotation, anticlockwise."""
    return box(b"irot", bytes((quarter_turns,)))


def imir(axis: int) -> bytes:
    """The property for a mirror."""
    return box(b"imir", bytes((axis,)))


def clap(width: tuple[int, int], height: tuple[int, int]) -> bytes:
    """The property for a crop to fractions of pixels, in the middle."""
    return box(b"clap", struct.pack(">IIIIiIiI", *width, *height, 0, 1, 0, 1))


HVCC, AV1C = box(b"hvcC", bytes(23)), box(b"av1C", bytes(4))


@dataclass(frozen=True)
class Item:
    """One item: type, properties, data, what it is derived from, and how its data is found.

    method: 0 in the file, 1 in `idat`, 2 in the first other item. missing: bytes of its data that the file has not.
    """

    kind: bytes = b"hvc1"
    properties: tuple[bytes, ...] = (HVCC, ispe(64, 48))
    data: bytes = b"pixels"
    sources: tuple[int, ...] = ()
    method: int = 0
    missing: int = 0


def grid(rows: int, columns: int, width: int, height: int) -> bytes:
    """The data of a grid."""
    return struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)


def heif_of(*items: Item, primary: int | None = 1, brand: bytes = b"heic", more: bytes = b"") -> bytes:
    """A file of these items, numbered from 1; `more`: boxes between `meta` and `mdat`."""
    start = box(b"ftyp", brand, bytes(4), b"mif1")
    idat = b"".join(item.data for item in items if item.method == 1)
    mdat = b"".join(item.data for item in items if item.method == 0)

    def meta(data_at: int) -> bytes:
        in_file, in_idat = data_at, 0
        entries = infe = ipma = iref = b""
        properties: list[bytes] = []
        for number, item in enumerate(items, 1):
            length = len(item.data) + item.missing
            at = in_file if item.method == 0 else in_idat if item.method == 1 else 0
            in_file += len(item.data) if item.method == 0 else 0
            in_idat += len(item.data) if item.method == 1 else 0
            if item.data:
                entries += struct.pack(">HHHHII", number, item.method, 0, 1, at, length)
            infe += full(b"infe", struct.pack(">HH4sx", number, 0, item.kind), version=2)
            ipma += struct.pack(">HB", number, len(item.properties))
            for one in item.properties:
                properties.append(one)
                ipma += bytes((len(properties),))
            if item.sources:
                ids = struct.pack(f">HH{len(item.sources)}H", number, len(item.sources), *item.sources)
                iref += box(b"dimg", ids)
        located = sum(1 for item in items if item.data)
        return full(
            b"meta",
            full(b"pitm", struct.pack(">H", primary)) if primary is not None else b"",
            full(b"iloc", b"\x44\x00", struct.pack(">H", located), entries, version=1),
            full(b"iinf", struct.pack(">H", len(items)), infe),
            full(b"iref", iref),
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", struct.pack(">I", len(items)), ipma)),
            box(b"idat", idat),
        )

    data_at = len(start) + len(meta(0)) + len(more) + 8
    return start + meta(data_at) + more + box(b"mdat", mdat)


def track(
    width: int,
    height: int,
    samples: tuple[int, ...],
    chunks: tuple[int, ...],
    handler: bytes = b"pict",
    wide: bool = False,
) -> bytes:
    """A track whose samples lie in these chunks, as many in each as it takes to place them."""
    each = max(1, len(samples) // max(1, len(chunks)))
    letter = "Q" if wide else "I"
    entry = box(b"av01", bytes(24), struct.pack(">HH", width, height), bytes(50))
    tkhd = full(b"tkhd", bytes(72), struct.pack(">II", width << 16, height << 16))
    table = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stsc", struct.pack(">IIII", 1, 1, each, 1)),
        full(b"stsz", struct.pack(">II", 0, len(samples)), struct.pack(f">{len(samples)}I", *samples)),
        full(b"co64" if wide else b"stco", struct.pack(f">I{len(chunks)}{letter}", len(chunks), *chunks)),
    )
    hdlr = full(b"hdlr", bytes(4), handler, bytes(13))
    return box(b"trak", tkhd, box(b"mdia", hdlr, box(b"minf", table)))


def sequence(*tracks: bytes, brand: bytes = b"msf1", meta: bytes = b"", data: bytes = b"frames") -> bytes:
    """A file of tracks. Its frames are from byte 24 on."""
    return box(b"ftyp", brand, bytes(4)) + box(b"mdat", data) + meta + box(b"moov", *tracks)


FRAMES_AT = 24


def mini(width: int, height: int, orientation: int = 1) -> bytes:
    """A low-overhead AVIF: version 0, no flag, 4:2:0, sizes of 7 or 15 bits."""
    large = max(width, height) > 128
    fields = [(0, 2), (0, 9), (1, 2), (orientation - 1, 3), (int(large), 1)]
    fields += [(side - 1, 15 if large else 7) for side in (width, height)]
    bits = "".join(f"{value:0{size}b}" for value, size in fields).ljust(64, "0")
    return box(b"ftyp", b"mif3avif") + box(b"mini", int(bits, 2).to_bytes(8, "big"), b"pixels")
