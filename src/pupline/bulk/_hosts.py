"""One host: what waits for it, what is in flight, and when it may get its next request. Pure: time comes in.

A host here is an origin: scheme, name and port. One that answers 429, or asks for a pause, gets half as many requests
at once from then on, and earns the others back one by one with good responses: in time the number settles where the
host is content.

One that gives nothing but failures for a while is taken to be away: it is paused, then gets one request at a time, with
ever longer pauses in between, until it answers.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pupline.errors import ConnectionFailed, RequestTimeout, TaskFailure
from pupline.http import robots_refusal
from pupline.tasks.items import PreviousFetch, SourceItem

if TYPE_CHECKING:
    from pupline.http import RobotsRules
    from pupline.sources import PageRequest

JobKind: TypeAlias = Literal["page", "robots", "image"]

BURST_SECONDS = 0.05
"""How far requests may come before their even time: up to 20 a second they are even; above, a late wake-up is made up
for."""

HOUR_SECONDS = 3600.0

UNLIMITED = 1 << 30
"""Requests in flight at a host that may have all there are."""

AWAY_AFTER = 10
"""Failures in a row before a host is taken to be away. Each job goes back to its queue, and loses no attempt."""

AWAY_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""How long it is paused then, in seconds: before the second request, the third, ..."""

LEAST_PAUSES = 3
"""Pauses that every host gets, however long its requests take to fail."""

LONGEST_ABSENCE_SECONDS = 60.0
"""How long a host may be away. Then its images end without a request: ten thousand, a time-out each, would delay all
others for hours."""

LONG_PAUSES = 3
"""Responses in a row that ask for a longer pause than a run waits, until the host is taken to mean all its images."""

REFUSED_SECONDS = 300.0
"""How long a host that does not answer, or gives no robots.txt, gets no request before it is tried again."""

_GOOD_RESPONSES_PER_STEP = 8

_GOLDEN_RATIO = 0.618
"""Of a queue's length, from one place to the next: repeated, no two places are close to each other."""

_PLACES_PROBED = 8

_UNANSWERED = ConnectionFailed | RequestTimeout


@dataclass(slots=True, eq=False)
class Job:
    """One request to make. number: in order of creation.

    index, item, previous: of an image. page: of a list page. attempts: made so far; deaths: of workers that may have
    been doing it. began_at: when the first attempt began, in seconds since the epoch; 0 before. good_before: its host's
    good responses when the first attempt failed. failure: of the last attempt.
    """

    number: int
    kind: JobKind
    url: str
    index: int = -1
    item: SourceItem | None = None
    previous: PreviousFetch | None = None
    page: "PageRequest | None" = None
    attempts: int = 0
    deaths: int = 0
    good_before: int = 0
    began_at: float = 0.0
    failure: TaskFailure | None = None
    host: "Host" = field(init=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """The limits of one host. concurrency: requests in flight, None for as many as there are in all.

    rate: requests a second, evenly. per_hour: requests in any hour, in bursts if need be. heed_robots: fetch its
    robots.txt and obey it.
    """

    concurrency: int | None = None
    rate: float | None = None
    per_hour: int | None = None
    heed_robots: bool = True

    def rates(self) -> "list[RateLimit]":
        """The rate limits that follow, all of which hold."""
        evenly = [RateLimit(self.rate, BURST_SECONDS)] if self.rate else []
        # Half of the hour's requests may come at once and the others evenly, so that no hour has more than all.
        hourly = [RateLimit(self.per_hour / 2 / HOUR_SECONDS, HOUR_SECONDS)] if self.per_hour else []
        return evenly + hourly


class RateLimit:
    """A rate limit, by the generic cell rate algorithm: at most 1 + (T + burst) * rate requests in any T seconds.

    per_second: requests. burst_seconds: how far a request may come before its even time.
    """

    def __init__(self, per_second: float, burst_seconds: float) -> None:
        self._interval = 1 / per_second
        self._burst_seconds = burst_seconds
        self._even_at = 0.0

    def free_at(self) -> float:
        """When the next request may be made."""
        # Less than an interval of burst is none: the requests come evenly.
        return self._even_at - max(self._burst_seconds - self._interval, 0.0)

    def spend(self, now: float) -> None:
        """A request is made."""
        self._even_at = max(self._even_at, now) + self._interval


class FailedJob(NamedTuple):
    """A job that gets no further request. failure: the last attempt's, or why none was made."""

    job: Job
    failure: TaskFailure


class Host:
    """The scheduler's state of one origin. limit: requests in flight, now. waiting: jobs in back-off.

    claim: of the requests in flight, those that others leave to it. good: responses without any sign of trouble.
    failures: transient ones in a row, the first one at `failing_since`. unanswered: of those, the last ones, without
    any response. absences: its pauses for that. is_away: from the first of them until it answers. silent: its requests
    in flight, while it answers none. long_pauses: responses in a row that asked for more than a run waits.
    """

    def __init__(self, origin: str, limits: HostLimits, concurrency: int) -> None:
        """concurrency: requests in flight at all hosts together."""
        self.origin = origin
        self._heeds_robots = limits.heed_robots
        self._full = min(limits.concurrency or concurrency, concurrency)
        # Where one host may have all requests there are, its own limit would only keep workers from queueing ahead.
        self.limit = self._configured = UNLIMITED if self._full == concurrency else self._full
        self.rates = limits.rates()
        self._good_since_step = 0
        self.in_flight = 0
        self.claim = 0
        self.silent = 0
        self.waiting = 0
        self.good = 0
        self.unanswered = 0
        self.failures = 0
        self.failing_since = 0.0
        self.long_pauses = 0
        self.absences = 0
        self.is_away = False
        self._limit_before = self.limit
        self.paused_until = 0.0
        self.wakes_at = float("inf")
        self.in_rotation = False
        self.urgent: deque[Job] = deque()
        self.ready: deque[Job] = deque()
        self.robots: Literal["unknown", "requested", "known"] = "unknown" if self._heeds_robots else "known"
        self.rules: RobotsRules | None = None
        self.refusal: TaskFailure | None = None
        self.refused_until = 0.0

    @property
    def is_forgettable(self) -> bool:
        """Whether its state is that of a new one."""
        busy = self.in_flight or self.ready or self.urgent or self.waiting or self.in_rotation or self.is_away
        return not (busy or self.refusal or self.limit != self._configured or self.wakes_at != float("inf"))

    def wants_robots(self, now: float) -> bool:
        """Whether its robots.txt has to be fetched before the images that wait."""
        if self.refusal is not None and now >= self.refused_until:
            self.refusal = None
            self.robots = "unknown" if self._heeds_robots else "known"
        return self.robots == "unknown" and bool(self.ready)

    def demand(self, most: int) -> int:
        """How many requests it could have in flight, up to `most`, if it may have one now; 0 while it is silent.

        One request with none to follow does not count: it is a list page as a rule, or the host's last image.
        """
        if self.unanswered or self.is_away or self.robots != "known" or (self.in_flight <= 1 and not self.ready):
            return 0
        wanted = self.in_flight + len(self.ready)
        # Called for each image: min() would take as long as all the rest of this.
        most = self.limit if self.limit < most else most  # noqa: FURB136
        return wanted if wanted < most else most  # noqa: FURB136

    def ready_at(self) -> float | None:
        """When its next job may go out (a moment in the past: now); None while only a response can change that."""
        if self.in_flight >= self.limit or not (self.urgent or (self.ready and self.robots == "known")):
            return None
        if not self.rates:
            return self.paused_until
        return max(self.paused_until, *(rate.free_at() for rate in self.rates))

    def take(self) -> Job:
        """Its next job, counted as in flight. Only after `ready_at`."""
        self.in_flight += 1
        if self.is_away:
            self._spread_probes()
        return self.urgent.popleft() if self.urgent else self.ready.popleft()

    def _spread_probes(self) -> None:
        """Put an image first that is far from the last one in the list, and not known to be left without a response.

        Those that it stalls on may stand next to each other; a host is not away while it answers for others.
        """
        for _ in range(_PLACES_PROBED):
            self.ready.rotate(-round(len(self.ready) * _GOLDEN_RATIO))
            if self.ready and not isinstance(self.ready[0].failure, _UNANSWERED):
                return

    def spend(self, now: float) -> None:
        """A request is made."""
        for rate in self.rates:
            rate.spend(now)

    def refusal_of(self, job: Job, now: float) -> TaskFailure | None:
        """Why this image must not be fetched, its own last failure if it has one; None where it may."""
        if self.refusal is not None and now < self.refused_until:
            return job.failure or self.refusal
        if self.rules is None or self.rules.allows(_target(job.url)):
            return None
        return robots_refusal(job.url, self.origin)

    def learn(self, rules: "RobotsRules | None") -> None:
        """Its robots.txt was read; None: there is none."""
        self.robots = "known"
        self.rules = rules if rules and not rules.allows_all else None
        if rules and rules.crawl_delay:
            self.rates.append(RateLimit(1 / rules.crawl_delay, 0.0))

    def refuse(self, failure: TaskFailure, until: float) -> None:
        """Have its images end with `failure`, without a request, until then."""
        self.robots = "known"
        self.refusal, self.refused_until = failure, until
        self.come_back()

    def pause(self, until: float) -> bool:
        """No requests until then, and half as many at once afterwards; False where it is paused for longer already."""
        if until <= self.paused_until:
            return False
        self.paused_until = until
        self.limit = max(1, min(self.limit, self._full) // 2)
        self._good_since_step = 0
        return True

    def go_away(self, until: float) -> None:
        """No requests until then, and one at a time afterwards, until it answers."""
        if not self.is_away:
            self.is_away = True
            self._limit_before = max(1, min(self.limit, self._full) // 2)
        self.limit = 1
        self.paused_until = until
        self.absences += 1

    def come_back(self) -> None:
        """Back to normal, with half as many requests at once as before it was away."""
        if self.is_away:
            self.is_away = False
            self.limit = self._limit_before
            self.paused_until = 0.0

    def record_failure(self, now: float, *, answered: bool) -> None:
        """A request failed in a transient way."""
        self.failing_since = self.failing_since if self.failures else now
        self.failures += 1
        self.unanswered = 0 if answered else self.unanswered + 1

    def record_long_pause(self) -> bool:
        """It asked for a longer pause than a run waits: whether for all its images, as far as one can tell."""
        self.long_pauses += 1
        return self.long_pauses >= LONG_PAUSES

    def record_response(self) -> None:
        """It responded without any sign of trouble."""
        self.good += 1
        self.long_pauses = 0
        if self.failures:
            self.unanswered = self.failures = self.absences = 0
            self.come_back()

    def record_success(self) -> None:
        """A request succeeded: the host may earn back what it was halved by."""
        self.record_response()
        if self.limit != self._configured:
            self._good_since_step += 1
            if self._good_since_step >= _GOOD_RESPONSES_PER_STEP:
                self._good_since_step = 0
                self.limit = self.limit + 1 if self.limit + 1 < self._full else self._configured

    def put_first(self, job: Job) -> None:
        """Queue the job before the others."""
        (self.ready if job.kind == "image" else self.urgent).appendleft(job)

    def put_back(self, job: Job) -> None:
        """Queue the job behind the others, in case the trouble is its own: another image's attempt comes next."""
        if job.kind == "image":
            self.ready.append(job)
        else:
            self.urgent.appendleft(job)


def _target(url: str) -> str:
    """Path and query, which the rules of robots.txt match."""
    start = url.find("/", url.find("//") + 2)
    return url[start:].partition("#")[0] if start >= 0 else "/"
