"""The coordinator's loop with scripted replies and virtual time: hours of pauses pass at once."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pupline import errors
from pupline.bulk import HostPaused, IngestRequest, ItemsListed, ListingNote, _coordinator
from pupline.bulk._coordinator import Coordinator
from pupline.bulk._hosts import Host, HostLimits, Job
from pupline.bulk._lister import Lister
from pupline.bulk._scheduler import Scheduler
from pupline.bulk._worker_messages import DocumentFetched, HandedBack, ImageFetched, Lost, Reply, RequestFailed
from pupline.errors import SourceError, StorageError, TaskFailure, UnreadableAnswer
from pupline.local import Arrival, IngestRow, ListedPage, LocalBackend, NewIngest
from pupline.sources import ColumnUse, Listing, Page, PageRequest
from pupline.tasks.items import FetchedImage, FetchFailed, SourceItem
from pupline.tasks.left_out import LeftOut

Respond = Callable[[Job], Reply | None]
"""The reply to a job; None for a request that never ends."""


def fetched(job: Job) -> ImageFetched:
    """The reply for a sound image."""
    name = job.url.rpartition("/")[2]
    image = FetchedImage(
        name=name,
        sha256="0" * 64,
        size_bytes=10,
        file_type="jpg",
        width=1,
        height=1,
        problem=None,
        content_type=None,
        name_extension="jpg",
    )
    return ImageFetched(job.number, 1.0, 2.0, f"/tmp/{name}", image)  # noqa: S108


def failed(job: Job, error: str, **details: int) -> RequestFailed:
    """The reply for an attempt that failed."""
    kind = getattr(errors, error)
    failure = kind(f"{error} happened", details["retry_after_seconds"]) if details else kind(f"{error} happened")
    return RequestFailed(job.number, 1.0, 2.0, failure)


def document(job: Job, body: bytes, content_type: str | None = None) -> DocumentFetched:
    """The reply for a list page or a robots.txt."""
    return DocumentFetched(job.number, 1.0, 2.0, job.url, {}, body, content_type)


class VirtualPool:
    """Answers all it was given at the next wait, each job as `reply` says. Waiting for nothing moves the clock."""

    def __init__(self, reply: Respond, size: int = 100) -> None:
        self.now = 0.0
        self.given: list[tuple[float, str]] = []
        self.asked_back: list[str | None] = []
        self.outstanding = 0
        self._reply = reply
        self._size = size
        self._jobs: list[Job] = []
        self._begun: list[Job] = []
        self._returned: list[Job] = []

    def room(self) -> int:
        """As many as it has not got."""
        return self._size - self.outstanding

    def give(self, jobs: Sequence[Job]) -> None:
        """Remember when what was given."""
        self.given += [(self.now, job.url) for job in jobs]
        self._jobs = [*self._jobs, *jobs]
        self.outstanding += len(jobs)

    def hand_back(self, host: Host | None) -> None:
        """Hands back all jobs of that host that have not been started."""
        self.asked_back.append(host.origin if host else None)
        self._returned += [job for job in self._jobs if host in {None, job.host} and job not in self._begun]
        self._jobs = [job for job in self._jobs if job not in self._returned]

    def replies(self, timeout_seconds: float) -> list[tuple[Job, Reply]]:
        """All replies there are."""
        found = [(job, self._reply(job)) for job in self._jobs]
        replies = [(job, reply) for job, reply in found if reply is not None]
        replies += [(job, HandedBack(job.number)) for job in self._returned]
        self._jobs = self._begun = [job for job, reply in found if reply is None]
        self._returned = []
        self.outstanding -= len(replies)
        if not replies:
            self.now += timeout_seconds
        return replies

    def wake(self) -> None:
        """Nobody waits in virtual time."""

    def close(self) -> None:
        """Nothing to end."""


class Basket:
    """A committer that keeps what it is given."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Keep them."""
        self.arrivals += arrivals


class PagedListing:
    """A listing over HTTP: each page is its URL's list of images. Skips what is missing."""

    def __init__(self, *pages: list[str], skips: bool = True) -> None:
        self._pages = list(pages)
        self._skips = skips
        self.total: int | None = None
        self.shortfall: str | None = None
        self.left_out = LeftOut()
        self.columns: tuple[ColumnUse, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all pages were read."""
        return not self._pages

    def request(self) -> PageRequest | None:
        """The next page."""
        return PageRequest("http://api/list", secrets=("hush",)) if self._pages else None

    def read(self, body: bytes | None, headers: object) -> Page:  # noqa: ARG002 - the protocol's
        """Its items."""
        if body == b"broken":
            raise SourceError("no JSON at hush")
        if body == b"cut":
            raise UnreadableAnswer("half a page at hush")
        return Page([SourceItem(url=url) for url in self._pages.pop(0)])

    def skip(self, failure: TaskFailure) -> str | None:
        """Go on without it, or not."""
        if not self._skips:
            return None
        self._pages.pop(0)
        return f"left out: {failure.message}"

    def position(self) -> str:
        """How many are left."""
        return str(len(self._pages))

    def close(self) -> None:
        """Nothing is open."""


class FileListing(PagedListing):
    """A listing over a file: no request is needed."""

    def request(self) -> PageRequest | None:
        """None."""
        return None


class Run:
    """A run over these images, or this listing, with everything around the coordinator at hand."""

    def __init__(
        self, backend: LocalBackend, reply: Respond, *, listing: Listing | None = None, **options: Any
    ) -> None:
        self.pool = VirtualPool(reply, options.pop("size", 100))
        self.basket = Basket()
        self.events: list[Any] = []
        self.row = self._row(backend, options.pop("urls", None))
        limits = options.pop("limits", HostLimits(heed_robots=False))
        request = IngestRequest(source="test", **options)
        self.lister = Lister(backend.ingests, self.row, request, listing)
        self.scheduler = Scheduler(concurrency=8, limits=lambda _: limits, seed="test")
        self.coordinator = Coordinator(
            ingests=backend.ingests,
            ingest_id=self.row.ingest_id,
            lister=self.lister,
            scheduler=self.scheduler,
            pool=self.pool,
            sink=self.basket,
            stored=deque(),
            listener=self.events.append,
            monotonic=lambda: self.pool.now,
            now=lambda: 1000.0 + self.pool.now,
            tolerate=request.tolerate,
            failed=0,
        )

    def _row(self, backend: LocalBackend, urls: Sequence[str] | None) -> IngestRow:
        row = backend.ingests.open(NewIngest(run_id="run", dataset="dogs", source="test", settings={}))
        if urls is not None:
            items = [SourceItem(url=url) for url in urls]
            backend.ingests.add_page(row.ingest_id, ListedPage(items, position=None, listed=True))
        return backend.ingests.get("run")

    @property
    def outcomes(self) -> dict[str, str]:
        """What became of each URL: `fetched`, or the error's name."""
        found: dict[str, str] = {}
        for arrival in self.basket.arrivals:
            assert arrival.item.url not in found, "ended twice"
            outcome = arrival.fetch_outcome
            found[arrival.item.url] = outcome.error if isinstance(outcome, FetchFailed) else "fetched"
        return found


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """A data directory of its own."""
    with LocalBackend.open(tmp_path / "data", exclusive=True) as opened:
        yield opened


def urls(count: int, host: str = "a") -> list[str]:
    """So many images of one host."""
    return [f"http://{host}/{number}.jpg" for number in range(count)]


def test_every_item_arrives_once_with_its_index(backend: LocalBackend) -> None:
    """Thousands of items, more than one page of them: each is handed to the committer once, under its own index."""
    run = Run(backend, fetched, urls=urls(2500))
    run.coordinator.run()
    assert run.outcomes == dict.fromkeys(urls(2500), "fetched")
    assert {arrival.index: arrival.item.url for arrival in run.basket.arrivals} == dict(enumerate(urls(2500)))
    assert run.coordinator.bytes == 25_000


def test_a_retry_after_of_half_a_minute_is_waited_for(backend: LocalBackend) -> None:
    """The host gets no request during its pause; then all images are fetched. The listener gets one event."""
    busy = [f"http://a/{number}.jpg" for number in range(3)]

    def reply(job: Job) -> Reply:
        return (
            failed(job, "RetryAfter", retry_after_seconds=30) if job.url in busy and job.attempts == 0 else fetched(job)
        )

    run = Run(backend, reply, urls=urls(50))
    run.coordinator.run()
    assert set(run.outcomes.values()) == {"fetched"}
    assert not [at for at, _ in run.pool.given if 0 < at < 30]
    assert run.pool.asked_back == ["http://a"]
    assert [event.seconds for event in run.events if isinstance(event, HostPaused)] == [30.0]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "is_seen"), [(4000, True), (7000, False)])
def test_a_paused_host_hides_few_behind_it(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch, before: int, is_seen: bool
) -> None:
    """Images behind those of a paused host are had during its pause, as long as its own do not fill the far window."""
    monkeypatch.setattr(_coordinator, "WINDOW_ITEMS", 3000)
    monkeypatch.setattr(_coordinator, "FAR_WINDOW_ITEMS", 6000)

    def reply(job: Job) -> Reply:
        busy = job.url == "http://a/0.jpg" and job.attempts == 0
        return failed(job, "RetryAfter", retry_after_seconds=30) if busy else fetched(job)

    run = Run(backend, reply, urls=[*urls(before), *urls(10, "b")])
    run.coordinator.run()
    assert set(run.outcomes.values()) == {"fetched"}
    assert all((at < 30) == is_seen for at, url in run.pool.given if url.startswith("http://b/"))


def test_transient_failures_are_tried_again_and_permanent_ones_end(backend: LocalBackend) -> None:
    """An arrival has the number of requests for its item, and the last one's error."""

    def reply(job: Job) -> Reply:
        if job.url == "http://a/0.jpg":
            return failed(job, "ServerError") if job.attempts < 2 else fetched(job)
        return failed(job, "NotFound")

    run = Run(backend, reply, urls=urls(2))
    run.coordinator.run()
    assert run.outcomes == {"http://a/0.jpg": "fetched", "http://a/1.jpg": "NotFound"}
    assert sorted(arrival.attempts for arrival in run.basket.arrivals) == [1, 3]


def test_a_worker_that_cannot_write_stops_the_run(backend: LocalBackend) -> None:
    """A full disk is the run's trouble, not an item's: nothing is recorded as failed for it."""
    run = Run(backend, lambda job: failed(job, "StorageError"), urls=urls(3))
    with pytest.raises(StorageError, match="StorageError happened"):
        run.coordinator.run()
    assert run.basket.arrivals == []


def test_pages_are_listed_while_images_are_fetched(backend: LocalBackend) -> None:
    """Each page's items are in the run with the position after it, and are fetched; the total grows with each page."""

    def reply(job: Job) -> Reply:
        return document(job, b"page") if job.kind == "page" else fetched(job)

    run = Run(backend, reply, listing=PagedListing(urls(3), urls(3, "b"), urls(2)))
    run.coordinator.run()
    assert run.outcomes == dict.fromkeys([*urls(3), *urls(3, "b")], "fetched")
    row = backend.ingests.get("run")
    assert (row.position, row.listed, row.items, row.repeated) == ("0", True, 6, 2)
    assert [event.items for event in run.events if isinstance(event, ItemsListed)][-1] == 6


def test_a_page_that_is_missing_is_left_out_and_said(backend: LocalBackend) -> None:
    """Where pages are independent, the listing continues without one; the listener gets the reason without secrets."""
    is_missing = iter([True])

    def reply(job: Job) -> Reply:
        if job.kind == "page":
            return failed(job, "NotFound") if next(is_missing, False) else document(job, b"page")
        return fetched(job)

    run = Run(backend, reply, listing=PagedListing(urls(3), urls(3, "b")))
    run.coordinator.run()
    assert set(run.outcomes) == set(urls(3, "b"))
    assert [event.text for event in run.events if isinstance(event, ListingNote)] == ["left out: NotFound happened"]
    assert run.lister.complete


@pytest.mark.parametrize(("cuts", "listed"), [(3, 6), (4, 3)])
def test_a_page_that_was_cut_is_tried_again(backend: LocalBackend, cuts: int, listed: int) -> None:
    """As one that did not come; four times in all, since the host is there, and then the listing stops for good."""
    bodies = iter([b"page", *[b"cut"] * cuts, b"page"])

    def reply(job: Job) -> Reply:
        return document(job, next(bodies)) if job.kind == "page" else fetched(job)

    run = Run(backend, reply, listing=PagedListing(urls(3), urls(3, "b"), skips=False))
    run.coordinator.run()
    assert len(run.outcomes) == listed
    assert run.lister.trouble == (None if cuts < 4 else "half a page at ***")
    assert run.lister.error == (None if cuts < 4 else "UnreadableAnswer")


def test_a_run_whose_listing_fails_can_be_resumed(backend: LocalBackend) -> None:
    """What was listed is fetched; the trouble is reported without the request's secret; the run is not complete."""
    bodies = iter([b"page", b"broken"])

    def reply(job: Job) -> Reply:
        return document(job, next(bodies)) if job.kind == "page" else fetched(job)

    run = Run(backend, reply, listing=PagedListing(urls(3), urls(3, "b"), skips=False))
    run.coordinator.run()
    assert set(run.outcomes) == set(urls(3))
    assert run.lister.trouble == "no JSON at ***"
    assert not backend.ingests.get("run").listed


def test_failures_beyond_the_tolerance_stop_the_run(backend: LocalBackend) -> None:
    """With 10 percent tolerated, the run ends soon after more than 10 of 100 have failed; the others stay pending."""
    run = Run(backend, lambda job: failed(job, "NotFound"), urls=urls(100), tolerate=10.0, size=1)
    run.coordinator.run()
    assert run.coordinator.tolerance_exceeded
    assert not run.coordinator.interrupted
    assert len(run.outcomes) == 11


def test_a_tolerance_that_holds_lets_the_run_end(backend: LocalBackend) -> None:
    """Exactly the tolerated percentage is tolerated."""
    bad = set(urls(10))
    run = Run(
        backend, lambda job: failed(job, "NotFound") if job.url in bad else fetched(job), urls=urls(100), tolerate=10.0
    )
    run.coordinator.run()
    assert not run.coordinator.tolerance_exceeded
    assert len(run.outcomes) == 100


def test_another_process_can_have_the_run_ended(backend: LocalBackend) -> None:
    """It is asked about once a second, and stops the run as Ctrl-C does."""
    asked: list[float] = []
    run: Run

    def should_end() -> bool:
        asked.append(run.pool.now)
        return len(asked) == 2

    def reply(job: Job) -> Reply:
        run.pool.now += 0.3
        return fetched(job)

    run = Run(backend, reply, urls=urls(300), size=1)
    run.coordinator.should_end = should_end
    run.coordinator.run()
    assert run.coordinator.end_requested
    assert run.coordinator.interrupted
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 1.0
    assert 0 < len(run.outcomes) < 300


def test_a_stop_waits_for_requests_in_flight_but_not_forever(backend: LocalBackend) -> None:
    """After a stop nothing new is started; requests that never end are awaited for half a minute."""
    run: Run

    def reply(job: Job) -> Reply | None:
        run.coordinator.stop()
        return None if job.url.endswith("/0.jpg") else fetched(job)

    run = Run(backend, reply, urls=urls(300), size=10)
    run.coordinator.run()
    assert run.coordinator.interrupted
    assert len(run.pool.given) == 10
    assert set(run.outcomes) == set(urls(10)) - {"http://a/0.jpg"}
    assert 30 <= run.pool.now < 31


def test_a_stop_that_comes_too_late_interrupts_nothing(backend: LocalBackend) -> None:
    """When all has ended at the moment of the stop, the run is as complete as without it."""
    run: Run

    def reply(job: Job) -> Reply:
        run.coordinator.stop()
        return fetched(job)

    run = Run(backend, reply, urls=urls(5))
    run.coordinator.run()
    assert not run.coordinator.interrupted
    assert len(run.outcomes) == 5


def test_an_item_that_kills_its_workers_ends_and_no_other_with_it(backend: LocalBackend) -> None:
    """An item that kills its worker ends after two deaths; all others are fetched."""
    run = Run(backend, lambda job: Lost(job.number) if job.url.endswith("/7.jpg") else fetched(job), urls=urls(20))
    run.coordinator.run()
    assert run.outcomes["http://a/7.jpg"] == "TaskFailure"
    assert list(run.outcomes.values()).count("fetched") == 19


@pytest.mark.parametrize("deaths", [1, 2])
def test_what_killed_a_worker_is_not_started_again_by_the_next_run(backend: LocalBackend, deaths: int) -> None:
    """How often an item was lost outlives the process: one more death ends it, and after two it is not fetched."""
    first = Run(backend, lambda job: Lost(job.number) if job.url.endswith("/7.jpg") else fetched(job), urls=urls(20))
    backend.ingests.note_lost(first.row.ingest_id, {7: deaths, 3: 1})
    assert {one.index: one.deaths for one in backend.ingests.pending(first.row.ingest_id, after=2, limit=9)} == {
        **dict.fromkeys(range(3, 12), 0), 3: 1, 7: deaths
    }  # fmt: skip
    first.coordinator.run()
    assert first.outcomes["http://a/7.jpg"] == "TaskFailure"
    assert list(first.outcomes.values()).count("fetched") == 19
    assert [url for _, url in first.pool.given].count("http://a/7.jpg") == 2 - deaths


def test_a_death_is_written_down_before_the_item_is_tried_again(backend: LocalBackend) -> None:
    """Should the whole run be killed in the second attempt, the next one knows of the first."""
    known: list[int] = []

    def reply(job: Job) -> Reply:
        known.append(backend.ingests.pending(run.row.ingest_id, after=-1, limit=1)[0].deaths)
        return fetched(job) if len(known) > 1 else Lost(job.number)

    run = Run(backend, reply, urls=urls(1))
    run.coordinator.run()
    assert known == [0, 1]


def test_robots_txt_goes_first_and_is_obeyed(backend: LocalBackend) -> None:
    """A host's robots.txt is fetched once; what it disallows ends as refused, without a request."""

    def reply(job: Job) -> Reply:
        rules = b"User-agent: *\nDisallow: /1.jpg"
        return document(job, rules, "text/plain") if job.kind == "robots" else fetched(job)

    run = Run(backend, reply, urls=urls(3), limits=HostLimits())
    run.coordinator.run()
    asked = [url for _, url in run.pool.given]
    assert asked == ["http://a/robots.txt", "http://a/0.jpg", "http://a/2.jpg"]
    assert run.outcomes["http://a/1.jpg"] == "RobotsDisallowed"


def test_arrivals_are_what_the_worker_saw(backend: LocalBackend) -> None:
    """Every value of an answer is in its arrival, under its own name."""
    run = Run(backend, fetched, urls=urls(1))
    run.coordinator.run()
    (arrival,) = run.basket.arrivals
    assert (arrival.path, arrival.attempts, arrival.began_at, arrival.ended_at) == ("/tmp/0.jpg", 1, 1.0, 2.0)  # noqa: S108
    assert arrival.fetch_outcome == FetchedImage(
        name="0.jpg",
        sha256="0" * 64,
        size_bytes=10,
        file_type="jpg",
        width=1,
        height=1,
        problem=None,
        content_type=None,
        name_extension="jpg",
    )


def test_a_file_is_read_without_a_wait(backend: LocalBackend) -> None:
    """Parts that bring nothing new follow each other at once: a list of known images takes no time."""
    run = Run(backend, fetched, listing=FileListing(*([urls(3)] * 50)))
    run.coordinator.run()
    assert run.outcomes == dict.fromkeys(urls(3), "fetched")
    assert run.lister.repeated == 147
    assert run.pool.now == 0.0
