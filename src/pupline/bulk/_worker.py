"""A worker: a process that fetches what the coordinator says, with a few threads and one client.

It decides nothing. Bodies of images go to files in the data directory's `tmp`, not through the socket, and without any
fsync: making them durable is the coordinator's, in groups. Answers are collected for a moment and sent together.

It ends with its coordinator, however that ended: the socket closes, and Linux kills it outright.
"""

import ctypes
import gc
import itertools
import os
import pickle
import resource
import select
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import Any, NoReturn

from pupline.bulk._messages import (
    ANSWERED,
    DO,
    FAILED,
    FETCHED,
    HANDED_BACK,
    IMAGE,
    UNCHANGED,
    Answer,
    Request,
    frame,
    messages,
)
from pupline.errors import RetryAfter, StorageError, TaskFailure
from pupline.fetch import FetchPolicy, HttpClient
from pupline.functions.ingesting import IngestRules, fetch_item
from pupline.items import Fetched, Known, SourceItem, Unchanged

ANSWERS_TOGETHER = 32
"""Answers that wait for each other while there is more to do: a message for each would cost as much as the hashing."""

LONGEST_WAIT_MS = 50
"""How long an answer waits at most, whatever the other threads are at."""

HOT_THREADS = 2
"""Threads that serve whenever there is something to do: as many as one interpreter can keep busy. The others are in
reserve for slow servers: each more that is awake makes the interpreter change hands more often, which costs as much as
the hashing."""

STUCK_SECONDS = 0.002
"""When nobody took a request for so long although some wait, one more thread is needed."""

FILES_KEPT_OPEN = 768
"""Files whose pages are left in memory until the coordinator has synced them (its groups hold 512, and two may wait);
then they make room for new ones. Without that, a million images would drive everything else out of the page cache, and
each needs fresh pages, which are dear."""

_OTHER_DESCRIPTORS = 128
_IDLE_SECONDS = 0.01
_RECEIVE_BYTES = 1 << 16

_PR_SET_PDEATHSIG = 1
_COLLECT_AFTER = 50_000
_values = attrgetter(*(field.name for field in fields(Fetched)))


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """folder: where bodies are written. coordinator: its process id. The rest is how to fetch and judge."""

    policy: FetchPolicy
    rules: IngestRules
    threads: int
    folder: str
    coordinator: int


class Worker:
    """The threads and the socket of one worker process."""

    def __init__(self, sock: socket.socket, settings: WorkerSettings) -> None:
        self._sock = sock
        self._rules = settings.rules
        self._client = HttpClient(settings.policy, idle_connections=settings.threads)
        self._path = f"{settings.folder}/ingest-{os.getpid()}-"
        self._numbers = itertools.count()
        self._written: deque[int] = deque()
        self._requests: SimpleQueue[Request] = SimpleQueue()
        self._answers: list[Answer] = []
        self._lock = threading.Lock()
        self._taken = 0
        self._reserve = threading.Lock()
        self._files_kept_open = _descriptors_for(FILES_KEPT_OPEN, settings.threads)
        for number in range(settings.threads):
            serve = self._serve if number < HOT_THREADS else self._serve_in_reserve
            threading.Thread(target=serve, name=f"fetch-{number}", daemon=True).start()

    def listen(self, buffer: bytearray) -> None:
        """Do what the coordinator says, until it goes away."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while True:
            for operation, argument in messages(buffer):
                self._obey(operation, argument)
            if not poll.poll(LONGEST_WAIT_MS):
                self._send_answers()
            elif received := _received(self._sock):
                buffer += received
            else:
                return

    def _obey(self, operation: int, argument: list[Any]) -> None:
        if operation == DO:
            for request in argument:
                self._requests.put(request)
        else:
            numbers = set(argument)
            self._hand_back(lambda request: request[0] in numbers)

    def _hand_back(self, which: Callable[[Request], bool]) -> None:
        """Answer for requests that wait and must not be begun now."""
        waiting = self._take_waiting()
        back = [(request[0], HANDED_BACK) for request in waiting if which(request)]
        for request in waiting:
            if not which(request):
                self._requests.put(request)
        with self._lock:
            self._answers += back
        self._send_answers()

    def _take_waiting(self) -> list[Request]:
        waiting = []
        try:
            while True:
                waiting.append(self._requests.get_nowait())
        except Empty:
            return waiting

    def _serve(self) -> None:
        while True:
            request = self._requests.get()
            self._taken += 1
            self._answer(self._do(request))

    def _serve_in_reserve(self) -> None:
        while True:
            with self._reserve:  # one of them looks, the others sleep
                request = self._stuck_request()
            self._answer(self._do(request))

    def _stuck_request(self) -> Request:
        """The next request, once all other threads are held up by theirs."""
        while True:
            taken = self._taken
            time.sleep(_IDLE_SECONDS if self._requests.empty() else STUCK_SECONDS)
            if taken == self._taken:
                with suppress(Empty):
                    return self._requests.get_nowait()

    def _answer(self, answer: Answer) -> None:
        with self._lock:
            self._answers.append(answer)
            wait = len(self._answers) < ANSWERS_TOGETHER and not self._requests.empty()
        if not wait:
            self._send_answers()

    def _send_answers(self) -> None:
        with self._lock:
            if self._answers:
                try:
                    self._sock.sendall(frame(self._answers))
                except OSError:
                    os._exit(0)  # the coordinator is gone
                self._answers.clear()

    def _do(self, request: Request) -> Answer:
        began_at = time.time()
        number = request[0]
        try:
            kind, *said = self._fetch_image(request) if request[1] == IMAGE else self._fetch_document(request)
        except TaskFailure as failure:
            if isinstance(failure, RetryAfter) and failure.seconds:
                self._leave_alone(request[2])
            return (number, FAILED, began_at, time.time(), type(failure).__name__, failure.message, failure.details)
        except Exception as err:  # noqa: BLE001 - a bug that one image brings to light is that image's trouble alone
            told = f"{request[2]}: {type(err).__name__}: {err}; this is a mistake in pupline"
            return (number, FAILED, began_at, time.time(), TaskFailure.__name__, told, {})
        return (number, kind, began_at, time.time(), *said)

    def _fetch_image(self, request: Request) -> tuple[Any, ...]:
        _, _, url, sha1, sha256, etag, last_modified = request
        known = _known(etag, last_modified) if etag or last_modified else None
        found = fetch_item(self._client, SourceItem(url=url, sha1=sha1, sha256=sha256), known, self._rules)
        if isinstance(found, Unchanged):
            return (UNCHANGED,)
        image, body = found
        return (FETCHED, self._write(body), *_values(image))

    def _fetch_document(self, request: Request) -> tuple[Any, ...]:
        _, _, url, accept, max_bytes, headers, content, content_type = request
        if content is None:
            found = self._client.get(url, accept=accept, max_bytes=max_bytes, headers=headers)
        else:
            found = self._client.post(
                url, content=content, content_type=content_type, accept=accept, max_bytes=max_bytes, headers=headers
            )
        return (ANSWERED, found.url, dict(found.headers), found.body, found.content_type)

    def _write(self, body: bytes) -> str:
        path = f"{self._path}{next(self._numbers)}"
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._written.append(descriptor)
            written = os.write(descriptor, body)
            while written < len(body):
                written += os.write(descriptor, memoryview(body)[written:])
            if len(self._written) > self._files_kept_open:
                self._forget(self._written.popleft())
        except OSError as err:
            raise StorageError(f"cannot write {path}: {err.strerror}; free some space, or look at it") from err
        return path

    def _forget(self, descriptor: int) -> None:
        """Close a file that will not be read again soon, and have its memory used for the next ones."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)

    def _leave_alone(self, url: str) -> None:
        """The host asks for a pause: what waits here for it goes back at once."""
        origin = url[: url.find("/", 8) + 1]
        self._hand_back(lambda request: request[2].startswith(origin))


def _known(etag: str | None, last_modified: str | None) -> Known:
    """All that is needed here of what is known: what the server said of it. The rest is with the coordinator."""
    return Known(image_name="", key="", sha256="", size_bytes=0, file_type="", etag=etag, last_modified=last_modified)


def _descriptors_for(files: int, connections: int) -> int:
    """How many files may be kept open beside so many connections: `files`, where the system lets us have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + connections + _OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(0, soft - connections - _OTHER_DESCRIPTORS)
    return files


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
    Worker(sock, settings).listen(buffer)
    os._exit(0)  # its threads may be waiting for slow servers, and nobody for them


def _received(sock: socket.socket) -> bytes:
    """What the coordinator said next; nothing when it is gone, in whatever way."""
    try:
        return sock.recv(_RECEIVE_BYTES)
    except ConnectionError:
        return b""


def _yield_the_processor() -> None:
    """Do not drive others off the processor when an answer comes: what the coordinator does is what all wait for."""
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a sandbox may forbid it, which costs some speed and nothing else
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _die_with(coordinator: int) -> None:
    """Have the kernel kill this process when its coordinator ends, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != coordinator:  # it ended before it could be heard
            os._exit(0)
