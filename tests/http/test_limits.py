"""A request ends at its deadline, whatever it is waiting for, and never takes more than its limits."""

import errno
import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from pupline.errors import ConnectionFailed, LocalTrouble, RequestTimeout, TaskFailure, TooLarge
from pupline.http import FetchPolicy, HttpClient, Network, Origin
from pupline.http._network import MAX_LOOKUPS
from tests.http.servers import PUBLIC, FakeInternet, RawServer, answer
from tests.http.waits import bounded_by as bounded_by

DEADLINE = 0.15


def drip(before: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """A server that sends `before`, then `piece` every 10 ms for as long as the client stays."""

    def behave(sock: socket.socket) -> None:
        sock.sendall(before)
        for _ in range(300):
            sock.sendall(piece)
            time.sleep(0.01)

    return behave


def silence(before: bytes) -> Callable[[socket.socket], None]:
    """A server that sends `before`, then nothing until the client goes away."""

    def behave(sock: socket.socket) -> None:
        sock.sendall(before)
        sock.recv(1)

    return behave


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "doing"),
    [
        (silence(b""), "waiting for the response's headers"),
        (silence(b"HTTP/1.1 200 OK\r\n"), "waiting for the response's headers"),
        (drip(b"HTTP/1.1 200 OK\r\nA: ", b"x"), "waiting for the response's headers"),
        (drip(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), "waiting for the response's headers"),
        (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"), "reading the body"),
        (drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), "reading the body"),
        (drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), "reading the body"),
        (drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"), "reading the body"),
        (
            drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
            "reading the body's trailer",
        ),
    ],
)
@pytest.mark.usefixtures("bounded_by")
def test_a_slow_answer_ends_at_the_deadline(behaviour: Callable[[socket.socket], None], doing: str) -> None:
    """Neither silence nor a drip of bytes, wherever it happens, holds a request longer than its deadline."""
    with RawServer(behaviour) as server:
        started = time.monotonic()
        with pytest.raises(RequestTimeout, match=f"/: not done after 0.15 s, while {doing}; .*--timeout"):
            server.client(timeout_seconds=DEADLINE).get(server.origin)
        assert DEADLINE <= time.monotonic() - started < DEADLINE + 1


def test_all_redirects_share_one_deadline() -> None:
    """A redirect does not start the clock anew."""

    def late_redirect(sock: socket.socket) -> None:
        time.sleep(0.1)
        sock.sendall(answer(b"", f"Location: /{time.monotonic_ns()}", status="302 Found"))

    with (
        RawServer(late_redirect) as server,
        pytest.raises(RequestTimeout, match=r"redirected from .*not done after 0\.25 s"),
    ):
        server.client(timeout_seconds=0.25).get(server.origin)


@pytest.mark.usefixtures("bounded_by")
def test_an_endless_body_ends_at_the_size_limit() -> None:
    """An endless stream is left once it exceeds the limit; no time-out is needed for that."""

    def endless(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            sock.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")

    with RawServer(endless) as server, pytest.raises(TooLarge, match="--max-bytes"):
        server.client(max_bytes=500_000).get(server.origin)


@pytest.mark.usefixtures("bounded_by")
def test_endless_headers_end_at_the_size_limit() -> None:
    """Neither one endless header line nor endless interim answers are read for long."""

    def endless(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nA: ")
        while True:
            sock.sendall(b"x" * 65536)

    with RawServer(endless) as server, pytest.raises(TooLarge, match="larger than 32768 bytes"):
        server.client().get(server.origin)


def test_the_size_limit_is_exact() -> None:
    """A body of exactly the limit is read, one byte more is refused; a call's own limit replaces the policy's."""
    with RawServer(answer(b"x" * 100)) as server:
        client = server.client(max_bytes=99)
        assert len(client.get(server.origin, max_bytes=100).body) == 100
        with pytest.raises(TooLarge):
            client.get(server.origin)


@pytest.mark.slow
def test_a_dead_name_server_ends_at_the_deadline() -> None:
    """A lookup that never returns is abandoned, and the lookups in the air are bounded."""
    release = threading.Event()
    lookups: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        lookups.append(host)
        release.wait(5)
        return [PUBLIC]

    client = HttpClient(FetchPolicy(timeout_seconds=0.01), Network(resolve=resolve))
    try:
        for _ in range(MAX_LOOKUPS + 2):
            with pytest.raises(RequestTimeout, match=r"while looking up dogs\.example"):
                client.get("http://dogs.example/")
        assert len(lookups) == MAX_LOOKUPS
    finally:
        release.set()


def test_a_slow_connection_ends_at_the_deadline() -> None:
    """Connecting is given the time that is left, in shares when there are several addresses."""
    shares: list[float] = []

    def connect(_address: str, _port: int, timeout_seconds: float) -> socket.socket:
        shares.append(timeout_seconds)
        now[0] += timeout_seconds
        raise TimeoutError("timed out")

    now = [100.0]
    network = Network(resolve=lambda *_: [PUBLIC, "1.1.1.1"], connect=connect, monotonic=lambda: now[0])
    with pytest.raises(RequestTimeout, match=r"not done after 10 s, while connecting to 1\.1\.1\.1"):
        HttpClient(FetchPolicy(timeout_seconds=10), network).get("http://dogs.example/")
    assert shares == [5.0, 5.0]


def test_tls_ends_at_the_deadline() -> None:
    """A server that never answers the TLS handshake holds nobody."""
    with RawServer(silence(b"")) as server:
        url = server.origin.replace("http", "https")
        client = HttpClient(FetchPolicy(trusted=frozenset({Origin.parse(url)}), timeout_seconds=DEADLINE))
        with pytest.raises(RequestTimeout, match="while negotiating TLS"):
            client.get(url)


def test_the_deadline_is_asked_before_each_step() -> None:
    """With the clock past the deadline nothing is sent any more."""
    ticks = iter([0.0, 1.0, 2.0, 99.0])
    internet = FakeInternet({"dogs.example": [PUBLIC]})
    network = Network(resolve=internet.resolve, connect=internet.connect, monotonic=lambda: next(ticks, 99.0))
    with pytest.raises(RequestTimeout, match=r"while (connecting|sending)"):
        HttpClient(FetchPolicy(timeout_seconds=10), network).get("http://dogs.example/")
    assert not any(internet.requests)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EMFILE, LocalTrouble),
        (errno.ENFILE, LocalTrouble),
        (errno.ENOMEM, LocalTrouble),
        (errno.ENETUNREACH, ConnectionFailed),
        (errno.EACCES, ConnectionFailed),
        (errno.ECONNREFUSED, ConnectionFailed),
    ],
)
def test_a_machine_without_descriptors_is_not_the_servers_fault(number: int, expected: type[TaskFailure]) -> None:
    """What this machine has nothing left for is local trouble; what the network refuses is a failed connection."""

    def connect(_address: str, _port: int, _seconds: float) -> socket.socket:
        raise OSError(number, os.strerror(number))

    client = HttpClient(FetchPolicy(), Network(resolve=lambda _host, _port: [PUBLIC], connect=connect))
    with pytest.raises(TaskFailure) as failed:
        client.get("http://dogs.example/")
    assert type(failed.value) is expected


def test_a_name_that_cannot_be_looked_up_for_want_of_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver says that it does not know the name: so it is seen whether anything can be opened."""

    def resolve(_host: str, _port: int) -> list[str]:
        raise OSError(-3, "Temporary failure in name resolution")

    def open_nothing(*_given: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    client = HttpClient(FetchPolicy(), Network(resolve=resolve))
    with pytest.raises(ConnectionFailed, match="was not resolved"):
        client.get("http://dogs.example/")
    monkeypatch.setattr(os, "open", open_nothing)
    with pytest.raises(LocalTrouble, match="ulimit -n"):
        client.get("http://dogs.example/")


def test_an_image_has_at_most_twenty_mebibytes() -> None:
    """The limit where nobody gives another one."""
    assert FetchPolicy().max_bytes == 20_971_520
