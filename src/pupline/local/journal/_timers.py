"""Timers by due time. Cancelling is cheap: a cancelled entry is dropped when it comes up."""

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

from pupline.local._clock import Instant

K = TypeVar("K", bound=Hashable)

_SLACK = 1024
"""Entries beyond twice the live ones before the heap is rebuilt: on average, a rebuild then costs next to nothing."""


class Timers(Generic[K]):
    """At most one timer for each key."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._live: dict[K, int] = {}
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._live)

    def start(self, key: K, due: float) -> None:
        """Start or restart the timer of `key`."""
        number = next(self._numbers)
        self._live[key] = number
        heapq.heappush(self._heap, (due, number, key))

    def cancel(self, key: K) -> None:
        """Cancel the timer of `key`, if there is one."""
        if self._live.pop(key, None) is not None and len(self._heap) > 2 * len(self._live) + _SLACK:
            self._heap = [entry for entry in self._heap if self._live.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def next_due(self) -> float | None:
        """When the next timer is due, if any."""
        while self._heap and self._live.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[K]:
        """Remove and return the keys that are due, in the order of their times."""
        found: list[K] = []
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._heap)[2]
            del self._live[key]
            found.append(key)
        return found


class Alarms(Generic[K]):
    """Timers of both kinds: after some working time, and at a time of day. At most one for each key."""

    def __init__(self) -> None:
        self._after: Timers[K] = Timers()
        self._moments: Timers[K] = Timers()

    def after(self, key: K, seconds: float, at: Instant) -> None:
        """Start a timer of that much working time from `at`."""
        self._after.start(key, at.working_time + seconds)

    def at(self, key: K, moment: float) -> None:
        """Start a timer for a time of day, in seconds since the epoch."""
        self._moments.start(key, moment)

    def cancel(self, key: K) -> None:
        """Cancel the timer of `key`, if there is one."""
        self._after.cancel(key)
        self._moments.cancel(key)

    def next_in(self, at: Instant) -> float | None:
        """Seconds until the next one is due, below 0 when it is late; None when there is none."""
        pairs = ((self._after.next_due(), at.working_time), (self._moments.next_due(), at.now))
        return min((due - now for due, now in pairs if due is not None), default=None)

    def take_due(self, at: Instant) -> list[K]:
        """Remove and return the keys that are due."""
        return [*self._after.take_due(at.working_time), *self._moments.take_due(at.now)]
