"""Connections kept open between requests: few, for a short while, each for one origin."""

import re
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from pupline.http._connection import Connection
from pupline.http._raw_response import RawResponse
from pupline.http._url import Origin

# Servers close idle connections after 5 s (Apache) to 75 s (nginx) unless they say otherwise.
MAX_IDLE_SECONDS = 60.0

_TIMEOUT = re.compile(r"(?:.*[,\s])?timeout=([0-9]{1,6})(?:[,\s].*)?", re.IGNORECASE)


class _Idle(NamedTuple):
    connection: Connection
    until: float


class ConnectionPool:
    """At most `size` idle connections in all, by origin; 0: none is kept. Safe to use from many threads.

    A connection leads to an address that was checked when it was opened, and stays with its origin. One that is not
    quiet when it is taken (the server closed it, or sent unrequested bytes) is closed instead.
    """

    def __init__(self, size: int, monotonic: Callable[[], float]) -> None:
        self.size = size
        self._monotonic = monotonic
        self._lock = Lock()
        self._count = 0
        self._idle: OrderedDict[Origin, list[_Idle]] = OrderedDict()  # the origin used last at the end

    def take(self, origin: Origin) -> Connection | None:
        """A usable connection to `origin`, the most recently used one; None when there is none."""
        while (idle := self._pop(origin)) is not None:
            if self._monotonic() < idle.until and idle.connection.is_quiet():
                return idle.connection
            idle.connection.close()
        return None

    def keep(self, origin: Origin, connection: Connection, seconds: float) -> None:
        """Keep `connection` for another request within so many seconds; with 0, close it."""
        if seconds <= 0:
            connection.close()
            return
        oldest = None
        with self._lock:
            self._idle.setdefault(origin, []).append(_Idle(connection, self._monotonic() + seconds))
            self._idle.move_to_end(origin)
            self._count += 1
            if self._count > self.size:
                oldest = self._remove(next(iter(self._idle)), 0)
        if oldest is not None:
            oldest.connection.close()

    def close(self) -> None:
        """Close all idle connections, and from now on those that are returned."""
        with self._lock:
            self.size = 0
            idle, self._idle, self._count = self._idle, OrderedDict(), 0
        for stack in idle.values():
            for entry in stack:
                entry.connection.close()

    def _pop(self, origin: Origin) -> _Idle | None:
        with self._lock:
            return self._remove(origin, -1) if origin in self._idle else None

    def _remove(self, origin: Origin, index: int) -> _Idle:
        """Remove a connection to `origin` under the lock: the one used first (0) or last (-1)."""
        stack = self._idle[origin]
        idle = stack.pop(index)
        self._count -= 1
        if not stack:
            del self._idle[origin]
        return idle


def idle_seconds(response: RawResponse) -> float:
    """For how long the connection may be idle after `response`, 0 for not at all.

    Not at all unless the response was read to its own exact end, with nothing after it. Else a second less than the
    server says: a request sent at the last moment would meet the connection's end.
    """
    if not (response.is_at_end and response.head.is_persistent):
        return 0.0
    declared = response.head.headers.get("keep-alive")
    found = _TIMEOUT.fullmatch(declared) if declared else None
    return min(MAX_IDLE_SECONDS, int(found[1]) - 1.0) if found else MAX_IDLE_SECONDS
