"""How a worker divides its file descriptors: where the system gives few, it is slower, and nothing fails."""

import resource
from dataclasses import dataclass

FILES_KEPT_OPEN = 768
"""Files whose pages stay in memory until the coordinator has synced them (its groups have 512 items, and two may wait);
then new files reuse the pages. Without that, a million images would push everything else out of the page cache, and new
pages are expensive to fault in."""

_OTHERS = 128
"""Left for everything else, such as 64 name lookups with two descriptors each; of few descriptors, half."""


@dataclass(frozen=True, slots=True)
class DescriptorBudget:
    """How many may be open. requests: connections in use. idle: connections kept for later. files: written ones."""

    requests: int
    idle: int
    files: int


def descriptor_budget(threads: int) -> DescriptorBudget:
    """The budget of a process that may make so many requests at once, after raising its limit as far as it may."""
    wanted = FILES_KEPT_OPEN + 2 * threads + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return budget_of(wanted if soft == resource.RLIM_INFINITY else soft, threads)


def budget_of(limit: int, threads: int) -> DescriptorBudget:
    """The budget within `limit` descriptors: requests come first, files last."""
    left = limit - min(_OTHERS, limit // 2)
    requests = min(threads, max(1, left // 2))
    idle = min(threads, left - requests)
    return DescriptorBudget(requests, idle, min(FILES_KEPT_OPEN, left - requests - idle))
