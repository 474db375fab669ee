"""The main loop of an ingest: list, read ahead, give jobs to workers, take replies, hand results on. One thread.

Nothing here touches the network, the disk or a clock of its own: those are the pool's, the sink's and the caller's.
So hours of pauses pass in a test in no time.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pupline.bulk._hosts import Host, Job
from pupline.bulk._lister import Lister
from pupline.bulk._request import IngestListener, ItemsDone, ListingNote
from pupline.bulk._scheduler import Scheduler
from pupline.bulk._worker_messages import (
    DocumentFetched,
    HandedBack,
    ImageFetched,
    Lost,
    Reply,
    RequestFailed,
)
from pupline.errors import StorageError, TaskFailure
from pupline.http import Response, robots_rules_from
from pupline.local import Arrival, Ingests, ItemDone
from pupline.tasks.ingest_item import fetch_failed
from pupline.tasks.items import FetchOutcome, SourceItem, UnchangedImage

PAGE_ITEMS = 1000
"""Items read from the run at once."""

WINDOW_ITEMS = 20_000
"""Items held in memory at most while they can keep all workers busy."""

FAR_WINDOW_ITEMS = 100_000
"""Items held in memory at most while they cannot: a host that is slow, paused or limited delays those behind it only
once it has so many. Some 50 MB where a source gives only URLs."""

STOP_SECONDS = 30.0
"""How long requests in flight may take after a stop."""

_ASK_SECONDS = 1.0
"""How often the loop asks whether another process wants the run to end."""

_TURN_SECONDS = 0.2
"""How long the loop waits at most, and so how late the listener learns of stored items."""


class WorkerPool(Protocol):
    """Workers that do jobs. Used by one thread. outstanding: jobs that were given and have no reply yet."""

    outstanding: int

    def room(self) -> int:
        """How many jobs may be given now."""

    def give(self, jobs: Sequence[Job]) -> None:
        """Have these jobs done: at most `room` of them."""

    def hand_back(self, host: Host | None) -> None:
        """Have jobs of this host, or all, that were not begun answered with HandedBack."""

    def replies(self, timeout_seconds: float) -> list[tuple[Job, Reply]]:
        """New replies; waits for the first one for so long at most. Every job gets exactly one."""

    def wake(self) -> None:
        """End a wait in `replies`. Safe in a signal handler and in any thread."""

    def close(self) -> None:
        """End all workers, whatever they are doing."""


class ItemSink(Protocol):
    """What stores items: `pupline.local.GroupCommitter`."""

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Have these items stored and recorded. Raises: StorageError."""


@dataclass(kw_only=True)
class Coordinator:
    """Works on one run until all its items have ended, it is stopped, or too many have failed.

    stored: groups that the sink committed and the listener does not know of yet. tolerate: percent of all items that
    may fail; None for any number. failed: items that had failed before. monotonic: working time, for waits. now:
    seconds since the epoch, for records. should_end: whether another process wants the run to end. each_second: called
    about once a second, to say how it is doing. finished, bytes: of this process. end_requested: whether it was stopped
    because `should_end` said so.
    """

    ingests: Ingests
    ingest_id: int
    lister: Lister
    scheduler: Scheduler
    pool: WorkerPool
    sink: ItemSink
    stored: deque[Sequence[ItemDone]]
    listener: IngestListener
    monotonic: Callable[[], float]
    now: Callable[[], float]
    tolerate: float | None
    failed: int
    should_end: Callable[[], bool] = lambda: False
    each_second: Callable[["Coordinator"], None] = lambda _coordinator: None

    def __post_init__(self) -> None:
        self._after = -1
        self._read_items = 0
        self._read_part = False
        self._exhausted = False
        self._has_room_left = True
        self._arrivals: list[Arrival] = []
        self._lost: dict[int, int] = {}
        self._stop_requested = False
        self._deadline: float | None = None
        self._ask_at = self.monotonic()
        self.tolerance_exceeded = False
        self.end_requested = False
        self.finished = 0
        self.bytes = 0

    def stop(self) -> None:
        """Begin nothing more, and end with the requests in flight. Safe in a signal handler and in any thread."""
        self._stop_requested = True
        self.pool.wake()

    def run(self) -> None:
        """Work. Raises: StorageError; ConfigurationError where no worker can live; what the listener raises."""
        self.listener(self.lister.event)
        while not self._is_over():
            self._ask_whether_to_end()
            if self._deadline is None and (self._stop_requested or self.tolerance_exceeded):
                self._deadline = self.monotonic() + STOP_SECONDS
                self.pool.hand_back(None)
            if self._deadline is None:
                self._list()
                self._read_ahead()
                self._give_jobs()
            replies = self.pool.replies(self._wait_seconds())
            now = self.monotonic()
            for job, reply in replies:
                self._take_reply(job, reply, now)
            self._hand_on()
            self.announce_stored()

    def _ask_whether_to_end(self) -> None:
        now = self.monotonic()
        if now >= self._ask_at and self._deadline is None:
            self._ask_at = now + _ASK_SECONDS
            self.each_second(self)
            self.end_requested = self.should_end()
            self._stop_requested = self._stop_requested or self.end_requested

    def announce_stored(self) -> None:
        """Give the listener what was stored since the last call."""
        while self.stored:
            items = self.stored.popleft()
            self.finished += len(items)
            self.listener(ItemsDone(items))

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before everything had ended."""
        return self._stop_requested and not self._nothing_left

    @property
    def _nothing_left(self) -> bool:
        return self._exhausted and not self.scheduler.held and self.lister.over

    def _is_over(self) -> bool:
        if not self.pool.outstanding:
            return self._nothing_left or self._deadline is not None
        return self._deadline is not None and self.monotonic() >= self._deadline

    def _list(self) -> None:
        request = self.lister.next_request()
        if request is not None:
            self.scheduler.add_page(request, self.monotonic())
        self._read_part = request is None and self.lister.read_part(self._read_items)
        if self._read_part:
            self._announce_listed()

    def _announce_listed(self) -> None:
        self._exhausted = False
        self.listener(self.lister.event)
        for note in self.lister.notes:
            self.listener(ListingNote(note))
        self.lister.notes.clear()
        self._check_tolerance()

    def _read_ahead(self) -> None:
        """Read more items while those in memory do not keep all workers busy."""
        if not self._may_read():
            return
        page = self.ingests.pending(self.ingest_id, after=self._after, limit=PAGE_ITEMS)
        self._exhausted = len(page) < PAGE_ITEMS
        if page:
            self._after = page[-1].index
            self._read_items = self._after + 1
        now = self.monotonic()
        for pending in page:
            if pending.same_bytes is not None:
                self._add_arrival(pending.index, pending.item, UnchangedImage(previous=pending.same_bytes))
            else:
                self.scheduler.add_image(pending.index, pending.item, pending.previous, now, pending.deaths)

    def _may_read(self) -> bool:
        window = FAR_WINDOW_ITEMS if self.scheduler.wants_more else WINDOW_ITEMS
        return self._has_room_left and not self._exhausted and self.scheduler.held <= window - PAGE_ITEMS

    def _give_jobs(self) -> None:
        room = self.pool.room()
        if room:
            jobs = self.scheduler.take(self.monotonic(), room)
            self._has_room_left = len(jobs) < room
            if jobs:
                self.pool.give(jobs)

    def _wait_seconds(self) -> float:
        """How long to wait for replies: not at all while there is something to do without them."""
        if self._deadline is None and (self._may_read() or self._read_part):
            return 0.0
        due = self.scheduler.next_due()
        return _TURN_SECONDS if due is None else min(max(due - self.monotonic(), 0.0), _TURN_SECONDS)

    def _take_reply(self, job: Job, reply: Reply, now: float) -> None:
        if isinstance(reply, HandedBack):
            self.scheduler.returned(job, now)
            return
        if isinstance(reply, Lost):
            self.scheduler.lost(job, now)
            if job.item is not None:
                self._lost[job.index] = job.deaths
            return
        job.began_at = job.began_at or reply.began_at
        if isinstance(reply, RequestFailed):
            self._take_failure(job, reply.failure, now)
        elif isinstance(reply, DocumentFetched):
            self._take_document(job, reply, now)
        elif job.item is not None:
            self.scheduler.succeeded(job, now)
            job.attempts += 1
            if isinstance(reply, ImageFetched):
                self.bytes += reply.image.size_bytes
                self._add_arrival(job.index, job.item, reply.image, job, ended_at=reply.ended_at, path=reply.path)
            else:
                assert job.previous is not None  # noqa: S101 - its validators were sent
                outcome = UnchangedImage(previous=job.previous)
                self._add_arrival(job.index, job.item, outcome, job, ended_at=reply.ended_at)

    def _take_document(self, job: Job, reply: DocumentFetched, now: float) -> None:
        if job.page is not None:
            unusable = self.lister.page_received(job.page, reply.body, reply.headers)
            if unusable is not None:  # it is requested again
                self._take_failure(job, unusable, now)
                return
        self.scheduler.succeeded(job, now)
        if job.page is not None:
            self._announce_listed()
        else:
            response = Response(reply.url, 200, reply.headers, reply.body, reply.content_type)
            self.scheduler.learn(job.host, robots_rules_from(response), now)

    def _take_failure(self, job: Job, failure: TaskFailure, now: float) -> None:
        if isinstance(failure, StorageError):
            raise failure
        if job.page is not None:
            job.page.explain(failure)
        self.scheduler.failed(job, failure, now)
        for pause in self.scheduler.take_pauses():
            self.pool.hand_back(job.host)
            self.listener(pause)

    def _hand_on(self) -> None:
        """Give the sink what has ended. Losses are written to the journal before anything is tried again."""
        if self._lost:
            self.ingests.note_lost(self.ingest_id, self._lost)
            self._lost = {}
        for job, failure in self.scheduler.take_failed():
            if job.item is None:
                self.lister.page_failed(job.page, failure)
                self._announce_listed()
            else:
                self.failed += 1
                self._add_arrival(job.index, job.item, fetch_failed(failure), job)
        if self._arrivals:
            self._check_tolerance()
            self.sink.take(self._arrivals)
            self._arrivals = []

    def _add_arrival(
        self,
        index: int,
        item: SourceItem,
        outcome: FetchOutcome,
        job: Job | None = None,
        *,
        ended_at: float | None = None,
        path: str | None = None,
    ) -> None:
        """ended_at: of the last attempt; now where there was none, or it has no reply with a time."""
        ended_at = self.now() if ended_at is None else ended_at
        self._arrivals.append(
            Arrival(
                index=index,
                item=item,
                fetch_outcome=outcome,
                path=path,
                attempts=job.attempts if job else 0,
                began_at=(job.began_at if job else 0.0) or ended_at,
                ended_at=ended_at,
            )
        )

    def _check_tolerance(self) -> None:
        """As ToleratedFailurePercentage of a Distributed Map: of all items, so only where their number is known."""
        expected = self.lister.expected
        if self.tolerate is not None and expected and self.failed * 100 > self.tolerate * expected:
            self.tolerance_exceeded = True
