"""GIF: blocks from the screen descriptor to the trailer.

Source: Graphics Interchange Format, Version 89a, W3C copy, sections 15 to 27. Where writers stray from it, browsers are
followed: the trailer may be missing, and a first frame larger than the screen makes the screen larger.
"""

import re
from dataclasses import dataclass

from pupline.images._gif_lzw import SubBlocks, check_pixels
from pupline.images._structure import Damage, Picture, need, unpack

_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9
_NOT_ZERO = re.compile(rb"[^\0]")

# Encoders fill sub-blocks to 255 bytes, so this is some 250 MB of data; the bound keeps a body of tiny blocks from
# taking seconds.
_MAX_SUB_BLOCKS = 1_000_000

# LZW codes that may be followed: a fifth of a second.
_MAX_FOLLOWED = 2**20


@dataclass(slots=True)
class _Walk:
    """What has gone by.

    announced: a graphic control extension has gone by, and not yet its frame. sub_blocks, followed: how many more
    sub-blocks, and LZW codes, may be looked at.
    """

    body: bytes
    picture: Picture
    palette: bool
    frames: int = 0
    announced: bool = False
    sub_blocks: int = _MAX_SUB_BLOCKS
    followed: int = _MAX_FOLLOWED


def walk_gif(body: bytes, picture: Picture) -> None:
    """Measure a GIF, from its header to its trailer, or to the end of its last frame. Raises: Damage."""
    width, height, flags = unpack("<HHB", body, 6, "the screen descriptor")
    if width and height:  # 0 means: as large as the first frame
        picture.measure(width, height, 6)
    walk, offset = _Walk(body, picture, bool(flags & 0x80)), 13 + _table_bytes(flags)
    while (end := _end(walk, offset)) is None:
        picture.spend(1, offset)
        offset = _block(walk, offset)
    if not walk.frames:
        raise Damage("the trailer, but no frame", offset)
    picture.animated = walk.frames > 1
    picture.end_at(end, body)


def _end(walk: _Walk, offset: int) -> int | None:
    """Where the picture ends, if it does so at `offset`: after the trailer, or where no other frame can follow."""
    body = walk.body
    if offset < len(body):
        if body[offset] == _TRAILER:
            return offset + 1
        if body[offset] in (_EXTENSION, _IMAGE, 0):
            return None
    if not walk.frames or walk.announced or body.find(_IMAGE, offset) >= 0:
        need(body, offset, 1, "a block (no trailer was found)")
        raise Damage(f"0x{body[offset]:02x} where a block is due", offset)
    walk.picture.remark(f"no trailer at byte {offset}")
    return offset


def _block(walk: _Walk, offset: int) -> int:
    """Check the block at `offset`; where the next one begins. Zeros where a block is due are passed over."""
    body, kind = walk.body, walk.body[offset]
    if kind == 0:
        walk.picture.remark(f"stray zeros at byte {offset}")
        found = _NOT_ZERO.search(body, offset)
        return found.start() if found else len(body)
    if kind == _EXTENSION:
        need(body, offset, 2, "an extension")
        walk.announced = walk.announced or body[offset + 1] == _GRAPHIC_CONTROL
        return _sub_blocks(walk, offset + 2).end
    walk.picture.spend(2, offset)
    width, height, flags = unpack("<HHB", body, offset + 5, "an image descriptor")
    data = _frame(walk, offset, width, height, flags)
    blocks = _sub_blocks(walk, data)
    if not blocks.number:
        raise Damage("a frame without data", offset)
    if not walk.picture.too_large:
        walk.followed -= check_pixels(body, blocks, body[data - 1], width * height, walk.followed)
    walk.frames += 1
    walk.announced = False
    return blocks.end


def _table_bytes(flags: int) -> int:
    """The size of a colour table from the flags that announce it."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _frame(walk: _Walk, offset: int, width: int, height: int, flags: int) -> int:
    """Check an image descriptor; where its sub-blocks begin."""
    body, picture = walk.body, walk.picture
    if not width or not height:
        raise Damage(f"a frame of {width} x {height} pixels", offset)
    if not walk.frames:
        left, top = unpack("<HH", body, offset + 1, "an image descriptor")
        picture.measure(max(picture.width or 0, left + width), max(picture.height or 0, top + height), offset)
        if not walk.palette and not flags & 0x80:
            picture.remark(f"no palette for the frame at byte {offset}")
    picture.see(width, height)
    start = offset + 10 + _table_bytes(flags)
    need(body, start, 1, "a frame")
    if not 1 <= body[start] <= 11:
        raise Damage(f"an LZW code size of {body[start]}", start)
    return start + 1


def _sub_blocks(walk: _Walk, begin: int) -> SubBlocks:
    """Pass over the sub-blocks that begin here."""
    body, left, end, offset, last = walk.body, walk.sub_blocks, len(walk.body), begin, 0
    while offset < end and (size := body[offset]):
        offset += size + 1
        last = size
        left -= 1
        if not left:
            raise Damage(f"more than {_MAX_SUB_BLOCKS} sub-blocks", offset)
    if offset >= end:
        raise Damage(f"the file ends at byte {end}, inside sub-blocks that begin", begin)
    count, walk.sub_blocks = walk.sub_blocks - left, left
    return SubBlocks(begin, offset + 1, count, last)
