"""What the walkers of all formats share: the findings so far, the exception for damage, checked reads.

A walker takes the body and a `Picture`, on which it records its findings. It returns, or raises `Damage` where the body
is invalid; the findings before that still count. No walker decodes pixels, copies the body, or trusts a length.
"""

import struct
import sys
from dataclasses import dataclass
from typing import Final

MAX_STEPS: Final = 50_000
"""Parts of one file that a walker visits: boxes, items, extents, frames, ... A picture of a thousand tiles has about
10,000. The length of a body is no bound: a table of 20 MB has millions of entries, and entries may refer to the same
bytes repeatedly."""

_MAX_NOTES = 4


class OtherType(Exception):
    """The body has another type than its first bytes indicate: `file_type`, which is not one of `IMAGE_TYPES`."""

    def __init__(self, file_type: str) -> None:
        super().__init__(file_type)
        self.file_type = file_type


class Damage(Exception):
    """The body is damaged: `what` is wrong at byte `offset`."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(f"{what} at byte {offset}")


@dataclass(slots=True)
class Picture:
    """The findings about an image so far.

    width, height: of the canvas, in pixels, as readers of the format show it (see `pupline.images.Inspection`).
    pixels: of the largest canvas, frame or page, which a decoder would have to allocate.
    note: harmless oddities, such as bytes after the end. steps_left: how many more parts may be visited.
    max_pixels: the limit. The data of larger pictures is not checked, because they are refused anyway.
    """

    width: int | None = None
    height: int | None = None
    pixels: int = 0
    animated: bool = False
    note: str = ""
    steps_left: int = MAX_STEPS
    max_pixels: int = sys.maxsize

    def spend(self, steps: int, offset: int) -> None:
        """Count parts of the file before they are visited. Raises: Damage when an image cannot have so many."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise Damage(f"more than {MAX_STEPS} parts", offset)

    def measure(self, width: int, height: int, offset: int) -> None:
        """Record the size of the picture. Raises: Damage when it has no area."""
        if width < 1 or height < 1:
            raise Damage(f"a size of {width} x {height} pixels", offset)
        self.width, self.height = width, height
        self.add_frame_size(width, height)

    @property
    def too_large(self) -> bool:
        """Whether a canvas, frame or page is over the limit of pixels."""
        return self.pixels > self.max_pixels

    def add_frame_size(self, width: int, height: int) -> None:
        """Record the size of one more frame or page."""
        self.pixels = max(self.pixels, width * height)

    def add_note(self, what: str) -> None:
        """Add a harmless oddity to the note, which has room for a few."""
        if self.note.count(";") < _MAX_NOTES - 1:
            self.note = f"{self.note}; {what}" if self.note else what

    def note_trailing_bytes(self, end: int, body: bytes) -> None:
        """Note how many bytes follow the end of the image, if any."""
        if end < len(body):
            self.add_note(f"{len(body) - end} more bytes follow the end of the image at byte {end}")


def require(body: bytes, offset: int, count: int, what: str) -> None:
    """Raises: Damage unless there are `count` bytes from `offset` on."""
    if offset + count > len(body):
        raise Damage(f"the file ends at byte {len(body)}, inside {what} that begins", offset)


def unpack(layout: str, body: bytes, offset: int, what: str) -> tuple[int, ...]:
    """The integers of a `struct` layout at `offset`. Raises: Damage where the body ends before."""
    require(body, offset, struct.calcsize(layout), what)
    return struct.unpack_from(layout, body, offset)
