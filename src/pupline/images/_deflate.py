"""Strips and tiles of TIFF compressed by Deflate: whether they hold all that they should. Nothing is kept of it.

Source: Adobe Photoshop TIFF Technical Notes (compression 8); 32946 is its older number. As in libtiff, what counts is
that as many bytes as the rows take can be inflated: what follows them, and a missing checksum, do no harm.
"""

import zlib
from typing import Final

from pupline.images._structure import Damage

DEFLATES: Final = frozenset({8, 32946})

# The work that one file may make of it, in bytes in and out: a quarter of a second. Strips may be many, lie over each
# other, and yield nothing, so each costs something in itself.
_MOST_WORK: Final = 2**27
_EACH: Final = 2**13
# Input and output of one call: what is held of it.
_PIECE, _BLOCK = 2**16, 2**20


class Inflating:
    """Counts what strips hold, up to a bound for one file."""

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)
        self._left = _MOST_WORK

    def check(self, at: int, count: int, due: int) -> None:
        """Check that `count` bytes at `at` inflate to `due` bytes, as far as the bound allows. Raises: Damage."""
        stream, missing, end = zlib.decompressobj(), due, at + count
        self._left -= _EACH
        for start in range(at, end, _PIECE):
            waiting: bytes | memoryview = self._body[start : min(start + _PIECE, end)]
            self._left -= len(waiting)
            full = True
            while (waiting or full) and missing > 0 and not stream.eof:
                if self._left <= 0:
                    return
                try:
                    block = stream.decompress(waiting, min(missing, _BLOCK))
                except zlib.error as error:
                    raise Damage(f"a strip or tile that cannot be inflated ({error}),", at) from error
                full = len(block) == min(missing, _BLOCK)
                missing -= len(block)
                self._left -= len(block)
                waiting = stream.unconsumed_tail
            if missing <= 0 or stream.eof:
                break
        if missing > 0:
            raise Damage(f"a strip or tile of {due} bytes that inflates to {due - missing},", at)
