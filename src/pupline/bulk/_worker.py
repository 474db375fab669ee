"""A worker: a process that makes the requests it is given, with one client. It decides nothing.

One thread polls all connections. It begins image requests, a few ahead of what it reads, and reads the responses as
they arrive, so a slow server delays none of the others. What has to wait goes to further threads: lookups of names,
TLS, documents. In the common case, servers that keep their connections open, no second thread runs: handing over
between two threads of one interpreter costs as much as the hashing.

Replies are collected for a moment and sent together.

A worker ends with its coordinator, however that ended: the socket closes, and Linux kills the process outright.
"""

import ctypes
import gc
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
from typing import NoReturn

from pupline.bulk._body_files import BodyFiles
from pupline.bulk._descriptor_budget import descriptor_budget
from pupline.bulk._fetch_threads import FetchThreads
from pupline.bulk._fetcher import Fetcher, PendingImage
from pupline.bulk._worker_messages import (
    NO_RESOURCES_STATUS,
    DocumentRequest,
    HandedBack,
    Reply,
    RequestFailed,
    WorkerRequest,
    decoded_orders,
    replies_frame,
    unframed,
)
from pupline.bulk._worker_settings import WorkerSettings
from pupline.errors import local_trouble
from pupline.http import HttpClient

REPLIES_TOGETHER = 32
"""Replies that wait for each other while there is more to do: a message for each would cost as much as the hashing."""

LONGEST_WAIT_MS = 50
"""How long a reply waits at most, and how late a time-out may be noticed."""

READY_AHEAD = 2
"""Responses that may be there already when another image is requested: the worker never waits for a server that keeps
up, and what it reads is still in the processor's cache."""

_RECEIVE_BYTES = 1 << 16
_PR_SET_PDEATHSIG = 1
_COLLECT_AFTER = 50_000


class Worker:
    """The polling thread of one worker process. All of its state belongs to this thread."""

    def __init__(self, sock: socket.socket, settings: WorkerSettings, buffer: bytearray) -> None:
        """buffer: what was received already."""
        self._sock = sock
        self._received = buffer
        descriptors = descriptor_budget(settings.threads)
        self._most = descriptors.requests
        client = HttpClient(settings.policy, idle_connections=descriptors.idle)
        self._fetcher = Fetcher(client, BodyFiles(settings.folder, descriptors.files), settings.rules)
        self._threads = FetchThreads(self._most, self._fetcher.fetch)
        self._waiting: deque[WorkerRequest] = deque()
        self._in_flight = 0
        self._images: dict[int, PendingImage] = {}
        self._replies: list[Reply] = []
        self._reply_by = 0.0
        self._poll = select.poll()
        self._inputs = {sock.fileno(): self._receive, self._threads.fileno(): self._take_replies}
        for descriptor in self._inputs:
            self._poll.register(descriptor, select.POLLIN)

    def work(self) -> NoReturn:
        """Make requests until the coordinator goes away; then the process ends."""
        self._send_replies(is_ready=True)
        self._obey(b"")
        look_at = 0.0
        while True:
            may_begin = self._waiting and self._in_flight < self._most
            ready = self._poll.poll(0 if may_begin else LONGEST_WAIT_MS)
            for descriptor, _ in ready:
                if descriptor in self._images:
                    self._advance(descriptor)
                elif descriptor in self._inputs:
                    self._inputs[descriptor]()
            if may_begin and len(ready) < READY_AHEAD:
                self._begin_next()
            elif not ready:
                self._send_replies()
            now = time.monotonic()
            if now >= look_at:
                look_at = now + LONGEST_WAIT_MS / 1000
                self._give_up_late()

    def _receive(self) -> None:
        received = _received(self._sock)
        if not received:
            os._exit(0)  # other threads may be waiting for slow servers, in vain
        self._obey(received)

    def _obey(self, received: bytes) -> None:
        self._received += received
        for order in decoded_orders(self._received):
            self._waiting += order.requests
            if order.recalled:
                recalled = frozenset(order.recalled)
                self._hand_back(lambda request, recalled=recalled: request.number in recalled)  # type: ignore[misc]

    def _hand_back(self, matches: Callable[[WorkerRequest], bool]) -> None:
        """Reply to requests that wait and must not be made now."""
        self._replies += [HandedBack(request.number) for request in self._waiting if matches(request)]
        self._waiting = deque(request for request in self._waiting if not matches(request))
        self._send_replies()

    def _begin_next(self) -> None:
        """Begin the next request that waits."""
        if not self._waiting:  # they were handed back meanwhile
            return
        request = self._waiting.popleft()
        self._in_flight += 1
        if isinstance(request, DocumentRequest):
            self._threads.begin(request)
            return
        image = self._fetcher.begin(request)
        if isinstance(image, RequestFailed):
            self._reply(request, image)
        else:
            self._watch(image)

    def _watch(self, image: PendingImage) -> None:
        """Poll for what the image waits for, or have a thread wait for it."""
        if image.pending.needs_connection:
            self._threads.begin(image)
            return
        descriptor = image.pending.fileno()
        self._images[descriptor] = image
        self._poll.register(descriptor, select.POLLIN if image.pending.connecting is None else select.POLLOUT)

    def _advance(self, descriptor: int) -> None:
        """Reply to an image request, if its response is complete; else go on polling."""
        image = self._images.pop(descriptor)
        self._poll.unregister(descriptor)
        reply = self._fetcher.poll(image)
        if reply is None:
            self._watch(image)
        else:
            self._reply(image.request, reply)

    def _give_up_late(self) -> None:
        """A request whose time is up is polled all the same, which fails it."""
        late = [descriptor for descriptor, image in self._images.items() if image.pending.is_late]
        for descriptor in late:
            self._advance(descriptor)

    def _take_replies(self) -> None:
        for request, reply in self._threads.replies():
            self._reply(request, reply)

    def _reply(self, request: WorkerRequest, reply: Reply) -> None:
        self._in_flight -= 1
        if isinstance(reply, RequestFailed) and reply.failure.details.get("retry_after_seconds"):
            origin = request.url[: request.url.find("/", 8) + 1] or request.url
            self._hand_back(lambda waiting: waiting.url.startswith(origin))  # the host asks for a pause
        now = time.monotonic()
        if not self._replies:
            self._reply_by = now + LONGEST_WAIT_MS / 1000
        self._replies.append(reply)
        if len(self._replies) >= REPLIES_TOGETHER or not self._waiting or now > self._reply_by:
            self._send_replies()

    def _send_replies(self, *, is_ready: bool = False) -> None:
        """Send the replies, if there are any. is_ready: none yet, but the worker has started."""
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
    while not (first := unframed(buffer, most=1)):
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
