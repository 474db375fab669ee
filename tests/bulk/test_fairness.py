"""One host's silence is not the others': the scheduler with workers that queue what they are given, in virtual time."""

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pupline.bulk._hosts import HostLimits, Job
from pupline.bulk._process_pool import AHEAD
from pupline.bulk._scheduler import Scheduler
from pupline.errors import RequestTimeout, RetryAfter
from pupline.tasks.items import SourceItem

TIMEOUT_SECONDS = 30.0
QUICK_SECONDS = 0.01

Seconds = Callable[[Job, int], float | None]
"""How long a response to the job takes, after so many earlier requests to its host; None: forever."""


@dataclass
class Slots:
    """Workers as one queue: first come, first served, by so many requests at once; more are given ahead."""

    scheduler: Scheduler
    count: int
    seconds: Seconds
    now: float = 0.0
    ended_at: dict[str, dict[str, float]] = field(default_factory=dict)
    queue: deque[Job] = field(default_factory=deque)
    busy: list[tuple[float, int, Job, bool]] = field(default_factory=list)
    begun: Counter[str] = field(default_factory=Counter)

    def run(self, until: Callable[[], bool]) -> None:
        """Let time pass until then, or until everything has ended."""
        while self.scheduler.held and not until():
            self.give()
            due = [self.busy[0][0]] if self.busy else []
            next_due = self.scheduler.next_due()
            self.now = max(self.now, min([*due, *([next_due] if next_due is not None else [])]))
            while self.busy and self.busy[0][0] <= self.now:
                _, _, job, answered = heapq.heappop(self.busy)
                self._end(job, answered)

    def give(self) -> None:
        """Hand out what may go out now, and begin what there are slots for."""
        outstanding = len(self.queue) + len(self.busy)
        self.queue += self.scheduler.take(self.now, self.count + 2 * AHEAD - outstanding)
        while self.queue and len(self.busy) < self.count:
            job = self.queue.popleft()
            seconds = self.seconds(job, self.begun[job.host.origin])
            self.begun[job.host.origin] += 1
            until = self.now + (TIMEOUT_SECONDS if seconds is None else seconds)
            heapq.heappush(self.busy, (until, self.begun.total(), job, seconds is not None))

    def _end(self, job: Job, answered: bool) -> None:
        if answered:
            self.ended_at.setdefault(job.host.origin, {})[job.url] = self.now
            self.scheduler.succeeded(job, self.now)
        else:
            self.scheduler.failed(job, RequestTimeout(f"{job.url}: too late"), self.now)
        if self.scheduler.take_pauses():
            self._hand_back(job)

    def _hand_back(self, failed: Job) -> None:
        """A host is paused: its jobs that were not started go back, as in the coordinator."""
        waiting, self.queue = self.queue, deque()
        for job in waiting:
            if job.host is failed.host:
                self.scheduler.returned(job, self.now)
            else:
                self.queue.append(job)


def slots_for(concurrency: int, seconds: Seconds, limits: dict[str, HostLimits] | None = None) -> Slots:
    """Slots, and a scheduler with these limits by host name; a host that is not there is one that the user named."""
    named = HostLimits(heed_robots=False)
    found = limits or {}
    scheduler = Scheduler(concurrency=concurrency, limits=lambda origin: found.get(origin.host, named), seed="fair")
    return Slots(scheduler, concurrency, seconds)


def add(slots: Slots, count: int, *hosts: str) -> None:
    """So many images of each host, in turn."""
    for number in range(count):
        for host in hosts:
            slots.scheduler.add_image(number, SourceItem(url=f"http://{host}/{number}.jpg"), None, slots.now)


def hanging(host: str, after: int) -> Seconds:
    """This host answers so many requests and no other; all others answer quickly."""
    return lambda job, begun: None if job.host.origin == f"http://{host}" and begun >= after else QUICK_SECONDS


@pytest.mark.slow
@settings(max_examples=60)
@given(
    concurrency=st.integers(2, 64),
    items=st.integers(1, 1500),
    answered_before=st.integers(0, 300),
)
def test_a_host_that_hangs_does_not_hold_up_another(concurrency: int, items: int, answered_before: int) -> None:
    """Whenever it falls silent, all of another's images are there before its first time-out."""
    assume(items * QUICK_SECONDS < TIMEOUT_SECONDS * concurrency / 4)
    slots = slots_for(concurrency, hanging("hangs", answered_before))
    add(slots, items, "hangs", "healthy")
    slots.run(lambda: slots.now >= TIMEOUT_SECONDS)
    assert len(slots.ended_at["http://healthy"]) == items
    assert max(slots.ended_at["http://healthy"].values()) < TIMEOUT_SECONDS


def test_a_host_that_hung_holds_half_of_the_slots_until_it_answers() -> None:
    """After its first time-outs, images of others that are listed one by one find a free slot at once."""
    slots = slots_for(32, hanging("hangs", 0))
    add(slots, 2000, "hangs")
    slots.run(lambda: slots.now >= TIMEOUT_SECONDS)
    for number in range(200):
        slots.scheduler.add_image(number, SourceItem(url=f"http://healthy/{number}.jpg"), None, slots.now)
        slots.give()
        assert "http://healthy" in {job.host.origin for _, _, job, _ in slots.busy}
        slots.run(lambda number=number: len(slots.ended_at.get("http://healthy", {})) > number)  # type: ignore[misc]
        slots.run(lambda then=slots.now + 0.5: slots.now > then)  # type: ignore[misc]
    assert slots.begun["http://hangs"] > 32


def test_all_that_hang_hold_half_of_the_slots_together() -> None:
    """Four hosts that hang, with eight requests each: after their first time-outs another has half of all slots."""
    names = ("a", "b", "c", "d")
    few = HostLimits(concurrency=8, heed_robots=False)

    def seconds(job: Job, _: int) -> float | None:
        return None if job.url.startswith(tuple(f"http://{name}/" for name in names)) else 1.0

    slots = slots_for(32, seconds, dict.fromkeys(names, few))
    add(slots, 200, *names, "healthy")
    slots.run(lambda: slots.now > TIMEOUT_SECONDS)
    add(slots, 4000, "healthy")
    for _ in range(100):
        slots.run(lambda then=slots.now + 0.5: slots.now > then)  # type: ignore[misc]
        slots.give()
        assert sum(job.host.origin == "http://healthy" for _, _, job, _ in slots.busy) >= 15


def test_a_slow_host_takes_no_more_than_half_from_a_quick_one() -> None:
    """Its answers come, each after ten seconds; thousands of the other's come meanwhile."""
    slots = slots_for(32, lambda job, _: 10.0 if job.host.origin == "http://slow" else QUICK_SECONDS)
    add(slots, 4000, "slow", "quick")
    slots.run(lambda: len(slots.ended_at.get("http://quick", {})) == 4000)
    assert slots.now < 10.0
    assert slots.begun["http://slow"] == 16


@pytest.mark.parametrize("concurrency", [1, 2, 32])
def test_alone_a_host_gets_everything(concurrency: int) -> None:
    """One host alone has all slots and the workers' queues, from the first request to the last."""
    slots = slots_for(concurrency, hanging("nobody", 0))
    add(slots, 2000, "alone")
    slots.give()
    assert (len(slots.busy), len(slots.queue)) == (concurrency, 2 * AHEAD)
    slots.run(lambda: False)
    assert slots.now == pytest.approx(2000 / concurrency * QUICK_SECONDS, abs=QUICK_SECONDS)


def test_left_alone_a_host_gets_everything_again() -> None:
    """When the others' images are all there, nothing is kept back for them."""
    slots = slots_for(32, hanging("nobody", 0))
    add(slots, 100, "a", "b")
    add(slots, 2000, "a")
    slots.run(lambda: len(slots.ended_at.get("http://b", {})) == 100)
    slots.give()
    assert len(slots.busy) + len(slots.queue) == 32 + 2 * AHEAD


def test_what_others_cannot_use_is_not_kept_for_them() -> None:
    """Beside a host that gets four at once another has all other slots; while that one is paused, everything."""
    slots = slots_for(32, lambda _, __: 1.0, {"few": HostLimits(concurrency=4, heed_robots=False)})
    add(slots, 500, "few", "many")
    slots.give()
    assert slots.begun == {"http://few": 4, "http://many": 28}
    for few in [job for _, _, job, _ in slots.busy if job.host.origin == "http://few"]:
        slots.scheduler.failed(few, RetryAfter("429", 60), slots.now)
    assert len(slots.scheduler.take(slots.now, 100)) == 100


@pytest.mark.slow
@settings(max_examples=30)
@given(
    hosts=st.integers(2, 40),
    silent=st.integers(0, 1),
    slow=st.lists(st.integers(0, 39), max_size=5),
    concurrency=st.integers(2, 48),
    per_host=st.none() | st.integers(1, 8),
)
def test_of_many_hosts_each_gets_on(
    hosts: int, silent: int, slow: list[int], concurrency: int, per_host: int | None
) -> None:
    """Forty hosts, some of them slower, one of them silent: all images of all others are there before its time-out."""
    one = HostLimits(concurrency=per_host, heed_robots=False)
    names = [f"host{number}" for number in range(hosts)]
    tardy = {f"http://host{number}" for number in slow}

    def seconds(job: Job, _: int) -> float | None:
        if silent and job.host.origin == "http://host0":
            return None
        return 0.2 if job.host.origin in tardy else QUICK_SECONDS

    slots = slots_for(concurrency, seconds, dict.fromkeys(names, one))
    add(slots, 20, *names)
    slots.run(lambda: slots.now >= TIMEOUT_SECONDS)
    assert {len(ended) for ended in slots.ended_at.values()} == {20}
    assert len(slots.ended_at) == hosts - silent
    assert max(max(ended.values()) for ended in slots.ended_at.values()) < TIMEOUT_SECONDS


def test_hosts_take_turns() -> None:
    """Hosts that answer alike get on alike, however many images each has."""
    slots = slots_for(8, hanging("nobody", 0))
    add(slots, 1000, "long")
    add(slots, 50, "short", "other")
    slots.run(lambda: len(slots.ended_at.get("http://short", {})) == 50)
    assert 50 <= len(slots.ended_at["http://long"]) <= 60


def test_more_is_wanted_while_the_known_hosts_leave_slots() -> None:
    """One host with few requests at once leaves slots to hosts that are not known yet; many such hosts do not."""
    few = HostLimits(concurrency=4, heed_robots=False)
    slots = slots_for(8, lambda _, __: 1.0, dict.fromkeys(("a", "b", "c"), few))
    add(slots, 50, "a")
    slots.give()
    assert slots.scheduler.wants_more
    add(slots, 50, "b", "c")
    slots.give()
    assert not slots.scheduler.wants_more
