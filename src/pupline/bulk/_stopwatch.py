"""Time that an ingest takes: on the wall clock, and of the CPU."""

import resource
import time
from dataclasses import dataclass, field


def _cpu_seconds() -> float:
    """CPU time so far of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Seconds since it was made. CPU seconds include those of child processes that have ended."""

    _started_at: float = field(default_factory=time.monotonic)
    _cpu_before: float = field(default_factory=_cpu_seconds)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started_at

    @property
    def cpu_seconds(self) -> float:
        return _cpu_seconds() - self._cpu_before
