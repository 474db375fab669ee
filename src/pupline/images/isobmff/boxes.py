"""Boxes of an ISO base media file. Source: ISO/IEC 14496-12, section 4.2."""

from collections.abc import Iterator
from typing import TypeAlias

from pupline.images._structure import Damage, Picture, unpack

Range: TypeAlias = tuple[int, int]
"""The offsets of a first byte and of the byte after the last one."""

# No reader opens a file in which one of these is cut. All other boxes only hold data: readers follow the offsets into
# them and ignore the boxes.
_REQUIRED_WHOLE = frozenset({b"ftyp", b"meta", b"moov", b"mini"})


def boxes(body: bytes, start: int, end: int, picture: Picture) -> Iterator[tuple[bytes, int, int]]:
    """Type, start of content and end of each box from `start` up to `end`. Raises: Damage where one does not fit."""
    offset = start
    while offset < end:
        picture.spend(1, offset)
        kind, first, last = _header(body, offset, end)
        if last < first or last > end:
            raise Damage(f"a box of {last - offset} bytes that overruns its container", offset)
        yield kind, first, last
        offset = last


def first_boxes(body: bytes, start: int, end: int, picture: Picture) -> dict[bytes, Range]:
    """The content of the first box of each type. Raises: Damage."""
    found: dict[bytes, Range] = {}
    for kind, first, last in boxes(body, start, end, picture):
        found.setdefault(kind, (first, last))
    return found


def top_level_boxes(body: bytes, picture: Picture) -> dict[bytes, Range]:
    """The content of the file's first box of each type.

    Bytes after the last box get a note, and so does a data box that is cut. Raises: Damage where the boxes that
    describe the picture are cut or missing.
    """
    found: dict[bytes, Range] = {}
    offset, size = 0, len(body)
    described = False
    while offset < size:
        picture.spend(1, offset)
        kind, first, last = _header(body, offset, size) if size - offset >= 8 else (b"", 0, 0)
        if last < first or last > size or not kind:
            if kind in _REQUIRED_WHOLE or not (described or kind == b"mdat"):
                raise Damage(f"a box of {max(last - offset, 0)} bytes that overruns its container", offset)
            if kind == b"mdat":
                picture.add_note(f"a box of {last - offset} bytes overruns the file at byte {offset}")
            else:
                picture.note_trailing_bytes(offset, body)
            break
        found.setdefault(kind, (first, last))
        described = described or kind in (b"meta", b"moov", b"mini")
        offset = last
    return found


def brands(body: bytes) -> list[bytes]:
    """The brands of a file that begins with `ftyp`: the major one, then the compatible ones, a thousand at most."""
    end = min(max(int.from_bytes(body[:4], "big"), 16), 4096)
    return [body[8:12], *(body[at : at + 4] for at in range(16, end, 4))]


def _header(body: bytes, offset: int, end: int) -> tuple[bytes, int, int]:
    """Type, start of content and stated end of the box at `offset`."""
    (size,) = unpack(">I", body, offset, "a box")
    kind, start = body[offset + 4 : offset + 8], offset + 8
    if size == 1 and start + 8 <= len(body):
        (size,) = unpack(">Q", body, start, "a large box")
        start += 8
    elif size == 0:
        size = end - offset
    return kind, start, offset + size
