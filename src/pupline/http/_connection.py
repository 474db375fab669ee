"""A connection: a socket whose every operation is bounded by a deadline, plain or with TLS."""

import socket
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from pupline.errors import ConnectionFailed
from pupline.http._deadline import Deadline

if TYPE_CHECKING:
    import ssl

# As much as one TLS record holds; with larger pieces the allocator asks the kernel for each of them.
_PIECE_BYTES = 16 * 1024
# A body, or as much of a large one, that the kernel is asked for in one call.
_MAX_BODY_PIECE_BYTES = 1024 * 1024

# How late a time-out may be noticed. The socket's own time-out is left alone while it is no more than that above the
# time left, since setting it takes as long as receiving does.
_MAX_LATE_SECONDS = 0.05

# Linux bounds a blocking call as a whole (SO_RCVTIMEO), including one that waits for all bytes, under a drip of them.
# With Python's own time-outs there is a poll before each call, and none waits for more than the first byte: twice the
# cost.
_KERNEL_BOUNDS_CALLS = sys.platform == "linux"

# As plain numbers: an operation on the socket module's enumerations takes longer than receiving does.
_PEEK = int(socket.MSG_PEEK)
_WAIT_FOR_ALL = int(socket.MSG_WAITALL)
_DO_NOT_WAIT = int(getattr(socket, "MSG_DONTWAIT", 0))


class Connection:
    """The client's end of a connection, which knows nothing of HTTP.

    Errors: ConnectionFailed where it was reset, RequestTimeout where the deadline passed; both begin with the
    deadline's URL. The time left is checked before each receive, so a server gains nothing by dripping bytes.
    ended_abruptly: TLS ended without its closing alert.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.ended_abruptly = False
        self._sock = sock
        self._timeout_seconds = 0.0
        self._is_bounded_by_kernel = _KERNEL_BOUNDS_CALLS
        self._abrupt_ends: tuple[type[OSError], ...] = ()
        self._nothing_there: tuple[type[OSError], ...] = (BlockingIOError, TimeoutError)
        if _KERNEL_BOUNDS_CALLS:
            sock.settimeout(None)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._sock.close()

    def start_tls(self, context: "ssl.SSLContext", host: str, deadline: Deadline) -> None:
        """Negotiate TLS for the name `host`."""
        import ssl

        doing = "negotiating TLS"
        self._is_bounded_by_kernel = False  # the TLS library takes the kernel's time-out for "ask again"
        self._abrupt_ends = (ssl.SSLEOFError,)
        self._nothing_there = (ssl.SSLWantReadError, TimeoutError)
        self._sock.settimeout(deadline.remaining(doing))
        try:
            self._sock = context.wrap_socket(self._sock, server_hostname=host, suppress_ragged_eofs=False)
        except TimeoutError as err:
            raise deadline.timed_out(doing) from err
        except OSError as err:
            why = getattr(err, "verify_message", "") or getattr(err, "reason", "") or err.strerror or "connection lost"
            raise ConnectionFailed(
                f"{deadline.url}: TLS failed ({why}); check the server's certificate and this machine's clock"
            ) from err

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        doing = "sending the request"
        left = deadline.remaining(doing)
        try:
            if self._is_bounded_by_kernel:  # a request fits the socket's buffer: there is nothing to wait for
                with suppress(BlockingIOError):
                    data = data[self._sock.send(data, _DO_NOT_WAIT) :]
            if data:
                self._set_timeout(left)
                self._sock.sendall(data)
        except (TimeoutError, BlockingIOError) as err:
            raise deadline.timed_out(doing) from err
        except OSError as err:
            raise _lost(doing, err, deadline) from err

    def receive_head(self, max_bytes: int, deadline: Deadline, doing: str, wait: bool) -> bytes | None:
        """As `receive`, but of more than `max_bytes` where possible nothing beyond the first blank line.

        So a large body that follows is received in one piece, which need not be copied.
        """
        if not self._is_bounded_by_kernel:
            return self.receive(0, deadline, doing, wait)
        seen = self._receive(max_bytes, _PEEK, deadline, doing, wait)
        if not seen:
            return seen
        end = seen.find(b"\r\n\r\n") + 4 if len(seen) == max_bytes else 0
        return self._receive(end if end > 3 else len(seen), 0, deadline, doing, wait)

    def receive(self, wanted: int, deadline: Deadline, doing: str, wait: bool) -> bytes | None:
        """The next bytes, b"" at the connection's end; None where none have arrived, and `wait` is False.

        wanted: take at most so many, and wait for all of them; 0: take what there is.
        """
        if not self._is_bounded_by_kernel:
            return self._receive(min(wanted or _PIECE_BYTES, _PIECE_BYTES), 0, deadline, doing, wait)
        if not wanted:
            return self._receive(_PIECE_BYTES, 0, deadline, doing, wait)
        flags = _WAIT_FOR_ALL if wait else 0
        return self._receive(min(wanted, _MAX_BODY_PIECE_BYTES), flags, deadline, doing, wait)

    def is_quiet(self) -> bool:
        """Whether the connection, between two requests, is still open and nothing has arrived on it."""
        try:
            if self._is_bounded_by_kernel:
                self._sock.recv(1, _PEEK | _DO_NOT_WAIT)
            else:
                self._never_wait()
                self._sock.recv(1)
        except self._nothing_there:
            return True
        except OSError:
            return False
        return False

    def _receive(self, size: int, flags: int, deadline: Deadline, doing: str, wait: bool) -> bytes | None:
        if wait:
            self._set_timeout(deadline.remaining(doing))
        elif self._is_bounded_by_kernel:
            flags |= _DO_NOT_WAIT
        else:
            self._never_wait()
        try:
            return self._sock.recv(size, flags)
        except self._nothing_there as err:
            if wait:
                raise deadline.timed_out(doing) from err
            deadline.remaining(doing)
            return None
        except self._abrupt_ends:
            self.ended_abruptly = True
            return b""
        except OSError as err:
            raise _lost(doing, err, deadline) from err

    def _never_wait(self) -> None:
        self._timeout_seconds = 0.0
        self._sock.settimeout(0.0)

    def _set_timeout(self, left: float) -> None:
        if left <= self._timeout_seconds <= left + _MAX_LATE_SECONDS:
            return
        self._timeout_seconds = seconds = left + _MAX_LATE_SECONDS / 2
        if not self._is_bounded_by_kernel:
            self._sock.settimeout(seconds)
            return
        timeval = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)


def _lost(doing: str, err: OSError, deadline: Deadline) -> ConnectionFailed:
    return ConnectionFailed(f"{deadline.url}: connection lost while {doing} ({err.strerror or err}); try again later")
