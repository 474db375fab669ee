"""The worker processes as the coordinator sees them: which jobs each has, what it replies, and when one dies.

Each is a new interpreter, never a fork: a fork would inherit the data directory's lock, the database, and locks of
threads that do not exist in it. Workers have more jobs than their threads can do at once, so that none waits for the
coordinator after each image; `hand_back` recalls what was not begun.

A worker that dies, or spends longer on a job than any may take, is ended and replaced. The jobs it may have been doing
are Lost. Which of them was the cause is unknown, so each is done again in isolation, one at a time, by a process that
has nothing else: a job that is lost there is the cause.
"""

import pickle
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from pupline.bulk._hosts import Host, Job
from pupline.bulk._worker import REPLIES_TOGETHER
from pupline.bulk._worker_messages import (
    NO_RESOURCES_STATUS,
    DocumentRequest,
    HandedBack,
    ImageRequest,
    Lost,
    Order,
    Reply,
    WorkerRequest,
    decoded_replies,
    frame,
    order_frame,
)
from pupline.bulk._worker_process import WorkerFactory, WorkerProcess
from pupline.bulk._worker_settings import WorkerSettings
from pupline.errors import ConfigurationError, LocalTrouble
from pupline.http import MAX_ROBOTS_BYTES
from pupline.sources import MAX_PAGE_BYTES
from pupline.tasks.timed_inspection import MIN_INSPECTION_SECONDS

PAGE_ACCEPT = "application/json, */*;q=0.1"
"""For list pages: APIs answer in JSON, some of them in HTML unless JSON is accepted first."""

AHEAD = 128
"""Jobs that a worker has beyond one for each thread: they keep it busy while its replies are on their way."""

GIVEN_TOGETHER = 32
"""Jobs that a worker has room for before it is given more: each message wakes a process at either end."""

GRACE_SECONDS = 10.0
"""How long a worker may take for a job beyond the job's own deadline, before it is taken to hang."""

BOOT_SECONDS = 60.0
"""How much longer, until its first message."""

_LONGEST_STEP_SECONDS = 1.0
"""The most that counts between two looks at the clock: in a longer step this process was stopped, perhaps its workers
too."""

_FAILED_STARTS = 3
_RECEIVE_BYTES = 1 << 16


class ProcessPool:
    """A `WorkerPool` of processes. outstanding: jobs that were given and have no reply yet."""

    def __init__(
        self,
        count: int,
        settings: WorkerSettings,
        start: WorkerFactory = WorkerProcess.start,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """settings.threads: of the whole pool; each worker gets its share. start: gives the processes."""
        self.outstanding = 0
        self._clock = clock
        self._checked_at = clock()
        self._awake_seconds = 0.0
        self._hang_seconds = settings.policy.timeout_seconds + MIN_INSPECTION_SECONDS + GRACE_SECONDS
        self._suspects: deque[Job] = deque()
        self._isolated: WorkerHandle | None = None
        self._handed_back: list[tuple[Job, Reply]] = []
        self._selector = selectors.DefaultSelector()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        for end in (self._wake_receiver, self._wake_sender):
            end.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)
        shares = [settings.threads // count + (number < settings.threads % count) for number in range(count)]
        self._workers = [WorkerHandle(self._selector, replace(settings, threads=share), start()) for share in shares]
        self._failed_starts = 0

    @property
    def _all(self) -> "list[WorkerHandle]":
        return [*self._workers, self._isolated] if self._isolated else self._workers

    def room(self) -> int:
        """How many jobs may be given now."""
        return sum(worker.room for worker in self._workers if worker.room >= GIVEN_TOGETHER)

    def give(self, jobs: Sequence[Job]) -> None:
        """Have these jobs done, by the worker with the most room first; in isolation, what was lost before."""
        self.outstanding += len(jobs)
        self._suspects += [job for job in jobs if job.deaths]
        others = [job for job in jobs if not job.deaths]
        share = -(-len(others) // len(self._workers))
        given = 0
        while given < len(others):
            worker = max(self._workers, key=lambda worker: worker.room)
            some = others[given : given + min(share, worker.room)]
            worker.give(some)
            given += len(some)
        self._give_suspect()

    def hand_back(self, host: Host | None) -> None:
        """Recall the jobs of this host, or all, that were not begun."""
        for worker in self._all:
            numbers = [number for number, job in worker.jobs.items() if host in {None, job.host}]
            if numbers:
                worker.send(order_frame(Order(recalled=numbers)))
        back = [job for job in self._suspects if host in {None, job.host}]
        self._handed_back += [(job, HandedBack(job.number)) for job in back]
        self._suspects = deque(job for job in self._suspects if host not in {None, job.host})

    def replies(self, timeout_seconds: float) -> list[tuple[Job, Reply]]:
        """New replies of workers, and those in place of dead ones.

        Raises: ConfigurationError, LocalTrouble where workers cannot live.
        """
        found, self._handed_back = self._handed_back, []
        if found:
            timeout_seconds = 0.0
        for key, events in self._selector.select(timeout_seconds):
            worker: WorkerHandle | None = key.data
            if worker is None:
                self._wake_receiver.recv(_RECEIVE_BYTES)
                continue
            if events & selectors.EVENT_WRITE:
                worker.send()
            if events & selectors.EVENT_READ:
                replies = worker.receive()
                if replies:
                    self._failed_starts = 0
                found += self._replace(worker) if replies is None else replies
        for worker in self._hung():
            worker.process.kill()
            found += self._replace(worker)
        self._give_suspect()
        self.outstanding -= len(found)
        return found

    def wake(self) -> None:
        """End a wait in `replies`."""
        with suppress(BlockingIOError):  # a wake-up that has not been received yet is enough
            self._wake_sender.send(b"\0")

    def close(self) -> None:
        """Close the sockets, at which workers end, and wait until they have."""
        for worker in self._all:
            worker.disconnect()
        for worker in self._all:
            worker.end()
        self._selector.close()
        self._wake_receiver.close()
        self._wake_sender.close()

    def _hung(self) -> "list[WorkerHandle]":
        now = self._clock()
        self._awake_seconds += min(now - self._checked_at, _LONGEST_STEP_SECONDS)
        self._checked_at = now
        return [worker for worker in self._all if worker.hangs_since(self._awake_seconds) > self._hang_seconds]

    def _give_suspect(self) -> None:
        """Give the isolated worker its next job, if it has none."""
        if not self._suspects or (self._isolated and self._isolated.jobs):
            return
        if self._isolated is None:
            settings = replace(self._workers[0].settings, threads=1)
            self._isolated = WorkerHandle(self._selector, settings, WorkerProcess.start())
        self._isolated.give([self._suspects.popleft()])

    def _replace(self, dead: "WorkerHandle") -> list[tuple[Job, Reply]]:
        """Start a worker in place of the dead one. Replies in place of its own.

        Raises: ConfigurationError, LocalTrouble where workers cannot live.
        """
        status = dead.end()
        is_isolated = dead is self._isolated
        self._failed_starts += not (is_isolated and dead.is_ready)
        if status == NO_RESOURCES_STATUS:
            raise LocalTrouble(
                "a worker process found no memory, threads or descriptors left: raise the limits (ulimit -v, -u, -n, "
                "or the container's), or try --workers 1 --concurrency 4"
            )
        if self._failed_starts > _FAILED_STARTS * len(self._workers):
            raise ConfigurationError(
                f"worker processes end before they answer anything (the last with status {status}); look at their "
                "messages above and at the system's log; with less memory, try --workers 1 --concurrency 4"
            )
        if is_isolated:
            self._isolated = None  # the next one is started when there is a job for it
        else:
            new = WorkerHandle(self._selector, dead.settings, WorkerProcess.start())
            self._workers[self._workers.index(dead)] = new
        return dead.last_replies()


class WorkerHandle:
    """One worker. jobs: given, and without a reply, oldest first. is_ready: it has sent its first message."""

    def __init__(self, selector: selectors.BaseSelector, settings: WorkerSettings, started: WorkerProcess) -> None:
        self.settings = settings
        self.jobs: dict[int, Job] = {}
        self.is_ready = False
        self.process = started.process
        self._oldest: int | None = None
        self._oldest_since = 0.0
        self._selector = selector
        self._started = started
        self._sock = started.sock
        self._unsent = bytearray()
        self._received = bytearray()
        self._sock.setblocking(False)
        selector.register(self._sock, selectors.EVENT_READ, self)
        self.send(frame(pickle.dumps(settings)))

    @property
    def room(self) -> int:
        return self.settings.threads + AHEAD - len(self.jobs)

    def hangs_since(self, now: float) -> float:
        """Seconds that it has been doing the same job for certain: it begins jobs in the order they came.

        Before its first message, less than that by the time it may take to boot. Call it often.
        """
        oldest = next(iter(self.jobs), None)
        if oldest is None or oldest != self._oldest:
            self._oldest, self._oldest_since = oldest, now
        return now - self._oldest_since - (0.0 if self.is_ready else BOOT_SECONDS)

    def give(self, jobs: Iterable[Job]) -> None:
        self.jobs.update((job.number, job) for job in jobs)
        self.send(order_frame(Order([_request(job) for job in jobs])))

    def send(self, data: bytes = b"") -> None:
        """Send this after what is still unsent, as far as the socket takes it."""
        self._unsent += data
        try:
            del self._unsent[: self._sock.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()  # it is dead, which `receive` will find
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if self._selector.get_key(self._sock).events != events:
            self._selector.modify(self._sock, events, self)

    def receive(self) -> list[tuple[Job, Reply]] | None:
        """Its new replies; None when it is dead."""
        try:
            received = self._sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not received:
            return None
        self._received += received
        if not self.is_ready:
            self.is_ready = True
            self._oldest = None  # its jobs begin now
        return [(self.jobs.pop(reply.number), reply) for reply in decoded_replies(self._received)]

    def last_replies(self) -> list[tuple[Job, Reply]]:
        """Replies in place of a dead worker's: jobs that it may have been doing are lost, the others were not begun.

        It begins jobs in the order they came, and keeps back few replies. Before its first message it begins none.
        """
        begun = self.settings.threads + REPLIES_TOGETHER if self.is_ready else 0
        jobs, self.jobs = self.jobs, {}
        return [(job, (Lost if place < begun else HandedBack)(job.number)) for place, job in enumerate(jobs.values())]

    def disconnect(self) -> None:
        """Have it end, and do not wait for that."""
        if self._sock.fileno() >= 0:
            self._selector.unregister(self._sock)
        self._sock.close()

    def end(self) -> int:
        """Have it end, and wait for that. Its exit status."""
        self.disconnect()
        return self._started.end()


def _request(job: Job) -> WorkerRequest:
    if job.item is not None:
        previous = job.previous
        etag, last_modified = (previous.etag, previous.last_modified) if previous else (None, None)
        item = job.item
        return ImageRequest(job.number, job.url, item.md5, item.sha1, item.sha256, etag, last_modified)
    page = job.page
    if page is None:
        return DocumentRequest(
            job.number, job.url, "text/plain, */*;q=0.1", MAX_ROBOTS_BYTES, {}, None, "", truncate=True
        )
    return DocumentRequest(
        *(job.number, page.url, PAGE_ACCEPT, MAX_PAGE_BYTES, dict(page.headers)),
        *(page.content, page.content_type),
        truncate=False,
    )
