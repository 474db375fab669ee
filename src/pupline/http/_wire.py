"""A connection read in pieces, with every wait bounded by one deadline."""

import socket
import struct
import sys
from typing import TYPE_CHECKING

from pupline.errors import ConnectionFailed, HttpError, TooLarge
from pupline.http._deadline import Deadline

if TYPE_CHECKING:
    import ssl

# As much as one TLS record holds; with larger pieces the allocator goes to the kernel for each of them.
_PIECE_BYTES = 16 * 1024
# A body, or as much of a large one, that the kernel is asked for in one call.
_WHOLE_BYTES = 1024 * 1024
# Room for any ordinary header block.
_GLANCE_BYTES = 4096

_READING = "reading the body"

# How late a time-out may be noticed. The socket's own time-out is left alone while it is no more than that above the
# time left, since setting it takes as long as receiving does.
_MAX_LATE_SECONDS = 0.05

# Linux bounds a blocking call as a whole (SO_RCVTIMEO), also one that waits for all bytes, under a drip of them. With
# Python's own time-outs there is a poll before each call, and none waits for more than the first byte: twice the cost.
_KERNEL_BOUNDS_CALLS = sys.platform == "linux"


class Wire:
    """The client's end of one connection, for one request after the other.

    Its errors name the URL. ConnectionFailed: the connection was reset; RequestTimeout: the deadline passed. The time
    left is asked for before each single receive, so a server that drips a byte at a time gains nothing by it.
    heard: whether a byte of the current answer arrived. at_end: set by who reads the answer's body, when it was read to
    its own exact end. ended_abruptly: TLS ended without its closing alert.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, max_header_bytes: int) -> None:
        self._sock = sock
        self._buffer = bytearray()
        self._pieces: list[bytes] = []
        self._pieces_bytes = 0
        self._max_header_bytes = max_header_bytes
        self._bounded_to = 0.0
        self._bounded_by_kernel = _KERNEL_BOUNDS_CALLS
        self._abrupt_ends: tuple[type[OSError], ...] = ()
        self._nothing_there: tuple[type[OSError], ...] = (BlockingIOError,)
        if _KERNEL_BOUNDS_CALLS:
            sock.settimeout(None)
        self.begin(deadline)

    def begin(self, deadline: Deadline) -> None:
        """Be ready for another request and its answer."""
        self._deadline = deadline
        self._header_bytes_left = self._max_header_bytes
        self.heard = self.at_end = self.ended_abruptly = False

    @property
    def url(self) -> str:
        """What is asked for, fit for a message."""
        return self._deadline.url

    def fileno(self) -> int:
        """The connection's descriptor."""
        return self._sock.fileno()

    def start_tls(self, context: "ssl.SSLContext", host: str) -> None:
        """Put TLS on the connection, for the name `host`."""
        import ssl

        doing = "negotiating TLS"
        self._bounded_by_kernel = False  # the TLS library takes the kernel's time-out for "ask again"
        self._abrupt_ends = (ssl.SSLEOFError,)
        self._nothing_there = (ssl.SSLWantReadError,)
        self._sock.settimeout(self._deadline.remaining(doing))
        try:
            self._sock = context.wrap_socket(self._sock, server_hostname=host, suppress_ragged_eofs=False)
        except TimeoutError as err:
            raise self._deadline.passed(doing) from err
        except OSError as err:
            why = getattr(err, "verify_message", "") or getattr(err, "reason", "") or err.strerror or "connection lost"
            raise ConnectionFailed(
                f"{self.url}: TLS failed ({why}); check the server's certificate and this machine's clock"
            ) from err

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        doing = "sending the request"
        self._bound(doing)
        try:
            self._sock.sendall(data)
        except (TimeoutError, BlockingIOError) as err:
            raise self._deadline.passed(doing) from err
        except OSError as err:
            raise self._lost(doing, err) from err

    def glance(self, doing: str) -> bytes:
        """The first bytes to come, some 4 KB at most, left in their place; b"" when the connection has ended."""
        if not self._buffer:
            if self._bounded_by_kernel:
                return self._receive(min(_GLANCE_BYTES, self._header_bytes_left), socket.MSG_PEEK, doing)
            self._fill(doing)
        return bytes(memoryview(self._buffer)[: min(_GLANCE_BYTES, self._header_bytes_left)])

    def has_news(self, doing: str) -> bool:
        """Whether `glance` need not wait, on a connection at which something has arrived.

        That may be a part of a TLS record, of which nobody can see anything yet. Raises: RequestTimeout.
        """
        if self._buffer or self._bounded_by_kernel:
            return True
        piece = self._receive_now(_PIECE_BYTES, doing)
        self._buffer += piece or b""
        return piece is not None

    def skip_head(self, count: int) -> None:
        """Pass over `count` bytes that `glance` gave, as a header block."""
        self._header_bytes_left -= count
        if self._buffer:
            del self._buffer[:count]
        else:
            self._receive(count, 0, "reading the headers")

    def line(self, doing: str) -> bytes | None:
        """The next line of a header block, without its end; None when the connection ends before the line does.

        Raises: TooLarge when all lines of this answer together exceed the limit.
        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > self._header_bytes_left:
                break
            if not self._fill(doing):
                return None
        self._header_bytes_left -= end + 1 if end >= 0 else searched
        if self._header_bytes_left < 0 or end < 0:
            raise TooLarge(
                f"{self.url}: the header block is larger than {self._max_header_bytes} bytes; no image needs that"
            )
        return self._take(end + 1).rstrip(b"\r\n")

    def chunk_line(self) -> bytes | None:
        """The next line of chunked framing. What exceeds a plain size counts as header bytes, as extensions would."""
        before = self._header_bytes_left
        line = self.line(_READING)
        if line is not None:
            self._header_bytes_left = before - max(0, len(line) - 16)
        return line

    def gather(self, wanted: int) -> bool:
        """Take what has arrived of the next `wanted` bytes of a body; whether `body_bytes` need not wait for them.

        Raises: ConnectionFailed, RequestTimeout.
        """
        if self._buffer:
            self._put_aside(self._take(wanted - self._pieces_bytes))
        while self._pieces_bytes < wanted:
            piece = self._receive_now(wanted - self._pieces_bytes, _READING)
            if piece is None:
                return False
            if not piece:
                break  # the connection has ended
            self._put_aside(piece)
        return True

    def gather_framed(self, most: int, last: int) -> bytes:
        """Take what has arrived of a framed body, `most` bytes or a little more; the `last` bytes of that.

        Raises: ConnectionFailed, RequestTimeout.
        """
        while len(self._buffer) <= most and (piece := self._receive_now(_PIECE_BYTES, _READING)):
            self._buffer += piece
        return bytes(self._buffer[-last:])

    def _put_aside(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._pieces_bytes += len(piece)

    def body_bytes(self, wanted: int) -> bytes:
        """The next `wanted` bytes; fewer only if the connection ends before."""
        if self._pieces:
            pieces, self._pieces, self._pieces_bytes = self._pieces, [], 0
            return self._gathered(b"".join(pieces) if len(pieces) > 1 else pieces[0], wanted)
        if self._buffer:
            return self._gathered(self._take(wanted), wanted)
        return self._gathered(self._body_piece(wanted), wanted)

    def _gathered(self, first: bytes, wanted: int) -> bytes:
        if len(first) == wanted or not first:
            return first
        gathered = bytearray(first)
        while len(gathered) < wanted and (piece := self._body_piece(wanted - len(gathered))):
            gathered += piece
        return bytes(gathered)

    def _body_piece(self, wanted: int) -> bytes:
        if self._bounded_by_kernel:
            return self._receive(min(wanted, _WHOLE_BYTES), socket.MSG_WAITALL, _READING)
        return self._receive(min(wanted, _PIECE_BYTES), 0, _READING)

    @property
    def has_more(self) -> bool:
        """Whether bytes were received that nobody has taken yet."""
        return bool(self._buffer)

    def is_quiet(self) -> bool:
        """Whether the connection, between two requests, is still open and nothing has arrived on it."""
        try:
            if self._bounded_by_kernel:
                self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            else:
                self._never_wait()
                self._sock.recv(1)
        except self._nothing_there:
            return not self._buffer
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._sock.close()

    def malformed(self, found: str) -> HttpError:
        """The error to raise for an answer that breaks the rules of HTTP."""
        return HttpError(f"{self.url}: the server sent an invalid response: not proper HTTP ({found})")

    def closed(self, when: str) -> ConnectionFailed:
        """The error to raise when the server closed the connection too early."""
        return ConnectionFailed(f"{self.url}: the server closed the connection {when}; try again later")

    def _take(self, count: int) -> bytes:
        taken = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return taken

    def _fill(self, doing: str) -> bool:
        piece = self._receive(_PIECE_BYTES, 0, doing)
        self._buffer += piece
        return bool(piece)

    def _receive(self, size: int, flags: int, doing: str) -> bytes:
        self._bound(doing)
        try:
            return self._received(size, flags, doing)
        except (TimeoutError, BlockingIOError) as err:
            raise self._deadline.passed(doing) from err

    def _receive_now(self, size: int, doing: str) -> bytes | None:
        """What has arrived, b"" at the connection's end; None when nothing has, and there is time left."""
        try:
            if self._bounded_by_kernel:
                return self._received(min(size, _WHOLE_BYTES), socket.MSG_DONTWAIT, doing)
            self._never_wait()
            return self._received(min(size, _PIECE_BYTES), 0, doing)
        except self._nothing_there:
            self._deadline.remaining(doing)
            return None

    def _received(self, size: int, flags: int, doing: str) -> bytes:
        try:
            piece = self._sock.recv(size, flags)
        except self._abrupt_ends:
            self.ended_abruptly = True
            return b""
        except OSError as err:
            if isinstance(err, (TimeoutError, *self._nothing_there)):
                raise
            raise self._lost(doing, err) from err
        if piece:
            self.heard = True
        return piece

    def _never_wait(self) -> None:
        self._bounded_to = 0.0
        self._sock.settimeout(0.0)

    def _bound(self, doing: str) -> None:
        left = self._deadline.remaining(doing)
        if not left <= self._bounded_to <= left + _MAX_LATE_SECONDS:
            self._bounded_to = left + _MAX_LATE_SECONDS / 2
            self._set_timeout(self._bounded_to)

    def _set_timeout(self, seconds: float) -> None:
        if not self._bounded_by_kernel:
            self._sock.settimeout(seconds)
            return
        timeval = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)

    def _lost(self, doing: str, err: OSError) -> ConnectionFailed:
        return ConnectionFailed(f"{self.url}: connection lost while {doing} ({err.strerror or err}); try again later")
