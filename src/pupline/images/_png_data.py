"""PNG: the rows of an image, counted as they are inflated.

Source: W3C Portable Network Graphics (Third Edition), sections 8 (interlacing), 9 (filter types) and 10 (compression).
Rows are not reconstructed and not kept: what counts is that all of them are there, each with a filter type that exists.
"""

import zlib

from pupline.images._structure import Damage

# Input and output of one call of zlib: what is held at any time. A piece of input is copied again for each block that
# it yields, so it must be small.
_PIECE, _BLOCK = 2**16, 2**20

# Inflated from one file at most: the rows of a picture of 85 million pixels, in half a second. Of larger ones only this
# much is checked, or a file of 250 kB could take seconds.
MAX_INFLATED = 2**28

_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_FILTER_TYPES = bytes(range(5))


class Rows:
    """The rows of one image: `feed` it the content of its chunks, and it tells what is `left` to come, in bytes."""

    def __init__(self, width: int, height: int, bits_per_pixel: int, *, interlaced: bool, at_most: int) -> None:
        """at_most: how many bytes may be inflated; nothing is known of those after them."""
        self._passes: list[tuple[int, int, int]] = []  # where a pass begins and ends, and the length of its rows
        self._stream = zlib.decompressobj()
        end = 0
        for x, y, across, down in _ADAM7 if interlaced else ((0, 0, 1, 1),):
            columns, rows = -((x - width) // across), -((y - height) // down)
            if columns > 0 and rows > 0:
                stride = 1 + (columns * bits_per_pixel + 7) // 8
                self._passes.append((end, end + stride * rows, stride))
                end += stride * rows
        self.total, self.position = end, 0
        self._end = min(end, at_most)

    @property
    def left(self) -> int:
        """The bytes that are missing."""
        return self._end - self.position

    def feed(self, data: memoryview, offset: int) -> None:
        """Inflate the content of one more chunk, which begins at `offset`. Raises: Damage."""
        for at in range(0, len(data), _PIECE):
            waiting: bytes | memoryview = data[at : at + _PIECE]
            full = True
            while (waiting or full) and self.left > 0:  # zlib may hold more output without any input
                room = min(self.left, _BLOCK)
                try:
                    block = self._stream.decompress(waiting, room)
                except zlib.error as err:
                    raise Damage(f"image data that cannot be inflated ({err})", offset) from err
                self._check_filters(block, offset)
                self.position += len(block)
                waiting, full = self._stream.unconsumed_tail, len(block) == room
            if self._stream.eof or self.left <= 0:
                return

    def _check_filters(self, block: bytes, offset: int) -> None:
        """Raises: Damage where a row of the block begins with a filter type that does not exist."""
        for begin, end, stride in self._passes:
            first = max(begin - self.position, (begin - self.position) % stride)
            last = end - self.position
            if first < last and block[first:last:stride].translate(None, _FILTER_TYPES):
                raise Damage("a row with a filter type that PNG does not have, in the image data", offset)
