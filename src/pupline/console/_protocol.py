"""HTTP/1.1 connections with the bounds that uvicorn lacks.

uvicorn waits without end for the head of a request, for its body, and for a client that does not read. One client could
so hold all connections, or the memory of their answers. Here each of these has a deadline, and when all places are
taken, the connection that has been idle longest is closed for a new one: a flood of idle connections then does not keep
anyone out.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pupline.console.security import SAFE_HEADERS

MAX_CONNECTIONS = 256
MAX_HEAD_BYTES = 32 * 1024

HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a further request, to the end of the head."""

BODY_SECONDS = 20.0
"""From the end of the head to the end of the body."""

WRITE_SECONDS = 30.0
"""For a client to take what was written so far; and for it to take the rest when the connection ends."""

KEEP_ALIVE_SECONDS = 5


class BoundedProtocol(H11Protocol):
    """One connection, with a deadline for the head or the body that is awaited, and one for the client to read."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        self._awaited: float | None = None
        self.idle_since = self.loop.time()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection; where there is no room, close the one that has been idle longest."""
        if len(self.connections) >= MAX_CONNECTIONS and not self._make_room():
            transport.abort()
            return
        super().connection_made(transport)
        self._set_deadline(HEAD_SECONDS)

    def _make_room(self) -> bool:
        idle = [one for one in self.connections if isinstance(one, BoundedProtocol) and one.is_idle]
        if not idle:
            return False
        min(idle, key=lambda one: one.idle_since).end()
        return True

    def end(self) -> None:
        """Close the connection at once, whatever was not sent yet."""
        self.connections.discard(self)
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._set_deadline(None)
        self._set_write_deadline(None)
        if self.transport is not None:
            super().connection_lost(exc)

    def handle_events(self) -> None:
        """Handle what has arrived, and set the deadline for what it begins."""
        super().handle_events()
        state = self.conn.their_state
        awaited = HEAD_SECONDS if state is h11.IDLE else BODY_SECONDS if state is h11.SEND_BODY else None
        if awaited != self._awaited:
            self._set_deadline(awaited)

    def on_response_complete(self) -> None:
        """Begin to be idle."""
        self.idle_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Give the client a time to read what is waiting for it."""
        super().pause_writing()
        self._set_write_deadline(WRITE_SECONDS)

    def resume_writing(self) -> None:
        """Go on: the client has read enough."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._set_write_deadline(None)

    def timeout_keep_alive_handler(self) -> None:
        """Close the idle connection, and give the client a time to read the rest."""
        super().timeout_keep_alive_handler()
        self._set_write_deadline(WRITE_SECONDS)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, or a head that is too large, with the headers of every response."""
        body = f"{msg}\n".encode()
        fields = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *SAFE_HEADERS]
        head = h11.Response(status_code=400, headers=[*fields, (b"content-length", str(len(body)).encode())])
        for event in (head, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))
        self.transport.close()
        self._set_write_deadline(WRITE_SECONDS)

    def _set_deadline(self, seconds: float | None) -> None:
        self._awaited = seconds
        self._deadline = self._changed(self._deadline, seconds)

    def _set_write_deadline(self, seconds: float | None) -> None:
        self._write_deadline = self._changed(self._write_deadline, seconds)

    def _changed(self, timer: asyncio.TimerHandle | None, seconds: float | None) -> asyncio.TimerHandle | None:
        if timer is not None:
            timer.cancel()
        return None if seconds is None else self.loop.call_later(seconds, self.end)
