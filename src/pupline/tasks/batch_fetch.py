"""Fetching the items of a batch politely: some at a time, at a rate for each host, no host asked while it wants rest.

Nothing sleeps here for long. What failed in a way that may pass, and what belongs to a host that asked for a pause
(`Retry-After`), is handed back for the next round, and the workflow's Wait state does the waiting. Only the time
between two requests of one host, for the sake of a rate, is spent waiting in the function.
"""

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pupline.errors import (
    InvalidUrl,
    LocalTrouble,
    PuplineError,
    RequestTimeout,
    RetryAfter,
    RobotsDisallowed,
    TaskFailure,
)
from pupline.http import MAX_ROBOTS_BYTES, HttpClient, Response, RobotsRules, Url, robots_rules_from
from pupline.tasks.batch_input import BatchItem
from pupline.tasks.ingest_item import PATIENT_ATTEMPTS, IngestRules, fetch_failed, fetch_item, internal_failure
from pupline.tasks.items import FetchedImage, FetchOutcome, SourceItem
from pupline.text import printable

Made = TypeVar("Made")

LONGEST_BACK_OFF_SECONDS = 20
LEAST_TIME_SECONDS = 20
"""A round with less time than this would only wait, and fetch nothing."""


@dataclass(frozen=True, slots=True)
class DeferredItem:
    """An entry for the next round, and the seconds that should pass before."""

    entry: BatchItem
    seconds: int


class RobotsCache:
    """robots.txt of each origin, asked for once in the life of a process."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._rules: dict[str, RobotsRules] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def check(self, url: Url) -> None:
        """Raises: RobotsDisallowed; TaskFailure where the rules cannot be had, which allows nothing.

        So images end as their host's robots.txt did (RFC 9309, 2.3.1.4), and may be had in another run. What may pass
        is not remembered.
        """
        origin = str(url.origin)
        with self._guard:
            lock = self._locks.setdefault(origin, threading.Lock())
        with lock:
            rules = self._rules.get(origin) or self._asked(origin)
        if rules.failure is not None:
            raise rules.failure.with_traceback(None)  # the same one for each image
        if not rules.allows(url.target):
            raise RobotsDisallowed(f"{printable(str(url))}: the host's robots.txt does not want it collected")

    def _asked(self, origin: str) -> RobotsRules:
        found: Response | TaskFailure
        try:
            found = self._client.get(
                f"{origin}/robots.txt", accept="text/plain", max_bytes=MAX_ROBOTS_BYTES, truncate=True
            )
        except TaskFailure as failure:
            if failure.is_transient:
                raise
            found = failure
        return self._rules.setdefault(origin, robots_rules_from(found))


@dataclass(slots=True)
class HostThrottle:
    """What the hosts of one round want: when each may be asked next, and which are not to be asked any more.

    interval: seconds between two requests of a host; 0 for none. monotonic: by which `stop_at` is given.
    """

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    interval: float
    stop_at: float
    _next: dict[str, float] = field(default_factory=dict)
    _paused: dict[str, int] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def pause(self, host: str, seconds: int) -> None:
        """Do not ask the host again in this round."""
        with self._guard:
            self._paused[host] = max(seconds, self._paused.get(host, 0))

    def turn(self, host: str) -> int | None:
        """Wait for the host's turn. None: it may be asked now; else the pause that it wants, in seconds.

        Raises: RequestTimeout when its turn would come after the batch's time is over.
        """
        with self._guard:
            if host in self._paused:
                return self._paused[host]
            now = self.monotonic()
            due = max(self._next.get(host, now), now)
            if due >= self.stop_at:
                raise RequestTimeout(
                    f"{printable(host)}: not asked, as the batch's time is over; take smaller batches or a higher "
                    "rate, and fetch it in another run"
                )
            self._next[host] = due + self.interval
        if due > now:
            self.sleep(due - now)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What a round fetches with. monotonic: seconds; stop_at: nothing is begun after this."""

    client: HttpClient
    robots: RobotsCache
    hosts: HostThrottle
    rules: IngestRules
    monotonic: Callable[[], float]
    stop_at: float
    jitter: random.Random

    def fetch(self, entry: BatchItem) -> tuple[FetchedImage, bytes] | FetchOutcome | DeferredItem:
        """What becomes of the entry: bytes, an ending without any, or another round. Raises: LocalTrouble alone."""
        try:
            url = _parsed(entry.item)
            pause = self.hosts.turn(url.origin.host)
            if pause is not None:
                return self._again(entry, entry.attempt, pause) or fetch_failed(_still_paused(url))
            if self.rules.heed_robots:
                self.robots.check(url)
            return fetch_item(self.client, entry.item, None, self.rules)
        except LocalTrouble:
            raise
        except TaskFailure as failure:
            return self._failed(entry, failure)
        except PuplineError:
            raise
        except Exception as err:  # a bug that one image triggers costs no other one
            found = internal_failure(entry.item.url, err)
            if isinstance(found, LocalTrouble):
                raise found from err
            return fetch_failed(found)

    def _failed(self, entry: BatchItem, failure: TaskFailure) -> FetchOutcome | DeferredItem:
        if isinstance(failure, RetryAfter):
            self.hosts.pause(_parsed(entry.item).origin.host, failure.seconds)
        attempt = entry.attempt + 1
        if failure.is_transient and attempt < PATIENT_ATTEMPTS:
            again = self._again(entry, attempt, self._seconds(failure, attempt))
            if again:
                return again
        return fetch_failed(failure)

    def _again(self, entry: BatchItem, attempt: int, seconds: int) -> DeferredItem | None:
        """The entry for the next round, None where there is no time for one."""
        if self.monotonic() + seconds + LEAST_TIME_SECONDS >= self.stop_at:
            return None
        return DeferredItem(BatchItem(entry.index, entry.item, attempt), seconds)

    def _seconds(self, failure: TaskFailure, attempt: int) -> int:
        if isinstance(failure, RetryAfter):
            return max(1, failure.seconds)
        return 1 + int(self.jitter.uniform(0, min(2.0**attempt, LONGEST_BACK_OFF_SECONDS)))


def _parsed(item: SourceItem) -> Url:
    if not item.url:
        raise InvalidUrl("the manifest's line names no URL; give an object with url, or the URL as a string")
    return Url.parse(item.url)


def _still_paused(url: Url) -> RetryAfter:
    return RetryAfter(
        f"{printable(str(url))}: not asked, as its host wants a longer pause than the batch has time for", 0
    )


def in_threads(work: Callable[[BatchItem], Made], entries: Iterable[BatchItem], concurrency: int) -> list[Made]:
    """What `work` makes of each entry, in their order. The first error stops what has not begun, and is raised."""
    with ThreadPoolExecutor(concurrency, thread_name_prefix="pupline-batch") as pool:
        futures = [pool.submit(work, entry) for entry in entries]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
