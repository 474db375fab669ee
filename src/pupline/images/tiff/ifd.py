"""Image file directories (IFDs) of TIFF, BigTIFF and similar files: fields by tag.

Sources: TIFF Revision 6.0, section 2; BigTIFF by libtiff, "The BigTIFF File Format".
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from pupline.images._structure import Damage, require, unpack

# Field types with integers. Some writers use signed ones, and readers accept them.
_LETTERS: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_TYPE_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4} | dict.fromkeys(
    (16, 17, 18), 8
)
_RATIONAL: Final = 5

MAX_FIELDS: Final = 500_000
MAX_NUMBERS: Final = 500_000
"""Read in one file: 10,000 pages of 50 fields, a picture of 250,000 strips. Directories may refer to the same bytes
repeatedly, so the length of a body is no bound."""


class LimitReached(Exception):
    """The file has more than is read. This is not damage: archives have large files."""


@dataclass(slots=True)
class IfdReader:
    """Reads the directories of one body. order: `<` or `>`. is_big: offsets of 8 bytes."""

    body: bytes
    order: str
    is_big: bool = False
    fields_left: int = field(default=MAX_FIELDS)
    numbers_left: int = field(default=MAX_NUMBERS)

    @classmethod
    def open(cls, body: bytes) -> tuple["IfdReader", int]:
        """A reader for a TIFF or BigTIFF, and the offset of the first directory. Raises: Damage."""
        order, is_big = "<" if body[:2] == b"II" else ">", 43 in body[2:4]
        reader = cls(body, order, is_big)
        if is_big and unpack(order + "HH", body, 4, "the header") != (8, 0):
            raise Damage("a BigTIFF header without 8-byte offsets", 4)
        return reader, reader.offset_at(8 if is_big else 4)

    def offset_at(self, at: int) -> int:
        """An offset, of 4 or 8 bytes. Raises: Damage where the body ends before."""
        return unpack(self.order + ("Q" if self.is_big else "I"), self.body, at, "an offset")[0]

    def read(self, offset: int, wanted: frozenset[int]) -> "Ifd":
        """The directory at `offset`, with the `wanted` fields. Raises: Damage, LimitReached."""
        (count,) = unpack(self.order + ("Q" if self.is_big else "H"), self.body, offset, "a directory")
        each, first, layout = (20, offset + 8, "HHQ8x") if self.is_big else (12, offset + 2, "HHI4x")
        offset_bytes = 8 if self.is_big else 4
        end = first + count * each
        require(self.body, offset, end + offset_bytes - offset, f"a directory of {count} fields")
        self.fields_left -= count + 1
        if self.fields_left < 0:
            raise LimitReached
        entries = struct.iter_unpack(self.order + layout, memoryview(self.body)[first:end])
        fields: dict[int, tuple[int, int, int]] = {}
        for number, (tag, kind, values) in enumerate(entries):
            if tag in wanted:
                fields.setdefault(tag, (kind, values, first + (number + 1) * each - offset_bytes))
        return Ifd(self, offset, fields, end)


@dataclass(slots=True)
class Ifd:
    """One directory. fields: type, number of values, and offset of the values or of their offset, by tag.

    next_at: where the offset of the next directory is. All methods raise Damage where values are outside the body, and
    LimitReached.
    """

    reader: IfdReader
    offset: int
    fields: dict[int, tuple[int, int, int]]
    next_at: int

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The integers of a field, none where the directory does not have it."""
        if tag not in self.fields:
            return ()
        kind, count, _ = self.fields[tag]
        if kind not in _LETTERS:
            raise Damage(f"field {tag} with values of type {kind} in the directory that begins", self.offset)
        layout = f"{self.reader.order}{count}{_LETTERS[kind]}"
        return unpack(layout, self.reader.body, self._values_at(tag), f"field {tag}")

    def number(self, tag: int, default: int) -> int:
        """The first integer of a field, `default` where there is none."""
        return next(iter(self.numbers(tag)), default)

    def ratios(self, tag: int) -> tuple[int, ...]:
        """The integer parts of a field's integers or rationals."""
        if self.fields.get(tag, (0,))[0] != _RATIONAL:
            return self.numbers(tag)
        layout = f"{self.reader.order}{2 * self.fields[tag][1]}I"
        parts = unpack(layout, self.reader.body, self._values_at(tag), f"field {tag}")
        return tuple(above // (below or 1) for above, below in zip(parts[::2], parts[1::2], strict=True))

    def text(self, tag: int) -> bytes:
        """The first 32 bytes of a text field; empty where there is none."""
        if tag not in self.fields:
            return b""
        start = self._values_at(tag)
        return self.reader.body[start : start + min(self.fields[tag][1], 32)]

    def check(self, tag: int) -> None:
        """Check that the field's values, if there is one, are in the body."""
        if tag in self.fields:
            self._values_at(tag)

    def _values_at(self, tag: int) -> int:
        kind, count, start = self.fields[tag]
        reader = self.reader
        reader.numbers_left -= count
        if reader.numbers_left < 0:
            raise LimitReached
        size = count * _TYPE_BYTES.get(kind, 1)
        if size > (8 if reader.is_big else 4):
            start = reader.offset_at(start)
            require(reader.body, start, size, f"field {tag} of {size} bytes")
        return start
