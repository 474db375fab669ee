"""PNG and APNG: chunks, each with its CRC, from IHDR to IEND.

Source: W3C Portable Network Graphics (Third Edition), sections 5 and 11, 13.1 for what may be passed over. Once every
row of every frame is there, whatever is wrong after that is a remark.
"""

import re
import zlib
from dataclasses import dataclass

from pupline.images._png_data import MAX_INFLATED, Rows
from pupline.images._structure import Damage, Picture, need, unpack

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE = 3
_KNOWN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_NEEDED = _KNOWN | {b"fcTL", b"fdAT"}  # the frames of an APNG are in chunks that are ancillary by their names
_TYPE = re.compile(rb"[A-Za-z]{4}")
_MAX_LENGTH = 2**31 - 1


@dataclass(slots=True)
class _Seen:
    """What has gone by.

    bits: of a pixel. rows: of the image, frame those of the frame being read. frames: begun, of those announced.
    inflated: bytes, of all frames but the one being read.
    """

    picture: Picture
    last: bytes = b""
    colour_type: int = -1
    bits: int = 0
    interlaced: bool = False
    palette: bool = False
    rows: Rows | None = None
    frame: Rows | None = None
    frames: int = 0
    announced: int = 0
    inflated: int = 0

    def missing(self) -> str:
        """What is not there yet, in words; nothing where the picture is whole."""
        if self.rows is None:
            return "image data"
        for rows in (self.rows, self.frame):
            if rows and rows.left:
                return f"{rows.left} of {rows.total} bytes of image data"
        if self.announced > max(self.frames, 1):
            return f"{self.announced - self.frames} of {self.announced} frames"
        return ""

    def new_rows(self, width: int, height: int) -> Rows:
        """The rows of an image or frame of this size, none of them read."""
        limit = 0 if self.picture.too_large else MAX_INFLATED - self.inflated
        rows = Rows(width, height, self.bits, interlaced=self.interlaced, at_most=limit)
        self.inflated += rows.left
        return rows


def walk_png(body: bytes, picture: Picture) -> None:
    """Measure a PNG, from its signature to IEND. Raises: Damage."""
    if not body.startswith(SIGNATURE):
        raise Damage("a PNG signature changed on its way (line ends converted?)", 4)
    seen = _Seen(picture)
    try:
        _walk_chunks(body, seen)
    except Damage as damage:
        if seen.missing():
            raise
        picture.remark(f"after the image {damage}")


def _walk_chunks(body: bytes, seen: _Seen) -> None:
    view, offset = memoryview(body), len(SIGNATURE)
    while True:
        seen.picture.spend(1, offset)  # 20 MB in chunks of 8 kB are 2,500; empty ones would take seconds
        kind, length = _chunk(body, view, offset, seen)
        if kind:
            _check_chunk(body, view, kind, offset, length, seen)
        offset += 12 + length
        if kind == b"IEND":
            seen.picture.end_at(offset, body)
            return
        seen.last = kind or b"-"


def _chunk(body: bytes, view: memoryview, offset: int, seen: _Seen) -> tuple[bytes, int]:
    """Type and length of the chunk at `offset`, once its CRC is checked; no type where it is to be passed over."""
    (length,) = unpack(">I", body, offset, "a chunk (no IEND was found)")
    kind = body[offset + 4 : offset + 8]
    if length > _MAX_LENGTH or (len(kind) == 4 and not _TYPE.match(kind)):
        raise Damage(f"no chunk (type {kind.hex()}, length {length})", offset)
    need(body, offset, 12 + length, f"a chunk of {length} bytes")
    (stated,) = unpack(">I", body, offset + 8 + length, "a CRC")
    if zlib.crc32(view[offset + 4 : offset + 8 + length]) == stated:
        return kind, length
    if kind in _NEEDED or kind[0] < 0x60 or not seen.last:
        raise Damage(f"a wrong CRC of chunk {kind.decode()}", offset + 8 + length)
    seen.picture.remark(f"a wrong CRC of chunk {kind.decode()} at byte {offset + 8 + length}")
    return b"", length


def _check_chunk(body: bytes, view: memoryview, kind: bytes, offset: int, length: int, seen: _Seen) -> None:
    content = view[offset + 8 : offset + 8 + length]
    if (kind == b"IHDR") != (seen.last == b""):
        raise Damage(f"chunk {kind.decode()} out of place", offset)
    if kind == b"IHDR":
        _header(body, offset, length, seen)
    elif kind == b"IDAT":
        _image_data(content, offset, seen)
    elif kind == b"PLTE":
        seen.palette = True
        if seen.colour_type == _PALETTE and (not length or length % 3 or length > 768 or seen.rows):
            raise Damage(f"a misplaced palette, or one of {length} bytes,", offset)
    elif kind == b"acTL" and seen.rows is None:
        (frames,) = unpack(">I", body, offset + 8, "acTL")
        seen.announced = frames if frames <= _MAX_LENGTH else 0
        seen.picture.animated = seen.announced > 1
    elif kind == b"fcTL":
        _frame_control(body, offset, seen)
    elif kind == b"fdAT" and seen.frame:
        seen.frame.feed(content[4:], offset)
    elif kind == b"IEND":
        if missing := seen.missing():
            raise Damage(f"the end of the image, but {missing} missing", offset)
    elif kind not in _KNOWN and kind[0] < 0x60:
        raise Damage(f"unknown critical chunk {kind.decode()}", offset)


def _header(body: bytes, offset: int, length: int, seen: _Seen) -> None:
    if length != 13:
        raise Damage(f"an IHDR of {length} bytes", offset)
    width, height, depth, colour_type, *methods, interlace = unpack(">IIBBBBB", body, offset + 8, "IHDR")
    if width > _MAX_LENGTH or height > _MAX_LENGTH:
        raise Damage(f"a size of {width} x {height} pixels", offset + 8)
    if depth not in _DEPTHS.get(colour_type, ()) or any(methods) or interlace > 1:
        raise Damage(f"IHDR fields that PNG does not have (depth {depth}, colour type {colour_type})", offset + 16)
    seen.colour_type, seen.bits, seen.interlaced = colour_type, depth * _CHANNELS[colour_type], bool(interlace)
    seen.picture.measure(width, height, offset + 8)


def _image_data(content: memoryview, offset: int, seen: _Seen) -> None:
    if seen.rows is None:
        if seen.colour_type == _PALETTE and not seen.palette:
            raise Damage("image data before its palette", offset)
        seen.rows = seen.new_rows(seen.picture.width or 0, seen.picture.height or 0)
    elif seen.last != b"IDAT" and seen.rows.left:
        raise Damage("image data in two places", offset)
    seen.rows.feed(content, offset)


def _frame_control(body: bytes, offset: int, seen: _Seen) -> None:
    """Begin a frame of an APNG. That of an fcTL before the image data is the image itself."""
    if seen.rows is None:
        seen.frames = 1
        return
    if not seen.announced:
        return
    if seen.frame and seen.frame.left:
        raise Damage(f"a new frame, but {seen.missing()} missing from the last", offset)
    width, height, x, y = unpack(">IIII", body, offset + 12, "fcTL")
    picture = seen.picture
    if not (0 < width <= (picture.width or 0) - x and 0 < height <= (picture.height or 0) - y):
        raise Damage(f"a frame of {width} x {height} pixels at {x}, {y}, outside the image", offset)
    picture.spend(2, offset)
    seen.frames += 1
    seen.frame = seen.new_rows(width, height)
