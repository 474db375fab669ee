"""The listening port: HTTP/1.1 as SDKs speak it, and bounds for everybody else."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pupline.stepfunctions import HostCheck, Response
from pupline.stepfunctions.http import ApiServer, Limits
from tests.stepfunctions.conftest import PASS

LIMITS = Limits(body_bytes=1000, connections=4, idle_seconds=0.3, request_seconds=0.2)
HEAD = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: AWSStepFunctions.Any\r\n"

Asked = list[tuple[str, bytes]]


@contextmanager
def port(asked: Asked, hold: threading.Event | None = None, hosts: HostCheck | None = None) -> Iterator[ApiServer]:
    """A server that notes what it is asked, and holds its answer until the event is set."""

    def answer(target: str, body: bytes, _authorization: str) -> Response:
        asked.append((target, body))
        if hold is not None:
            hold.wait(10)
        return Response(200, b'{"ok":1}', "Any", "ok")

    with ApiServer(("127.0.0.1", 0), answer, LIMITS, hosts or HostCheck()) as server:
        yield server


def connected(server: ApiServer) -> socket.socket:
    """A connection that waits for at most two seconds."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=2)


def response(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One response: status, headers in lower case, body."""
    stream = connection.makefile("rb")
    status = int(stream.readline().split()[1])
    headers = {}
    for line in iter(stream.readline, b"\r\n"):
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return status, headers, stream.read(int(headers.get("content-length", 0)))


def sent(server: ApiServer, text: str | bytes) -> tuple[int, bytes]:
    """The status and the body of the response to these bytes, on a connection of their own."""
    with connected(server) as connection:
        connection.sendall(text if isinstance(text, bytes) else text.encode())
        status, _, body = response(connection)
        return status, body


def test_a_connection_serves_many_requests() -> None:
    """HTTP/1.1 keeps the connection; each response has an id of its own, and AWS's content type."""
    asked: Asked = []
    with port(asked) as server, connected(server) as connection:
        ids = set()
        for number in range(3):
            connection.sendall(f"{HEAD}Content-Length: 1\r\n\r\n{number}".encode())
            status, headers, body = response(connection)
            assert (status, body) == (200, b'{"ok":1}')
            assert headers["content-type"] == "application/x-amz-json-1.0"
            ids.add(headers["x-amzn-requestid"])
    assert len(ids) == 3
    assert asked == [("AWSStepFunctions.Any", b"0"), ("AWSStepFunctions.Any", b"1"), ("AWSStepFunctions.Any", b"2")]


def test_a_response_leaves_in_one_write() -> None:
    """A server killed between head and body would leave a response that botocore takes for an empty success."""
    with port([]) as server, connected(server) as connection:
        for _ in range(20):
            connection.sendall(f"{HEAD}Content-Length: 1\r\n\r\n1".encode())
            assert connection.recv(65_536).endswith(b'\r\n\r\n{"ok":1}')


def test_a_body_may_come_in_chunks() -> None:
    """With extensions and trailers, which mean nothing here."""
    asked: Asked = []
    chunks = 'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n3;x=y\r\n":1\r\n1\r\n}\r\n0\r\nTrailer: 1\r\n\r\n'
    with port(asked) as server, connected(server) as connection:
        for _ in range(2):
            connection.sendall(f"{HEAD}{chunks}".encode())
            assert response(connection)[0] == 200
    assert [body for _, body in asked] == [b'{"a":1}'] * 2


def test_expect_100_is_answered_before_the_body() -> None:
    """A client that waits is told to go on, or that its body is too large."""
    asked: Asked = []
    with port(asked) as server, connected(server) as connection:
        connection.sendall(f"{HEAD}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n".encode())
        assert response(connection)[0] == 100
        connection.sendall(b"{}")
        assert response(connection)[0] == 200
        connection.sendall(f"{HEAD}Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n".encode())
        assert response(connection)[0] == 413
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (f"{HEAD}Content-Length: 1001\r\n\r\n", 413),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n" + "200\r\n" + "x" * 512 + "\r\n200\r\n", 413),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n" + "0" * 5000, 400),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n" + "A: b\r\n" * 200, 400),
        (f"{HEAD}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400),
        (f"{HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (f"{HEAD}Content-Length: -1\r\n\r\n", 400),
        (f"{HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n1", 400),
        (f"{HEAD}Content-Length: {'9' * 30}\r\n\r\n", 400),
        (f"{HEAD}Origin: http://127.0.0.1\r\nContent-Length: 2\r\n\r\n{{}}", 403),
        (HEAD.replace("127.0.0.1", "evil.example") + "Content-Length: 2\r\n\r\n{}", 403),
        (HEAD + "Host: localhost\r\nContent-Length: 2\r\n\r\n{}", 403),
        ("OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://x\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("\x16\x03\x01 TLS\r\n\r\n", 400),
        ("GET /" + "x" * 70_000 + " HTTP/1.1\r\n", 414),
        (HEAD + "X: y\r\n" * 200 + "\r\n", 431),
        (HEAD + "X: " + "y" * 70_000 + "\r\n\r\n", 431),
    ],
)
def test_what_is_not_a_request_of_an_sdk_is_refused(request_text: str, status: int) -> None:
    """With a status and a reason in JSON, and without asking the API; the server stays."""
    asked: Asked = []
    with port(asked) as server:
        found, body = sent(server, request_text)
        assert found == status
        assert json.loads(body)["message"]
        assert sent(server, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n") == (200, b'{"status":"ok"}')
    assert asked == []


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("localhost", True),
        ("LOCALHOST:8083", True),
        ("localhost.", True),
        ("127.0.0.1:8083", True),
        ("192.168.1.7", True),
        ("[::1]:8083", True),
        ("sync-localhost:8083", True),
        ("sync-127.0.0.1", True),
        ("sync-states.localhost", True),
        ("host.docker.internal:8083", True),
        ("sync-host.docker.internal", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("notlocalhost", False),
        ("127.0.0.1.evil.example", False),
        ("sync-sync-localhost", False),
        ("", False),
        ("[", False),
    ],
)
def test_names_of_this_server(host: str, is_ours: bool) -> None:
    """Addresses and localhost, the names that were allowed, and each after `sync-`; no other name."""
    assert HostCheck(frozenset({"host.docker.internal"})).accepts(host) is is_ours


def takes(seconds: float, measured: Callable[[], object]) -> bool:
    """Whether something ends within so many seconds."""
    began = time.monotonic()
    measured()
    return time.monotonic() - began < seconds


@pytest.mark.parametrize("beginning", ["", "POST / HT", f"{HEAD}Content-Length: 10\r\n\r\n{{"])
def test_slow_clients_are_closed_and_hold_up_nobody(beginning: str) -> None:
    """One that says nothing, or never ends, loses its connection; others are answered meanwhile."""
    with port([]) as server, connected(server) as slow:
        slow.sendall(beginning.encode())
        assert takes(0.15, lambda: sent(server, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        assert slow.recv(1) == b""


def test_a_client_that_drips_is_closed_as_well() -> None:
    """The time for a request is one for all of its bytes, not for each."""
    with port([]) as server, connected(server) as slow:
        slow.sendall(f"{HEAD}Content-Length: 900\r\n\r\n".encode())
        began = time.monotonic()

        def drip() -> None:
            while time.monotonic() - began < 2:
                slow.sendall(b"x")
                time.sleep(0.02)

        with pytest.raises(ConnectionError):
            drip()
        assert time.monotonic() - began < 1


def test_a_long_answer_does_not_count_as_slow() -> None:
    """GetActivityTask and StartSyncExecution wait for long: the time for a request ends with its last byte."""
    hold = threading.Event()
    with port([], hold) as server, connected(server) as connection:
        connection.sendall(f"{HEAD}Content-Length: 0\r\n\r\n".encode())
        timer = threading.Timer(0.35, hold.set)
        timer.start()
        assert response(connection)[0] == 200
        timer.join()


def test_too_many_connections_are_closed_at_once() -> None:
    """Beyond the limit; with fewer, the next one is served."""
    hold = threading.Event()
    with port([], hold) as server:
        held = [connected(server) for _ in range(LIMITS.connections)]
        for connection in held:
            connection.sendall(f"{HEAD}Content-Length: 0\r\n\r\n".encode())
        with connected(server) as one_more:
            assert one_more.recv(1) == b""
        hold.set()
        for connection in held:
            assert response(connection)[0] == 200
            connection.close()


def test_stopping_closes_what_is_open() -> None:
    """Idle connections too, and the port is free again."""
    with port([]) as server:
        idle = connected(server)
        idle.sendall(f"{HEAD}Content-Length: 0\r\n\r\n".encode())
        assert response(idle)[0] == 200
    with idle:
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connected(server)


def test_a_refusal_reaches_a_client_that_still_sends() -> None:
    """The rest of a body that is too large is read and forgotten, so that the response is not lost with it."""
    with port([]) as server, connected(server) as connection:
        connection.sendall(f"{HEAD}Content-Length: 4000000\r\n\r\n".encode())
        connection.sendall(b"x" * 4_000_000)
        assert response(connection)[0] == 413


def test_each_request_has_a_line_in_the_log() -> None:
    """Operation, outcome and time; neither parameters nor credentials, and nothing that a terminal would obey."""
    lines: list[str] = []
    answer = Response(400, b"{}", "Evil\x1b[31m", "InvalidArn")
    with ApiServer(("127.0.0.1", 0), lambda *_: answer, LIMITS, log=lines.append) as server:
        sent(server, f"{HEAD}Authorization: secret\r\nContent-Length: {len(PASS)}\r\n\r\n{PASS}")
        sent(server, "GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert lines[0].startswith("Evil\\x1b[31m InvalidArn ")
    assert "secret" not in "".join(lines)
    assert len(lines) == 2
