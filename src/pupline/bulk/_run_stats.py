"""Figures of one process's work on a run, which the journal does not have."""

import resource
import time
from dataclasses import dataclass, field

from pupline.tasks.left_out import LeftOut


def _cpu_seconds() -> float:
    """CPU time so far of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Time since it was made. CPU seconds include those of child processes that have ended."""

    _started_at: float = field(default_factory=time.monotonic)
    _cpu_before: float = field(default_factory=_cpu_seconds)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started_at

    @property
    def cpu_seconds(self) -> float:
        return _cpu_seconds() - self._cpu_before


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStats:
    """status: the run's from now on; RUNNING where it is unfinished. error: an Error Name. cause: of the error, for
    people; of a RUNNING run, why it stopped for now.

    trouble: why the run's items are not all that the source has. left_out: what it has besides, as far as that is
    known. finished: items, and bytes: received, by this process
    and its workers, in `seconds` of time and `cpu_seconds`. ended_at: seconds since the epoch.
    """

    status: str
    error: str | None = None
    cause: str | None = None
    ended_at: float | None = None
    trouble: str | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    finished: int = 0
    bytes: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    interrupted: bool = False
    tolerance_exceeded: bool = False
