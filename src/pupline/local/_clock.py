"""Time for the driver: what it is, how much of it was worked in, and how long to sleep.

The machine's clock may be set, and an hour may pass in which a process is stopped or its machine sleeps. So it is for
what people read, and for what means a time of day. Lengths are measured in working time.
"""

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from pupline.tasks.ports import Clock

_LONGEST_STEP_SECONDS = 10.0
"""Of working time between two looks at it. Whoever drives looks every second: in a longer step nothing has run, for the
process was stopped or its machine asleep, or the clock underneath is one that can be set after all."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks. now: seconds since the epoch. worked: seconds of working time, from any beginning."""

    now: float
    worked: float


class DriverClock(Clock, Protocol):
    """A clock that also measures working time, and says how long to sleep; a virtual one jumps instead."""

    def worked(self) -> float:
        """Seconds in which this process ran, from any beginning: never less than before, whatever clocks are set to."""

    def patience(self, seconds: float | None, *, idle: bool) -> float | None:
        """How many real seconds to wait for an answer when something is due in `seconds`; None: only an answer helps.

        idle: no answer is on its way, so a virtual clock may let the seconds pass at once.
        """


def instant(clock: DriverClock) -> Instant:
    """What both clocks say now."""
    return Instant(clock.now(), clock.worked())


class SystemClock:
    """The machine's clock, and the time in which this process ran. Safe to share between threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._looked_at = time.monotonic()
        self._worked = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def worked(self) -> float:
        """Seconds in which this process ran, since the clock was made."""
        with self._guard:
            found = time.monotonic()
            self._worked += min(max(found - self._looked_at, 0.0), _LONGEST_STEP_SECONDS)
            self._looked_at = found
            return self._worked

    def patience(self, seconds: float | None, *, idle: bool) -> float | None:  # noqa: ARG002 - real time never jumps
        """The seconds, 0 when they have passed, None when nothing is due."""
        return None if seconds is None else max(seconds, 0.0)
