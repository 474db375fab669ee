"""Clocks for the driver: the time of day, working time, and how long to sleep.

The machine's clock may be set, and an hour may pass in which a process is stopped or its machine sleeps. So the time of
day is for people, and for what is due at a time of day. Durations are measured in working time.
"""

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from pupline.tasks.ports import Clock

_MAX_STEP_SECONDS = 10.0
"""The most working time between two readings. A driver reads the clock every second: in a longer step the process was
stopped, or its machine asleep, or a monotonic clock was set."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks. now: seconds since the epoch. working_time: seconds, from any beginning."""

    now: float
    working_time: float


class DriverClock(Clock, Protocol):
    """A clock that also measures working time, and says how long to wait; a virtual one jumps instead."""

    def working_time(self) -> float:
        """Seconds in which this process ran, from any beginning; never decreases, whatever clocks are set to."""

    def wait_seconds(self, seconds: float | None, *, idle: bool) -> float | None:
        """Real seconds to wait for an answer when something is due in `seconds`; None: until an answer arrives.

        idle: no answer is expected, so a virtual clock may let the seconds pass at once.
        """


def instant(clock: DriverClock) -> Instant:
    """The present moment on both clocks."""
    return Instant(clock.now(), clock.working_time())


class SystemClock:
    """The machine's clock, and the time in which this process ran. Safe to share between threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._last_reading = time.monotonic()
        self._working_time = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def working_time(self) -> float:
        """Seconds in which this process ran, since the clock was made."""
        with self._guard:
            reading = time.monotonic()
            self._working_time += min(max(reading - self._last_reading, 0.0), _MAX_STEP_SECONDS)
            self._last_reading = reading
            return self._working_time

    def wait_seconds(self, seconds: float | None, *, idle: bool) -> float | None:  # noqa: ARG002 - time never jumps
        """The seconds, 0 when they have passed, None when nothing is due."""
        return None if seconds is None else max(seconds, 0.0)
