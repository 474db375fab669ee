"""IngestBatch among hosts that say nothing: each costs its own images, and no others."""

import threading
from collections import Counter
from typing import Any, Self, cast

import pytest

from pupline.errors import RequestTimeout, TaskFailure
from pupline.http import HttpClient, Response, Url
from pupline.tasks.batch_fetch import RobotsCache
from pupline.tasks.ingest_item import PATIENT_ATTEMPTS
from pupline.text import timestamp
from tests.shared.batch_world import HOST, BatchWorld, event_of, jpeg

OTHER = "https://other.example/c.jpg"


def test_a_host_that_answers_nothing_takes_no_time_from_the_others() -> None:
    """Five requests without a response end its round; after the batch's time its images end as those did."""
    names = [f"{HOST}{number}.jpg" for number in range(12)]
    world = BatchWorld({OTHER: [jpeg(1)]})
    asked, get = Counter[str](), world.web.get

    def slow(url: str, **options: Any) -> Response:
        if url not in names:
            return get(url, **options)
        asked[url] += 1
        world.clock.sleep(30.0)
        raise RequestTimeout(f"{url}: not done after 30 s")

    world.web.get = slow  # type: ignore[method-assign]
    event = event_of([*names, OTHER])
    answer = world.batch(event)
    assert (answer["outcomes"], asked.total()) == ({"stored": 1}, 5)
    assert world.all_rounds(event)["outcomes"] == {"failed": 12, "stored": 1}
    assert {record.reason for record in world.records} == {"timeout", "accepted"}
    assert max(asked.values()) <= 5


def test_a_host_that_stalls_on_some_images_gives_the_others() -> None:
    """Those behind them in the list come first in the next round."""
    stalling = [f"{HOST}{number}.jpg" for number in range(6)]
    good = [f"{HOST}good-{number}.jpg" for number in range(9)]
    world = BatchWorld({url: [jpeg(number)] for number, url in enumerate(good)})
    get = world.web.get

    def slow(url: str, **options: Any) -> Response:
        if url in stalling:
            world.clock.sleep(10.0)
            raise RequestTimeout(f"{url}: not done after 10 s")
        return get(url, **options)

    world.web.get = slow  # type: ignore[method-assign]
    assert world.all_rounds(event_of([*stalling, *good]))["outcomes"] == {"failed": 6, "stored": 9}


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("child", [False, True])
def test_many_hosts_that_answer_nothing_cost_the_others_no_image(child: bool, concurrency: int) -> None:
    """What was not requested in the batch's time is in a further round, which has that time again."""
    silent = [f"https://silent-{number}.example/a.jpg" for number in range(40)]
    good = [f"{HOST}good-{number}.jpg" for number in range(9)]
    world = BatchWorld({url: [jpeg(number)] for number, url in enumerate(good)})
    asked, get = Counter[str](), world.web.get

    def slow(url: str, **options: Any) -> Response:
        asked[url] += 1
        if url in silent:
            world.clock.sleep(30.0 / concurrency)
            raise RequestTimeout(f"{url}: not done after 30 s")
        return get(url, **options)

    world.web.get = slow  # type: ignore[method-assign]
    event = event_of([*silent, *good])
    answer: dict[str, Any] = {"unfinished": True, "wait_seconds": 0, "batch": event["batch"]}
    while answer["unfinished"]:
        world.clock.sleep(answer["wait_seconds"])
        started = {"started": timestamp(world.clock.now())} if child else {}
        answer = world.batch({**event, "batch": answer["batch"], **started})
    assert answer["outcomes"] == {"failed": 40, "stored": 9}
    assert all(1 <= asked[url] <= PATIENT_ATTEMPTS for url in silent)
    assert [asked[url] for url in good] == [1] * 9
    assert len(world.rounds) <= 40


class _CountedLock:
    """A lock that tells when a thread comes to it."""

    def __init__(self) -> None:
        self.came = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.came.release()
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_robots_txt_that_stalls_is_waited_for_once() -> None:
    """Not once for each image: those that waited for it end as it did. Later ones ask again."""
    world = BatchWorld()
    cache, lock = RobotsCache(cast(HttpClient, world.web)), _CountedLock()
    cache._locks[HOST.rstrip("/")] = cast(threading.Lock, lock)
    let_go, failures, asked = threading.Event(), list[TaskFailure](), Counter[str]()

    def slow(url: str, **_: Any) -> Response:
        asked[url] += 1
        let_go.wait(30)
        raise RequestTimeout(f"{url}: not done after 30 s")

    def check() -> None:
        with pytest.raises(RequestTimeout) as raised:
            cache.check(Url.parse(f"{HOST}a.jpg"))
        failures.append(raised.value)

    world.web.get = slow  # type: ignore[method-assign]
    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
        lock.came.acquire()
    let_go.set()
    for thread in threads:
        thread.join(30)
    assert (len(failures), asked) == (4, {f"{HOST}robots.txt": 1})
    check()
    assert asked.total() == 2
