"""A worker: a process that makes the requests it is given, with one client. It decides nothing.

Its threads follow the leader/followers pattern. The leader sends image requests over connections that are open already,
a few ahead of what it reads, and polls for their responses. So the common case, a server that keeps up, needs no second
thread: handing over between two threads of one interpreter costs as much as the hashing. Whatever may take long goes to
the followers: new connections, documents and redirects. A leader that is blocked all the same, by a slow disk say, is
replaced by a follower.

Replies are collected for a moment and sent together.

A worker ends with its coordinator, however that ended: the socket closes, and Linux kills the process outright.
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
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import NoReturn

from pupline.bulk._body_files import BodyFiles
from pupline.bulk._descriptor_budget import descriptor_budget
from pupline.bulk._fetcher import Fetcher, SentRequest
from pupline.bulk._worker_messages import (
    NO_RESOURCES_STATUS,
    HandedBack,
    Reply,
    RequestFailed,
    WorkerRequest,
    decoded_orders,
    replies_frame,
    unframed,
)
from pupline.errors import local_trouble
from pupline.http import FetchPolicy, HttpClient
from pupline.tasks.ingest_item import IngestRules

REPLIES_TOGETHER = 32
"""Replies that wait for each other while there is more to do: a message for each would cost as much as the hashing."""

LONGEST_WAIT_MS = 50
"""How long a reply waits at most, whatever the other threads are doing."""

READY_AHEAD = 2
"""Responses that may be there already when another image is requested: the leader never waits for a server that keeps
up, and what it reads is still in the processor's cache."""

STUCK_SECONDS = 0.02
"""A leader that has done nothing for so long is blocked, and replaced."""

_IDLE_SECONDS = 0.01
_RECEIVE_BYTES = 1 << 16
_PR_SET_PDEATHSIG = 1
_COLLECT_AFTER = 50_000


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """folder: where bodies are written. coordinator: its process id. threads: requests in flight at once, at most.

    Fewer are in flight where the system gives too few descriptors.
    """

    policy: FetchPolicy
    rules: IngestRules
    threads: int
    folder: str
    coordinator: int


class Worker:
    """The threads and the socket of one worker process.

    `_lock` guards what several threads change: the requests that wait, how many are in flight, and the replies.
    """

    def __init__(self, sock: socket.socket, settings: WorkerSettings, buffer: bytearray) -> None:
        """buffer: what was received already."""
        self._sock = sock
        self._received = buffer
        descriptors = descriptor_budget(settings.threads)
        self._threads = descriptors.requests
        client = HttpClient(settings.policy, idle_connections=descriptors.idle)
        self._fetcher = Fetcher(client, BodyFiles(settings.folder, descriptors.files), settings.rules)
        self._lock = threading.Lock()
        self._waiting: deque[WorkerRequest] = deque()
        self._in_flight = 0
        self._replies: list[Reply] = []
        self._oldest_reply_at = 0.0
        self._sent: dict[int, SentRequest] = {}
        self._to_follow: SimpleQueue[WorkerRequest | SentRequest] = SimpleQueue()
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
        """Make requests until the coordinator goes away; then the process ends."""
        with self._polling:  # a thread that takes the lead meanwhile waits: only one may read the orders
            for number in range(1, self._threads + 1):  # and this thread: one leads while all others are blocked
                try:
                    threading.Thread(target=self._follow, args=(number,), name=f"fetch-{number}", daemon=True).start()
                except RuntimeError:
                    if number == 1:  # there would be no follower
                        raise
                    self._threads = number - 1  # the system starts no more: it is slower with these
                    break
            self._send_replies(is_ready=True)
            self._obey(b"")
        self._lead(0)
        self._follow(0)

    def _follow(self, me: int) -> NoReturn:
        """What every thread does while another one leads."""
        while True:
            with self._following:  # one of them watches the leader, the others sleep
                task = self._next_to_follow(me)
            if task is None:
                self._lead(me)
            else:
                self._reply(task.request if isinstance(task, SentRequest) else task, self._fetcher.fetch(task))

    def _next_to_follow(self, me: int) -> WorkerRequest | SentRequest | None:
        """A request to make, or one to finish; None when the leader is blocked, and this thread leads from now on."""
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
                sent = self._sent.pop(descriptor, None)
                if sent is not None:
                    self._advance(descriptor, sent)
                    if self._leader != me:
                        return
            now = time.monotonic()
            if now >= look_at:
                look_at = now + LONGEST_WAIT_MS / 1000
                self._give_up_late()

    def _ready(self, me: int) -> list[int]:
        """Descriptors with data to read. Sends another request while they are few; waits if none is to be sent."""
        with self._polling:  # a leader that was replaced may still be here
            if self._leader != me:
                return []
            with self._lock:
                may_send = bool(self._waiting) and self._in_flight < self._threads
                self._is_idle = not may_send
            ready = [descriptor for descriptor, _ in self._poll.poll(0 if may_send else LONGEST_WAIT_MS)]
            self._is_idle = False
            if self._sock.fileno() in ready:
                received = _received(self._sock)
                if not received:
                    os._exit(0)  # other threads may be waiting for slow servers, in vain
                self._obey(received)
            if self._wake_receiver in ready:
                os.read(self._wake_receiver, _RECEIVE_BYTES)
        if may_send and len(ready) < READY_AHEAD:
            self._send_next()
        elif not ready:
            self._send_replies()
        return ready

    def _obey(self, received: bytes) -> None:
        self._received += received
        for order in decoded_orders(self._received):
            with self._lock:
                self._waiting += order.requests
            if order.recalled:
                recalled = frozenset(order.recalled)
                self._hand_back(lambda request, recalled=recalled: request.number in recalled)  # type: ignore[misc]

    def _hand_back(self, matches: Callable[[WorkerRequest], bool]) -> None:
        """Reply to requests that wait and must not be made now."""
        with self._lock:
            self._replies += [HandedBack(request.number) for request in self._waiting if matches(request)]
            self._waiting = deque(request for request in self._waiting if not matches(request))
        self._send_replies()

    def _send_next(self) -> None:
        """Send the next request that waits, or have a follower do all of it."""
        with self._lock:
            if not self._waiting:
                return
            request = self._waiting.popleft()
            self._in_flight += 1
        sent = self._fetcher.send(request)
        if sent is None:
            self._to_follow.put(request)
        else:
            self._watch(sent)

    def _watch(self, sent: SentRequest) -> None:
        descriptor = sent.pending.fileno()
        self._poll.register(descriptor, select.POLLIN)
        self._sent[descriptor] = sent  # last: from now on another leader may take it and unregister it

    def _advance(self, descriptor: int, sent: SentRequest) -> None:
        """Reply to what was sent, if its response is complete; else poll again, or have a follower send it again."""
        self._poll.unregister(descriptor)
        reply = self._fetcher.poll(sent)
        if reply is not None:
            self._reply(sent.request, reply)
        elif sent.pending.needs_connection:
            self._to_follow.put(sent)
        else:
            self._watch(sent)

    def _give_up_late(self) -> None:
        """A request whose time is up is polled all the same, which fails it."""
        for descriptor, sent in list(self._sent.items()):
            if not sent.pending.is_late or self._sent.get(descriptor) is not sent:
                continue  # another leader may have finished it, and its connection may serve another request
            if self._sent.pop(descriptor, None) is sent:
                self._advance(descriptor, sent)

    def _reply(self, request: WorkerRequest, reply: Reply) -> None:
        if isinstance(reply, RequestFailed) and reply.failure.details.get("retry_after_seconds"):
            origin = request.url[: request.url.find("/", 8) + 1] or request.url
            self._hand_back(lambda waiting: waiting.url.startswith(origin))  # the host asks for a pause
        now = time.monotonic()
        with self._lock:
            self._in_flight -= 1
            if not self._replies:
                self._oldest_reply_at = now
            self._replies.append(reply)
            is_due = len(self._replies) >= REPLIES_TOGETHER or not self._waiting
            is_due = is_due or now > self._oldest_reply_at + LONGEST_WAIT_MS / 1000
            is_leader_waiting = self._is_idle and bool(self._waiting)
        if is_due:
            self._send_replies()
        if is_leader_waiting:
            with suppress(BlockingIOError):  # it is being woken already
                os.write(self._wake_sender, b"\0")

    def _send_replies(self, *, is_ready: bool = False) -> None:
        """Send the replies, if there are any. is_ready: none yet, but the worker has started."""
        with self._lock:
            if not (self._replies or is_ready):
                return
            try:
                self._sock.sendall(replies_frame(self._replies))
            except OSError:
                os._exit(0)  # the coordinator is gone
            self._replies.clear()


def main(descriptor: int) -> NoReturn:
    """Serve the coordinator at the other end of this socket; its first message is the pickled WorkerSettings."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator decides what Ctrl-C means
    sock = socket.socket(fileno=descriptor)
    buffer = bytearray()
    while not (first := list(itertools.islice(unframed(buffer), 1))):
        received = _received(sock)
        if not received:
            os._exit(0)
        buffer += received
    settings: WorkerSettings = pickle.loads(first[0])  # noqa: S301 - written by our own process
    _die_with(settings.coordinator)
    with suppress(OSError, AttributeError):  # not on each system; a sandbox may forbid it, which costs some speed
        # A reply must not preempt others: the coordinator is what all wait for.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    with _exiting_without_resources():
        Worker(sock, settings, buffer).work()


def _received(sock: socket.socket) -> bytes:
    """What the coordinator sent next; nothing when it is gone, in whatever way."""
    try:
        return sock.recv(_RECEIVE_BYTES)
    except ConnectionError:
        return b""


def _die_with(coordinator: int) -> None:
    """Have the kernel kill this process when its coordinator ends, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != coordinator:  # it ended before the call
            os._exit(0)


@contextmanager
def _exiting_without_resources() -> Iterator[None]:
    """Exit silently with NO_RESOURCES_STATUS when any thread meets local trouble: the coordinator reports it once."""
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
