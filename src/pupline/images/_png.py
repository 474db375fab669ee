"""PNG and APNG: chunks, each with its CRC, from IHDR to IEND.

Source: W3C Portable Network Graphics (Third Edition), sections 5 and 11.
"""

import re
import zlib
from dataclasses import dataclass

from pupline.images._structure import Damage, Picture, need, unpack

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_TYPE = re.compile(rb"[A-Za-z]{4}")
_MAX_LENGTH = 2**31 - 1

# 20 MB in IDAT chunks of 8 kB are 2,500 chunks; the bound keeps a body of empty chunks from taking seconds.
_MAX_CHUNKS = 100_000


@dataclass(slots=True)
class _Seen:
    """What has gone by."""

    colour_type: int = -1
    palette: bool = False
    data_bytes: int = 0
    last: bytes = b""


def walk_png(body: bytes, picture: Picture) -> None:
    """Measure a PNG, from its signature to IEND. Raises: Damage."""
    if not body.startswith(SIGNATURE):
        raise Damage("a PNG signature changed on its way (line ends converted?)", 4)
    view = memoryview(body)
    seen = _Seen()
    offset = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        kind, length = _chunk(body, view, offset)
        _check_chunk(body, kind, offset, length, seen, picture)
        offset += 12 + length
        if kind == b"IEND":
            picture.end_at(offset, body)
            return
        seen.last = kind
    raise Damage(f"more than {_MAX_CHUNKS} chunks", offset)


def _chunk(body: bytes, view: memoryview, offset: int) -> tuple[bytes, int]:
    """Type and length of the chunk at `offset`, once its CRC is checked."""
    (length,) = unpack(">I", body, offset, "a chunk (no IEND was found)")
    kind = body[offset + 4 : offset + 8]
    if length > _MAX_LENGTH or (len(kind) == 4 and not _TYPE.match(kind)):
        raise Damage(f"no chunk (type {kind.hex()}, length {length})", offset)
    need(body, offset, 12 + length, f"a chunk of {length} bytes")
    (stated,) = unpack(">I", body, offset + 8 + length, "a CRC")
    if zlib.crc32(view[offset + 4 : offset + 8 + length]) != stated:
        raise Damage(f"a wrong CRC of chunk {kind.decode()}", offset + 8 + length)
    return kind, length


def _check_chunk(body: bytes, kind: bytes, offset: int, length: int, seen: _Seen, picture: Picture) -> None:
    if (kind == b"IHDR") != (seen.last == b""):
        raise Damage(f"chunk {kind.decode()} out of place", offset)
    if kind == b"IHDR":
        _header(body, offset, length, seen, picture)
    elif kind == b"IDAT":
        if seen.data_bytes and seen.last != b"IDAT":
            raise Damage("image data in two places", offset)
        if seen.colour_type == 3 and not seen.palette:
            raise Damage("image data before its palette", offset)
        seen.data_bytes += length
    elif kind == b"PLTE":
        seen.palette = True
        if not length or length % 3 or length > 768 or seen.data_bytes:
            raise Damage(f"a misplaced palette, or one of {length} bytes,", offset)
    elif kind == b"acTL":
        picture.animated = not seen.data_bytes and unpack(">I", body, offset + 8, "acTL")[0] > 1
    elif kind == b"IEND":
        if length or not seen.data_bytes:
            raise Damage(
                "the end of the image, but no image data" if not length else "an IEND that is not empty", offset
            )
    elif kind not in _CRITICAL and kind[0] < 0x60:
        raise Damage(f"unknown critical chunk {kind.decode()}", offset)


def _header(body: bytes, offset: int, length: int, seen: _Seen, picture: Picture) -> None:
    if length != 13:
        raise Damage(f"an IHDR of {length} bytes", offset)
    width, height, depth, colour_type, *methods, interlace = unpack(">IIBBBBB", body, offset + 8, "IHDR")
    if width > _MAX_LENGTH or height > _MAX_LENGTH:
        raise Damage(f"a size of {width} x {height} pixels", offset + 8)
    if depth not in _DEPTHS.get(colour_type, ()) or any(methods) or interlace > 1:
        raise Damage(f"IHDR fields that PNG does not have (depth {depth}, colour type {colour_type})", offset + 16)
    seen.colour_type = colour_type
    picture.measure(width, height, offset + 8)
