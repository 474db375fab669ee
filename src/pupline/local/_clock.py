"""Time for the driver: what it is, and how long to wait for it."""

import time
from typing import Protocol

from pupline.ports import Clock


class DriverClock(Clock, Protocol):
    """A clock that says how long to sleep; a virtual one jumps instead."""

    def patience(self, due: float | None, *, idle: bool) -> float | None:
        """How many real seconds to wait for an answer before it is `due`; None when only an answer can help.

        idle: no answer is on its way, so a virtual clock may go to `due` at once.
        """


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def patience(self, due: float | None, *, idle: bool) -> float | None:  # noqa: ARG002 - real time never jumps
        """Seconds until `due`, 0 when it has passed, None when nothing is due."""
        return None if due is None else max(due - time.time(), 0.0)
