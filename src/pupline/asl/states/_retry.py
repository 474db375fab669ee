"""Retrier and Catcher: which errors they match, and how long a Retrier waits. Pure functions of names and numbers."""

import random

from pupline.asl._errors import ALL, HEARTBEAT_TIMEOUT, RUNTIME, TASK_FAILED, TIMEOUT
from pupline.json_values import AnyJSON

#: Seconds; the specification's defaults ("Retrying after error").
DEFAULT_INTERVAL_SECONDS = 1
DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_BACKOFF_RATE = 2.0


class ErrorMatcher:
    """The `ErrorEquals` of a Retrier or Catcher.

    Nothing matches States.Runtime, not even its own name: it is an error of the state machine, not of a task.
    States.ALL matches States.DataLimitExceeded (as recorded on AWS, against its documentation). States.TaskFailed
    matches every error but States.Timeout.
    """

    __slots__ = ("all", "names", "task_failed")

    def __init__(self, names: list[str]) -> None:
        self.names = frozenset(names)
        self.all = ALL in self.names
        self.task_failed = TASK_FAILED in self.names

    def matches(self, error: str | None, *, heartbeat: bool = False) -> bool:
        """Whether `error` matches. heartbeat: it is the States.Timeout of a missed heartbeat."""
        if error == RUNTIME:
            return False
        if self.all or error in self.names or (heartbeat and HEARTBEAT_TIMEOUT in self.names):
            return True
        return self.task_failed and error != TIMEOUT


class Retrier(ErrorMatcher):
    """One element of `Retry`."""

    __slots__ = ("backoff_rate", "full_jitter", "interval_seconds", "max_attempts", "max_delay_seconds")

    def __init__(self, definition: dict[str, AnyJSON]) -> None:
        super().__init__(definition["ErrorEquals"])
        self.interval_seconds: int = definition.get("IntervalSeconds", DEFAULT_INTERVAL_SECONDS)
        self.max_attempts: int = definition.get("MaxAttempts", DEFAULT_MAX_ATTEMPTS)
        self.backoff_rate: float = definition.get("BackoffRate", DEFAULT_BACKOFF_RATE)
        self.max_delay_seconds: int | None = definition.get("MaxDelaySeconds")
        self.full_jitter: bool = definition.get("JitterStrategy") == "FULL"

    def delay_seconds(self, attempts: int, source: random.Random) -> float | None:
        """Seconds to wait before the next attempt, or None when this Retrier is spent.

        attempts: failures that this Retrier has already handled, from 0.
        Formula: min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** attempts); with JitterStrategy FULL a random
        number between 0 and that. Source: States Language, "Retrying after error".
        """
        if attempts >= self.max_attempts:
            return None
        try:
            delay = self.interval_seconds * self.backoff_rate**attempts
        except OverflowError:
            delay = float("inf")
        # Beyond any MaxDelaySeconds (a day at most is legal) the exact number does not matter: a year is enough.
        delay = min(delay, 31_622_400.0 if self.max_delay_seconds is None else self.max_delay_seconds)
        return source.uniform(0, delay) if self.full_jitter else delay
