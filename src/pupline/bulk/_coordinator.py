"""The loop that all of an ingest turns on: list, read ahead, send out, hear, hand to the intake. One thread.

Nothing here touches the network, the disk or a clock of its own: those are the pool's, the intake's and the caller's.
So hours of pauses pass in a test in no time.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pupline.bulk._hosts import Job
from pupline.bulk._lister import Lister
from pupline.bulk._process_pool import WorkerPool
from pupline.bulk._request import HostPaused, IngestListener, ItemsDone, ListingNote
from pupline.bulk._scheduler import Scheduler
from pupline.bulk._worker_messages import (
    ANSWERED,
    FAILED,
    FETCHED,
    HANDED_BACK,
    LOST,
    UNCHANGED,
    Answer,
    failure_of,
    fetched_of,
)
from pupline.errors import StorageError, TaskFailure
from pupline.http import Response, robots_rules_from
from pupline.local import Arrival, Ingests, ItemDone
from pupline.tasks.ingest_item import fetch_failed
from pupline.tasks.items import FetchOutcome, SourceItem, UnchangedImage

PAGE_ITEMS = 1000
"""Items read from the run at once."""

WINDOW_ITEMS = 20_000
"""Items held in memory at most while those at hand can keep everybody busy."""

FAR_WINDOW_ITEMS = 100_000
"""Items held in memory at most while they cannot: a host that is slow, paused or limited keeps those behind it from
their work only once it has so many. Some 50 MB where a source tells no more of them than their URLs."""

LAST_PATIENCE_SECONDS = 30.0
"""How long requests that are under way may take after somebody asked to stop."""

_TURN_SECONDS = 0.2
"""How long the loop waits at most: what was stored meanwhile is told at least this often."""


class ItemSink(Protocol):
    """What stores items: `pupline.local.GroupCommitter`."""

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Have these items stored and recorded. Raises: StorageError."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """monotonic: working time, for waits. now: seconds since the epoch, for records."""

    monotonic: Callable[[], float]
    now: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collaborators:
    """Everyone the coordinator works with. stored: groups that the intake committed and nobody was told of yet."""

    ingests: Ingests
    lister: Lister
    scheduler: Scheduler
    pool: WorkerPool
    intake: ItemSink
    stored: deque[Sequence[ItemDone]]
    listener: IngestListener
    clocks: Clocks


class Coordinator:
    """Works on one run until all its items have ended, it is told to stop, or too many have failed.

    tolerate: percent of all items that may fail; None for any number. failed: items that had failed before.
    """

    def __init__(self, team: Collaborators, ingest_id: int, *, tolerate: float | None, failed: int) -> None:
        self._team = team
        self._ingest_id = ingest_id
        self._tolerate = tolerate
        self._failed = failed
        self._after = -1
        self._read_items = 0
        self._read_part = False
        self._exhausted = False
        self._short = True
        self._arrivals: list[Arrival] = []
        self._lost: dict[int, int] = {}
        self._stop_asked = False
        self._deadline: float | None = None
        self.tolerance_exceeded = False
        self.finished = 0
        self.bytes = 0

    def stop(self) -> None:
        """Begin nothing more, and end when what is under way has ended. Safe in a signal handler and in any thread."""
        self._stop_asked = True
        self._team.pool.wake()

    def run(self) -> None:
        """Work. Raises: StorageError; ConfigurationError where no worker can live; what the listener raises."""
        self._team.listener(self._team.lister.event)
        while not self._is_over():
            if not self._heed_stop():
                self._list()
                self._read_ahead()
                self._send_out()
            self._hear()
            self._settle()
            self.tell_done()

    def tell_done(self) -> None:
        """Tell the listener what was stored since it was told last."""
        while self._team.stored:
            items = self._team.stored.popleft()
            self.finished += len(items)
            self._team.listener(ItemsDone(items))

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked to stop before everything had ended."""
        return self._stop_asked and not self._nothing_left

    @property
    def _nothing_left(self) -> bool:
        return self._exhausted and not self._team.scheduler.held and self._team.lister.over

    def _is_over(self) -> bool:
        if not self._team.pool.outstanding:
            return self._nothing_left or self._deadline is not None
        return self._deadline is not None and self._team.clocks.monotonic() >= self._deadline

    def _heed_stop(self) -> bool:
        """Whether nothing more is to be begun."""
        if self._deadline is None and (self._stop_asked or self.tolerance_exceeded):
            self._deadline = self._team.clocks.monotonic() + LAST_PATIENCE_SECONDS
            self._team.pool.hand_back(None)
        return self._deadline is not None

    def _list(self) -> None:
        lister = self._team.lister
        request = lister.next_request()
        if request is not None:
            self._team.scheduler.add_page(request, self._team.clocks.monotonic())
        self._read_part = request is None and lister.read_part(self._read_items)
        if self._read_part:
            self._listed()

    def _listed(self) -> None:
        lister = self._team.lister
        self._exhausted = False
        self._team.listener(lister.event)
        for note in lister.notes:
            self._team.listener(ListingNote(note))
        lister.notes.clear()
        self._check_tolerance()

    def _read_ahead(self) -> None:
        """Read more items while those at hand do not keep everybody busy."""
        scheduler = self._team.scheduler
        if not self._may_read():
            return
        page = self._team.ingests.pending(self._ingest_id, after=self._after, limit=PAGE_ITEMS)
        self._exhausted = len(page) < PAGE_ITEMS
        if page:
            self._after = page[-1].index
            self._read_items = self._after + 1
        now = self._team.clocks.monotonic()
        for pending in page:
            if pending.held is not None:
                self._arrive(pending.index, pending.item, UnchangedImage(previous=pending.held))
            else:
                scheduler.add_image(pending.index, pending.item, pending.previous, now, pending.deaths)

    def _may_read(self) -> bool:
        scheduler = self._team.scheduler
        window = FAR_WINDOW_ITEMS if scheduler.wants_more else WINDOW_ITEMS
        return self._short and not self._exhausted and scheduler.held <= window - PAGE_ITEMS

    def _send_out(self) -> None:
        pool = self._team.pool
        room = pool.room()
        if room:
            jobs = self._team.scheduler.take(self._team.clocks.monotonic(), room)
            self._short = len(jobs) < room
            if jobs:
                pool.give(jobs)

    def _hear(self) -> None:
        answered = self._team.pool.answers(self._patience())
        now = self._team.clocks.monotonic()
        for job, answer in answered:
            self._take_answer(job, answer, now)

    def _patience(self) -> float:
        """How long to wait for answers: not at all while there is something to do without them."""
        team = self._team
        if self._deadline is None and (self._may_read() or self._read_part):
            return 0.0
        due = team.scheduler.next_due()
        return _TURN_SECONDS if due is None else min(max(due - team.clocks.monotonic(), 0.0), _TURN_SECONDS)

    def _take_answer(self, job: Job, answer: Answer, now: float) -> None:
        kind = answer[1]
        scheduler = self._team.scheduler
        if kind == HANDED_BACK:
            scheduler.returned(job, now)
        elif kind == LOST:
            scheduler.lost(job, now)
            if job.item is not None:
                self._lost[job.index] = job.deaths
        else:
            job.began_at = job.began_at or answer[2]
            failure = failure_of(answer) if kind == FAILED else self._why_unusable(job, answer)
            if failure is not None:
                self._take_failure(job, failure, now)
                return
            scheduler.succeeded(job, now)
            if kind == FETCHED:
                image = fetched_of(answer)
                self.bytes += image.size_bytes
                self._arrive_fetched(job, image, answer)
            elif kind == UNCHANGED and job.previous is not None and job.item is not None:
                self._arrive_fetched(job, UnchangedImage(previous=job.previous), answer)
            else:
                self._take_document(job, answer, now)

    def _arrive_fetched(self, job: Job, fetch_outcome: FetchOutcome, answer: Answer) -> None:
        assert job.item is not None  # noqa: S101 - only images are fetched
        self._arrivals.append(
            Arrival(
                index=job.index,
                item=job.item,
                fetch_outcome=fetch_outcome,
                path=answer[4] if answer[1] == FETCHED else None,
                attempts=job.attempts + 1,
                began_at=job.began_at,
                ended_at=answer[3],
            )
        )

    def _take_failure(self, job: Job, failure: TaskFailure, now: float) -> None:
        if isinstance(failure, StorageError):
            raise failure
        if job.page is not None:
            failure.message = job.page.mask(failure.message)
        team = self._team
        team.scheduler.failed(job, failure, now)
        for pause in team.scheduler.take_pauses():
            team.pool.hand_back(job.host)
            team.listener(HostPaused(pause.origin, pause.seconds, pause.why))

    def _why_unusable(self, job: Job, answer: Answer) -> TaskFailure | None:
        """Why a page that came cannot be used, and is tried again. None where it can, and for what is not a page."""
        return self._team.lister.answered(job, answer) if job.kind == "page" else None

    def _take_document(self, job: Job, answer: Answer, now: float) -> None:
        assert answer[1] == ANSWERED  # noqa: S101 - all other kinds are taken
        if job.kind == "page":
            self._listed()
            return
        url, headers, body, content_type = answer[4:8]
        rules = robots_rules_from(Response(url, 200, headers, body, content_type))
        self._team.scheduler.learn(job.host, rules, now)

    def _settle(self) -> None:
        """Hand on what has ended, whichever way. What was lost is written down before it is tried again."""
        if self._lost:
            self._team.ingests.note_lost(self._ingest_id, self._lost)
            self._lost = {}
        for ended in self._team.scheduler.take_ended():
            job = ended.job
            if job.item is None:
                self._team.lister.failed(job, ended.failure)
                self._listed()
            else:
                self._failed += 1
                self._arrive(job.index, job.item, fetch_failed(ended.failure), job)
                self._check_tolerance()
        if self._arrivals:
            self._team.intake.take(self._arrivals)
            self._arrivals = []

    def _arrive(self, index: int, item: SourceItem, fetch_outcome: FetchOutcome, job: Job | None = None) -> None:
        """An item ended without an answer that tells when: now."""
        now = self._team.clocks.now()
        self._arrivals.append(
            Arrival(
                index=index,
                item=item,
                fetch_outcome=fetch_outcome,
                path=None,
                attempts=job.attempts if job else 0,
                began_at=(job.began_at if job else 0.0) or now,
                ended_at=now,
            )
        )

    def _check_tolerance(self) -> None:
        """As ToleratedFailurePercentage of a Distributed Map: of all items, so only where their number is known."""
        expected = self._team.lister.expected
        if self._tolerate is not None and expected and self._failed * 100 > self._tolerate * expected:
            self.tolerance_exceeded = True
