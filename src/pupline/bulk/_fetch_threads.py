"""Threads for the requests of a worker that have to wait: for a name, for TLS, for a document."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue

from pupline.bulk._fetcher import PendingImage
from pupline.bulk._worker_messages import DocumentRequest, Reply, WorkerRequest


class FetchThreads:
    """At most `most` threads, which are started when they are needed. Used by one other thread, which polls `fileno`.

    fetch: gives the reply, and raises nothing.
    """

    def __init__(self, most: int, fetch: Callable[[DocumentRequest | PendingImage], Reply]) -> None:
        self._most = most
        self._fetch = fetch
        self._started = 0
        self._unfinished = 0
        self._tasks: SimpleQueue[DocumentRequest | PendingImage] = SimpleQueue()
        self._done: deque[tuple[WorkerRequest, Reply]] = deque()
        self._wake_receiver, self._wake_sender = os.pipe()
        for end in (self._wake_receiver, self._wake_sender):
            os.set_blocking(end, False)

    def fileno(self) -> int:
        """The descriptor that can be read when a reply is there."""
        return self._wake_receiver

    def begin(self, task: DocumentRequest | PendingImage) -> None:
        """Have it done. Raises: RuntimeError where the system gives not even one thread."""
        self._unfinished += 1
        if self._started < min(self._unfinished, self._most):
            try:
                threading.Thread(target=self._work, name=f"fetch-{self._started + 1}", daemon=True).start()
                self._started += 1
            except RuntimeError:
                if not self._started:
                    raise
                self._most = self._started  # the system starts no more: it is slower with these
        self._tasks.put(task)

    def replies(self) -> Iterator[tuple[WorkerRequest, Reply]]:
        """What was done since the last call."""
        with suppress(BlockingIOError):
            os.read(self._wake_receiver, 1 << 16)
        while self._done:
            self._unfinished -= 1
            yield self._done.popleft()

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            request = task.request if isinstance(task, PendingImage) else task
            self._done.append((request, self._fetch(task)))
            with suppress(BlockingIOError):  # it is being woken already
                os.write(self._wake_sender, b"\0")
