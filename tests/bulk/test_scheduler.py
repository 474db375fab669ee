"""The scheduler alone: times are numbers, answers are made up, and an hour passes in a millisecond."""

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.bulk import _scheduler
from pupline.bulk._hosts import (
    BURST_SECONDS,
    REFUSED_SECONDS,
    HostLimits,
    Job,
)
from pupline.bulk._scheduler import MAX_DEATHS, MAX_IDLE_HOSTS, Scheduler
from pupline.errors import (
    BlockedAddress,
    ConnectionFailed,
    HttpError,
    LongRetryAfter,
    NotFound,
    RetryAfter,
    ServerError,
    TaskFailure,
    TooLarge,
    TooManyRequests,
)
from pupline.http import Origin, RobotsRules
from pupline.sources import PageRequest
from pupline.tasks.ingest_item import MAX_ATTEMPTS
from pupline.tasks.items import SourceItem
from tests.bulk.scheduling import add, scheduler_of, urls_of

DISALLOW_PRIVATE = RobotsRules.parse("User-agent: *\nDisallow: /private/")


def test_robots_txt_is_asked_for_before_the_first_image() -> None:
    """A host's first request is its robots.txt, once; its images wait for the answer."""
    scheduler = scheduler_of(HostLimits())
    add(scheduler, "http://a/1.jpg", "http://a/2.jpg")
    (robots,) = scheduler.take(0.0, 9)
    assert (robots.kind, robots.url) == ("robots", "http://a/robots.txt")
    assert scheduler.take(100.0, 9) == []
    scheduler.succeeded(robots, 100.0)
    scheduler.learn(robots.host, DISALLOW_PRIVATE, 100.0)
    assert urls_of(scheduler.take(100.0, 9)) == ["http://a/1.jpg", "http://a/2.jpg"]


def test_what_robots_txt_disallows_is_not_asked_for() -> None:
    """A disallowed image ends as RobotsDisallowed without a request; the others of its host go out."""
    scheduler = scheduler_of(HostLimits())
    add(scheduler, "http://a/private/1.jpg", "http://a/2.jpg", "http://a/private/3.jpg?x#y")
    (robots,) = scheduler.take(0.0, 9)
    scheduler.succeeded(robots, 0.0)
    scheduler.learn(robots.host, DISALLOW_PRIVATE, 0.0)
    assert urls_of(scheduler.take(0.0, 9)) == ["http://a/2.jpg"]
    ended = scheduler.take_failed()
    assert [type(end.failure).__name__ for end in ended] == ["RobotsDisallowed"] * 2
    assert "--ignore-robots" in ended[0].failure.message
    assert scheduler.held == 1


def test_a_missing_robots_txt_allows_all() -> None:
    """A 404 for robots.txt means that there are no rules."""
    scheduler = scheduler_of(HostLimits())
    add(scheduler, "http://a/1.jpg")
    (robots,) = scheduler.take(0.0, 9)
    scheduler.failed(robots, NotFound("no robots.txt"), 0.0)
    assert urls_of(scheduler.take(0.0, 9)) == ["http://a/1.jpg"]


@pytest.mark.parametrize("failure", [HttpError("not proper HTTP"), TooLarge("a film")])
def test_a_robots_txt_that_cannot_be_read_holds_its_images_back(failure: TaskFailure) -> None:
    """It is not fetched again at once; the images end as it did, without a request."""
    scheduler = scheduler_of(HostLimits())
    add(scheduler, "http://a/1.jpg", "http://a/2.jpg")
    (robots,) = scheduler.take(0.0, 9)
    scheduler.failed(robots, failure, 0.0)
    assert scheduler.take(0.0, 9) == []
    assert [end.failure for end in scheduler.take_failed()] == [failure, failure]


def test_a_robots_txt_that_cannot_be_had_holds_its_images_back() -> None:
    """After all attempts on a broken robots.txt its images end as it did; later the host is tried again."""
    scheduler = scheduler_of(HostLimits())
    add(scheduler, "http://a/1.jpg")
    now = 0.0
    for _ in range(MAX_ATTEMPTS):
        (robots,) = scheduler.take(now, 9)
        scheduler.failed(robots, ServerError("503"), now)
        now += 60
    assert scheduler.take(now, 9) == []
    assert [type(end.failure) for end in scheduler.take_failed()] == [ServerError]
    now += REFUSED_SECONDS
    scheduler.add_image(1, SourceItem(url="http://a/2.jpg"), None, now)
    assert [job.kind for job in scheduler.take(now, 9)] == ["robots"]


def test_a_refused_host_is_asked_again_at_its_time() -> None:
    """At that second, and not before."""
    scheduler = scheduler_of(HostLimits())
    add(scheduler, "http://a/1.jpg")
    (robots,) = scheduler.take(0.0, 9)
    scheduler.failed(robots, TooLarge("a film"), 0.0)
    for now, kinds in ((REFUSED_SECONDS - 0.5, []), (float(REFUSED_SECONDS), ["robots"])):
        scheduler.add_image(1, SourceItem(url="http://a/2.jpg"), None, now)
        assert [job.kind for job in scheduler.take(now, 9)] == kinds


def test_a_crawl_delay_is_a_rate() -> None:
    """Crawl-delay: 2 lets one request out every two seconds."""
    scheduler = scheduler_of(HostLimits())
    add(scheduler, "http://a/1.jpg", "http://a/2.jpg")
    (robots,) = scheduler.take(0.0, 9)
    scheduler.succeeded(robots, 0.0)
    scheduler.learn(robots.host, RobotsRules.parse("User-agent: pupline\nCrawl-delay: 2"), 0.0)
    assert len(scheduler.take(0.0, 9)) == 1
    assert scheduler.take(1.9, 9) == []
    assert len(scheduler.take(2.1, 9)) == 1


def test_list_pages_need_no_robots_txt_and_go_first() -> None:
    """A list page goes before images that wait for the same host, and before its robots.txt is known."""
    scheduler = scheduler_of(HostLimits(concurrency=1))
    add(scheduler, "http://a/1.jpg")
    scheduler.add_page(PageRequest("http://a/list?page=1"), 0.0)
    (robots,) = scheduler.take(0.0, 9)
    scheduler.succeeded(robots, 0.0)
    scheduler.learn(robots.host, None, 0.0)
    (page,) = scheduler.take(0.0, 9)
    assert page.kind == "page"
    scheduler.succeeded(page, 0.0)
    assert urls_of(scheduler.take(0.0, 9)) == ["http://a/1.jpg"]


def test_hosts_take_turns() -> None:
    """Five hundred images of one host do not keep another host's one waiting."""
    scheduler = scheduler_of(concurrency=4)
    add(scheduler, *(f"http://big/{number}.jpg" for number in range(500)), "http://small/1.jpg")
    assert "http://small/1.jpg" in urls_of(scheduler.take(0.0, 4))


def test_a_retry_after_pauses_the_whole_host() -> None:
    """One Retry-After delays all of its host's requests for so long, and gives one event."""
    scheduler = scheduler_of()
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(5)), "http://b/1.jpg")
    first, second = [job for job in scheduler.take(0.0, 3) if job.url.startswith("http://a/")][:2]
    scheduler.failed(first, RetryAfter("429, come back in 30 s", 30), 1.0)
    scheduler.failed(second, RetryAfter("429, come back in 20 s", 20), 1.5)
    assert [(pause.host, pause.seconds) for pause in scheduler.take_pauses()] == [("http://a", 30.0)]
    assert not [job for job in scheduler.take(30.9, 9) if job.url.startswith("http://a/")]
    assert scheduler.next_due() == 31.0
    assert first in scheduler.take(31.0, 9)


def test_a_host_that_asks_for_hours_is_left_alone() -> None:
    """Three times a Retry-After of an hour end its images as rate_limited, without asking for each in vain."""
    scheduler = scheduler_of()
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(5)))
    failure = LongRetryAfter("429, come back in an hour", 3600)
    for job in scheduler.take(0.0, 3):
        scheduler.failed(job, failure, 0.0)
    assert scheduler.take(0.0, 9) == []
    assert [end.failure.reason for end in scheduler.take_failed()] == ["rate_limited"] * 5
    scheduler.add_image(9, SourceItem(url="http://a/9.jpg"), None, 3600.0)
    assert urls_of(scheduler.take(3600.0, 9)) == ["http://a/9.jpg"]


def test_one_image_that_asks_for_hours_costs_itself() -> None:
    """It ends at once; the host's other images are fetched, as long as good responses come in between."""
    scheduler = scheduler_of()
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(20)))
    failure = LongRetryAfter("429, come back in an hour", 3600)
    fetched = 0
    while jobs := scheduler.take(0.0, 1):
        if jobs[0].index % 4:
            scheduler.succeeded(jobs[0], 0.0)
            fetched += 1
        else:
            scheduler.failed(jobs[0], failure, 0.0)
    assert (fetched, len(scheduler.take_failed()), scheduler.take_pauses()) == (15, 5, [])


def test_a_refused_origin_gets_no_request_at_all() -> None:
    """Images on an origin where the source keeps none end at once, and robots.txt is not fetched."""
    refusal = BlockedAddress("not there")
    scheduler = Scheduler(concurrency=4, refusal=lambda origin: refusal if origin.host == "evil" else None)
    add(scheduler, "http://evil/1.jpg", "http://evil/2.jpg")
    assert scheduler.take(0.0, 9) == []
    assert [end.failure for end in scheduler.take_failed()] == [refusal, refusal]
    assert scheduler.held == 0


@pytest.mark.parametrize(
    "url", ["", "no url", "ftp://a/1.jpg", "http://", "http:///x", "http://user@a/1.jpg", "http://a\n/1"]
)
def test_what_is_no_url_ends_as_such(url: str) -> None:
    """A malformed URL is an item that ended as invalid_url, not an error of the run."""
    scheduler = scheduler_of()
    add(scheduler, url)
    assert scheduler.take(0.0, 9) == []
    assert [end.failure.reason for end in scheduler.take_failed()] == ["invalid_url"]
    assert scheduler.held == 0


def test_spellings_of_one_origin_are_one_host() -> None:
    """Letter case and the default port make no other host, so they win no further requests."""
    scheduler = scheduler_of(HostLimits(concurrency=1, heed_robots=False))
    add(scheduler, "http://Dogs.example/1.jpg", "http://dogs.example:80/2.jpg", "http://dogs.example?3")
    assert len(scheduler.take(0.0, 9)) == 1


def test_a_job_that_was_handed_back_goes_out_again() -> None:
    """A job that its worker did not begin is as if it had never been given."""
    scheduler = scheduler_of()
    add(scheduler, "http://a/1.jpg")
    (job,) = scheduler.take(0.0, 9)
    scheduler.returned(job, 0.0)
    assert scheduler.take(0.0, 9) == [job]
    assert job.attempts == 0


def test_a_job_that_kills_its_workers_ends() -> None:
    """Two workers died with it in hand, the second one with nothing else: the item ends as internal_error."""
    scheduler = scheduler_of()
    add(scheduler, "http://a/bomb.jpg")
    now = 0.0
    for _ in range(MAX_DEATHS):
        (job,) = scheduler.take(now, 9)
        scheduler.lost(job, now)
        now += 60
    assert [end.failure.reason for end in scheduler.take_failed()] == ["internal_error"]


def test_an_hourly_limit_comes_in_bursts_but_never_too_many_in_an_hour() -> None:
    """30 an hour: a burst of half of them, the others evenly, and no hour with more than 30."""
    scheduler = scheduler_of(HostLimits(per_hour=30, heed_robots=False), concurrency=100)
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(100)))
    times: list[float] = []
    now = 0.0
    while scheduler.held and len(times) < 100:
        times += [now] * len(scheduler.take(now, 100))
        now = scheduler.next_due() or now
    assert times.count(0.0) == 15
    assert max(sum(start <= at < start + 3600 for at in times) for start in times) <= 30


@pytest.mark.slow
def test_idle_hosts_are_forgotten() -> None:
    """A list that names a host per image does not fill the memory with hosts."""
    scheduler = scheduler_of()
    for number in range(3 * MAX_IDLE_HOSTS):
        scheduler.add_image(number, SourceItem(url=f"http://host{number}.example/1.jpg"), None, 0.0)
        for job in scheduler.take(0.0, 9):
            scheduler.succeeded(job, 0.0)
    assert len(scheduler._hosts) <= 2 * MAX_IDLE_HOSTS
    assert len(scheduler._by_prefix) <= 4 * MAX_IDLE_HOSTS


@dataclass
class World:
    """Servers that answer at random, and a record of all requests."""

    chance: random.Random
    limits: HostLimits
    concurrency: int
    now: float = 0.0
    asked: dict[str, list[float]] = field(default_factory=dict)
    most_in_flight: Counter[str] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)
    in_pause: int = 0

    def run(self, urls: list[str]) -> None:
        """Schedule them all, until every one has ended."""
        scheduler = Scheduler(concurrency=self.concurrency, limits=lambda _: self.limits, seed="world")
        add(scheduler, *urls)
        under_way: list[tuple[float, int, Job]] = []
        in_flight: Counter[str] = Counter()
        paused: dict[str, float] = {}
        numbers = itertools.count()
        for _ in range(200_000):
            for job in scheduler.take(self.now, self.concurrency - len(under_way)):
                origin = job.host.origin
                in_flight[origin] += 1
                self.most_in_flight[origin] = max(self.most_in_flight[origin], in_flight[origin])
                self.asked.setdefault(origin, []).append(self.now)
                self.in_pause += self.now < paused.get(origin, 0.0)
                heapq.heappush(under_way, (self.now + self.chance.uniform(0.01, 2), next(numbers), job))
            for ended in scheduler.take_failed():
                self.ends[ended.job.index] += 1
            if not scheduler.held:
                return
            due = [at for at in (scheduler.next_due(), under_way[0][0] if under_way else None) if at is not None]
            self.now = max(self.now, min(due))
            while under_way and under_way[0][0] <= self.now:
                job = heapq.heappop(under_way)[2]
                in_flight[job.host.origin] -= 1
                self._answer(scheduler, job, paused)
        raise AssertionError("something starves")

    def _answer(self, scheduler: Scheduler, job: Job, paused: dict[str, float]) -> None:
        luck = self.chance.random()
        if job.kind == "robots":
            scheduler.succeeded(job, self.now)
            scheduler.learn(job.host, None, self.now)
        elif luck < 0.6:
            scheduler.succeeded(job, self.now)
            self.ends[job.index] += 1
        elif luck < 0.7:
            seconds = self.chance.randrange(0, 10)
            origin = job.host.origin
            paused[origin] = max(paused.get(origin, 0.0), self.now + seconds)
            scheduler.failed(job, RetryAfter("429", seconds), self.now)
        elif luck < 0.75:
            scheduler.returned(job, self.now)
        elif luck < 0.8:
            scheduler.lost(job, self.now)
        else:
            failures: list[TaskFailure] = [ConnectionFailed("x"), NotFound("x"), ServerError("x"), TooManyRequests("x")]
            scheduler.failed(job, self.chance.choice(failures), self.now)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    hosts=st.integers(1, 5),
    items=st.integers(0, 60),
    per_host=st.none() | st.integers(1, 4),
    rate=st.none() | st.sampled_from([0.5, 3.0, 40.0]),
    heed_robots=st.booleans(),
)
def test_limits_hold_and_every_item_ends_once(
    seed: int, hosts: int, items: int, per_host: int | None, rate: float | None, heed_robots: bool
) -> None:
    """Whatever servers answer: no host sees more at once, or faster, than allowed, or anything in a pause; each item
    ends exactly once."""
    chance = random.Random(seed)
    limits = HostLimits(concurrency=per_host, rate=rate, heed_robots=heed_robots)
    world = World(chance, limits, concurrency=6)
    world.run([f"http://host{chance.randrange(hosts)}/{number}.jpg" for number in range(items)])
    assert world.ends == Counter(range(items))
    assert world.in_pause == 0
    assert all(most <= (per_host or 6) for most in world.most_in_flight.values())
    for times in world.asked.values() if rate else ():
        for first, last in itertools.combinations(range(len(times)), 2):
            allowed = 1 + (times[last] - times[first] + BURST_SECONDS) * (rate or 0)
            assert last - first + 1 <= allowed + 1e-6


def test_origins_are_judged_once() -> None:
    """Limits and refusals are looked up once per host, however many images it has."""
    asked: list[Origin] = []

    def limits(origin: Origin) -> HostLimits:
        asked.append(origin)
        return HostLimits(heed_robots=False)

    scheduler = Scheduler(concurrency=4, limits=limits)
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(50)))
    assert len(asked) == 1


def test_a_host_is_not_forgotten_while_it_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many idle hosts, those go, and the new one keeps its limit."""
    monkeypatch.setattr(_scheduler, "MAX_IDLE_HOSTS", 1)
    scheduler = scheduler_of(HostLimits(concurrency=1, heed_robots=False))
    for host in "ab":
        add(scheduler, f"http://{host}/1.jpg")
        (job,) = scheduler.take(0.0, 9)
        scheduler.succeeded(job, 0.0)
    add(scheduler, "http://c/1.jpg")
    assert [host.origin for host in scheduler.host_states(0.0)[1]] == ["http://c"]
    add(scheduler, "http://c/2.jpg", "http://C/3.jpg")
    assert urls_of(scheduler.take(0.0, 9)) == ["http://c/1.jpg"]


def test_a_host_waits_with_one_timer() -> None:
    """However many images are added while it may not be asked."""
    scheduler = scheduler_of(HostLimits(rate=0.01, heed_robots=False))
    for number in range(9):
        add(scheduler, f"http://a/{number}.jpg")
        scheduler.take(0.0, 9)
    assert len(scheduler._timers) == 1


def test_the_state_of_a_host_counts_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that are out and that wait, good responses, the pause; the busiest of too many hosts are shown."""
    monkeypatch.setattr(_scheduler, "MAX_HOSTS", 1)
    scheduler = scheduler_of(HostLimits(concurrency=2, heed_robots=False))
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(5)), "http://b/1.jpg")
    first, second = (job for job in scheduler.take(0.0, 9) if job.host.origin == "http://a")
    scheduler.succeeded(first, 0.0)
    count, (shown,) = scheduler.host_states(0.0)
    assert (count, shown.origin, shown.in_flight, shown.queued, shown.good) == (2, "http://a", 1, 3, 1)
    assert (shown.limit, shown.paused_seconds, shown.is_away) == (2, 0, False)
    scheduler.failed(second, TooManyRequests("429"), 0.0)
    _, (shown,) = scheduler.host_states(0.0)
    assert (shown.in_flight, shown.queued, shown.good, shown.limit) == (0, 4, 1, 1)
    assert shown.paused_seconds > 0
    assert shown.paused_seconds > 0
    (third,) = scheduler.take(100.0, 1)
    scheduler.failed(third, ServerError("503"), 100.0)
    assert scheduler.host_states(100.0)[1][0].queued == 4
    scheduler.take(200.0, 0)
    assert scheduler.host_states(200.0)[1][0].queued == 4
