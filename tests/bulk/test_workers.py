"""Worker processes: what they reply, what becomes of their jobs when they die, and how they end."""

import itertools
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from pupline.bulk import _process_pool, _worker_process
from pupline.bulk._hosts import Job
from pupline.bulk._process_pool import AHEAD, ProcessPool
from pupline.bulk._scheduler import Scheduler
from pupline.bulk._worker_messages import DocumentFetched, HandedBack, ImageFetched, Lost, Reply, RequestFailed
from pupline.bulk._worker_process import worker_count
from pupline.bulk._worker_settings import WorkerSettings
from pupline.errors import ConfigurationError, TaskFailure
from pupline.http import FetchPolicy, Origin
from pupline.samples._pictures import pictures
from pupline.sources import PageRequest
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import FetchedImage, SourceItem
from tests.plain_only import plain_only
from tests.shared.tiny_web import Said, Site, serving

pytestmark = pytest.mark.slow

JPEG = next(body for path, body in pictures().items() if path.startswith("beagle/"))
PATIENCE = 30.0


@contextmanager
def pool_for(
    site: Site,
    folder: Path,
    *,
    count: int = 1,
    threads: int = 1,
    timeout_seconds: float = PATIENCE,
    also: tuple[str, ...] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[ProcessPool]:
    """Workers that may ask this site, and also these origins."""
    trusted = frozenset(map(Origin.parse, (site.origin, *also)))
    policy = FetchPolicy(trusted=trusted, connect_to={}, timeout_seconds=timeout_seconds)
    pool = ProcessPool(count, WorkerSettings(policy, IngestRules(), threads, str(folder), os.getpid()), clock=clock)
    try:
        yield pool
    finally:
        pool.close()


def jobs_for(*urls: str) -> list[Job]:
    """Jobs for images, as the scheduler makes them."""
    scheduler = Scheduler(concurrency=len(urls))
    for index, url in enumerate(urls):
        scheduler.add_image(index, SourceItem(url=url), None, 0.0)
    for robots in scheduler.take(0.0, 999):
        scheduler.succeeded(robots, 0.0)
        scheduler.learn(robots.host, None, 0.0)
    return scheduler.take(0.0, 999)


def processes_of(pool: ProcessPool) -> list[int]:
    """The process ids of the workers."""
    return [worker.process.pid for worker in pool._all]


def await_replies(pool: ProcessPool, count: int) -> dict[str, Reply]:
    """The next `count` answers by URL; each job is answered once."""
    found: dict[str, Reply] = {}
    deadline = time.monotonic() + PATIENCE
    while len(found) < count:
        assert time.monotonic() < deadline, "no reply"
        for job, reply in pool.replies(PATIENCE):
            assert job.url not in found
            found[job.url] = reply
    return found


def fetched_image(reply: Reply) -> FetchedImage:
    """The image of a reply that has one."""
    assert isinstance(reply, ImageFetched)
    return reply.image


def failure_of(reply: Reply) -> TaskFailure:
    """The failure of a reply that has one."""
    assert isinstance(reply, RequestFailed)
    return reply.failure


def test_an_image_is_judged_and_its_bytes_are_in_a_file(tmp_path: Path) -> None:
    """The reply tells what the image is; its file holds what was served, and only its owner may read it."""
    said = Said(JPEG, headers={"Content-Type": "image/jpeg", "ETag": '"one"'})
    with serving(Site({"/rex.jpg": said})) as site, pool_for(site, tmp_path) as pool:
        pool.give(jobs_for(f"{site.origin}/rex.jpg"))
        (reply,) = await_replies(pool, 1).values()
        assert isinstance(reply, ImageFetched)
        image = reply.image
        assert (image.name, image.file_type, image.etag) == ("rex.jpg", "jpg", '"one"')
        assert image.sha256 == sha256(JPEG).hexdigest()
        path = Path(reply.path)
        assert path.read_bytes() == JPEG
        assert path.parent == tmp_path
        assert path.stat().st_mode & 0o777 == 0o600
        assert pool.outstanding == 0


def test_failures_come_back_as_what_they_were(tmp_path: Path) -> None:
    """Error name, text and details cross the socket whole."""
    pages = {"/gone.jpg": Said(status=410), "/busy.jpg": Said(status=503, headers={"Retry-After": "7"})}
    with serving(Site(dict(pages))) as site, pool_for(site, tmp_path) as pool:
        pool.give(jobs_for(f"{site.origin}/gone.jpg", f"{site.origin}/busy.jpg"))
        answers = await_replies(pool, 2)
    gone, busy = (failure_of(answers[f"{site.origin}/{name}.jpg"]) for name in ("gone", "busy"))
    assert (type(gone).__name__, gone.reason) == ("NotFound", "not_found")
    assert (type(busy).__name__, busy.details["retry_after_seconds"]) == ("RetryAfter", 7)


def test_list_pages_come_back_whole(tmp_path: Path) -> None:
    """Body and headers of a document; what was to be sent with the request was sent."""
    seen: list[str | None] = []

    def page(headers: Mapping[str, str]) -> Said:
        seen.append(headers.get("X-Key"))
        return Said(b"[1, 2]" * 100_000, headers={"Link": "next"})

    with serving(Site({"/list": page})) as site, pool_for(site, tmp_path) as pool:
        scheduler = Scheduler(concurrency=1)
        scheduler.add_page(PageRequest(f"{site.origin}/list", {"X-Key": "k"}), 0.0)
        pool.give(scheduler.take(0.0, 1))
        (reply,) = await_replies(pool, 1).values()
    assert isinstance(reply, DocumentFetched)
    assert (reply.headers["link"], reply.body) == ("next", b"[1, 2]" * 100_000)
    assert seen == ["k"]


@contextmanager
def slow_site() -> Iterator[tuple[Site, threading.Event, threading.Semaphore]]:
    """A site whose images come when the event is set; the semaphore counts requests that have arrived."""
    may_go, arrived = threading.Event(), threading.Semaphore(0)

    def wait(_: object) -> Said:
        arrived.release()
        may_go.wait(PATIENCE)
        return Said(JPEG)

    with serving(Site({f"/{number}.jpg": wait for number in range(300)})) as site:
        try:
            yield site, may_go, arrived
        finally:
            may_go.set()


def test_what_was_not_begun_comes_back(tmp_path: Path) -> None:
    """Asked for its waiting jobs, a worker gives all back but the one it is at, which it ends."""
    with slow_site() as (site, may_go, arrived), pool_for(site, tmp_path) as pool:
        pool.give(jobs_for(*(f"{site.origin}/{number}.jpg" for number in range(20))))
        arrived.acquire()
        pool.hand_back(None)
        back = await_replies(pool, 19)
        assert {type(reply) for reply in back.values()} == {HandedBack}
        may_go.set()
        assert [type(reply) for reply in await_replies(pool, 1).values()] == [ImageFetched]
    assert len(site.asked) == 1


def test_after_a_retry_after_the_host_gets_nothing_more(tmp_path: Path) -> None:
    """The worker that hears Retry-After gives its other jobs for that host back at once, unasked."""
    busy = Said(status=429, headers={"Retry-After": "9"})
    with serving(Site({f"/{number}.jpg": busy for number in range(30)})) as site, pool_for(site, tmp_path) as pool:
        pool.give(jobs_for(*(f"{site.origin}/{number}.jpg" for number in range(30))))
        kinds = [type(reply) for reply in await_replies(pool, 30).values()]
    assert (kinds.count(RequestFailed), kinds.count(HandedBack)) == (1, 29)
    assert len(site.asked) == 1


def test_a_retry_after_is_for_one_host_alone(tmp_path: Path) -> None:
    """Also where the URL that was answered with it names nothing but the host."""
    busy = Said(status=429, headers={"Retry-After": "9"})
    with (
        serving(Site({"/": busy})) as site,
        serving(Site(many(20))) as other,
        pool_for(other, tmp_path, also=(site.origin,)) as pool,
    ):
        pool.give(jobs_for(site.origin, *(f"{other.origin}/{number}.jpg" for number in range(20))))
        kinds = [type(reply) for reply in await_replies(pool, 21).values()]
    assert (kinds.count(RequestFailed), kinds.count(ImageFetched)) == (1, 20)


def test_slow_servers_get_all_threads(tmp_path: Path) -> None:
    """One that waits delays none of the others: all requests allowed are under way."""
    with slow_site() as (site, may_go, arrived), pool_for(site, tmp_path, threads=12) as pool:
        pool.give(jobs_for(*(f"{site.origin}/{number}.jpg" for number in range(30))))
        for _ in range(12):
            assert arrived.acquire(timeout=PATIENCE)
        may_go.set()
        await_replies(pool, 30)


def many(count: int) -> dict[str, Said | Callable[[Mapping[str, str]], Said]]:
    """Pages with images."""
    return {f"/{number}.jpg": Said(JPEG) for number in range(count)}


def test_images_come_over_few_connections(tmp_path: Path) -> None:
    """Each is used again and again, however many images there are."""
    with serving(Site(many(200))) as site, pool_for(site, tmp_path, threads=4) as pool:
        jobs = jobs_for(*(f"{site.origin}/{number}.jpg" for number in range(200)))
        while jobs:
            some, jobs = jobs[: pool.room()], jobs[pool.room() :]
            pool.give(some)
            assert {type(reply) for reply in await_replies(pool, len(some)).values()} == {ImageFetched}
    assert sorted(site.asked) == sorted(site.pages)
    assert site.connections <= 4


@contextmanager
def stalled(headers: Mapping[str, str], begin: bytes, rest: bytes) -> Iterator[Site]:
    """A site where /slow.jpg stops in the middle of its body, until /go.jpg was asked for."""
    go = threading.Event()

    def then() -> bytes:
        assert go.wait(PATIENCE)
        return rest

    def gone(_: object) -> Said:
        go.set()
        return Said(JPEG)

    slow = Said(begin, headers=headers, then=then)
    with serving(Site({**many(40), "/slow.jpg": slow, "/go.jpg": gone})) as site:
        try:
            yield site
        finally:
            go.set()


COUNTED = {"Content-Length": str(len(JPEG))}, JPEG[:1000], JPEG[1000:]
CHUNKED = (
    {"Transfer-Encoding": "chunked", "Content-Length": ""},
    b"%x\r\n%s" % (len(JPEG), JPEG[:1000]),
    b"%s\r\n0\r\n\r\n" % JPEG[1000:],
)


@pytest.mark.parametrize("how", [COUNTED, CHUNKED], ids=["counted", "chunked"])
def test_a_body_that_stops_holds_nobody_up(tmp_path: Path, how: tuple[Mapping[str, str], bytes, bytes]) -> None:
    """All others come meanwhile, over the connections that are open already."""
    with stalled(*how) as site, pool_for(site, tmp_path, threads=2) as pool:
        names = [*range(20), "slow", *range(20, 40), "go"]
        pool.give(jobs_for(*(f"{site.origin}/{name}.jpg" for name in names)))
        found = await_replies(pool, 42)
    assert {type(reply) for reply in found.values()} == {ImageFetched}
    assert fetched_image(found[f"{site.origin}/slow.jpg"]).sha256 == sha256(JPEG).hexdigest()
    assert {url.rpartition("/")[2] for url in list(found)[-2:]} == {"slow.jpg", "go.jpg"}


def test_an_answer_that_never_comes_is_given_up_in_time(tmp_path: Path) -> None:
    """On a connection that answered before; the others go on."""
    with slow_site() as (site, _, _), pool_for(site, tmp_path, threads=2, timeout_seconds=0.3) as pool:
        site.pages |= {f"/{name}.jpg": Said(JPEG) for name in "abcdef"}
        pool.give(jobs_for(*(f"{site.origin}/{name}.jpg" for name in ["a", "b", "1", *"cdef"])))
        found = await_replies(pool, 7)
    failed = [url for url, reply in found.items() if isinstance(reply, RequestFailed)]
    assert failed == [f"{site.origin}/1.jpg"]
    assert failure_of(found[failed[0]]).reason == "timeout"


@pytest.mark.parametrize("how", [COUNTED, CHUNKED], ids=["counted", "chunked"])
def test_a_body_that_never_goes_on_is_given_up_in_time(
    tmp_path: Path, how: tuple[Mapping[str, str], bytes, bytes]
) -> None:
    """Also on a connection that answered before, where nobody waits for it: a run would never end."""
    with stalled(*how) as site, pool_for(site, tmp_path, threads=2, timeout_seconds=0.3) as pool:
        pool.give(jobs_for(*(f"{site.origin}/{name}.jpg" for name in [*range(5), "slow", *range(5, 9)])))
        found = await_replies(pool, 10)
    failed = {
        url.rpartition("/")[2]: failure_of(reply) for url, reply in found.items() if isinstance(reply, RequestFailed)
    }
    assert {name: failure.reason for name, failure in failed.items()} == {"slow.jpg": "timeout"}


def test_a_killed_worker_is_replaced_and_its_jobs_are_answered_for(tmp_path: Path) -> None:
    """Jobs it may have been at are Lost, the others HandedBack, each once; a new process does what comes next."""
    with slow_site() as (site, may_go, arrived), pool_for(site, tmp_path) as pool:
        jobs = jobs_for(*(f"{site.origin}/{number}.jpg" for number in range(40)))
        pool.give(jobs)
        arrived.acquire()
        (killed,) = processes_of(pool)
        os.kill(killed, signal.SIGKILL)
        kinds = [type(reply) for reply in await_replies(pool, 40).values()]
        assert set(kinds) == {Lost, HandedBack}
        assert kinds[0] == Lost
        assert processes_of(pool) != [killed]
        may_go.set()
        pool.give(jobs[:3])
        assert {type(reply) for reply in await_replies(pool, 3).values()} == {ImageFetched}


# What a worker does with a body of this kind, before it looks at it: C code that holds the interpreter, and more.
POISONS = {
    "dies": "os.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "ctypes.string_at(0)",
    "leaves": "os._exit(0)",
    "holds the interpreter": "ctypes.PyDLL(None).pause()",
}


@pytest.fixture(params=POISONS)
def poison(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers meet their end in one of these ways at a body that says so."""
    patch = f"""
import ctypes, os, signal
from pupline.tasks import timed_inspection
inspect = timed_inspection.inspect
def poisoned(body, **options):
    if body == b"poison":
        {POISONS[request.param]}
    return inspect(body, **options)
timed_inspection.inspect = poisoned
"""
    monkeypatch.setattr(
        _worker_process, "_BOOT", _worker_process._BOOT.replace("from pupline", f"exec({patch!r}); from pupline", 1)
    )


@pytest.mark.slow
def test_a_job_that_ends_its_worker_is_found_and_no_other_is_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poison: None
) -> None:
    """Whatever it does to its process: what was lost is done again alone, and only the cause is lost twice."""
    del poison
    monkeypatch.setattr(_process_pool, "GRACE_SECONDS", 0.2)
    pages: dict[str, Said | Callable[[Mapping[str, str]], Said]] = {f"/{n}.jpg": Said(JPEG) for n in range(60)}
    pages["/7.jpg"] = Said(b"poison")
    with serving(Site(pages)) as site, pool_for(site, tmp_path, threads=4, timeout_seconds=1.0) as pool:
        pool.give(jobs_for(*(f"{site.origin}{path}" for path in pages)))
        lost: Counter[str] = Counter()
        kinds: dict[str, type[Reply]] = {}
        deadline = time.monotonic() + 2 * PATIENCE
        while pool.outstanding:
            assert time.monotonic() < deadline
            for job, reply in pool.replies(0.05):
                kinds[job.url.removeprefix(site.origin)] = type(reply)
                lost[job.url.removeprefix(site.origin)] += isinstance(reply, Lost)
                job.deaths += isinstance(reply, Lost)
                if isinstance(reply, HandedBack) or (isinstance(reply, Lost) and job.deaths < 2):
                    pool.give([job])
    assert [path for path, times in lost.items() if times > 1] == ["/7.jpg"]
    assert {path for path, kind in kinds.items() if kind != ImageFetched} == {"/7.jpg"}


@plain_only
def test_a_worker_that_starts_slowly_does_each_job_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, its other threads are up long before the first one has read the orders that came early."""
    patch = """
import time
from pupline.bulk import _worker
decoded = _worker.decoded_orders
def slowly(buffer):
    for order in decoded(buffer):
        time.sleep(0.3)
        yield order
_worker.decoded_orders = slowly
"""
    monkeypatch.setattr(
        _worker_process, "_BOOT", _worker_process._BOOT.replace("main(int", f"exec({patch!r}); main(int")
    )
    paths = [f"/{number}.jpg" for number in range(6)]
    with serving(Site({path: Said(JPEG) for path in paths})) as site, pool_for(site, tmp_path, threads=4) as pool:
        jobs = jobs_for(*(f"{site.origin}{path}" for path in paths))
        pool.give(jobs[:3])
        assert pool.replies(PATIENCE) == []  # it is ready
        pool.give(jobs[3:])
        assert {type(reply) for reply in await_replies(pool, 6).values()} == {ImageFetched}


def test_time_in_which_nothing_ran_is_held_against_no_worker(tmp_path: Path) -> None:
    """The coordinator was stopped for an hour, as was its worker: that one is not taken to hang."""
    jumps = itertools.count(0.0, 3600.0)
    with slow_site() as (site, may_go, arrived), pool_for(site, tmp_path, clock=lambda: next(jumps)) as pool:
        processes = processes_of(pool)
        pool.give(jobs_for(f"{site.origin}/1.jpg"))
        arrived.acquire()
        for _ in range(20):
            assert pool.replies(0.0) == []
        may_go.set()
        assert [type(reply) for reply in await_replies(pool, 1).values()] == [ImageFetched]
        assert processes_of(pool) == processes


def test_what_waits_to_be_done_alone_can_be_handed_back(tmp_path: Path) -> None:
    """One job at a time is begun of those that were lost; the others of a host come back when it is paused."""
    with slow_site() as (site, may_go, arrived), pool_for(site, tmp_path, threads=4) as pool:
        jobs = jobs_for(*(f"{site.origin}/{number}.jpg" for number in range(5)))
        for job in jobs:
            job.deaths = 1
        pool.give(jobs)
        arrived.acquire()
        pool.hand_back(jobs[0].host)
        assert {type(reply) for reply in await_replies(pool, 4).values()} == {HandedBack}
        may_go.set()
        assert [type(reply) for reply in await_replies(pool, 1).values()] == [ImageFetched]


def test_workers_that_cannot_live_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that end before they reply anything are not started for ever: one clear error."""
    monkeypatch.setattr(_worker_process, "_BOOT", "raise SystemExit(3)")
    with (
        serving(Site({})) as site,
        pool_for(site, tmp_path) as pool,
        pytest.raises(ConfigurationError, match="status 3"),
    ):
        await_replies(pool, 1)


def test_closing_ends_all_processes(tmp_path: Path) -> None:
    """After `close` no worker is there any more, whatever it was at."""
    with slow_site() as (site, _, arrived), pool_for(site, tmp_path, count=2, threads=2) as pool:
        processes = processes_of(pool)
        pool.give(jobs_for(f"{site.origin}/1.jpg"))
        arrived.acquire()
        pool.close()
        for process in processes:
            with pytest.raises(ProcessLookupError):
                os.kill(process, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_worker_inherits_nothing_of_the_coordinator(tmp_path: Path) -> None:
    """Files that are open here, such as the data directory's lock, are not open in a worker."""
    with (tmp_path / "lock").open("w") as lock, serving(Site({"/a.jpg": Said(JPEG)})) as site:
        os.set_inheritable(lock.fileno(), True)
        with pool_for(site, tmp_path) as pool:
            pool.give(jobs_for(f"{site.origin}/a.jpg"))
            await_replies(pool, 1)
            (process,) = processes_of(pool)
            opened = {str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()}
    assert str(tmp_path / "lock") not in opened


def test_jobs_go_to_who_has_least_to_do(tmp_path: Path) -> None:
    """Two workers share jobs evenly, and never get more than there is room for."""
    with slow_site() as (site, may_go, _), pool_for(site, tmp_path, count=2, threads=2) as pool:
        assert pool.room() == 2 * (AHEAD + 1)
        jobs = jobs_for(*(f"{site.origin}/{number}.jpg" for number in range(pool.room())))
        pool.give(jobs[:31])
        assert abs(len(pool._workers[0].jobs) - len(pool._workers[1].jobs)) <= 1
        pool.give(jobs[31:])
        assert pool.room() == 0
        may_go.set()
        await_replies(pool, len(jobs))


@pytest.mark.parametrize(
    ("concurrency", "asked", "most"), [(1, None, 1), (4, None, 1), (8, None, 2), (64, 3, 3), (2, 9, 2)]
)
def test_there_are_no_more_workers_than_serve(concurrency: int, asked: int | None, most: int) -> None:
    """A process for every four requests at once, no more than there are CPUs; never one without a thread."""
    assert 1 <= worker_count(concurrency, asked) <= most
