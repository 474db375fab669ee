"""PNG and APNG: chunks, each with its CRC, from IHDR to IEND.

Source: W3C Portable Network Graphics (Third Edition), sections 5 and 11, and 13.1 for errors to ignore. Once all rows
of all frames are there, later errors are notes.
"""

import re
import zlib
from dataclasses import dataclass

from pupline.images._structure import Damage, Picture, require, unpack
from pupline.images.png.rows import MAX_INFLATED, RowInflater

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE = 3
_KNOWN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_NEEDED = _KNOWN | {b"fcTL", b"fdAT"}  # frames of an APNG are in chunks with ancillary names
_TYPE = re.compile(rb"[A-Za-z]{4}")
_MAX_LENGTH = 2**31 - 1


@dataclass(slots=True)
class _PngState:
    """The state of the walk. last: the type of the last chunk, empty before the first. bits: of a pixel.

    rows: of the image. frame: the rows of the current frame. frames: begun, of those announced. inflated: bytes, of all
    frames but the current one.
    """

    picture: Picture
    last: bytes = b""
    colour_type: int = -1
    bits: int = 0
    interlaced: bool = False
    palette: bool = False
    rows: RowInflater | None = None
    frame: RowInflater | None = None
    frames: int = 0
    announced: int = 0
    inflated: int = 0

    def missing(self) -> str:
        """The missing parts in words; empty where the picture is whole."""
        if self.rows is None:
            return "image data"
        for rows in (self.rows, self.frame):
            if rows and rows.left:
                return f"{rows.left} of {rows.total} bytes of image data"
        if self.announced > max(self.frames, 1):
            return f"{self.announced - self.frames} of {self.announced} frames"
        return ""

    def new_rows(self, width: int, height: int) -> RowInflater:
        """The rows of an image or frame of this size, before any is read."""
        limit = 0 if self.picture.too_large else MAX_INFLATED - self.inflated
        rows = RowInflater(width, height, self.bits, interlaced=self.interlaced, at_most=limit)
        self.inflated += rows.left
        return rows


def walk_png(body: bytes, picture: Picture) -> None:
    """Measure a PNG, from its signature to IEND. Raises: Damage."""
    if not body.startswith(SIGNATURE):
        raise Damage("a PNG signature changed in transfer (line ends converted?)", 4)
    state = _PngState(picture)
    try:
        _walk_chunks(body, state)
    except Damage as damage:
        if state.missing():
            raise
        picture.add_note(f"after the image {damage}")


def _walk_chunks(body: bytes, state: _PngState) -> None:
    view, offset = memoryview(body), len(SIGNATURE)
    while True:
        state.picture.spend(1, offset)  # 20 MB have 2,500 chunks of 8 kB; empty ones would take seconds
        kind, length = _chunk(body, view, offset, state)
        if kind:
            _check_chunk(body, view, kind, offset, length, state)
        offset += 12 + length
        if kind == b"IEND":
            state.picture.note_trailing_bytes(offset, body)
            return
        state.last = kind or b"-"


def _chunk(body: bytes, view: memoryview, offset: int, state: _PngState) -> tuple[bytes, int]:
    """Type and length of the chunk at `offset`, with its CRC checked; an empty type if it is to be ignored."""
    (length,) = unpack(">I", body, offset, "a chunk (no IEND was found)")
    kind = body[offset + 4 : offset + 8]
    if length > _MAX_LENGTH or (len(kind) == 4 and not _TYPE.match(kind)):
        raise Damage(f"an invalid chunk (type {kind.hex()}, length {length})", offset)
    require(body, offset, 12 + length, f"a chunk of {length} bytes")
    (stated,) = unpack(">I", body, offset + 8 + length, "a CRC")
    if zlib.crc32(view[offset + 4 : offset + 8 + length]) == stated:
        return kind, length
    if kind in _NEEDED or kind[0] < 0x60 or not state.last:
        raise Damage(f"a wrong CRC of chunk {kind.decode()}", offset + 8 + length)
    state.picture.add_note(f"a wrong CRC of chunk {kind.decode()} at byte {offset + 8 + length}")
    return b"", length


def _check_chunk(body: bytes, view: memoryview, kind: bytes, offset: int, length: int, state: _PngState) -> None:
    content = view[offset + 8 : offset + 8 + length]
    if (kind == b"IHDR") != (state.last == b""):
        raise Damage(f"chunk {kind.decode()} out of place", offset)
    if kind == b"IHDR":
        _header(body, offset, length, state)
    elif kind == b"IDAT":
        _image_data(content, offset, state)
    elif kind == b"PLTE":
        state.palette = True
        if state.colour_type == _PALETTE and (not length or length % 3 or length > 768 or state.rows):
            raise Damage(f"a misplaced palette, or one of {length} bytes,", offset)
    elif kind == b"acTL" and state.rows is None:
        (frames,) = unpack(">I", body, offset + 8, "acTL")
        state.announced = frames if frames <= _MAX_LENGTH else 0
        state.picture.animated = state.announced > 1
    elif kind == b"fcTL":
        _frame_control(body, offset, state)
    elif kind == b"fdAT" and state.frame:
        state.frame.feed(content[4:], offset)
    elif kind == b"IEND":
        if missing := state.missing():
            raise Damage(f"the end of the image, but {missing} missing", offset)
    elif kind not in _KNOWN and kind[0] < 0x60:
        raise Damage(f"unknown critical chunk {kind.decode()}", offset)


def _header(body: bytes, offset: int, length: int, state: _PngState) -> None:
    if length != 13:
        raise Damage(f"an IHDR of {length} bytes", offset)
    width, height, depth, colour_type, *methods, interlace = unpack(">IIBBBBB", body, offset + 8, "IHDR")
    if width > _MAX_LENGTH or height > _MAX_LENGTH:
        raise Damage(f"a size of {width} x {height} pixels", offset + 8)
    if depth not in _DEPTHS.get(colour_type, ()) or any(methods) or interlace > 1:
        raise Damage(f"invalid IHDR fields (depth {depth}, colour type {colour_type})", offset + 16)
    state.colour_type, state.bits, state.interlaced = colour_type, depth * _CHANNELS[colour_type], bool(interlace)
    state.picture.measure(width, height, offset + 8)


def _image_data(content: memoryview, offset: int, state: _PngState) -> None:
    if state.rows is None:
        if state.colour_type == _PALETTE and not state.palette:
            raise Damage("image data before its palette", offset)
        state.rows = state.new_rows(state.picture.width or 0, state.picture.height or 0)
    elif state.last != b"IDAT" and state.rows.left:
        raise Damage("image data in two places", offset)
    state.rows.feed(content, offset)


def _frame_control(body: bytes, offset: int, state: _PngState) -> None:
    """Begin a frame of an APNG. An fcTL before the image data describes the image itself."""
    if state.rows is None:
        state.frames = 1
        return
    if not state.announced:
        return
    if state.frame and state.frame.left:
        raise Damage(f"a new frame, but {state.missing()} missing from the last", offset)
    width, height, x, y = unpack(">IIII", body, offset + 12, "fcTL")
    picture = state.picture
    if not (0 < width <= (picture.width or 0) - x and 0 < height <= (picture.height or 0) - y):
        raise Damage(f"a frame of {width} x {height} pixels at {x}, {y}, outside the image", offset)
    picture.spend(2, offset)
    state.frames += 1
    state.frame = state.new_rows(width, height)
