"""The directories of TIFF, BigTIFF and of what is built like them: fields by their tag, and their numbers.

Sources: TIFF Revision 6.0, section 2; BigTIFF by libtiff, "The BigTIFF File Format".
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from pupline.images._structure import Damage, need, unpack

# Field types that hold integers, signed ones included: some writers use them, and readers take them.
_LETTERS: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_TYPE_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4} | dict.fromkeys(
    (16, 17, 18), 8
)
_RATIONAL: Final = 5

MAX_FIELDS: Final = 500_000
MAX_NUMBERS: Final = 500_000
"""Looked at in one file: 10,000 pages of 50 fields, a picture of 250,000 strips. Directories may name the same bytes
again and again, so the length of a body bounds neither."""


class TooMany(Exception):
    """The file has more than is looked at. It is not damaged for that: there are large ones in archives."""


@dataclass(slots=True)
class Directory:
    """One directory: the fields that were asked for, by tag, and where the offset of the next directory stands.

    fields: field type, number of values, and where the values (or their offset) stand.
    """

    offset: int
    fields: dict[int, tuple[int, int, int]]
    next_at: int


@dataclass(slots=True)
class Directories:
    """The directories of one body. order: `<` or `>`. big: offsets of 8 bytes."""

    body: bytes
    order: str
    big: bool = False
    fields_left: int = field(default=MAX_FIELDS)
    numbers_left: int = field(default=MAX_NUMBERS)

    def offset_at(self, at: int) -> int:
        """An offset, of 4 or 8 bytes. Raises: Damage where the body ends before."""
        return unpack(self.order + ("Q" if self.big else "I"), self.body, at, "an offset")[0]

    def read(self, offset: int, wanted: frozenset[int]) -> Directory:
        """The directory at `offset`, with those of its fields that are `wanted`. Raises: Damage, TooMany."""
        (count,) = unpack(self.order + ("Q" if self.big else "H"), self.body, offset, "a directory")
        each, first, layout = (20, offset + 8, "HHQ8x") if self.big else (12, offset + 2, "HHI4x")
        end = first + count * each
        need(self.body, offset, end + (8 if self.big else 4) - offset, f"a directory of {count} fields")
        self.fields_left -= count + 1
        if self.fields_left < 0:
            raise TooMany
        entries = struct.iter_unpack(self.order + layout, memoryview(self.body)[first:end])
        fields: dict[int, tuple[int, int, int]] = {}
        for number, (tag, kind, values) in enumerate(entries):
            if tag in wanted:
                fields.setdefault(tag, (kind, values, first + number * each + each - (8 if self.big else 4)))
        return Directory(offset, fields, end)

    def numbers(self, directory: Directory, tag: int) -> tuple[int, ...]:
        """The integers of a field, none where the directory has no such field. Raises: Damage, TooMany."""
        if tag not in directory.fields:
            return ()
        kind, count, _ = directory.fields[tag]
        if kind not in _LETTERS:
            raise Damage(f"field {tag} with values of type {kind} in the directory that begins", directory.offset)
        place = self._place(directory, tag)
        return unpack(f"{self.order}{count}{_LETTERS[kind]}", self.body, place, f"field {tag}")

    def check(self, directory: Directory, tag: int) -> None:
        """Raises: Damage where the directory has this field, but its values are outside the body; TooMany."""
        if tag in directory.fields:
            self._place(directory, tag)

    def number(self, directory: Directory, tag: int, default: int) -> int:
        """The first integer of a field, `default` where there is none. Raises: Damage, TooMany."""
        return next(iter(self.numbers(directory, tag)), default)

    def ratios(self, directory: Directory, tag: int) -> tuple[int, ...]:
        """The whole parts of a field's integers or fractions. Raises: Damage, TooMany."""
        if directory.fields.get(tag, (0,))[0] != _RATIONAL:
            return self.numbers(directory, tag)
        _, count, _ = directory.fields[tag]
        parts = unpack(f"{self.order}{2 * count}I", self.body, self._place(directory, tag), f"field {tag}")
        return tuple(above // (below or 1) for above, below in zip(parts[::2], parts[1::2], strict=True))

    def text(self, directory: Directory, tag: int) -> bytes:
        """The first bytes of a text field, 32 at most; empty where there is none. Raises: Damage, TooMany."""
        if tag not in directory.fields:
            return b""
        place = self._place(directory, tag)
        return self.body[place : place + min(directory.fields[tag][1], 32)]

    def _place(self, directory: Directory, tag: int) -> int:
        """Where the values of a field begin, once all of them are there."""
        kind, count, place = directory.fields[tag]
        self.numbers_left -= count
        if self.numbers_left < 0:
            raise TooMany
        size = count * _TYPE_BYTES.get(kind, 1)
        if size > (8 if self.big else 4):
            place = self.offset_at(place)
            need(self.body, place, size, f"field {tag} of {size} bytes")
        return place


def directories_of(body: bytes) -> tuple[Directories, int]:
    """The directories of a TIFF or BigTIFF, and the offset of the first one. Raises: Damage."""
    order, big = "<" if body[:2] == b"II" else ">", 43 in body[2:4]
    found = Directories(body, order, big)
    if big and unpack(order + "HH", body, 4, "the header") != (8, 0):
        raise Damage("a BigTIFF header without 8-byte offsets", 4)
    return found, found.offset_at(8 if big else 4)
