"""PNG: the rows of an image, counted as they are inflated.

Source: W3C Portable Network Graphics (Third Edition), sections 8 (interlacing), 9 (filter types) and 10 (compression).
Rows are neither reconstructed nor kept: all of them must be there, each with a valid filter type.
"""

import zlib

from pupline.images._structure import Damage

# Input and output of one call of zlib, which bound the memory. zlib copies the rest of the input for each block of
# output, so pieces must be small.
_PIECE, _BLOCK = 2**16, 2**20

# Limit of inflated bytes for one file: the rows of a picture of 85 million pixels, in half a second. Without it, a file
# of 250 kB could take seconds. The rest of larger pictures is not checked.
MAX_INFLATED = 2**28

_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_FILTER_TYPES = bytes(range(5))


class RowInflater:
    """Inflates and counts the rows of one image. `feed` takes the content of its chunks, `left` is what is missing."""

    def __init__(self, width: int, height: int, bits_per_pixel: int, *, interlaced: bool, at_most: int) -> None:
        """at_most: the number of bytes to inflate; later ones are not checked."""
        self._passes: list[tuple[int, int, int]] = []  # begin, end and row length of each pass
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
        """The number of missing bytes."""
        return self._end - self.position

    def feed(self, data: memoryview, offset: int) -> None:
        """Inflate the content of one more chunk, which begins at `offset`. Raises: Damage."""
        for at in range(0, len(data), _PIECE):
            waiting: bytes | memoryview = data[at : at + _PIECE]
            full = True
            while (waiting or full) and self.left > 0:  # zlib may have more output without more input
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
        """Raises: Damage where a row of the block has an invalid filter type."""
        for begin, end, stride in self._passes:
            first = max(begin - self.position, (begin - self.position) % stride)
            last = end - self.position
            if first < last and block[first:last:stride].translate(None, _FILTER_TYPES):
                raise Damage("a row with an invalid filter type in the image data", offset)
