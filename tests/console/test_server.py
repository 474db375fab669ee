"""The server on a real port: what holds connections or memory without end, and floods."""

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.responses import Response

from pupline.console import ConsoleSettings, create_app
from pupline.console import _protocol as protocol
from pupline.console._server import ConsoleServer, listening
from pupline.errors import ConfigurationError
from pupline.listening import is_loopback

pytestmark = pytest.mark.slow

PATIENCE = 20.0


@contextmanager
def running(settings: ConsoleSettings) -> Iterator[ConsoleServer]:
    """A console on a free port, in a thread. `server.port` is the port."""
    with listening(settings.host, 0) as listener:
        port = listener.getsockname()[1]
        ready = threading.Event()
        server = ConsoleServer(create_app(replace(settings, port=port)), ready.set)
        thread = threading.Thread(target=server.run, args=([listener],), name="console")
        thread.start()
        try:
            assert ready.wait(PATIENCE)
            yield server
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def server(world: Path) -> Iterator[ConsoleServer]:
    """A console over the sample data directory."""
    with running(ConsoleSettings(data_dir=world)) as found:
        found.app.add_route("/large", lambda _request: Response(b"x" * 8_000_000))
        yield found


def port_of(server: ConsoleServer) -> int:
    """The port that the server listens on."""
    port: int = server.app.console.settings.port
    return port


def connected(server: ConsoleServer) -> socket.socket:
    """A new connection."""
    return socket.create_connection(("127.0.0.1", port_of(server)), timeout=PATIENCE)


def head(server: ConsoleServer, line: str = "GET /about HTTP/1.1", *fields: str) -> bytes:
    """The head of a request."""
    return "\r\n".join([line, f"Host: 127.0.0.1:{port_of(server)}", *fields, "", ""]).encode()


def everything(connection: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    received: list[bytes] = []
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return b"".join(received)
        if not part:
            return b"".join(received)
        received.append(part)


def status(answer: bytes) -> int:
    """The status of an answer; 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def asked(server: ConsoleServer, path: str = "/about") -> int:
    """The status of one request on a connection of its own."""
    with closing(connected(server)) as connection:
        connection.sendall(head(server, f"GET {path} HTTP/1.1", "Connection: close"))
        return status(everything(connection))


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("constant", "first"),
    [
        ("HEAD_SECONDS", b""),
        ("HEAD_SECONDS", b"GET / HT"),
        ("HEAD_SECONDS", b"GET /about HTTP/1.1\r\nHost: a\r\nX-Slow: "),
        ("BODY_SECONDS", b"POST /api/none HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nabc"),
    ],
)
def test_a_request_that_does_not_end_is_ended(
    server: ConsoleServer, monkeypatch: pytest.MonkeyPatch, constant: str, first: bytes
) -> None:
    """Also where a byte comes now and then."""
    monkeypatch.setattr(protocol, constant, 0.2)
    with closing(connected(server)) as connection:
        connection.sendall(first)
        began = time.monotonic()
        while time.monotonic() < began + 5:
            readable, _, _ = select.select([connection], [], [], 0.05)
            if readable and connection.recv(65536) == b"":
                break
            if first:
                try:
                    connection.sendall(b"x")
                except OSError:
                    break
        assert time.monotonic() < began + 5


def test_a_client_that_does_not_read_is_dropped(server: ConsoleServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers do not stay in memory."""
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 0.2)
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", port_of(server)))
        connection.sendall(head(server, "GET /large HTTP/1.1"))
        wait_for(lambda: len(server.server_state.connections) == 1)
        wait_for(lambda: len(server.server_state.connections) == 0)
    assert asked(server) == 200


def test_idle_connections_keep_nobody_out(server: ConsoleServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has been idle longest makes room; requests under way are answered."""
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 8)
    with ExitStack() as stack:
        idle = [stack.enter_context(closing(connected(server))) for _ in range(30)]
        assert asked(server) == 200
        assert len(server.server_state.connections) <= 8
        assert everything(idle[0]) == b""


@pytest.mark.long
def test_a_flood_is_over_soon(server: ConsoleServer) -> None:
    """3,000 connections: a third says nothing, a third nonsense, a third asks. The console then answers as before."""
    began = time.monotonic()
    answered = 0
    opened: list[socket.socket] = []
    for number in range(3000):
        connection = connected(server)
        opened.append(connection)
        if number % 3 == 1:
            connection.sendall(b"\x16\x03\x01\x02\x00" + bytes(200))
        elif number % 3 == 2:
            connection.sendall(head(server, "GET /static/icon.svg HTTP/1.1", "Connection: close"))
        if number % 300 == 299:
            answered += asked(server) == 200
        if len(opened) > 400:
            opened.pop(0).close()
    for connection in opened:
        connection.close()
    assert answered == 10
    assert time.monotonic() - began < 40
    assert len(server.server_state.connections) <= protocol.MAX_CONNECTIONS
    assert asked(server) == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_is_refused_with_the_safe_headers(server: ConsoleServer, sent: bytes) -> None:
    """And the connection ends."""
    with closing(connected(server)) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = everything(connection)
    assert status(answer) in (400, 421)
    lower = answer.lower()
    assert b"\r\ncontent-security-policy: default-src 'none'" in lower
    assert b"\r\nx-content-type-options: nosniff" in lower
    assert b"uvicorn" not in lower
    assert b"h11" not in lower


def test_a_connection_serves_one_request_after_the_other(server: ConsoleServer) -> None:
    """Also where they were sent at once, and no deadline of the first ends the second."""
    with closing(connected(server)) as connection:
        connection.sendall(head(server) * 2 + head(server, "GET /about HTTP/1.1", "Connection: close"))
        assert everything(connection).count(b"HTTP/1.1 200 OK") == 3


def test_a_stream_brings_changes_and_ends_with_the_console(world: Path) -> None:
    """A page listens, a change is sent to it at once, and the end of the console is not held up."""
    with running(ConsoleSettings(data_dir=world)) as server, closing(connected(server)) as connection:
        cursor = server.app.console.live.cursor
        connection.sendall(head(server, f"GET /api/live?topic=jobs&after={cursor} HTTP/1.1"))
        received = b""
        server.app.console.live.publish("jobs")
        while b"data:" not in received:
            received += connection.recv(65536)
        text = received.decode()
        assert "content-type: text/event-stream" in text
        data = json.loads(text.partition("data: ")[2].partition("\n")[0])
        assert data["topic"] == "jobs"
        assert f"id: {data['cursor']}" in text
        began = time.monotonic()
        server.should_exit = True
        everything(connection)
        assert time.monotonic() - began < 3


def test_a_browser_that_is_killed_leaves_nothing(server: ConsoleServer) -> None:
    """Its stream and its connection are forgotten."""
    hub = server.app.console.live
    connection = connected(server)
    connection.sendall(head(server, "GET /api/live?topic=jobs HTTP/1.1"))
    assert b"200 OK" in connection.recv(65536)
    wait_for(lambda: len(hub._listeners) == 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # a reset
    connection.close()
    wait_for(lambda: len(hub._listeners) == 0)
    wait_for(lambda: len(server.server_state.connections) == 0)


def test_head_of_a_stream_ends(server: ConsoleServer) -> None:
    """There is no body to wait for."""
    with closing(connected(server)) as connection:
        connection.sendall(head(server, "HEAD /api/live?topic=jobs HTTP/1.1", "Connection: close"))
        answer = everything(connection)
    assert status(answer) == 200
    assert answer.endswith(b"\r\n\r\n")


def test_a_port_in_use_is_one_clear_line(server: ConsoleServer) -> None:
    """With what to do."""
    with pytest.raises(ConfigurationError, match=r"is in use by another program.*--port"):
        listening("127.0.0.1", port_of(server))
    with pytest.raises(ConfigurationError, match="not an address of this machine"):
        listening("192.0.2.1", 0)
    assert is_loopback("::1")
