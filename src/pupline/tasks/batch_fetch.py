"""Fetching the items of a batch politely: a rate for each host, and a pause where a host asks for one.

The function does not sleep through long waits. It returns the items to retry, and those of a host that asked for a
pause (`Retry-After`), for the next round, before which the workflow waits. It waits itself only to keep the rate
between two requests to a host.
"""

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pupline.errors import (
    ConnectionFailed,
    InvalidUrl,
    LocalTrouble,
    LongRetryAfter,
    PuplineError,
    Refusal,
    RequestTimeout,
    RetryAfter,
    TaskFailure,
)
from pupline.http import MAX_ROBOTS_BYTES, HttpClient, RobotsRules, Url, robots_refusal, robots_rules_from
from pupline.tasks.batch_input import BatchItem
from pupline.tasks.ingest_item import PATIENT_ATTEMPTS, fetch_failed, fetch_item, internal_failure
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import FetchedImage, FetchFailed, UnchangedImage
from pupline.text import printable

_Result = TypeVar("_Result")

MAX_BACKOFF_SECONDS = 20
MIN_ROUND_SECONDS = 20
"""A shorter round would only wait, and fetch nothing."""


@dataclass(frozen=True, slots=True)
class DeferredItem:
    """An item for the next round, and the seconds to wait before it."""

    item: BatchItem
    seconds: int


@dataclass(frozen=True, slots=True)
class RoundEnd:
    """When to begin no further request, in monotonic seconds.

    of_round: what is not requested by then is for the next round. of_batch: what is not requested again by then has
    failed; what was never requested is for the next round.
    """

    of_round: float
    of_batch: float


MAX_UNANSWERED = 5
"""Requests that a host may leave without any response, and without one to another request meanwhile, until it gets no
further one in this round: others in the batch need the time."""

SLOW_SECONDS = 1.0
"""A failure that came sooner cost no time."""

_UNANSWERED = ConnectionFailed | RequestTimeout


class RobotsCache:
    """robots.txt of each origin, requested once in the life of a process. Thread-safe."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._rules: dict[str, RobotsRules] = {}
        self._failures: dict[str, TaskFailure] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def check(self, url: Url) -> None:
        """Raises: RobotsDisallowed; TaskFailure where the rules are not available, in which case nothing is allowed.

        The images then fail as their host's robots.txt did (RFC 9309, 2.3.1.4), and another run may fetch them. A
        transient failure is not cached, and is that of all images which waited for it.
        """
        origin = str(url.origin)
        with self._guard:
            lock = self._locks.setdefault(origin, threading.Lock())
            known = self._failures.get(origin)
        with lock:
            latest = self._failures.get(origin)
            if latest is not None and latest is not known:
                raise latest.with_traceback(None)
            rules = self._rules.get(origin) or self._fetch(origin)
        if rules.failure is not None:
            raise rules.failure.with_traceback(None)  # the same exception for each image
        if not rules.allows(url.target):
            raise robots_refusal(str(url), origin)

    def _fetch(self, origin: str) -> RobotsRules:
        try:
            rules = robots_rules_from(
                self._client.get(f"{origin}/robots.txt", accept="text/plain", max_bytes=MAX_ROBOTS_BYTES, truncate=True)
            )
        except TaskFailure as failure:
            if failure.is_transient:
                self._failures[origin] = failure
                raise
            rules = robots_rules_from(failure)
        return self._rules.setdefault(origin, rules)


@dataclass(slots=True)
class HostThrottle:
    """When each host may be requested next in this round, and which hosts asked for a pause. Thread-safe.

    interval: seconds between two requests to a host, 0 for none. monotonic: the clock of `end`.
    """

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    interval: float
    end: RoundEnd
    _next: dict[str, float] = field(default_factory=dict)
    _paused: dict[str, int] = field(default_factory=dict)
    _unanswered: dict[str, list[TaskFailure]] = field(default_factory=dict)
    _answered_at: dict[str, float] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def pause(self, host: str, seconds: int) -> None:
        """Send no further request to the host in this round."""
        with self._guard:
            self._paused[host] = max(seconds, 1, self._paused.get(host, 0))

    def record(self, host: str, began: float, failure: TaskFailure | None) -> None:
        """Note how a request to the host ended, which began then."""
        now = self.monotonic()
        with self._guard:
            if not isinstance(failure, _UNANSWERED):
                self._answered_at[host] = now
                self._unanswered.pop(host, None)
            elif now >= began + SLOW_SECONDS and began >= self._answered_at.get(host, began):
                self._unanswered.setdefault(host, []).append(failure)

    def silence_of(self, host: str) -> TaskFailure | None:
        """The failure of an image that is not requested, as its host answers nothing; None where it may answer."""
        with self._guard:
            unanswered = self._unanswered.get(host, [])
            if len(unanswered) < MAX_UNANSWERED:
                return None
            last = unanswered[-1]
            return type(last)(
                f"{printable(host)}: not requested, as it answered none of {len(unanswered)} requests (the last one: "
                f"{last.message}); try again later"
            )

    def wait(self, host: str) -> int | None:
        """Wait until the host may be requested; None then, or the seconds of the pause that it asked for.

        0 when the round would be over. Raises: RequestTimeout when that would be after the end of the batch.
        """
        with self._guard:
            if host in self._paused:
                return self._paused[host]
            now = self.monotonic()
            due = max(self._next.get(host, now), now)
            if due >= self.end.of_batch:
                raise RequestTimeout(
                    f"{printable(host)}: not requested, as the time of the batch is over; take smaller batches or a "
                    "higher rate, and fetch it in another run"
                )
            if due >= self.end.of_round:
                return 0
            self._next[host] = due + self.interval
        if due > now:
            self.sleep(due - now)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFetcher:
    """Fetches the items of one round. monotonic: seconds, the clock of `end`."""

    client: HttpClient
    robots: RobotsCache
    hosts: HostThrottle
    rules: IngestRules
    monotonic: Callable[[], float]
    end: RoundEnd
    jitter: random.Random

    def fetch(self, item: BatchItem) -> tuple[FetchedImage, bytes] | UnchangedImage | FetchFailed | DeferredItem:
        """The image with its bytes, another outcome, or the item for the next round. Raises: LocalTrouble."""
        try:
            url = _url_of(item)
            silence = self.hosts.silence_of(url.origin.host)
            if silence is not None:
                return self._defer(item, item.attempt, 1) or fetch_failed(silence)
            if item.attempt == 0 and self.monotonic() >= self.end.of_batch:  # others have taken the time
                return DeferredItem(item, 1)
            pause = self.hosts.wait(url.origin.host)
            if pause == 0:
                return DeferredItem(item, 1)
            if pause is not None:
                return self._defer(item, item.attempt, pause) or fetch_failed(
                    RetryAfter(
                        f"{printable(str(url))}: not requested, as its host asks for a longer pause than the batch has "
                        "time for",
                        0,
                    )
                )
            return self._request(url, item)
        except LocalTrouble:
            raise
        except TaskFailure as failure:
            return self._retry(item, failure) or fetch_failed(failure)
        except PuplineError:
            raise
        except Exception as err:  # a bug that one image triggers must not fail the others
            bug = internal_failure(item.item.url, err)
            if isinstance(bug, LocalTrouble):
                raise bug from err
            return fetch_failed(bug)

    def _request(self, url: Url, item: BatchItem) -> tuple[FetchedImage, bytes] | UnchangedImage:
        began = self.monotonic()
        try:
            if self.rules.heed_robots:
                self.robots.check(url)
            fetched = fetch_item(self.client, item.item, None, self.rules)
        except Refusal:
            raise
        except TaskFailure as failure:
            self.hosts.record(url.origin.host, began, failure)
            raise
        self.hosts.record(url.origin.host, began, None)
        return fetched

    def _retry(self, item: BatchItem, failure: TaskFailure) -> DeferredItem | None:
        attempt = item.attempt + 1
        if isinstance(failure, RetryAfter):
            self.hosts.pause(_url_of(item).origin.host, failure.seconds)
            seconds = max(1, failure.seconds)
        else:
            seconds = 1 + int(self.jitter.uniform(0, min(2.0**attempt, MAX_BACKOFF_SECONDS)))
        if not failure.is_transient or isinstance(failure, LongRetryAfter) or attempt >= PATIENT_ATTEMPTS:
            return None
        return self._defer(item, attempt, seconds)

    def _defer(self, item: BatchItem, attempt: int, seconds: int) -> DeferredItem | None:
        """The item for the next round, None where there is no time for one."""
        if self.monotonic() + seconds + MIN_ROUND_SECONDS >= self.end.of_batch:
            return None
        return DeferredItem(BatchItem(item.index, item.item, attempt), seconds)


def _url_of(item: BatchItem) -> Url:
    if not item.item.url:
        raise InvalidUrl("the manifest's line names no URL; give an object with url, or the URL as a string")
    return Url.parse(item.item.url)


def map_in_threads(work: Callable[[BatchItem], _Result], items: Iterable[BatchItem], concurrency: int) -> list[_Result]:
    """The results of `work`, in the order of the items. The first error cancels what has not begun, and is raised."""
    with ThreadPoolExecutor(concurrency, thread_name_prefix="pupline-batch") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
