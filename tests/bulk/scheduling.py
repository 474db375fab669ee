"""Schedulers for tests: what is added to them, and what they hand out."""

from pupline.bulk._hosts import (
    HostLimits,
    Job,
)
from pupline.bulk._scheduler import Scheduler
from pupline.tasks.items import SourceItem


def scheduler_of(limits: HostLimits | None = None, concurrency: int = 8, seed: str = "") -> Scheduler:
    """A scheduler with these limits for every host; robots.txt is fetched only if they say so."""
    one = limits or HostLimits(heed_robots=False)
    return Scheduler(concurrency=concurrency, limits=lambda _: one, seed=seed)


def add(scheduler: Scheduler, *urls: str, now: float = 0.0) -> None:
    """Add images with indexes from 0."""
    for index, url in enumerate(urls):
        scheduler.add_image(index, SourceItem(url=url), None, now)


def urls_of(jobs: list[Job]) -> list[str]:
    """What they ask for."""
    return [job.url for job in jobs]
