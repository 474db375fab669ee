"""Scenarios: status lines and header fields."""

import socket
import struct
from collections.abc import Callable

from tests.hostile.scenario import ATTEMPTS, Visit, accepted, answer, closing, failed, flooded, picture, refused

INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"


def dripping_head(visit: Visit) -> None:
    """A head that arrives byte by byte."""
    visit.send(b"HTTP/1.1 200 OK\r\nX: ")
    visit.repeat(b"x", pause_seconds=0.3)


def dripping_lines(visit: Visit) -> None:
    """A head whose fields arrive one by one."""
    visit.send(b"HTTP/1.1 200 OK\r\n")
    visit.repeat(b"X: y\r\n", pause_seconds=0.3)


def dripping_interims(visit: Visit) -> None:
    """Interim responses, one after another."""
    visit.repeat(INTERIM, pause_seconds=1.5)


def silence(visit: Visit) -> None:
    """Not a byte."""
    visit.hang()


def reset(visit: Visit) -> None:
    """Reset the connection."""
    visit.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_in_head(visit: Visit) -> None:
    """Half a head, then a reset."""
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    reset(visit)


def reset_in_body(visit: Visit) -> None:
    """Half a body, then a reset."""
    visit.send(answer(picture("reset-in-body")[:300], "Content-Length: 600"))
    reset(visit)


def half_closed(visit: Visit) -> None:
    """A whole response; then only the server's side is closed."""
    visit.send(answer(picture("half-closed")))
    visit.sock.shutdown(socket.SHUT_WR)
    visit.hang()


def flood(start: bytes, piece: bytes) -> Callable[[Visit], None]:
    """A start, then one piece without end."""

    def serve(visit: Visit) -> None:
        visit.send(start)
        visit.repeat(piece)

    return serve


OK = b"HTTP/1.1 200 OK\r\n"

ODD_STATUS_LINES = {
    "status-0": b"HTTP/1.1 0 OK",
    "status-099": b"HTTP/1.1 099 OK",
    "status-1000": b"HTTP/1.1 1000 OK",
    "status-20": b"HTTP/1.1 20 OK",
    "status-with-a-plus": b"HTTP/1.1 +200 OK",
    "status-below-zero": b"HTTP/1.1 -200 OK",
    "status-with-a-point": b"HTTP/1.1 200.0 OK",
    "status-in-letters": b"HTTP/1.1 OK",
    "status-in-other-digits": "HTTP/1.1 \u0662\u0660\u0660 OK".encode(),
    "status-missing": b"HTTP/1.1",
    "version-2": b"HTTP/2 200 OK",
    "version-1-2": b"HTTP/1.2 200 OK",
    "version-in-lower-case": b"http/1.1 200 OK",
    "version-of-a-radio": b"ICY 200 OK",
    "no-version": b"<html><body>Woof</body></html>",
    "another-protocol": b"SSH-2.0-OpenSSH_9.6",
    "terminal-escapes": b"\x1b]0;evil\x07\x1b[2J HTTP/1.1 200 OK",
    "bidirectional": "HTTP/1.1\u202e 200 OK".encode(),
}

SCENARIOS = [
    accepted("bare-line-feeds", lambda body: b"HTTP/1.1 200\nContent-Length: %d\n\n" % len(body) + body),
    accepted("empty-lines-first", lambda body: b"\r\n\r\n" + answer(body)),
    accepted("eight-interims", lambda body: INTERIM * 8 + answer(body)),
    accepted("no-reason", lambda body: b"HTTP/1.1 200\r\nContent-Length: %d\r\n\r\n" % len(body) + body),
    accepted("http-1-0", lambda body: b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body),
    accepted("folded", lambda body: answer(body, "X-Folded: a\r\n b\r\n\tc")),
    accepted("a-line-without-colon", lambda body: answer(body, "what is this", ": nameless", "X-Space : y")),
    accepted("bytes-beyond-ascii", lambda body: answer(body, "X-Name: K\xf6ter \x1b[31m", "Server: \xff\xfe")),
    accepted("a-hundred-headers", lambda body: answer(body, *[f"X-{n}: y" for n in range(98)])),
    accepted("closed-after-it", lambda body: closing(answer(body, "Connection: keep-alive"))),
    accepted("said-to-close", lambda body: answer(body, "Connection: close")),
    accepted("kept-for-no-time", lambda body: answer(body, "Keep-Alive: timeout=0")),
    accepted("kept-for-ever", lambda body: answer(body, "Keep-Alive: timeout=99999999999999999999, max=0")),
    accepted("head-in-pieces", lambda body: closing(*[bytes([byte]) for byte in answer(body)])),
    accepted("half-closed", lambda _: half_closed),
    *[failed(name, line + b"\r\nContent-Length: 1\r\n\r\nx", "http_error") for name, line in ODD_STATUS_LINES.items()],
    failed("nine-interims", INTERIM * 9 + answer(b"x"), "http_error"),
    failed("endless-interims", flood(b"", INTERIM * 500), "http_error"),
    failed("endless-empty-lines", flood(b"", b"\r\n" * 8192), "http_error"),
    failed("switching-protocols", answer(b"", "Upgrade: h2c", status="101 Switching Protocols"), "http_error"),
    failed("dripping-head", dripping_head, "timeout", requests=ATTEMPTS),
    failed("dripping-lines", dripping_lines, "timeout", requests=ATTEMPTS),
    failed("dripping-interims", dripping_interims, "timeout", requests=ATTEMPTS),
    failed("silence", silence, "timeout", requests=ATTEMPTS),
    failed("closed-at-once", closing(), "connection_error", requests=ATTEMPTS + 1),
    failed("reset-at-once", reset, "connection_error", requests=ATTEMPTS + 1),
    failed("reset-in-the-head", reset_in_head, "connection_error", requests=ATTEMPTS),
    failed("reset-in-the-body", reset_in_body, "connection_error", requests=ATTEMPTS),
    failed("tls-alert", closing(b"\x15\x03\x01\x00\x02\x02\x46"), "connection_error", requests=ATTEMPTS),
    failed("http-2-settings", closing(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), "connection_error", requests=ATTEMPTS),
    refused("a-huge-header", answer(b"x", "X: " + "y" * 40_000), "too_large"),
    refused("many-headers", answer(b"x", *[f"X-{n}: y" for n in range(120)]), "too_large"),
    flooded("endless-headers", flood(OK, b"X: y\r\n" * 4096)),
    flooded("endless-header", flood(OK + b"X: ", b"y" * 65_536)),
    flooded("endless-status-line", flood(b"HTTP/1.1 200 ", b"y" * 65_536)),
    flooded("endless-fold", flood(OK + b"X: y\r\n", b" z\r\n" * 4096)),
    flooded("endless-interim-head", flood(b"HTTP/1.1 100 Continue\r\n", b"X: y\r\n" * 4096)),
]
