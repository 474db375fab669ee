"""The interpreter's collector of cyclic garbage, while executions are driven.

An execution in flight is some hundred objects, and none of them is in a cycle: its memory is free as soon as it has
ended. But the collector looks whenever 700 more objects are alive than before, which happens many times in a turn of
many executions: it took a third of the processor time. So meanwhile it looks less often; the functions that are called
may leave cycles, so it still looks.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 5_000
"""How many more objects are alive before the collector looks."""

_guard = threading.Lock()
_before: list[tuple[int, int, int]] = []
"""The thresholds to put back, once for each drive of this process."""


@contextmanager
def collecting_less_often() -> Iterator[None]:
    """For the length of the block. The last of several blocks puts back what the first one found."""
    with _guard:
        found = _before[0] if _before else gc.get_threshold()
        _before.append(found)
        if 0 < found[0] < _OBJECTS:
            gc.set_threshold(_OBJECTS, *found[1:])
    try:
        yield
    finally:
        with _guard:
            _before.pop()
            if not _before:
                gc.set_threshold(*found)
