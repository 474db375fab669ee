"""The worker processes as the coordinator sees them: who has which jobs, what they answer, who died.

Each is a fresh interpreter, never a fork: a fork would inherit the data directory's lock, the database and the locks of
threads that do not exist in it. Jobs are given ahead of what the threads can do at once, so that a worker need not wait
for the coordinator after each image; `hand_back` gets back what was not begun.
"""

import pickle
import selectors
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeAlias

from pupline.bulk._begin import PAGE_ACCEPT
from pupline.bulk._hosts import Host, Job
from pupline.bulk._messages import (
    DO,
    DOCUMENT,
    HAND_BACK,
    HANDED_BACK,
    IMAGE,
    LOST,
    Answer,
    Request,
    frame,
    messages,
)
from pupline.bulk._starting import TakeProcess, WorkerProcess
from pupline.bulk._worker import ANSWERS_TOGETHER, WorkerSettings
from pupline.errors import ConfigurationError
from pupline.fetch import MAX_ROBOTS_BYTES
from pupline.sources import MAX_PAGE_BYTES

AHEAD = 128
"""Jobs that a worker has beyond one for each thread: what keeps it busy while its answers are on their way."""

GIVEN_TOGETHER = 32
"""Jobs that a worker has room for before it is given more: each message wakes somebody up at either end."""

_STARTS_IN_VAIN = 3
_RECEIVE_BYTES = 1 << 16

Answered: TypeAlias = tuple[Job, Answer]


class Crew(Protocol):
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


class Workers:
    """A `Crew` of processes."""

    def __init__(self, count: int, settings: WorkerSettings, take: TakeProcess = WorkerProcess.start) -> None:
        """settings.threads: of the whole crew; each worker gets its share. take: gives the processes."""
        self.outstanding = 0
        self._selector = selectors.DefaultSelector()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        for end in (self._wake_receiver, self._wake_sender):
            end.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)
        shares = [settings.threads // count + (number < settings.threads % count) for number in range(count)]
        self._workers = [_Worker(self._selector, replace(settings, threads=share), take()) for share in shares]
        self._in_vain = 0

    @property
    def processes(self) -> list[int]:
        """Their process ids."""
        return [worker.pid for worker in self._workers]

    def room(self) -> int:
        """How many jobs may be given now."""
        return sum(worker.room for worker in self._workers if worker.room >= GIVEN_TOGETHER)

    def give(self, jobs: Sequence[Job]) -> None:
        """Have these jobs done, by who has most room first."""
        self.outstanding += len(jobs)
        share = -(-len(jobs) // len(self._workers))
        given = 0
        while given < len(jobs):
            worker = max(self._workers, key=lambda worker: worker.room)
            some = jobs[given : given + min(share, worker.room)]
            worker.give(some)
            given += len(some)

    def hand_back(self, host: Host | None) -> None:
        """Ask for what was not begun of this host's jobs, or of all."""
        for worker in self._workers:
            numbers = [number for number, job in worker.jobs.items() if host is None or job.host is host]
            if numbers:
                worker.say((HAND_BACK, numbers))

    def answers(self, timeout_seconds: float) -> list[Answered]:
        """What was answered, by the living and for the dead. Raises: ConfigurationError where workers cannot live."""
        found: list[Answered] = []
        for key, events in self._selector.select(timeout_seconds):
            if key.data is None:
                self._wake_receiver.recv(_RECEIVE_BYTES)
                continue
            if events & selectors.EVENT_WRITE:
                key.data.send_rest()
            if events & selectors.EVENT_READ:
                found += self._hear(key.data)
        self.outstanding -= len(found)
        return found

    def wake(self) -> None:
        """End a wait in `answers`."""
        with suppress(BlockingIOError):  # there is a wake-up already that nobody heard yet
            self._wake_sender.send(b"\0")

    def close(self) -> None:
        """Close the sockets, at which workers end, and see that they did."""
        for worker in self._workers:
            worker.end()
        self._selector.close()
        self._wake_receiver.close()
        self._wake_sender.close()

    def _hear(self, worker: "_Worker") -> list[Answered]:
        answered = worker.hear()
        if answered is not None:
            self._in_vain = 0 if answered else self._in_vain
            return answered
        self._replace(worker)
        return worker.last_words()

    def _replace(self, dead: "_Worker") -> None:
        status = dead.end()
        self._in_vain += 1
        if self._in_vain > _STARTS_IN_VAIN * len(self._workers):
            raise ConfigurationError(
                f"worker processes end before they answer anything (the last with status {status}); look at their "
                "messages above and at the system's log; with less memory, try --workers 1 --concurrency 4"
            )
        self._workers[self._workers.index(dead)] = _Worker(self._selector, dead.settings, WorkerProcess.start())


class _Worker:
    """One process. jobs: what it was given and has not answered for, oldest first."""

    def __init__(self, selector: selectors.BaseSelector, settings: WorkerSettings, started: WorkerProcess) -> None:
        self.settings = settings
        self.jobs: dict[int, Job] = {}
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
        return [(self.jobs.pop(answer[0]), answer) for said in messages(self._received) for answer in said]

    def last_words(self) -> list[Answered]:
        """Answers in place of a dead one: those it may have been at are lost, the others were not begun.

        It begins jobs in the order they came, and keeps back few answers.
        """
        begun = self.settings.threads + ANSWERS_TOGETHER
        jobs, self.jobs = self.jobs, {}
        return [
            (job, (number, LOST if place < begun else HANDED_BACK)) for place, (number, job) in enumerate(jobs.items())
        ]

    def end(self) -> int:
        """Have it end, and wait for that. Its exit status."""
        if self._sock.fileno() >= 0:
            self._selector.unregister(self._sock)
        return self._started.end()


def _request(job: Job) -> Request:
    if job.kind == "image" and job.item is not None:
        item, known = job.item, job.known
        return (
            job.number,
            IMAGE,
            job.url,
            item.sha1,
            item.sha256,
            known.etag if known else None,
            known.last_modified if known else None,
        )
    return _document(job)


def _document(job: Job) -> Request:
    page = job.page
    if page is None:
        return (job.number, DOCUMENT, job.url, "text/plain, */*;q=0.1", MAX_ROBOTS_BYTES, {}, None, "", True)
    asked = (page.url, PAGE_ACCEPT, MAX_PAGE_BYTES, dict(page.headers), page.content, page.content_type)
    return (job.number, DOCUMENT, *asked, False)
