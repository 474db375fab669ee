"""TIFF files put together field by field: pages, strips, tiles, and directories inside directories."""

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Values: TypeAlias = int | bytes | Sequence[int]
Fields: TypeAlias = Mapping[int, Values | tuple[int, Sequence[int]]]

LETTERS = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q"}
FIRST_AT = 8


def field(order: str, tag: int, value: Values | tuple[int, Sequence[int]], after: int) -> tuple[bytes, bytes]:
    """One field: its entry, and its values where they do not fit into it, to be put at `after`."""
    kind, values = (2, value) if isinstance(value, bytes) else (4, [value]) if isinstance(value, int) else (4, value)
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], list):
        kind, values = value
    if isinstance(values, bytes):
        count, content = len(values), values
    elif kind == 5:
        count, content = len(values) // 2, struct.pack(f"{order}{len(values)}I", *values)
    else:
        count, content = len(values), struct.pack(f"{order}{len(values)}{LETTERS[kind]}", *values)
    if len(content) <= 4:
        return struct.pack(f"{order}HHI", tag, kind, count) + content.ljust(4, b"\0"), b""
    return struct.pack(f"{order}HHII", tag, kind, count, after), content


def directory(fields: Fields, at: int, *, order: str = "<", next_offset: int = 0) -> bytes:
    """A directory that stands at byte `at`, with its long values behind it."""
    after = at + 2 + 12 * len(fields) + 4
    entries = long = b""
    for tag, value in sorted(fields.items()):
        entry, content = field(order, tag, value, after + len(long))
        entries += entry
        long += content
    return struct.pack(f"{order}H", len(fields)) + entries + struct.pack(f"{order}I", next_offset) + long


def tiff_of(
    fields: Fields, data: bytes = b"", *, order: str = "<", next_offset: int = 0, more: bytes = b"", magic: bytes = b""
) -> bytes:
    """A TIFF of one directory. `data` begins at byte 8, the directory behind it, then `more`."""
    head = magic or ((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data)))
    at = len(head) + len(data)
    return head + data + directory(fields, at, order=order, next_offset=next_offset) + more


def grey(width: int = 4, height: int = 3) -> dict[int, Values | tuple[int, Sequence[int]]]:
    """The fields of an uncompressed grey picture in one strip at byte 8."""
    return {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: FIRST_AT, 277: 1, 278: height, 279: width * height}
