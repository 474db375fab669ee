"""One host: what waits for it, what is under way, and when it may be asked again. Pure: time comes in.

A host here is an origin: scheme, name and port. One that answers 429, or asks for a pause, gets half as many requests
at once from then on, and earns the others back one by one with good answers: sooner or later the number settles where
the host is content.

One that gives nothing but trouble for a while is taken to be away: it is paused, then asked for one thing at a time,
with ever longer pauses in between, until it answers.
"""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pupline.errors import RobotsDisallowed, TaskFailure
from pupline.tasks.items import PreviousFetch, SourceItem
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.http import RobotsRules
    from pupline.sources import PageRequest

JobKind: TypeAlias = Literal["page", "robots", "image"]

BURST_SECONDS = 0.05
"""How far requests may come before their even time: up to 20 a second they are even, above it a late wake-up is made
good."""

HOUR_SECONDS = 3600.0

UNLIMITED = 1 << 30
"""Requests in flight at one host that may have all there are."""

AWAY_AFTER = 10
"""Requests in vain in a row before a host is taken to be away. Each goes back to where it waited, at no cost to it."""

AWAY_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""How long it is left alone then, in seconds: before the second request, the third, ..."""

LEAST_PAUSES = 3
"""Pauses that every host gets, however long its requests take to fail."""

LONGEST_ABSENCE_SECONDS = 60.0
"""How long a host may be away. Its images end unasked then: ten thousand of them, a time-out each, would hold everybody
up for hours."""

REFUSED_SECONDS = 300.0
"""How long a host that is gone, or whose robots.txt could not be had, is left alone before it is asked again."""

_GOOD_ANSWERS_PER_STEP = 8


class Job:
    """One request to be made. number: in order of creation. url: what is asked for.

    index, item, previous: of an image. page: of a list page. attempts: made so far; deaths: of workers that had it in
    hand. began_at: when the first attempt began, in seconds since the epoch; 0 before. good_before: what its host had
    answered well when the first attempt failed.
    """

    __slots__ = (
        "attempts",
        "began_at",
        "deaths",
        "good_before",
        "host",
        "index",
        "item",
        "kind",
        "number",
        "page",
        "previous",
        "url",
    )

    def __init__(self, number: int, kind: JobKind, url: str) -> None:
        self.number = number
        self.kind = kind
        self.url = url
        self.index = -1
        self.item: SourceItem | None = None
        self.previous: PreviousFetch | None = None
        self.page: PageRequest | None = None
        self.attempts = 0
        self.deaths = 0
        self.good_before = 0
        self.began_at = 0.0
        self.host: Host


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """What one host is to be spared. concurrency: requests in flight, None for as many as there are in all.

    rate: requests a second, evenly. per_hour: requests in any hour, in bursts if need be. heed_robots: ask for its
    robots.txt and obey it.
    """

    concurrency: int | None = None
    rate: float | None = None
    per_hour: int | None = None
    heed_robots: bool = True

    def rates(self) -> "list[RateLimit]":
        """Limits to be kept together."""
        evenly = [RateLimit(self.rate, BURST_SECONDS)] if self.rate else []
        # Half of the hour's requests may come at once and the others evenly, so that no hour has more than all.
        hourly = [RateLimit(self.per_hour / 2 / HOUR_SECONDS, HOUR_SECONDS)] if self.per_hour else []
        return evenly + hourly


class RateLimit:
    """A rate, kept by the generic cell rate algorithm: any T seconds see at most 1 + (T + burst) * rate requests.

    per_second: requests. burst_seconds: how far a request may come before its even time.
    """

    __slots__ = ("_burst_seconds", "_even_at", "_interval")

    def __init__(self, per_second: float, burst_seconds: float) -> None:
        self._interval = 1 / per_second
        self._burst_seconds = burst_seconds
        self._even_at = 0.0

    def free_at(self) -> float:
        """When the next request may be made."""
        # Less than an interval of burst is none: the requests come evenly.
        return self._even_at - max(self._burst_seconds - self._interval, 0.0)

    def spend(self, now: float) -> None:
        """One is made."""
        self._even_at = max(self._even_at, now) + self._interval


class FailedJob(NamedTuple):
    """A job that gets no further request. failure: the last attempt's, or why none was made."""

    job: Job
    failure: TaskFailure


class Host:
    """What the scheduler knows of one origin. limit: requests in flight, now. waiting: jobs in back-off.

    claim: of the requests in flight, those that others leave to it. good: answers that told nothing bad of it, so far.
    vain: requests in a row that failed in a way that may pass, the first one at `vain_since`. dead: of those, the last
    ones, that got no answer at all. absences: pauses that it was given for that. is_away: since the first of them and
    until it answers. unheard: of its requests in flight, while it leaves them unanswered.
    """

    __slots__ = (
        "_configured",
        "_full",
        "_good_answers",
        "_heeds_robots",
        "_limit_before",
        "absences",
        "claim",
        "dead",
        "good",
        "in_flight",
        "in_rotation",
        "is_away",
        "limit",
        "origin",
        "paused_until",
        "rates",
        "ready",
        "refusal",
        "refused_until",
        "robots",
        "rules",
        "unheard",
        "urgent",
        "vain",
        "vain_since",
        "waiting",
        "wakes_at",
    )

    def __init__(self, origin: str, limits: HostLimits, concurrency: int) -> None:
        """concurrency: requests in flight at all hosts together."""
        self.origin = origin
        self._heeds_robots = limits.heed_robots
        self._full = min(limits.concurrency or concurrency, concurrency)
        # Where one host may have all requests there are, its own limit would only keep workers from queueing ahead.
        self.limit = self._configured = UNLIMITED if self._full == concurrency else self._full
        self.rates = limits.rates()
        self._good_answers = 0
        self.in_flight = 0
        self.claim = 0
        self.unheard = 0
        self.waiting = 0
        self.good = 0
        self.dead = 0
        self.vain = 0
        self.vain_since = 0.0
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
        """Whether nothing is known of it that must not be forgotten: a new one would do as well."""
        busy = self.in_flight or self.ready or self.urgent or self.waiting or self.in_rotation or self.is_away
        return not (busy or self.refusal or self.limit != self._configured or self.wakes_at != float("inf"))

    def wants_robots(self, now: float) -> bool:
        """Whether its robots.txt has to be asked for, before the images that wait."""
        if self.refusal is not None and now >= self.refused_until:
            self.refusal = None
            self.robots = "unknown" if self._heeds_robots else "known"
        return self.robots == "unknown" and bool(self.ready)

    def demand(self, most: int) -> int:
        """How many requests it could have in flight, up to `most`, if it may be asked now. None while it is silent.

        One request with none to follow does not count: it is a list page as a rule, or the host's last image.
        """
        if self.dead or self.is_away or self.robots != "known" or (self.in_flight <= 1 and not self.ready):
            return 0
        wanted = self.in_flight + len(self.ready)
        # Asked for each image: min() would take as long as all the rest of this.
        most = self.limit if self.limit < most else most  # noqa: FURB136
        return wanted if wanted < most else most  # noqa: FURB136

    def may_ask_at(self) -> float | None:
        """When its next job may go out (a moment in the past: now); None while only an answer can change that."""
        if self.in_flight >= self.limit or not (self.urgent or (self.ready and self.robots == "known")):
            return None
        if not self.rates:
            return self.paused_until
        return max(self.paused_until, *(rate.free_at() for rate in self.rates))

    def take(self) -> Job:
        """Its next job, counted as in flight. Only when `may_ask_at` has come."""
        self.in_flight += 1
        return self.urgent.popleft() if self.urgent else self.ready.popleft()

    def spend(self, now: float) -> None:
        """One request is made."""
        for rate in self.rates:
            rate.spend(now)

    def why_not(self, job: Job, now: float) -> TaskFailure | None:
        """Why this image must not be asked for, None when it may."""
        if self.refusal is not None and now < self.refused_until:
            return self.refusal
        if self.rules is None or self.rules.allows(_target(job.url)):
            return None
        return RobotsDisallowed(
            f"{printable(job.url)}: {self.origin}/robots.txt disallows it for pupline; ask the site's owner, or give "
            "--ignore-robots if the images are yours"
        )

    def learn(self, rules: "RobotsRules | None") -> None:
        """Its robots.txt was read, or there is none."""
        self.robots = "known"
        self.rules = rules if rules and not rules.allows_all else None
        if rules and rules.crawl_delay:
            self.rates.append(RateLimit(1 / rules.crawl_delay, 0.0))

    def refuse(self, failure: TaskFailure, until: float) -> None:
        """Have its images end with `failure`, unasked, until then."""
        self.robots = "known"
        self.refusal, self.refused_until = failure, until
        self.come_back()

    def pause(self, until: float) -> bool:
        """Ask for nothing until then, and for half as many at once afterwards; False where it is paused for longer."""
        if until <= self.paused_until:
            return False
        self.paused_until = until
        self.limit = max(1, min(self.limit, self._full) // 2)
        self._good_answers = 0
        return True

    def go_away(self, until: float) -> None:
        """Ask for nothing until then, and for one thing at a time afterwards, until it answers."""
        if not self.is_away:
            self.is_away = True
            self._limit_before = max(1, min(self.limit, self._full) // 2)
        self.limit = 1
        self.paused_until = until
        self.absences += 1

    def come_back(self) -> None:
        """Ask as before; at once for half as many as before it was away."""
        if self.is_away:
            self.is_away = False
            self.limit = self._limit_before
            self.paused_until = 0.0

    def failed_in_vain(self, now: float, *, answered: bool) -> None:
        """A request failed in a way that may pass."""
        self.vain_since = self.vain_since if self.vain else now
        self.vain += 1
        self.dead = 0 if answered else self.dead + 1

    def is_well(self) -> None:
        """It answered, and nothing in that tells of trouble."""
        self.good += 1
        if self.vain:
            self._recover()

    def _recover(self) -> None:
        self.dead = self.vain = self.absences = 0
        self.come_back()

    def answered_well(self) -> None:
        """A request succeeded: the host is well, and may earn back what it was halved by."""
        self.good += 1  # as `is_well`, which this is too often called for
        if self.vain:
            self._recover()
        if self.limit != self._configured:
            self._good_answers += 1
            if self._good_answers >= _GOOD_ANSWERS_PER_STEP:
                self._good_answers = 0
                self.limit = self.limit + 1 if self.limit + 1 < self._full else self._configured


def _target(url: str) -> str:
    """Path and query, as robots.txt speaks of them."""
    start = url.find("/", url.find("//") + 2)
    return url[start:].partition("#")[0] if start >= 0 else "/"
