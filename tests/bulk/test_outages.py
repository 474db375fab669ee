"""The scheduler and hosts that fail: what is tried again, when a host is away, and when its images end."""

import heapq
import itertools
from dataclasses import dataclass, field

import pytest

from pupline.bulk._hosts import (
    AWAY_AFTER,
    AWAY_PAUSES,
    LEAST_PAUSES,
    LONGEST_ABSENCE_SECONDS,
    REFUSED_SECONDS,
    FailedJob,
    HostLimits,
    Job,
)
from pupline.bulk._scheduler import Scheduler
from pupline.errors import (
    ConnectionFailed,
    IncompleteBody,
    NotFound,
    RequestTimeout,
    RetryAfter,
    ServerError,
    TaskFailure,
    TooManyRequests,
)
from pupline.sources import PageRequest
from pupline.sources._pages import LATER_ATTEMPTS
from pupline.tasks.ingest_item import MAX_ATTEMPTS, PATIENT_ATTEMPTS
from tests.bulk.scheduling import add, scheduler_of, urls_of


def test_a_host_that_stalls_on_some_images_is_asked_for_others() -> None:
    """However many of those stand next to each other: an answer for any other image keeps them all."""
    scheduler = scheduler_of()
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(300)))
    now, tried, fetched, ended = 0.0, set[int](), set[int](), dict[int, str]()
    while scheduler.held:
        for job in scheduler.take(now, 8):
            if job.index < 60:
                tried.add(job.index)
                scheduler.failed(job, RequestTimeout(f"image {job.index} stalls"), now)
            else:
                scheduler.succeeded(job, now)
                fetched.add(job.index)
        ended |= {end.job.index: end.failure.message for end in scheduler.take_failed()}
        now += 1.0
    assert fetched == set(range(60, 300))
    assert ended.keys() == set(range(60))
    assert all(ended[index] == f"image {index} stalls" for index in tried)


def test_a_host_in_trouble_gets_half_as_many_and_earns_them_back() -> None:
    """After a 429 a host gets half of its requests at once; good answers bring back the others."""
    scheduler = scheduler_of(HostLimits(concurrency=4, heed_robots=False))
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(200)))
    jobs = scheduler.take(0.0, 9)
    assert len(jobs) == 4
    scheduler.failed(jobs[0], RetryAfter("429", 1), 0.0)
    for job in jobs[1:]:
        scheduler.succeeded(job, 0.0)
    in_flight = scheduler.take(1.0, 9)
    assert len(in_flight) == 2
    most = 2
    while scheduler.held:
        scheduler.succeeded(in_flight.pop(), 1.0)
        in_flight += scheduler.take(1.0, 9)
        most = max(most, len(in_flight))
    assert most == 4


def attempts_at(scheduler: Scheduler, failure: TaskFailure, longest: float) -> int:
    """How often the one job that waits is tried; each back-off is at most twice as long as the one before."""
    now, attempts = 0.0, 0
    while not (ended := scheduler.take_failed()):
        (job,) = scheduler.take(now, 9)
        attempts += 1
        scheduler.failed(job, failure, now)
        due = scheduler.next_due()
        assert due is None or now <= due <= now + min(longest * 2 ** (attempts - 1), 30)
        now = due or now
    assert ended[0].failure is failure
    assert ended[0].job.attempts == attempts
    assert scheduler.held == 0
    return attempts


@pytest.mark.parametrize("failure", [ConnectionFailed("x"), RequestTimeout("x"), ServerError("x"), IncompleteBody("x")])
def test_transient_failures_are_tried_again_but_not_without_end(failure: TaskFailure) -> None:
    """An image alone is tried as the workflow tries one: five times, after parts of 2, 4, 8 and 16 seconds."""
    scheduler = scheduler_of(seed="jitter")
    add(scheduler, "http://a/1.jpg")
    assert attempts_at(scheduler, failure, 2.0) == PATIENT_ATTEMPTS


def test_an_image_whose_host_is_well_is_given_up_sooner() -> None:
    """Its neighbours were answered since it failed first: the trouble is its own."""
    scheduler = scheduler_of(HostLimits(concurrency=1, heed_robots=False), seed="jitter")
    add(scheduler, "http://a/bad.jpg", *(f"http://a/{number}.jpg" for number in range(9)))
    now, attempts = 0.0, 0
    while scheduler.held:
        for job in scheduler.take(now, 1):
            if job.url.endswith("bad.jpg"):
                attempts += 1
                scheduler.failed(job, ConnectionFailed("reset"), now)
            else:
                scheduler.succeeded(job, now)
        now += 0.5
    assert attempts == MAX_ATTEMPTS
    assert now < 1 + 2 + 4 + 5


def test_permanent_failures_are_not_tried_again() -> None:
    """A 404 is the end at once."""
    scheduler = scheduler_of()
    add(scheduler, "http://a/1.jpg")
    (job,) = scheduler.take(0.0, 9)
    scheduler.failed(job, NotFound("404"), 0.0)
    assert [end.job for end in scheduler.take_failed()] == [job]


@dataclass
class Outage:
    """A server that answers each request after a while, but not between two moments: then each fails.

    takes: seconds until a request succeeds; fails_in: until one fails, while it is away.
    """

    begins: float
    ends: float
    failure: TaskFailure
    takes: float = 0.05
    fails_in: float = 0.001
    now: float = 0.0
    succeeded: int = 0
    asked: int = 0
    ended: list[FailedJob] = field(default_factory=list)

    def serve(self, scheduler: Scheduler, room: int = 32) -> None:
        """Reply until all images have ended; jobs of a paused host that were not started are handed back."""
        under_way: list[tuple[float, int, Job, bool]] = []
        numbers = itertools.count()
        while scheduler.held or under_way:
            assert self.now < 3600, "it never ends"
            for job in scheduler.take(self.now, room - len(under_way)):
                self.asked += 1
                good = not self.begins <= self.now < self.ends
                at = self.now + (self.takes if good else self.fails_in)
                heapq.heappush(under_way, (at, next(numbers), job, good))
            self.ended += scheduler.take_failed()
            due = [at for at in (scheduler.next_due(), under_way[0][0] if under_way else None) if at is not None]
            self.now = max(self.now, min(due)) if due else self.now
            while under_way and under_way[0][0] <= self.now:
                _, _, job, good = heapq.heappop(under_way)
                if good:
                    self.succeeded += 1
                    scheduler.succeeded(job, self.now)
                else:
                    scheduler.failed(job, self.failure, self.now)
        self.ended += scheduler.take_failed()


FAILURES = [
    ConnectionFailed("refused"),
    RequestTimeout("too late"),
    ServerError("503"),
    IncompleteBody("cut off"),
    TooManyRequests("429"),
    RetryAfter("503", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("seconds", [0.2, 1.0, 10.0, 45.0])
@pytest.mark.parametrize("concurrency", [1, 32])
def test_an_outage_costs_no_image(failure: TaskFailure, seconds: float, concurrency: int) -> None:
    """A server that goes away and comes back within a minute, in whatever way, has every image fetched."""
    scheduler = scheduler_of(HostLimits(concurrency=concurrency, heed_robots=False), concurrency=32, seed="x")
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(1500)))
    outage = Outage(2.0, 2.0 + seconds, failure)
    outage.serve(scheduler)
    assert (outage.succeeded, outage.ended) == (1500, [])
    assert outage.now <= 2.0 + 2 * seconds + 1500 * 0.05 + 16


@pytest.mark.parametrize(
    ("failure", "fails_in"), [*((failure, 0.001) for failure in FAILURES[:4]), (FAILURES[0], 30.0), (FAILURES[1], 30.0)]
)
@pytest.mark.parametrize("images", [1, 9, 200, 1500])
def test_a_host_that_stays_away_ends_in_bounded_time(failure: TaskFailure, fails_in: float, images: int) -> None:
    """Each of its images has failed then, for a true reason, with as many attempts as it had."""
    scheduler = scheduler_of(concurrency=32, seed="x")
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(images)))
    outage = Outage(0.0, 1e9, failure, fails_in=fails_in)
    outage.serve(scheduler)
    assert (outage.succeeded, len(outage.ended)) == (0, images)
    assert outage.now <= LONGEST_ABSENCE_SECONDS + sum(AWAY_PAUSES[:LEAST_PAUSES]) + (5 + images / 3) * fails_in + 60
    assert {type(ended.failure) for ended in outage.ended} == {type(failure)}
    assert sum(ended.job.attempts for ended in outage.ended) == outage.asked


def test_a_host_that_is_gone_is_told_and_left_alone() -> None:
    """After its pauses its images end without a request, and their failure says so; each pause is an event."""
    scheduler = scheduler_of(HostLimits(concurrency=1, heed_robots=False), seed="x")
    add(scheduler, *(f"http://hangs/{number}.jpg" for number in range(200)))
    outage = Outage(0.0, 1e9, RequestTimeout("too late"))
    outage.serve(scheduler, room=1)
    assert outage.asked == AWAY_AFTER + len(AWAY_PAUSES)
    message = outage.ended[-1].failure.message
    assert "http://hangs answered none of 16 requests in a row; retry what failed when it answers again" in message
    assert [pause.seconds for pause in scheduler.take_pauses()] == [*AWAY_PAUSES, REFUSED_SECONDS]


def test_a_host_that_was_gone_is_asked_again_later() -> None:
    """No requests for a while, not forever: an image that is listed after that gets its request."""
    scheduler = scheduler_of(HostLimits(concurrency=1, heed_robots=False), seed="x")
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(200)))
    outage = Outage(0.0, 1e9, RequestTimeout("too late"))
    outage.serve(scheduler, room=1)
    now = outage.now
    add(scheduler, "http://a/soon.jpg", now=now)
    assert scheduler.take(now + 1, 99) == []
    add(scheduler, "http://a/later.jpg", now=now + REFUSED_SECONDS)
    assert urls_of(scheduler.take(now + REFUSED_SECONDS, 99)) == ["http://a/later.jpg"]


def test_an_image_that_fails_alone_does_not_keep_its_host_away() -> None:
    """While a host is away each request is another image's: one that always fails cannot stand for all."""
    scheduler = scheduler_of(HostLimits(concurrency=1, heed_robots=False), seed="x")
    add(scheduler, "http://a/bad.jpg", *(f"http://a/{number}.jpg" for number in range(50)))
    now, good = 0.0, 0
    while scheduler.held:
        for job in scheduler.take(now, 1):
            if job.url.endswith("bad.jpg") or now < 1.5:
                scheduler.failed(job, ConnectionFailed("reset"), now)
            else:
                good += 1
                scheduler.succeeded(job, now)
        now += 0.1
    assert (good, now < 60) == (50, True)


def test_a_list_page_outlasts_its_hosts_absence() -> None:
    """Its failure would end the listing: it goes back to the front while its host is away, and has more attempts."""
    scheduler = scheduler_of(seed="x")
    add(scheduler, *(f"http://a/{number}.jpg" for number in range(AWAY_AFTER)))
    for job in scheduler.take(0.0, AWAY_AFTER):
        scheduler.failed(job, RequestTimeout("too late"), 0.0)
    scheduler.add_page(PageRequest("http://a/list", {}), 0.0)
    for pause in range(1, len(AWAY_PAUSES)):
        (page,) = scheduler.take(sum(AWAY_PAUSES[:pause]), 9)
        assert page.kind == "page"
        scheduler.failed(page, RequestTimeout("too late"), sum(AWAY_PAUSES[:pause]))
    assert scheduler.take_failed() == []


@pytest.mark.parametrize(("heard", "attempts"), [(True, LATER_ATTEMPTS), (False, MAX_ATTEMPTS)])
def test_a_page_of_a_host_that_never_answered_is_given_up_sooner(heard: bool, attempts: int) -> None:
    """A mistyped address fails soon; a listing in progress does not end as easily."""
    scheduler = scheduler_of(seed="x")
    if heard:
        add(scheduler, "http://a/1.jpg")
        scheduler.succeeded(scheduler.take(0.0, 1)[0], 0.0)
    scheduler.add_page(PageRequest("http://a/list", {}), 0.0)
    assert attempts_at(scheduler, ConnectionFailed("refused"), 2.0) == attempts
