"""TIFF strips and tiles compressed by Deflate: whether they inflate to all their rows.

Source: Adobe Photoshop TIFF Technical Notes (compression 8); 32946 is its older number. As for libtiff, bytes
after the rows and a missing checksum are harmless.
"""

import zlib
from typing import Final

from pupline.images._structure import Damage

DEFLATES: Final = frozenset({8, 32946})

# Limit of work for one file, in bytes of input and output: a quarter of a second. Strips may be many, overlap, and be
# empty, so each one costs something by itself.
_MOST_WORK: Final = 2**27
_EACH: Final = 2**13
# Input and output of one call, which bound the memory.
_PIECE, _BLOCK = 2**16, 2**20


class StripInflater:
    """Inflates strips without keeping the output, up to a limit for one file."""

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)
        self._left = _MOST_WORK

    def check(self, at: int, count: int, due: int) -> None:
        """Check that `count` bytes at `at` inflate to `due` bytes, as far as the limit allows. Raises: Damage."""
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
