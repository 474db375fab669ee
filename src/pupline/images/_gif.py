"""GIF: blocks from the screen descriptor to the trailer.

Source: Graphics Interchange Format, Version 89a, W3C copy, sections 15 to 27.
"""

from pupline.images._structure import Damage, Picture, need, unpack

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B

# Encoders fill sub-blocks to 255 bytes, so this is some 250 MB of data, and no animation has 50,000 frames with an
# extension each; the bounds keep a body of tiny blocks from taking seconds.
_MAX_SUB_BLOCKS = 1_000_000
_MAX_BLOCKS = 100_000


def walk_gif(body: bytes, picture: Picture) -> None:
    """Measure a GIF, from its header to its trailer. Raises: Damage."""
    width, height, flags = unpack("<HHB", body, 6, "the screen descriptor")
    if width and height:  # 0 means: as large as the first frame
        picture.measure(width, height, 6)
    offset, frames, left = 13 + _table_bytes(flags), 0, _MAX_SUB_BLOCKS
    for _ in range(_MAX_BLOCKS):
        need(body, offset, 1, "a block (no trailer was found)")
        kind = body[offset]
        if kind == _TRAILER:
            break
        if kind == _IMAGE:
            frames += 1
            data = _frame(body, offset, picture)
        elif kind == _EXTENSION:
            data = offset + 2
        else:
            raise Damage(f"0x{kind:02x} where a block is due", offset)
        end, left = _skip_sub_blocks(body, data, left)
        if kind == _IMAGE and end == data + 1:
            raise Damage("a frame without data", offset)
        offset = end
    else:
        raise Damage(f"more than {_MAX_BLOCKS} blocks", offset)
    if not frames:
        raise Damage("the trailer, but no frame", offset)
    picture.animated = frames > 1
    picture.end_at(offset + 1, body)


def _table_bytes(flags: int) -> int:
    """The size of a colour table from the flags that announce it."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _frame(body: bytes, offset: int, picture: Picture) -> int:
    """Check an image descriptor; where its sub-blocks begin."""
    width, height, flags = unpack("<HHB", body, offset + 5, "an image descriptor")
    if not width or not height:
        raise Damage(f"a frame of {width} x {height} pixels", offset)
    picture.see(width, height)
    if picture.width is None:
        picture.measure(width, height, offset)
    start = offset + 10 + _table_bytes(flags)
    need(body, start, 1, "a frame")
    if not 1 <= body[start] <= 11:
        raise Damage(f"an LZW code size of {body[start]}", start)
    return start + 1


def _skip_sub_blocks(body: bytes, offset: int, left: int) -> tuple[int, int]:
    """Where the sub-blocks end, and how many more the file may have."""
    end = len(body)
    begin = offset
    while offset < end and (size := body[offset]):
        offset += size + 1
        left -= 1
        if not left:
            raise Damage(f"more than {_MAX_SUB_BLOCKS} sub-blocks", offset)
    if offset >= end:
        raise Damage(f"the file ends at byte {end}, inside sub-blocks that begin", begin)
    return offset + 1, left
