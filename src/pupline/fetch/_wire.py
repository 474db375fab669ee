"""A connection read in pieces, with every wait bounded by one deadline."""

import socket
from typing import TYPE_CHECKING

from pupline.errors import ConnectionFailed, HttpError, TooLarge
from pupline.fetch._deadline import Deadline

if TYPE_CHECKING:
    import ssl

_PIECE_BYTES = 64 * 1024


class Wire:
    """The client's end of one connection.

    Its errors name the URL. ConnectionFailed: the connection was reset; RequestTimeout: the deadline passed. The time
    left is asked for before each single receive, so a server that drips a byte at a time gains nothing by it.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, max_header_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._buffer = bytearray()
        self._header_bytes_left = max_header_bytes
        self._max_header_bytes = max_header_bytes
        self._abrupt_ends: tuple[type[OSError], ...] = ()
        self.ended_abruptly = False
        self.url = deadline.url

    def start_tls(self, context: "ssl.SSLContext", host: str) -> None:
        """Put TLS on the connection, for the name `host`."""
        import ssl

        doing = "negotiating TLS"
        self._abrupt_ends = (ssl.SSLEOFError,)
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
        self._sock.settimeout(self._deadline.remaining(doing))
        try:
            self._sock.sendall(data)
        except TimeoutError as err:
            raise self._deadline.passed(doing) from err
        except OSError as err:
            raise self._lost(doing, err) from err

    def line(self, doing: str) -> bytes | None:
        """The next line of a header block, without its end; None when the connection ends before the line does.

        Raises: TooLarge when all lines of this answer together exceed the limit.
        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > self._header_bytes_left:
                break
            if not self._receive(doing):
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
        line = self.line("reading the body")
        if line is not None:
            self._header_bytes_left = before - max(0, len(line) - 16)
        return line

    def body_bytes(self, wanted: int) -> bytes:
        """The next `wanted` bytes; fewer only if the connection ends before."""
        while len(self._buffer) < wanted and self._receive("reading the body"):
            pass
        return self._take(wanted)

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._sock.close()

    def malformed(self, found: str) -> HttpError:
        """The error to raise for an answer that breaks the rules of HTTP."""
        return HttpError(f"{self.url}: the answer is not proper HTTP ({found}); the server must be mended")

    def closed(self, when: str) -> ConnectionFailed:
        """The error to raise when the server closed the connection too early."""
        return ConnectionFailed(f"{self.url}: the server closed the connection {when}; try again later")

    def _take(self, count: int) -> bytes:
        taken = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return taken

    def _receive(self, doing: str) -> bool:
        self._sock.settimeout(self._deadline.remaining(doing))
        try:
            piece = self._sock.recv(_PIECE_BYTES)
        except TimeoutError as err:
            raise self._deadline.passed(doing) from err
        except self._abrupt_ends:
            self.ended_abruptly = True
            return False
        except OSError as err:
            raise self._lost(doing, err) from err
        self._buffer += piece
        return bool(piece)

    def _lost(self, doing: str, err: OSError) -> ConnectionFailed:
        return ConnectionFailed(f"{self.url}: connection lost while {doing} ({err.strerror or err}); try again later")
