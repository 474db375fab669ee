"""What the walkers of the formats share: a picture being measured, the damage that ends it, checked reads.

A walker takes the body and a `Picture`, notes on it what it learns, and returns, or raises `Damage` where the body
stops making sense; what was learnt before that still counts. No walker decodes anything, copies the body, or trusts a
length.
"""

import struct
import sys
from dataclasses import dataclass
from typing import Final

MAX_STEPS: Final = 50_000
"""Parts of one file that a walker looks at one by one: boxes, items, extents, frames, ... A picture of a thousand tiles
has about ten thousand. The length of a body bounds nothing: a table of 20 MB has millions of entries, and entries may
name the same bytes again and again."""

_MAX_REMARKS = 4


class OtherType(Exception):
    """The body is of another type than its first bytes promised: `file_type`, which is not one of `IMAGE_TYPES`."""

    def __init__(self, file_type: str) -> None:
        super().__init__(file_type)
        self.file_type = file_type


class Damage(Exception):
    """The body is broken: `what` is wrong at byte `offset`."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(f"{what} at byte {offset}")


@dataclass(slots=True)
class Picture:
    """What is known of an image so far.

    width, height: of the canvas, in pixels, as readers of the format show it (see `pupline.images.Inspection`).
    pixels: of the largest canvas, frame or page seen: what a decoder would have to hold.
    note: what is odd but does no harm, such as bytes after the end; `remark` adds to it.
    steps_left: how many more parts of the file may be looked at.
    max_pixels: the limit. Of larger pictures the data is not looked at: they are refused anyway.
    """

    width: int | None = None
    height: int | None = None
    pixels: int = 0
    animated: bool = False
    note: str = ""
    steps_left: int = MAX_STEPS
    max_pixels: int = sys.maxsize

    def spend(self, steps: int, offset: int) -> None:
        """Count parts of the file before they are looked at. Raises: Damage when it has too many to be an image."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise Damage(f"more than {MAX_STEPS} parts", offset)

    def measure(self, width: int, height: int, offset: int) -> None:
        """Take the size of the picture itself. Raises: Damage when it has no area."""
        if width < 1 or height < 1:
            raise Damage(f"a size of {width} x {height} pixels", offset)
        self.width, self.height = width, height
        self.see(width, height)

    @property
    def too_large(self) -> bool:
        """Whether something seen so far is over the limit of pixels."""
        return self.pixels > self.max_pixels

    def see(self, width: int, height: int) -> None:
        """Take the size of one more frame or page into account."""
        self.pixels = max(self.pixels, width * height)

    def remark(self, what: str) -> None:
        """Note something odd that does no harm. What comes after the first few remarks adds nothing."""
        if self.note.count(";") < _MAX_REMARKS - 1:
            self.note = f"{self.note}; {what}" if self.note else what

    def end_at(self, end: int, body: bytes) -> None:
        """Note how many bytes follow the end of the image, if any do."""
        if end < len(body):
            self.remark(f"{len(body) - end} more bytes follow the end of the image at byte {end}")


def need(body: bytes, offset: int, count: int, what: str) -> None:
    """Raises: Damage unless `count` bytes are there from `offset` on."""
    if offset + count > len(body):
        raise Damage(f"the file ends at byte {len(body)}, inside {what} that begins", offset)


def unpack(layout: str, body: bytes, offset: int, what: str) -> tuple[int, ...]:
    """The integers of a `struct` layout at `offset`. Raises: Damage where the body ends before."""
    need(body, offset, struct.calcsize(layout), what)
    return struct.unpack_from(layout, body, offset)
