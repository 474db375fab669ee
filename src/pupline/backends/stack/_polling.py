"""Waiting for executions to end: each is described less and less often, all together at a bounded rate."""

import heapq
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pupline.errors import BackendUnavailable

_FIRST_DELAY_SECONDS = 1.0
_BACKOFF_RATE = 1.5
_MAX_DELAY_SECONDS = 20.0
_UNENDED = frozenset({"RUNNING", "PENDING_REDRIVE"})
_MIN_INTERVAL_SECONDS = 0.1
"""DescribeExecution's quota is refilled with 10 to 15 requests a second, by region; others in the account need some."""


_PAUSES_SECONDS = (5, 10, 20, 40, 60, 60, 60)
"""Before the next attempt while AWS throttles or cannot be reached; the client has made six each time."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Timer:
    """Monotonic time in seconds, and how to let it pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def patiently(self, call: Callable[[], _Answer]) -> _Answer:
        """The answer of `call`, which may be repeated, once AWS gives one. Raises: BackendUnavailable after minutes."""
        for pause in _PAUSES_SECONDS:
            try:
                return call()
            except BackendUnavailable:
                self.sleep(pause)
        return call()


@dataclass(slots=True)
class ExecutionPoller:
    """Executions that are waited for. describe: ARN to DescribeExecution's answer."""

    describe: Callable[[str], Mapping[str, Any]]
    timer: Timer
    _due: list[tuple[float, str, float]] = field(default_factory=list)
    _next_call: float = 0.0

    def __len__(self) -> int:
        return len(self._due)

    def add(self, arn: str) -> None:
        """Wait for this one too."""
        heapq.heappush(self._due, (self.timer.now() + _FIRST_DELAY_SECONDS, arn, _FIRST_DELAY_SECONDS))

    def poll(self) -> Mapping[str, Any] | None:
        """Wait until the next execution is due, and describe it: the answer if it has ended, else None."""
        due, arn, delay = heapq.heappop(self._due)
        try:
            self._sleep_until(due)
            described = self.describe_at_rate(arn)
        except BaseException:
            heapq.heappush(self._due, (due, arn, delay))
            raise
        if described["status"] not in _UNENDED:
            return described
        delay = min(delay * _BACKOFF_RATE, _MAX_DELAY_SECONDS)
        heapq.heappush(self._due, (self.timer.now() + delay, arn, delay))
        return None

    def describe_at_rate(self, arn: str) -> Mapping[str, Any]:
        """DescribeExecution's answer, a tenth of a second or more after the one before."""
        self._sleep_until(self._next_call)
        described = self.timer.patiently(lambda: self.describe(arn))
        self._next_call = self.timer.now() + _MIN_INTERVAL_SECONDS
        return described

    def _sleep_until(self, time_due: float) -> None:
        delay = time_due - self.timer.now()
        if delay > 0:
            self.timer.sleep(delay)
