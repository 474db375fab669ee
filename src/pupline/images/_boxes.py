"""Boxes of an ISO base media file. Source: ISO/IEC 14496-12, section 4.2."""

from collections.abc import Iterator
from typing import TypeAlias

from pupline.images._structure import Damage, Picture, unpack

Range: TypeAlias = tuple[int, int]
"""Where something is: its first byte, and the byte after its last."""

# What a file cannot be read without. Where one of these is cut, the file is; any other box is held to what points into
# it: readers follow the offsets, and look at no box that holds only data.
_STRUCTURE = frozenset({b"ftyp", b"meta", b"moov", b"mini"})


def boxes(body: bytes, start: int, end: int, picture: Picture) -> Iterator[tuple[bytes, int, int]]:
    """Type, start of content and end of each box from `start` up to `end`. Raises: Damage where one does not fit."""
    offset = start
    while offset < end:
        picture.spend(1, offset)
        kind, first, last = _header(body, offset, end)
        if last < first or last > end:
            raise Damage(f"a box of {last - offset} bytes that does not fit where it is", offset)
        yield kind, first, last
        offset = last


def first_of(body: bytes, start: int, end: int, picture: Picture) -> dict[bytes, Range]:
    """Where the first box of each type has its content. Raises: Damage."""
    found: dict[bytes, Range] = {}
    for kind, first, last in boxes(body, start, end, picture):
        found.setdefault(kind, (first, last))
    return found


def top_level(body: bytes, picture: Picture) -> dict[bytes, Range]:
    """Where the first box of each type of the file has its content.

    Bytes after the last box, of whatever kind, are noted, and so is a box of data that ends before its stated size.
    Raises: Damage where what describes the picture is cut or not there.
    """
    found: dict[bytes, Range] = {}
    offset, size = 0, len(body)
    described = False
    while offset < size:
        picture.spend(1, offset)
        kind, first, last = _header(body, offset, size) if size - offset >= 8 else (b"", 0, 0)
        if last < first or last > size or not kind:
            if kind in _STRUCTURE or not (described or kind == b"mdat"):
                raise Damage(f"a box of {max(last - offset, 0)} bytes that does not fit where it is", offset)
            if kind == b"mdat":
                picture.remark(f"a box of {last - offset} bytes overruns the file at byte {offset}")
            else:
                picture.end_at(offset, body)
            break
        found.setdefault(kind, (first, last))
        described = described or kind in (b"meta", b"moov", b"mini")
        offset = last
    return found


def _header(body: bytes, offset: int, end: int) -> tuple[bytes, int, int]:
    """Type, start of content and end of the box at `offset`, as it states them."""
    (size,) = unpack(">I", body, offset, "a box")
    kind, start = body[offset + 4 : offset + 8], offset + 8
    if size == 1 and start + 8 <= len(body):
        (size,) = unpack(">Q", body, start, "a large box")
        start += 8
    elif size == 0:
        size = end - offset
    return kind, start, offset + size
