"""The worker processes as the coordinator sees them: who has which jobs, what they answer, who died.

Each is a fresh interpreter, never a fork: a fork would inherit the data directory's lock, the database and the locks of
threads that do not exist in it. Jobs are given ahead of what the threads can do at once, so that a worker need not wait
for the coordinator after each image; `hand_back` gets back what was not begun.

A worker that dies, or is at a job for longer than any may take, is ended and replaced. What it may have been at is
LOST. Which of that was the cause nobody knows, so each such job is done again alone, one after the other, by a process
that has nothing else: what is lost there is the cause.
"""

import pickle
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeAlias

from pupline.bulk._hosts import Host, Job
from pupline.bulk._worker import ANSWERS_TOGETHER, WorkerSettings
from pupline.bulk._worker_messages import (
    DO,
    DOCUMENT,
    HAND_BACK,
    HANDED_BACK,
    IMAGE,
    LOST,
    NO_RESOURCES_STATUS,
    Answer,
    Request,
    frame,
    messages,
)
from pupline.bulk._worker_process import WorkerFactory, WorkerProcess
from pupline.errors import ConfigurationError, LocalTrouble
from pupline.http import MAX_ROBOTS_BYTES
from pupline.sources import MAX_PAGE_BYTES
from pupline.tasks.timed_inspection import MIN_INSPECTION_SECONDS

PAGE_ACCEPT = "application/json, */*;q=0.1"
"""What list pages should be: APIs answer in JSON, and some in HTML unless they are asked for it."""

AHEAD = 128
"""Jobs that a worker has beyond one for each thread: what keeps it busy while its answers are on their way."""

GIVEN_TOGETHER = 32
"""Jobs that a worker has room for before it is given more: each message wakes somebody up at either end."""

GRACE_SECONDS = 10.0
"""How long a worker may take for a job beyond the job's own deadline, before it is taken to hang."""

BOOT_SECONDS = 60.0
"""How much longer, until it has said that it is there."""

_LONGEST_STEP_SECONDS = 1.0
"""What one look at the clock counts at most. Longer, and this process was stopped, as its workers were perhaps."""

_STARTS_IN_VAIN = 3
_RECEIVE_BYTES = 1 << 16

Answered: TypeAlias = tuple[Job, Answer]


class WorkerPool(Protocol):
    """Those who do jobs. One thread uses it."""

    outstanding: int
    """Jobs that were given and not answered for."""

    def room(self) -> int:
        """How many jobs may be given now."""

    def give(self, jobs: Sequence[Job]) -> None:
        """Have these jobs done: at most `room` of them."""

    def hand_back(self, host: Host | None) -> None:
        """Have jobs of this host, or all, that were not begun answered with HANDED_BACK."""

    def answers(self, timeout_seconds: float) -> list[Answered]:
        """What was answered; waits for the first answer for so long at most. Every job is answered exactly once."""

    def wake(self) -> None:
        """End a wait in `answers`. Safe in a signal handler and in any thread."""

    def close(self) -> None:
        """End them all, whatever they are at."""


class ProcessPool:
    """A `WorkerPool` of processes."""

    def __init__(
        self,
        count: int,
        settings: WorkerSettings,
        take: WorkerFactory = WorkerProcess.start,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """settings.threads: of the whole pool; each worker gets its share. take: gives the processes."""
        self.outstanding = 0
        self._clock = clock
        self._looked_at = clock()
        self._awake = 0.0
        self._patience = settings.policy.timeout_seconds + MIN_INSPECTION_SECONDS + GRACE_SECONDS
        self._alone: deque[Job] = deque()
        self._cell: WorkerHandle | None = None
        self._handed_back: list[Answered] = []
        self._selector = selectors.DefaultSelector()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        for end in (self._wake_receiver, self._wake_sender):
            end.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)
        shares = [settings.threads // count + (number < settings.threads % count) for number in range(count)]
        self._workers = [WorkerHandle(self._selector, replace(settings, threads=share), take()) for share in shares]
        self._in_vain = 0

    @property
    def processes(self) -> list[int]:
        """Their process ids."""
        return [worker.pid for worker in self._all]

    @property
    def _all(self) -> "list[WorkerHandle]":
        return [*self._workers, self._cell] if self._cell else self._workers

    def room(self) -> int:
        """How many jobs may be given now."""
        return sum(worker.room for worker in self._workers if worker.room >= GIVEN_TOGETHER)

    def give(self, jobs: Sequence[Job]) -> None:
        """Have these jobs done, by who has most room first; alone, what was lost before."""
        self.outstanding += len(jobs)
        self._alone += [job for job in jobs if job.deaths]
        together = [job for job in jobs if not job.deaths]
        share = -(-len(together) // len(self._workers))
        given = 0
        while given < len(together):
            worker = max(self._workers, key=lambda worker: worker.room)
            some = together[given : given + min(share, worker.room)]
            worker.give(some)
            given += len(some)
        self._give_alone()

    def hand_back(self, host: Host | None) -> None:
        """Ask for what was not begun of this host's jobs, or of all."""
        for worker in self._all:
            numbers = [number for number, job in worker.jobs.items() if host is None or job.host is host]
            if numbers:
                worker.say((HAND_BACK, numbers))
        back = [job for job in self._alone if host is None or job.host is host]
        self._handed_back += [(job, (job.number, HANDED_BACK)) for job in back]
        self._alone = deque(job for job in self._alone if not (host is None or job.host is host))

    def answers(self, timeout_seconds: float) -> list[Answered]:
        """What was answered, by the living and for the dead. Raises: ConfigurationError where workers cannot live."""
        found, self._handed_back = self._handed_back, []
        if found:
            timeout_seconds = 0.0
        for key, events in self._selector.select(timeout_seconds):
            if key.data is None:
                self._wake_receiver.recv(_RECEIVE_BYTES)
                continue
            if events & selectors.EVENT_WRITE:
                key.data.send_rest()
            if events & selectors.EVENT_READ:
                found += self._hear(key.data)
        found += self._end_those_that_hang()
        self._give_alone()
        self.outstanding -= len(found)
        return found

    def wake(self) -> None:
        """End a wait in `answers`."""
        with suppress(BlockingIOError):  # there is a wake-up already that nobody heard yet
            self._wake_sender.send(b"\0")

    def close(self) -> None:
        """Close the sockets, at which workers end, and see that they did."""
        for worker in self._all:
            worker.leave()
        for worker in self._all:
            worker.end()
        self._selector.close()
        self._wake_receiver.close()
        self._wake_sender.close()

    def _hear(self, worker: "WorkerHandle") -> list[Answered]:
        answered = worker.hear()
        if answered is not None:
            self._in_vain = 0 if answered else self._in_vain
            return answered
        return self._replace(worker)

    def _end_those_that_hang(self) -> list[Answered]:
        now = self._clock()
        self._awake += min(now - self._looked_at, _LONGEST_STEP_SECONDS)
        self._looked_at = now
        hung = [worker for worker in self._all if worker.hangs_since(self._awake) > self._patience]
        for worker in hung:
            worker.kill()
        return [answered for worker in hung for answered in self._replace(worker)]

    def _give_alone(self) -> None:
        """Have the next of the jobs done that are to be done alone, if none is."""
        if not self._alone or (self._cell and self._cell.jobs):
            return
        if self._cell is None:
            settings = replace(self._workers[0].settings, threads=1)
            self._cell = WorkerHandle(self._selector, settings, WorkerProcess.start())
        self._cell.give([self._alone.popleft()])

    def _replace(self, dead: "WorkerHandle") -> list[Answered]:
        """Another one in place of the dead; answers in place of its own."""
        status = dead.end()
        if dead is self._cell:
            self._cell = None  # the next one is begun when there is a job for it
            self._in_vain += not dead.is_there
        else:
            self._in_vain += 1
        self._check_lives(status)
        if dead in self._workers:
            self._workers[self._workers.index(dead)] = WorkerHandle(
                self._selector, dead.settings, WorkerProcess.start()
            )
        return dead.last_words()

    def _check_lives(self, status: int) -> None:
        if status == NO_RESOURCES_STATUS:
            raise LocalTrouble(
                "a worker process found no memory, threads or descriptors left: raise the limits (ulimit -v, -u, -n, "
                "or the container's), or try --workers 1 --concurrency 4"
            )
        if self._in_vain > _STARTS_IN_VAIN * len(self._workers):
            raise ConfigurationError(
                f"worker processes end before they answer anything (the last with status {status}); look at their "
                "messages above and at the system's log; with less memory, try --workers 1 --concurrency 4"
            )


class WorkerHandle:
    """One process. jobs: what it was given and has not answered for, oldest first. is_there: it has said something."""

    def __init__(self, selector: selectors.BaseSelector, settings: WorkerSettings, started: WorkerProcess) -> None:
        self.settings = settings
        self.jobs: dict[int, Job] = {}
        self.is_there = False
        self._oldest: int | None = None
        self._oldest_since = 0.0
        self._selector = selector
        self._started = started
        self._sock = started.sock
        self._unsent = bytearray()
        self._received = bytearray()
        self._sock.setblocking(False)
        selector.register(self._sock, selectors.EVENT_READ, self)
        self.say(pickle.dumps(settings))

    @property
    def pid(self) -> int:
        return self._started.process.pid

    @property
    def room(self) -> int:
        return self.settings.threads + AHEAD - len(self.jobs)

    def hangs_since(self, now: float) -> float:
        """For how many seconds it has been at the same job for certain: it begins them in the order they came.

        Until it has said that it is there, less than that by what it may take to boot. Ask often.
        """
        oldest = next(iter(self.jobs), None)
        if oldest is None or oldest != self._oldest:
            self._oldest, self._oldest_since = oldest, now
        return now - self._oldest_since - (0.0 if self.is_there else BOOT_SECONDS)

    def give(self, jobs: Iterable[Job]) -> None:
        self.jobs.update((job.number, job) for job in jobs)
        self.say((DO, [_request(job) for job in jobs]))

    def say(self, message: object) -> None:
        self._unsent += frame(message)
        self.send_rest()

    def send_rest(self) -> None:
        try:
            del self._unsent[: self._sock.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()  # it is dead, which `hear` will find
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if self._selector.get_key(self._sock).events != events:
            self._selector.modify(self._sock, events, self)

    def hear(self) -> list[Answered] | None:
        """What it answered; None when it is dead."""
        try:
            received = self._sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not received:
            return None
        self._received += received
        if not self.is_there:
            self.is_there = True
            self._oldest = None  # whatever it was given, it begins now
        return [(self.jobs.pop(answer[0]), answer) for said in messages(self._received) for answer in said]

    def last_words(self) -> list[Answered]:
        """Answers in place of a dead one: those it may have been at are lost, the others were not begun.

        It begins jobs in the order they came, and keeps back few answers. One that never lived has begun nothing.
        """
        begun = self.settings.threads + ANSWERS_TOGETHER if self.is_there else 0
        jobs, self.jobs = self.jobs, {}
        return [
            (job, (number, LOST if place < begun else HANDED_BACK)) for place, (number, job) in enumerate(jobs.items())
        ]

    def kill(self) -> None:
        """Have the system end it: it does not hear any more."""
        self._started.process.kill()

    def leave(self) -> None:
        """Have it end, and do not wait for that."""
        if self._sock.fileno() >= 0:
            self._selector.unregister(self._sock)
        self._sock.close()

    def end(self) -> int:
        """Have it end, and wait for that. Its exit status."""
        self.leave()
        return self._started.end()


def _request(job: Job) -> Request:
    if job.kind == "image" and job.item is not None:
        item, previous = job.item, job.previous
        return (
            job.number,
            IMAGE,
            job.url,
            item.sha1,
            item.sha256,
            previous.etag if previous else None,
            previous.last_modified if previous else None,
        )
    return _document(job)


def _document(job: Job) -> Request:
    page = job.page
    if page is None:
        return (job.number, DOCUMENT, job.url, "text/plain, */*;q=0.1", MAX_ROBOTS_BYTES, {}, None, "", True)
    asked = (page.url, PAGE_ACCEPT, MAX_PAGE_BYTES, dict(page.headers), page.content, page.content_type)
    return (job.number, DOCUMENT, *asked, False)
