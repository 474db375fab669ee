"""Waiting politely for executions to end: each is asked about less and less often, all together at a bounded rate."""

import heapq
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_FIRST_LOOK_SECONDS = 1.0
_SLOWER = 1.5
_LAST_LOOK_SECONDS = 20.0
_UNENDED = frozenset({"RUNNING", "PENDING_REDRIVE"})
_BETWEEN_LOOKS_SECONDS = 0.1
"""DescribeExecution is refilled with 10 to 15 requests a second, by region; others in the account need some too."""


@dataclass(frozen=True, slots=True)
class Timer:
    """What waiting needs: the time in seconds since whenever, and how to let it pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Watch:
    """Executions that are waited for. describe: execution name to DescribeExecution's answer."""

    describe: Callable[[str], Mapping[str, Any]]
    timer: Timer
    _due: list[tuple[float, str, float]] = field(default_factory=list)
    _next_look: float = 0.0

    def __len__(self) -> int:
        return len(self._due)

    def add(self, name: str) -> None:
        """Wait for this one too."""
        heapq.heappush(self._due, (self.timer.now() + _FIRST_LOOK_SECONDS, name, _FIRST_LOOK_SECONDS))

    def look(self) -> Mapping[str, Any] | None:
        """Wait until the next one is due, and look at it: DescribeExecution's answer if it has ended, else None."""
        due, name, waited = heapq.heappop(self._due)
        try:
            self._sleep_until(due)
            described = self.ask(name)
        except BaseException:
            heapq.heappush(self._due, (due, name, waited))
            raise
        if described["status"] not in _UNENDED:
            return described
        wait = min(waited * _SLOWER, _LAST_LOOK_SECONDS)
        heapq.heappush(self._due, (self.timer.now() + wait, name, wait))
        return None

    def ask(self, name: str) -> Mapping[str, Any]:
        """DescribeExecution's answer, not sooner after the one before than is polite."""
        self._sleep_until(self._next_look)
        described = self.describe(name)
        self._next_look = self.timer.now() + _BETWEEN_LOOKS_SECONDS
        return described

    def _sleep_until(self, time_due: float) -> None:
        delay = time_due - self.timer.now()
        if delay > 0:
            self.timer.sleep(delay)
