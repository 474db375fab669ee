"""Threads that call functions. They are daemons: a function that hangs must not keep the server from ending."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class DaemonPool:
    """At most `size` threads, started as they are needed; further calls wait."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._changed = threading.Condition()
        self._calls: deque[Callable[[], object]] = deque()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def submit(self, function: Callable[..., object], *args: Any) -> None:
        """Call the function, which handles its own errors, in one of the threads. Does nothing after `close`.

        Raises: RuntimeError where the system starts no thread, and there is none.
        """
        with self._changed:
            if self._closed:
                return
            self._calls.append(lambda: function(*args))
            if self._idle >= len(self._calls) or self._threads >= self._size:
                self._changed.notify()
                return
            try:
                threading.Thread(target=self._work, name="pupline-task", daemon=True).start()
            except RuntimeError:
                if self._threads == 0:  # with others it is slower, and nothing is lost
                    self._calls.clear()
                    raise
            else:
                self._threads += 1

    def close(self) -> None:
        """Begin no further call."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while (call := self._next()) is not None:
            call()

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            self._idle += 1
            while not self._calls and not self._closed:
                self._changed.wait()
            self._idle -= 1
            return None if self._closed else self._calls.popleft()
