"""Connections kept open between requests: few, for a short while, and only to where they were opened for."""

import re
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from pupline.http._connection import Connection
from pupline.http._reader import RawResponse
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
        """A connection to `origin` that can be used now, the one used last; None when there is none."""
        while (idle := self._pop(origin)) is not None:
            if self._monotonic() < idle.until and idle.connection.is_quiet():
                return idle.connection
            idle.connection.close()
        return None

    def keep(self, origin: Origin, connection: Connection, seconds: float) -> None:
        """Keep `connection` for another request within so many seconds, or close it when there are none."""
        surplus: Connection | None = connection
        if seconds > 0:
            surplus = self._put(origin, _Idle(connection, self._monotonic() + seconds))
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        """Close all idle connections, and from now on those that come back."""
        with self._lock:
            self.size = 0
            idle, self._idle, self._count = self._idle, OrderedDict(), 0
        for stack in idle.values():
            for entry in stack:
                entry.connection.close()

    def _pop(self, origin: Origin) -> _Idle | None:
        with self._lock:
            stack = self._idle.get(origin)
            if stack is None:
                return None
            self._count -= 1
            idle = stack.pop()
            if not stack:
                del self._idle[origin]
            return idle

    def _put(self, origin: Origin, idle: _Idle) -> Connection | None:
        with self._lock:
            self._idle.setdefault(origin, []).append(idle)
            self._idle.move_to_end(origin)
            self._count += 1
            return self._oldest() if self._count > self.size else None

    def _oldest(self) -> Connection:
        origin, stack = next(iter(self._idle.items()))
        self._count -= 1
        oldest = stack.pop(0)
        if not stack:
            del self._idle[origin]
        return oldest.connection


def idle_seconds(response: RawResponse) -> float:
    """For how long the connection may be idle after `response`, 0 for not at all.

    Not at all unless the response was read to its own exact end, with nothing after it. Else a second less than the
    server says: a request sent at the last moment would meet the connection's end.
    """
    if not (response.is_at_end and response.head.is_persistent):
        return 0.0
    found = _TIMEOUT.fullmatch(response.head.headers.get("keep-alive", ""))
    return min(MAX_IDLE_SECONDS, int(found[1]) - 1.0) if found else MAX_IDLE_SECONDS
