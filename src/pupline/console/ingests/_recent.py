"""Figures that are costly to count, kept for a while, so that a page that is open does not slow a running ingest."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

SHARE = 1 / 50
"""Of one processor, for counting the same again: what took 20 ms is kept for a second."""

_MOST_SECONDS = 30.0
_KEPT = 64


class Recent(Generic[T]):
    """Values by key, each kept in proportion to the time that it took to make. clock: seconds, for a test."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value that was made a moment ago, or a new one. Raises: what `make` raises."""
        began = self._clock()
        with self._lock:
            until, value = self._values.get(key, (0.0, None))
        if value is not None and began < until:
            return value
        made = make()
        ended = self._clock()
        with self._lock:
            self._values[key] = ended + min((ended - began) / SHARE, _MOST_SECONDS), made
            self._values.move_to_end(key)
            while len(self._values) > _KEPT:
                self._values.popitem(last=False)
        return made
