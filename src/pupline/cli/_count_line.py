"""The progress of work that only counts: one live line on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from pupline.cli._output import message
from pupline.cli._streams import OutputLost

_LINE_EVERY_SECONDS = 5.0
_DRAW_EVERY_SECONDS = 0.25
_CLEAR = "\r\x1b[2K"


class CountLine:
    """Shows counts on stderr inside its `with` block; nothing for work that ends at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_live = sys.stderr.isatty()
        self._every = _DRAW_EVERY_SECONDS if self._is_live else _LINE_EVERY_SECONDS
        self._next = clock() + self._every
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._drawn:
            with suppress(OutputLost):
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """So many are done, of `total` where that is known."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + self._every
        with suppress(OutputLost):  # the work goes on when nobody reads its progress any more
            self._show(what, done, total)

    def _show(self, what: str, done: int, total: int | None) -> None:
        text = f"{done:,} of {total:,} {what}" if total is not None else f"{done:,} {what}"
        if self._is_live:
            sys.stderr.write(f"{_CLEAR}{text}")
            sys.stderr.flush()
            self._drawn = True
        else:
            message(text)
