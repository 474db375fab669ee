"""A worker: a process that fetches what the coordinator says, with one client. It decides nothing.

One thread leads: it asks for images over connections that are open already, a few ahead of what it reads, and takes the
answers as they come. So the common case, a server that keeps up, needs no other thread: two that share an interpreter
cost as much in changing hands as the hashing does. What may take long goes to the others, who follow: whatever needs a
new connection, documents, redirects, and answers of which nobody can tell when they will be whole. A leader that is
held up all the same, by a slow disk say, is replaced by one of them, and follows.

BodyFiles of images go to files, not through the socket. Answers are collected for a moment and sent together.

It ends with its coordinator, however that ended: the socket closes, and Linux kills it outright.
"""

import ctypes
import gc
import itertools
import os
import pickle
import select
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from functools import partial
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import Any, NoReturn, TypeAlias

from pupline.bulk._body_files import BodyFiles
from pupline.bulk._descriptor_budget import descriptor_budget
from pupline.bulk._worker_messages import (
    ANSWERED,
    DO,
    FAILED,
    FETCHED,
    HANDED_BACK,
    IMAGE,
    NO_RESOURCES_STATUS,
    UNCHANGED,
    Answer,
    Request,
    frame,
    messages,
)
from pupline.errors import TaskFailure, local_trouble
from pupline.http import Exchange, FetchPolicy, HttpClient
from pupline.tasks.ingest_item import IngestRules, fetch_item, internal_failure, interpret_response, validators_for
from pupline.tasks.items import FetchedImage, PreviousFetch, SourceItem, UnchangedImage

ANSWERS_TOGETHER = 32
"""Answers that wait for each other while there is more to do: a message for each would cost as much as the hashing."""

LONGEST_WAIT_MS = 50
"""How long an answer waits at most, whatever the other threads are at."""

READY_AHEAD = 2
"""Answers that may be there already when another image is asked for: the leader never waits for a server that keeps
up, and what it reads is still warm in the processor's cache."""

STUCK_SECONDS = 0.02
"""A leader that has done nothing for so long is held up, and replaced."""

_IDLE_SECONDS = 0.01
_RECEIVE_BYTES = 1 << 16
_PR_SET_PDEATHSIG = 1
_COLLECT_AFTER = 50_000
Ask: TypeAlias = Callable[[], tuple[Any, ...] | None]
_values = attrgetter(*(field.name for field in fields(FetchedImage)))


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """folder: where bodies are written. coordinator: its process id. threads: requests under way at once, at most.

    Fewer are under way where the system gives too few descriptors.
    """

    policy: FetchPolicy
    rules: IngestRules
    threads: int
    folder: str
    coordinator: int


@dataclass(frozen=True, slots=True)
class _Begun:
    """An image that was asked for. began_at: seconds since the epoch. began: on the monotonic clock."""

    request: Request
    exchange: Exchange
    previous: PreviousFetch | None
    began_at: float
    began: float


class Worker:
    """The threads and the socket of one worker process.

    `_lock` guards what several threads change: the requests that wait, how many are under way, and the answers.
    """

    def __init__(self, sock: socket.socket, settings: WorkerSettings, buffer: bytearray) -> None:
        """buffer: what was received already."""
        self._sock = sock
        self._received = buffer
        self._settings = settings
        descriptors = descriptor_budget(settings.threads)
        self._threads = descriptors.requests
        self._client = HttpClient(settings.policy, idle_connections=descriptors.idle)
        self._bodies = BodyFiles(settings.folder, descriptors.files)
        self._lock = threading.Lock()
        self._waiting: deque[Request] = deque()
        self._under_way = 0
        self._answers: list[Answer] = []
        self._answers_since = 0.0
        self._begun: dict[int, _Begun] = {}
        self._to_follow: SimpleQueue[Request | _Begun] = SimpleQueue()
        self._following = threading.Lock()
        self._leader = 0
        self._progress = 0
        self._is_idle = False
        self._poll = select.poll()
        self._polling = threading.Lock()
        self._wake_receiver, self._wake_sender = os.pipe()
        os.set_blocking(self._wake_sender, False)
        for descriptor in (sock.fileno(), self._wake_receiver):
            self._poll.register(descriptor, select.POLLIN)

    def work(self) -> NoReturn:
        """Do what the coordinator says, until it goes away; then the process ends."""
        for number in range(1, self._threads + 1):  # and this thread: somebody leads when all are held up
            try:
                threading.Thread(target=self._follow, args=(number,), name=f"fetch-{number}", daemon=True).start()
            except RuntimeError:
                if number == 1:  # nobody would follow
                    raise
                self._threads = number - 1  # the system starts no more: it is slower with these
                break
        self._say([])  # it is there
        self._obey()
        self._lead(0)
        self._follow(0)

    def _follow(self, me: int) -> NoReturn:
        """What every thread does while another one leads."""
        while True:
            with self._following:  # one of them looks, the others sleep
                task = self._next_to_follow(me)
            if task is None:
                self._lead(me)
            elif isinstance(task, _Begun):
                self._answer_for(task.request, task.began_at, partial(self._said_of_begun, task, wait=True))
            else:
                self._answer_for(task, time.time(), partial(self._fetch, task))

    def _answer_for(self, request: Request, began_at: float, ask: Ask) -> bool:
        """Answer with what `ask` finds out; False where that is nothing yet."""
        answer = _answer(request, began_at, ask)
        if answer is not None:
            self._put_answer(request, answer)
        return answer is not None

    def _next_to_follow(self, me: int) -> Request | _Begun | None:
        """A request to do, or one to finish; None when the leader is held up, and this thread leads from now on."""
        while True:
            progress = self._progress
            with suppress(Empty):
                return self._to_follow.get(timeout=_IDLE_SECONDS if self._is_idle else STUCK_SECONDS)
            if progress == self._progress and not self._is_idle:
                self._leader = me
                return None

    def _lead(self, me: int) -> None:
        """Keep everything going, until another thread does."""
        look_at = 0.0
        while self._leader == me:
            self._progress += 1
            for descriptor in self._ready(me):
                begun = self._begun.pop(descriptor, None)
                if begun is not None:
                    self._finish(descriptor, begun)
                    if self._leader != me:
                        return
            now = time.monotonic()
            if now >= look_at:
                look_at = now + LONGEST_WAIT_MS / 1000
                self._give_up_late()

    def _ready(self, me: int) -> list[int]:
        """Descriptors where something has arrived. Begins another image while it is few, else waits if it is none."""
        with self._polling:  # a leader that was replaced may still be here
            if self._leader != me:
                return []
            with self._lock:
                may_begin = bool(self._waiting) and self._under_way < self._threads
                self._is_idle = not may_begin
            ready = [descriptor for descriptor, _ in self._poll.poll(0 if may_begin else LONGEST_WAIT_MS)]
            self._is_idle = False
            if self._sock.fileno() in ready:
                self._listen()
            if self._wake_receiver in ready:
                os.read(self._wake_receiver, _RECEIVE_BYTES)
        if may_begin and len(ready) < READY_AHEAD:
            self._begin()
        elif not ready:
            self._send_answers()
        return ready

    def _listen(self) -> None:
        """Hear what the coordinator says; end with it."""
        received = _received(self._sock)
        if not received:
            os._exit(0)  # the other threads may be waiting for slow servers, and nobody for them
        self._received += received
        self._obey()

    def _obey(self) -> None:
        for operation, argument in messages(self._received):
            if operation == DO:
                with self._lock:
                    self._waiting += argument
            else:
                numbers = frozenset(argument)
                self._hand_back(lambda request, numbers=numbers: request[0] in numbers)  # type: ignore[misc]

    def _hand_back(self, which: Callable[[Request], bool]) -> None:
        """Answer for requests that wait and must not be begun now."""
        with self._lock:
            self._answers += [(request[0], HANDED_BACK) for request in self._waiting if which(request)]
            self._waiting = deque(request for request in self._waiting if not which(request))
        self._send_answers()

    def _begin(self) -> None:
        """Ask for the next image that waits, or have another thread do all of it."""
        with self._lock:
            if not self._waiting:
                return
            request = self._waiting.popleft()
            self._under_way += 1
        previous = _previous(request) if request[1] == IMAGE else None
        exchange = self._exchange(request, previous)
        if exchange is None:
            self._to_follow.put(request)
            return
        self._await(_Begun(request, exchange, previous, time.time(), time.monotonic()))

    def _await(self, begun: _Begun) -> None:
        descriptor = begun.exchange.fileno()
        self._poll.register(descriptor, select.POLLIN)
        self._begun[descriptor] = begun  # last: from now on another leader may take it and unregister it

    def _exchange(self, request: Request, previous: PreviousFetch | None) -> Exchange | None:
        if request[1] != IMAGE:
            return None
        try:
            return self._client.begin(request[2], validators=validators_for(previous))
        except TaskFailure:
            return None  # whoever tries again will be told the same

    def _finish(self, descriptor: int, begun: _Begun) -> None:
        """Answer for what was begun, if all of it is there; else look again, or have another thread wait for it."""
        self._poll.unregister(descriptor)
        if not self._answer_for(begun.request, begun.began_at, partial(self._said_of_begun, begun, wait=False)):
            if begun.exchange.must_wait:
                self._to_follow.put(begun)
            else:
                self._await(begun)

    def _give_up_late(self) -> None:
        """Whose time is up is read all the same, which tells of it."""
        for descriptor, begun in list(self._begun.items()):
            if begun.exchange.is_late and self._begun.pop(descriptor, None) is begun:
                self._finish(descriptor, begun)

    def _put_answer(self, request: Request, answer: Answer) -> None:
        if answer[1] == FAILED and answer[6].get("retry_after_seconds"):
            self._leave_alone(request[2])
        now = time.monotonic()
        with self._lock:
            self._under_way -= 1
            if not self._answers:
                self._answers_since = now
            self._answers.append(answer)
            is_due = len(self._answers) >= ANSWERS_TOGETHER or not self._waiting
            is_due = is_due or now > self._answers_since + LONGEST_WAIT_MS / 1000
            is_leader_waiting = self._is_idle and bool(self._waiting)
        if is_due:
            self._send_answers()
        if is_leader_waiting:
            with suppress(BlockingIOError):  # it is being woken already
                os.write(self._wake_sender, b"\0")

    def _send_answers(self) -> None:
        with self._lock:
            if self._answers:
                self._say(self._answers)
                self._answers.clear()

    def _say(self, answers: list[Answer]) -> None:
        try:
            self._sock.sendall(frame(answers))
        except OSError:
            os._exit(0)  # the coordinator is gone

    def _fetch(self, request: Request) -> tuple[Any, ...]:
        """All of a request, however long it takes."""
        if request[1] != IMAGE:
            return self._fetch_document(request)
        return self._said_of(fetch_item(self._client, _item(request), _previous(request), self._settings.rules))

    def _said_of_begun(self, begun: _Begun, *, wait: bool) -> tuple[Any, ...] | None:
        """None where not all of it has arrived."""
        response = self._client.finish(begun.exchange, wait=wait)
        if response is None:
            return None
        found = interpret_response(response, _item(begun.request), begun.previous, self._settings.rules, begun.began)
        return self._said_of(found)

    def _said_of(self, found: tuple[FetchedImage, bytes] | UnchangedImage) -> tuple[Any, ...]:
        if isinstance(found, UnchangedImage):
            return (UNCHANGED,)
        image, body = found
        return (FETCHED, self._bodies.write(body), *_values(image))

    def _fetch_document(self, request: Request) -> tuple[Any, ...]:
        _, _, url, accept, max_bytes, headers, content, content_type, truncate = request
        if content is None:
            found = self._client.get(url, accept=accept, max_bytes=max_bytes, headers=headers, truncate=truncate)
        else:
            found = self._client.post(
                url, content=content, content_type=content_type, accept=accept, max_bytes=max_bytes, headers=headers
            )
        return (ANSWERED, found.url, dict(found.headers), found.body, found.content_type)

    def _leave_alone(self, url: str) -> None:
        """The host asks for a pause: what waits here for it goes back at once."""
        origin = url[: url.find("/", 8) + 1] or url
        self._hand_back(lambda request: request[2].startswith(origin))


def _answer(request: Request, began_at: float, ask: Ask) -> Answer | None:
    """The answer for a request, with what `ask` finds out; None where that is nothing yet."""
    try:
        said = ask()
    except TaskFailure as failure:
        said = (FAILED, type(failure).__name__, failure.message, failure.details)
    except Exception as err:  # noqa: BLE001 - a bug that one image brings to light is that image's trouble alone
        found = internal_failure(request[2], err)
        said = (FAILED, type(found).__name__, found.message, {})
    return said and (request[0], said[0], began_at, time.time(), *said[1:])


def _item(request: Request) -> SourceItem:
    return SourceItem(url=request[2], sha1=request[3], sha256=request[4])


def _previous(request: Request) -> PreviousFetch | None:
    """All that is needed here of the previous fetch: its validators. The rest is with the coordinator."""
    etag, last_modified = request[5:7]
    if not (etag or last_modified):
        return None
    return PreviousFetch(
        image_name="", key="", sha256="", size_bytes=0, file_type="", etag=etag, last_modified=last_modified
    )


def main(descriptor: int) -> NoReturn:
    """Serve the coordinator at the other end of this socket; its first message is the pickled WorkerSettings."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator decides what Ctrl-C means
    sock = socket.socket(fileno=descriptor)
    buffer = bytearray()
    while not (first := list(itertools.islice(messages(buffer), 1))):
        received = _received(sock)
        if not received:
            os._exit(0)
        buffer += received
    settings: WorkerSettings = pickle.loads(first[0])  # noqa: S301 - said by our own process
    _die_with(settings.coordinator)
    _yield_the_processor()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    with exiting_without_resources():
        Worker(sock, settings, buffer).work()


@contextmanager
def exiting_without_resources() -> Iterator[None]:
    """End the process with NO_RESOURCES_STATUS when this thread, or another one, meets local trouble."""
    threading.excepthook = _exit_without_resources
    try:
        yield
    except Exception as err:
        if local_trouble(err):
            os._exit(NO_RESOURCES_STATUS)
        raise


def _exit_without_resources(args: "threading.ExceptHookArgs") -> None:
    if args.exc_value is not None and local_trouble(args.exc_value):
        os._exit(NO_RESOURCES_STATUS)
    threading.__excepthook__(args)


def _received(sock: socket.socket) -> bytes:
    """What the coordinator said next; nothing when it is gone, in whatever way."""
    try:
        return sock.recv(_RECEIVE_BYTES)
    except ConnectionError:
        return b""


def _yield_the_processor() -> None:
    """Do not drive others off the processor when an answer comes: what the coordinator does is what all wait for."""
    with suppress(OSError, AttributeError):  # not on each system; a sandbox may forbid it, which costs some speed
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _die_with(coordinator: int) -> None:
    """Have the kernel kill this process when its coordinator ends, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != coordinator:  # it ended before it could be heard
            os._exit(0)
