"""Which request goes out next. Pure: no clock, no socket; time comes in with each call and jobs go out.

The rules:

- every job ends exactly once: by `succeeded`, or as a `FailedJob` in `take_failed`;
- a host has at most as many requests in flight as its limits allow, gets them no faster, and gets none while it is
  paused;
- before a host's first image its robots.txt is fetched, once; what that disallows ends without a request;
- hosts take turns, and list pages go before images: a listing that waits for ten thousand images of its own host
  would never say how many there are;
- alone, a host may have all requests in flight that there are, and more for workers to queue. While others have images
  that may be fetched, it leaves them what they can use, up to half of all: a host that falls silent holds the other
  half at most until its requests time out. Until it answers it gets no more than half, all such hosts together while
  others have images, and nothing is left for it;
- transient failures are tried again after a random part (full jitter) of 1, 2, 4 seconds, up to `MAX_ATTEMPTS`
  attempts, where the host meanwhile gave good responses to others, so that the trouble is the image's own; else after
  2, 4, 8 and 16 seconds, as the workflow does, and a list page longer; a Retry-After pauses the whole host instead;
- a host that gives nothing but transient failures is away (`AWAY_AFTER`): failed jobs go back to their queue, and the
  host is paused ever longer. After a minute of that its images end without a request, for a while, where it does not
  answer at all; where it answers, with 503 say, each has its attempts.

The caller bounds the memory: `held` is the number of images, `wants_more` whether more would be of use.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from pupline.bulk._hosts import (
    AWAY_AFTER,
    AWAY_PAUSES,
    LEAST_PAUSES,
    LONGEST_ABSENCE_SECONDS,
    REFUSED_SECONDS,
    UNLIMITED,
    FailedJob,
    Host,
    HostLimits,
    Job,
)
from pupline.bulk._progress_file import MAX_HOSTS, HostState
from pupline.bulk._request import HostPaused
from pupline.bulk._retries import back_off_seconds, max_attempts
from pupline.errors import (
    ConnectionFailed,
    IncompleteBody,
    InvalidUrl,
    LongRetryAfter,
    RequestTimeout,
    RetryAfter,
    ServerError,
    TaskFailure,
    TooManyRequests,
)
from pupline.http import Origin, Url, robots_rules_from
from pupline.tasks.ingest_item import MAX_ATTEMPTS
from pupline.tasks.items import PreviousFetch, SourceItem
from pupline.text import plain_number, printable

if TYPE_CHECKING:
    from pupline.http import RobotsRules
    from pupline.sources import PageRequest

_UNANSWERED = ConnectionFailed | RequestTimeout
_UNWELL = ServerError | IncompleteBody | TooManyRequests | LongRetryAfter
MAX_DEATHS = 2
LONGEST_REFUSAL_SECONDS = 86_400.0
MAX_IDLE_HOSTS = 4096


class Scheduler:
    """All jobs of a run, from `add_...` to their end. held: images among them."""

    def __init__(
        self,
        concurrency: int,
        limits: Callable[[Origin], HostLimits] = lambda _origin: HostLimits(),
        refusal: Callable[[Origin], TaskFailure | None] = lambda _origin: None,
        seed: str = "",
    ) -> None:
        """concurrency: requests in flight, at all hosts. limits: of one host. seed: of the jitter.

        refusal: why images of an origin must not be fetched at all, if so.
        """
        self._concurrency = concurrency
        self._limits = limits
        self._refusal = refusal
        self._random = Random(seed)  # noqa: S311 - jitter, nothing to guard
        self._numbers = itertools.count()
        self._hosts: dict[str, Host] = {}
        self._by_prefix: dict[str, Host] = {}
        self._rotation: deque[Host] = deque()
        self._timers: list[tuple[float, int, Job | Host]] = []
        self._failed: list[FailedJob] = []
        self._pauses: list[HostPaused] = []
        self._half = max(1, concurrency // 2)
        self._claims = 0
        self._silent = 0
        self.held = 0

    @property
    def wants_more(self) -> bool:
        """Whether the hosts that are ready cannot use all requests: others, from further items, could."""
        return self._claims < self._concurrency

    def add_page(self, page: "PageRequest", now: float) -> None:
        """Add a list page."""
        job = Job(next(self._numbers), "page", page.url)
        job.page = page
        if self._find_host(job):
            job.host.urgent.append(job)
            self._consider(job.host, now)

    def add_image(
        self, index: int, item: SourceItem, previous: PreviousFetch | None, now: float, deaths: int = 0
    ) -> None:
        """Add an image. deaths: of workers that may have been doing it, in earlier processes of the run."""
        job = Job(next(self._numbers), "image", item.url)
        job.index, job.item, job.previous, job.deaths = index, item, previous, deaths
        self.held += 1
        if deaths >= MAX_DEATHS:
            self._end(job, _fatal(job), now)
        elif self._find_host(job):
            host = job.host
            host.ready.append(job)
            if not host.in_rotation:
                self._consider(host, now)
            elif len(host.ready) <= self._half:
                self._claim(host, host.demand(self._half))

    def take(self, now: float, room: int) -> list[Job]:
        """At most `room` jobs that may go out now, counted as in flight until they have a reply."""
        self._wake(now)
        taken: list[Job] = []
        limited: list[Host] = []
        rotation = self._rotation
        while rotation and len(taken) < room:
            host = rotation.popleft()
            # Alone, a host may have all the room; among others, one job a turn.
            share = 1 if rotation else room - len(taken)
            if host.unanswered or host.in_flight + share > self._half:
                share = min(share, self._most(host) - host.in_flight)
            if share > 0:
                host.in_rotation = False
                self._take_from(host, now, share, taken)
                self._consider(host, now)
            else:
                limited.append(host)
        rotation += limited
        return taken

    def succeeded(self, job: Job, now: float) -> None:
        """The job has a response, whatever it contains."""
        host = job.host
        host.in_flight -= 1
        host.record_success()
        if job.kind == "image":
            self.held -= 1
        if not host.in_rotation:
            self._consider(host, now)

    def failed(self, job: Job, failure: TaskFailure, now: float) -> None:
        """An attempt failed: the job is tried again, later, or ends."""
        host = job.host
        host.in_flight -= 1
        job.attempts += 1
        job.failure = failure
        if job.attempts == 1:
            job.good_before = host.good
        is_host_trouble = isinstance(failure, _UNANSWERED | _UNWELL)
        if is_host_trouble:
            self._record_failure(host, failure, now)
        else:
            host.record_response()
        if isinstance(failure, RetryAfter):
            self._pause(host, failure, now, float(failure.seconds))
            if job.attempts < (MAX_ATTEMPTS if job.kind == "image" else max_attempts(job, failure)):
                host.put_back(job)
            else:
                self._end(job, failure, now)
        elif isinstance(failure, LongRetryAfter):
            self._refuse_for(job, failure, now)
        elif is_host_trouble and host.is_away:
            host.put_back(job)
        elif failure.retryable and job.attempts < max_attempts(job, failure):
            delay = back_off_seconds(job, self._random)
            if isinstance(failure, TooManyRequests):
                self._pause(host, failure, now, delay)
                host.put_back(job)
            else:
                host.waiting += 1
                heapq.heappush(self._timers, (now + delay, next(self._numbers), job))
        else:
            self._end(job, failure, now)
        if is_host_trouble or not host.in_rotation:
            self._consider(host, now)

    def returned(self, job: Job, now: float) -> None:
        """The job was handed back without a request."""
        job.host.in_flight -= 1
        job.host.put_first(job)
        self._consider(job.host, now)

    def lost(self, job: Job, now: float) -> None:
        """Its worker died or hung: the job is done again in isolation, and ends if it is lost again."""
        job.host.in_flight -= 1
        job.deaths += 1
        if job.deaths >= MAX_DEATHS:
            self._end(job, _fatal(job), now)
        else:
            job.host.put_back(job)
        self._consider(job.host, now)

    def learn(self, host: Host, rules: "RobotsRules | None", now: float) -> None:
        """The host's robots.txt; None: it has none."""
        host.learn(rules)
        self._consider(host, now)

    def take_failed(self) -> list[FailedJob]:
        """Jobs that ended without success since the last call."""
        failed, self._failed = self._failed, []
        return failed

    def take_pauses(self) -> list[HostPaused]:
        """Hosts paused since the last call."""
        pauses, self._pauses = self._pauses, []
        return pauses

    def host_states(self, now: float) -> tuple[int, list[HostState]]:
        """How many hosts there are, and those that matter most: paused, away or refused ones, then the busiest."""
        most = heapq.nlargest(
            MAX_HOSTS,
            self._hosts.values(),
            key=lambda host: (host.is_away, host.paused_until > now, host.in_flight + len(host.ready) + host.waiting),
        )
        return len(self._hosts), [
            HostState(
                origin=host.origin,
                in_flight=host.in_flight,
                queued=len(host.ready) + len(host.urgent) + host.waiting,
                limit=None if host.limit == UNLIMITED else host.limit,
                paused_seconds=max(host.paused_until - now, 0.0),
                is_away=host.is_away,
                good=host.good,
            )
            for host in most
        ]

    def next_due(self) -> float | None:
        """When the next job or host is due that waits for time alone."""
        return self._timers[0][0] if self._timers else None

    def _find_host(self, job: Job) -> bool:
        """Give the job its host; without one, it ends."""
        url = job.url
        slash = url.find("/", 8)
        prefix = url[:slash] if slash > 0 else url
        host = self._by_prefix.get(prefix)
        if host is None:
            try:
                host = self._host(Url.parse(url).origin)
            except InvalidUrl as err:
                self._failed.append(FailedJob(job, err))
                self.held -= job.kind == "image"
                return False
            self._by_prefix[prefix] = host
        job.host = host
        return True

    def _host(self, origin: Origin) -> Host:
        name = str(origin)
        host = self._hosts.get(name)
        if host is None:
            self._forget_idle_hosts()
            host = self._hosts[name] = Host(name, self._limits(origin), self._concurrency)
            refused = self._refusal(origin)
            if refused is not None:
                host.refuse(refused, float("inf"))
        return host

    def _forget_idle_hosts(self) -> None:
        """A list may have a million hosts: drop those without any state but their robots.txt."""
        if len(self._hosts) < 2 * MAX_IDLE_HOSTS and len(self._by_prefix) < 4 * MAX_IDLE_HOSTS:
            return
        self._by_prefix.clear()
        self._hosts = {name: host for name, host in self._hosts.items() if not host.is_forgettable}

    def _most(self, host: Host) -> int:
        """How many requests the host may have in flight, so that others get theirs."""
        if host.unanswered:
            return self._half - (self._silent - host.silent if self._claims else 0)
        others = self._claims - host.claim
        return max(self._half, self._concurrency - others) if others else UNLIMITED

    def _claim(self, host: Host, claim: int) -> None:
        """Reserve so many requests in flight for the host."""
        self._claims += claim - host.claim
        host.claim = claim

    def _take_from(self, host: Host, now: float, share: int, taken: list[Job]) -> None:
        for _ in range(share):
            at = host.ready_at()
            if at is None or at > now:
                return
            job = host.take()
            restricted = host.rules is not None or host.refusal is not None
            if restricted and job.kind == "image" and (why := host.refusal_of(job, now)) is not None:
                host.in_flight -= 1
                self._end(job, why, now)
            else:
                if host.rates:
                    host.spend(now)
                taken.append(job)

    def _consider(self, host: Host, now: float) -> None:
        """Put the host into the rotation, or set a timer for it."""
        if (host.robots == "unknown" or host.refusal is not None) and host.wants_robots(now):
            host.robots = "requested"
            robots = Job(next(self._numbers), "robots", f"{host.origin}/robots.txt")
            robots.host = host
            host.urgent.append(robots)
        at = host.ready_at()
        claim = host.demand(self._half) if at is None or at <= now else 0
        if claim != host.claim:
            self._claim(host, claim)
        if host.unanswered or host.silent:
            silent = host.in_flight if host.unanswered else 0
            self._silent += silent - host.silent
            host.silent = silent
        if at is None or host.in_rotation:
            return
        if at <= now:
            host.in_rotation = True
            self._rotation.append(host)
        elif at < host.wakes_at:
            host.wakes_at = at
            heapq.heappush(self._timers, (at, next(self._numbers), host))

    def _wake(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, woken = heapq.heappop(self._timers)
            if isinstance(woken, Job):
                woken.host.waiting -= 1
                woken.host.put_first(woken)
                self._consider(woken.host, now)
            else:
                woken.wakes_at = float("inf")
                self._consider(woken, now)

    def _record_failure(self, host: Host, failure: TaskFailure, now: float) -> None:
        """Pause the host after too many failures in a row; in the end, refuse its images."""
        host.record_failure(now, answered=isinstance(failure, _UNWELL))
        if host.failures < AWAY_AFTER or now < host.paused_until or host.refusal is not None:
            return
        origin, last = host.origin, f"(the last one: {failure.message})"
        if host.absences < LEAST_PAUSES or now < host.failing_since + LONGEST_ABSENCE_SECONDS:
            seconds = AWAY_PAUSES[min(host.absences, len(AWAY_PAUSES) - 1)]
            host.go_away(now + seconds)
            why = f"{origin} failed {host.failures} requests in a row {last}"
            self._pauses.append(HostPaused(origin, seconds, why))
        elif host.unanswered >= AWAY_AFTER:
            count = host.unanswered
            why = f"{origin} answered none of {count} requests in a row; retry what failed when it answers again"
            host.refuse(type(failure)(f"{why} {last}"), now + REFUSED_SECONDS)
            self._pauses.append(HostPaused(origin, REFUSED_SECONDS, why))
        else:
            host.come_back()

    def _refuse_for(self, job: Job, failure: TaskFailure, now: float) -> None:
        """The host wants a longer pause than a run waits: the job ends, or all images if the host keeps asking."""
        if job.host.record_long_pause():
            seconds = min(float(failure.details["retry_after_seconds"]), LONGEST_REFUSAL_SECONDS)
            why = f"{job.host.origin} asks for a pause of {plain_number(seconds)} s; retry what failed after that"
            job.host.refuse(TooManyRequests(why), now + seconds)
            self._pauses.append(HostPaused(job.host.origin, seconds, failure.message))
        self._end(job, failure, now)

    def _pause(self, host: Host, failure: TaskFailure, now: float, seconds: float) -> None:
        if host.pause(now + seconds):
            self._pauses.append(HostPaused(host.origin, seconds, failure.message))

    def _end(self, job: Job, failure: TaskFailure, now: float) -> None:
        if job.kind != "robots":
            self.held -= job.kind == "image"
            self._failed.append(FailedJob(job, failure))
            return
        job.host.learn(None)
        if robots_rules_from(failure).failure is not None:
            # Images end as the robots.txt did, so that a retry of failed items includes them.
            job.host.refuse(failure, now + REFUSED_SECONDS)


def _fatal(job: Job) -> TaskFailure:
    return TaskFailure(
        f"{printable(job.url)}: {MAX_DEATHS} worker processes died, or hung past its deadline, while they fetched it, "
        "the last one with no other job; look at the system's log, and at the image"
    )
