"""GIF: blocks from the screen descriptor to the trailer.

Source: Graphics Interchange Format, Version 89a, W3C copy, sections 15 to 27. Where writers deviate from it, this
follows browsers: the trailer may be missing, and a first frame larger than the screen enlarges the screen.
"""

import re
from dataclasses import dataclass

from pupline.images._structure import Damage, Picture, require, unpack
from pupline.images.gif.lzw import SubBlocks, check_pixels

_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9
_NOT_ZERO = re.compile(rb"[^\0]")

# Encoders fill sub-blocks to 255 bytes, so this is about 250 MB of data; without the limit, a body of tiny blocks takes
# seconds.
_MAX_SUB_BLOCKS = 1_000_000

# LZW codes that are counted: a fifth of a second.
_MAX_CODES_COUNTED = 2**20


@dataclass(slots=True)
class _GifState:
    """The state of the walk. announced: the last graphic control extension is still without its frame.

    sub_blocks_left, codes_left: how many more sub-blocks and LZW codes may be read.
    """

    body: bytes
    picture: Picture
    palette: bool
    frames: int = 0
    announced: bool = False
    sub_blocks_left: int = _MAX_SUB_BLOCKS
    codes_left: int = _MAX_CODES_COUNTED


def walk_gif(body: bytes, picture: Picture) -> None:
    """Measure a GIF, from its header to its trailer, or to the end of its last frame. Raises: Damage."""
    width, height, flags = unpack("<HHB", body, 6, "the screen descriptor")
    if width and height:  # 0 means: as large as the first frame
        picture.measure(width, height, 6)
    state, offset = _GifState(body, picture, bool(flags & 0x80)), 13 + _table_bytes(flags)
    while (end := _end(state, offset)) is None:
        picture.spend(1, offset)
        offset = _block(state, offset)
    if not state.frames:
        raise Damage("the trailer, but no frame", offset)
    picture.animated = state.frames > 1
    picture.note_trailing_bytes(end, body)


def _end(state: _GifState, offset: int) -> int | None:
    """The end of the picture, if it is at `offset`: after the trailer, or where no other frame can follow."""
    body = state.body
    if offset < len(body):
        if body[offset] == _TRAILER:
            return offset + 1
        if body[offset] in (_EXTENSION, _IMAGE, 0):
            return None
    if not state.frames or state.announced or body.find(_IMAGE, offset) >= 0:
        require(body, offset, 1, "a block (no trailer was found)")
        raise Damage(f"0x{body[offset]:02x} in the place of a block", offset)
    state.picture.add_note(f"no trailer at byte {offset}")
    return offset


def _block(state: _GifState, offset: int) -> int:
    """Check the block at `offset`; the offset of the next one. Zeros between blocks are skipped."""
    body, kind = state.body, state.body[offset]
    if kind == 0:
        state.picture.add_note(f"stray zeros at byte {offset}")
        found = _NOT_ZERO.search(body, offset)
        return found.start() if found else len(body)
    if kind == _EXTENSION:
        require(body, offset, 2, "an extension")
        state.announced = state.announced or body[offset + 1] == _GRAPHIC_CONTROL
        return _sub_blocks(state, offset + 2).end
    state.picture.spend(2, offset)
    width, height, flags = unpack("<HHB", body, offset + 5, "an image descriptor")
    data = _frame(state, offset, width, height, flags)
    blocks = _sub_blocks(state, data)
    if not blocks.number:
        raise Damage("a frame without data", offset)
    if not state.picture.too_large:
        state.codes_left -= check_pixels(body, blocks, body[data - 1], width * height, state.codes_left)
    state.frames += 1
    state.announced = False
    return blocks.end


def _table_bytes(flags: int) -> int:
    """The size of the colour table that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _frame(state: _GifState, offset: int, width: int, height: int, flags: int) -> int:
    """Check an image descriptor; the offset of its sub-blocks."""
    body, picture = state.body, state.picture
    if not width or not height:
        raise Damage(f"a frame of {width} x {height} pixels", offset)
    if not state.frames:
        left, top = unpack("<HH", body, offset + 1, "an image descriptor")
        picture.measure(max(picture.width or 0, left + width), max(picture.height or 0, top + height), offset)
        if not state.palette and not flags & 0x80:
            picture.add_note(f"no palette for the frame at byte {offset}")
    picture.add_frame_size(width, height)
    start = offset + 10 + _table_bytes(flags)
    require(body, start, 1, "a frame")
    if not 1 <= body[start] <= 11:
        raise Damage(f"an LZW code size of {body[start]}", start)
    return start + 1


def _sub_blocks(state: _GifState, begin: int) -> SubBlocks:
    """The sub-blocks that begin here. Raises: Damage."""
    body, left, end, offset, last = state.body, state.sub_blocks_left, len(state.body), begin, 0
    while offset < end and (size := body[offset]):
        offset += size + 1
        last = size
        left -= 1
        if not left:
            raise Damage(f"more than {_MAX_SUB_BLOCKS} sub-blocks", offset)
    if offset >= end:
        raise Damage(f"the file ends at byte {end}, inside sub-blocks that begin", begin)
    count, state.sub_blocks_left = state.sub_blocks_left - left, left
    return SubBlocks(begin, offset + 1, count, last)
