"""Throttling of the function that fetches, where its concurrency is reserved: what is started faster waits in Retry.

Reserved concurrency refuses an invocation, it does not queue it. The state's Retrier tries again, and each attempt is a
transition of a Standard execution, or seconds of an Express one. Nobody can write down how many attempts that takes, so
a number of executions is simulated, with the Retrier's own figures.
"""

import heapq
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pupline.asl import StateMachine
from pupline.cost._paths import FETCH

THROTTLED = "Lambda.TooManyRequestsException"
_CATCH_ALL = frozenset({"States.ALL", "States.TaskFailed"})
_SIMULATED = 2_000
"""Executions simulated at most: enough for two digits, in a fraction of a second."""

_ATTEMPTS = 50_000
"""Attempts simulated at most, approximately: where each execution needs many, fewer executions stand for all."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """The figures of the Retrier that handles throttling. Defaults: those of the States Language."""

    interval_seconds: float = 1
    backoff_rate: float = 2.0
    max_attempts: int = 3
    max_delay_seconds: float = math.inf
    full_jitter: bool = False

    @classmethod
    def of_throttling(cls, workflow: StateMachine, state: str = FETCH) -> "Retrier":
        """The first Retrier of a state that names the error; without one, nothing is tried again."""
        states: Mapping[str, Any] = workflow.definition["States"]
        for given in states.get(state, {}).get("Retry", ()):
            if THROTTLED in given["ErrorEquals"] or _CATCH_ALL & set(given["ErrorEquals"]):
                return cls(
                    interval_seconds=given.get("IntervalSeconds", 1),
                    backoff_rate=given.get("BackoffRate", 2.0),
                    max_attempts=given.get("MaxAttempts", 3),
                    max_delay_seconds=given.get("MaxDelaySeconds", math.inf),
                    full_jitter=given.get("JitterStrategy", "NONE") == "FULL",
                )
        return cls(max_attempts=0)

    @property
    def longest_delay(self) -> float:
        """Seconds before the last attempt, at most."""
        return self._without_jitter(self.max_attempts)

    def delay(self, attempts: int, jitter: random.Random) -> float:
        """Seconds before the next attempt, after so many that were throttled."""
        longest = self._without_jitter(attempts)
        return jitter.uniform(0, longest) if self.full_jitter else longest

    def _without_jitter(self, attempts: int) -> float:
        # The power would overflow long before it mattered.
        return min(self.max_delay_seconds, self.interval_seconds * self.backoff_rate ** min(max(attempts - 1, 0), 500))


@dataclass(frozen=True, slots=True)
class Throttling:
    """What throttling adds to an execution, on average. lost: share of executions that give up, from 0 to 1.

    retries: attempts that were throttled. waits: seconds before the next attempts. is_overloaded: more is started than
    the reserved concurrency can do, so that the waiting grows as long as that lasts.
    """

    retries: float = 0.0
    waits: float = 0.0
    lost: float = 0.0
    is_overloaded: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """Starts of executions. rate: a second. seconds: of one invocation. concurrency: reserved, 0 for none.

    longest: seconds after which an execution is timed out.
    """

    images: int
    rate: float
    seconds: float
    concurrency: int
    longest: float = math.inf

    @property
    def capacity(self) -> float:
        """Invocations a second that the reserved concurrency can do; infinite where none is reserved."""
        return self.concurrency / self.seconds if self.concurrency else math.inf


def throttling(load: Load, retrier: Retrier) -> Throttling:
    """What throttling adds to each execution. The same load always gives the same."""
    if not load.concurrency:
        return Throttling()
    overloaded = load.rate > load.capacity
    count = min(load.images, _SIMULATED)
    if overloaded:
        queued = load.images * (1 / load.capacity - 1 / load.rate) / 2
        each = min(retrier.max_attempts, min(queued, load.longest) / max(retrier.longest_delay / 2, 0.001))
        count = max(1, min(count, int(_ATTEMPTS / max(each, 1))))
    # Of an overload, the whole is simulated, with executions that stand for several; of any other, its beginning.
    scale = count / load.images if overloaded else 1.0
    scaled = Load(count, load.rate * scale, load.seconds / scale, load.concurrency, load.longest)
    retries, waits, lost = _simulate(scaled, retrier)
    return Throttling(retries / count, waits / count, lost / count, overloaded)


def _simulate(load: Load, retrier: Retrier) -> tuple[int, float, int]:
    """Throttled attempts, seconds waited, and executions lost."""
    chance = random.Random(f"{load}")  # noqa: S311 - spreads the starts, keeps no secret
    now, starts = 0.0, list[tuple[float, int, int, float]]()
    for number in range(load.images):
        now += chance.expovariate(load.rate)
        starts.append((now, number, 0, now))  # due, execution, attempts that were throttled, started
    heapq.heapify(starts)
    busy, retries, waits, lost = list[float](), 0, 0.0, 0
    while starts:
        due, number, throttled, began = heapq.heappop(starts)
        while busy and busy[0] <= due:
            heapq.heappop(busy)
        if len(busy) < load.concurrency:
            heapq.heappush(busy, due + load.seconds)
            continue
        if throttled == retrier.max_attempts:
            lost += 1
            continue
        delay = retrier.delay(throttled + 1, chance)
        if due + delay - began > load.longest:
            lost += 1
            continue
        retries += 1
        waits += delay
        heapq.heappush(starts, (due + delay, number, throttled + 1, began))
    return retries, waits, lost
