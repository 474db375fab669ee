"""Timers by due time. Cancelling is cheap: an entry that is no longer wanted is dropped when it comes up."""

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
        """Have `key` come up at `due`."""
        number = next(self._numbers)
        self._live[key] = number
        heapq.heappush(self._heap, (due, number, key))

    def cancel(self, key: K) -> None:
        """Forget the timer of `key`, if there is one."""
        if self._live.pop(key, None) is not None and len(self._heap) > 2 * len(self._live) + _SLACK:
            self._heap = [entry for entry in self._heap if self._live.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def next_due(self) -> float | None:
        """When the next timer is due, if any."""
        while self._heap and self._live.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[K]:
        """The keys whose time has come, in the order they were due; they are forgotten."""
        found: list[K] = []
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._heap)[2]
            del self._live[key]
            found.append(key)
        return found


class Alarms(Generic[K]):
    """Timers of both kinds: after so much working time, and at a time of day. At most one for each key."""

    def __init__(self) -> None:
        self._after: Timers[K] = Timers()
        self._moments: Timers[K] = Timers()

    def after(self, key: K, seconds: float, at: Instant) -> None:
        """Have `key` come up when that much working time has passed since `at`."""
        self._after.start(key, at.worked + seconds)

    def at(self, key: K, moment: float) -> None:
        """Have `key` come up when the machine's clock reads `moment`, in seconds since the epoch."""
        self._moments.start(key, moment)

    def cancel(self, key: K) -> None:
        """Forget the timer of `key`, if there is one."""
        self._after.cancel(key)
        self._moments.cancel(key)

    def next_in(self, at: Instant) -> float | None:
        """Seconds until the next one is due, below 0 when it is late; None when there is none."""
        pairs = ((self._after.next_due(), at.worked), (self._moments.next_due(), at.now))
        return min((due - now for due, now in pairs if due is not None), default=None)

    def take_due(self, at: Instant) -> list[K]:
        """The keys whose time has come; they are forgotten."""
        return [*self._after.take_due(at.worked), *self._moments.take_due(at.now)]
