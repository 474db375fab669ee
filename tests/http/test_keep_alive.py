"""A connection is used again only when it is certain where the last answer ended, and that nothing came after it."""

import socket
import threading
from contextlib import suppress

import pytest

from pupline.errors import (
    BlockedAddress,
    ConnectionFailed,
    HttpError,
    IncompleteBody,
    NotFound,
    RequestTimeout,
    ServerError,
)
from pupline.http import FetchPolicy, HttpClient, Network, Origin
from pupline.http._reader import MAX_UNWANTED_BYTES
from tests.http.recorded import CHUNKED, CLOSED, KEPT
from tests.http.servers import (
    PUBLIC,
    FakeInternet,
    RawServer,
    TalkingServer,
    answer,
    chunked,
    client_for,
    receive_request,
)
from tests.http.waits import bounded_by as bounded_by


def bodies(server: RawServer, client: HttpClient, count: int = 2) -> list[bytes]:
    """What `count` requests, one after the other, got."""
    return [client.get(f"{server.origin}/{number}").body for number in range(count)]


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.usefixtures("bounded_by")
def test_a_whole_answer_leaves_the_connection_usable(name: str) -> None:
    """After an answer read to its own exact end the next request goes over the same connection."""
    with TalkingServer([KEPT[name], answer(b"next")]) as server:
        client = server.client(idle_connections=1)
        assert bodies(server, client)[1] == b"next"
        client.close()
    assert len(server.talks) == 1
    assert [request.split(b" ")[1] for request in server.talks[0]] == [b"/0", b"/1"]
    assert all(b"\r\nConnection: keep-alive\r\n" in request for request in server.talks[0])


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.usefixtures("bounded_by")
def test_an_answer_in_doubt_ends_the_connection(name: str) -> None:
    """When the server says so, or anything lies behind the answer, the next request has a new connection.

    What lay behind the answer is never taken for the answer to the next request.
    """
    with TalkingServer([CLOSED[name], answer(b"never")], [answer(b"next")]) as server:
        client = server.client(idle_connections=1)
        assert bodies(server, client)[1] == b"next"
        client.close()
    assert len(server.talks) == 2


def test_a_body_until_the_end_ends_the_connection() -> None:
    """A body without a length ends with its connection."""
    with TalkingServer([b"HTTP/1.1 200 OK\r\n\r\nwoof"], [answer(b"next")]) as server:
        client = server.client(idle_connections=1)
        assert bodies(server, client) == [b"woof", b"next"]
        client.close()


def test_without_idle_connections_each_request_has_its_own() -> None:
    """By default nothing is kept, and the server is told so."""
    with TalkingServer([answer(b"one"), answer(b"never")], [answer(b"two")]) as server:
        assert bodies(server, server.client()) == [b"one", b"two"]
    assert all(b"\r\nConnection: close\r\n" in talk[0] for talk in server.talks)


@pytest.mark.usefixtures("bounded_by")
def test_a_connection_closed_meanwhile_is_replaced() -> None:
    """A server that closes instead of answering the second request gets it again, once, on a new connection."""
    with TalkingServer([answer(b"one"), b""], [answer(b"two")]) as server:
        client = server.client(idle_connections=1)
        assert bodies(server, client) == [b"one", b"two"]
        client.close()
    assert [len(talk) for talk in server.talks] == [2, 1]


def test_a_request_is_sent_again_only_once() -> None:
    """When the new connection is closed without an answer too, that is the request's failure."""
    with TalkingServer([answer(b"one"), b""], [b""], [answer(b"never")]) as server:
        client = server.client(idle_connections=1)
        with pytest.raises(ConnectionFailed, match="closed the connection before"):
            bodies(server, client)
    assert len(server.talks) == 2


def test_a_request_is_not_sent_again_once_it_is_being_answered() -> None:
    """A connection that ends within the head or the body of an answer is a failure for the workflow to retry."""
    for begun in (b"HTTP/1.1 200 OK\r\n", answer(b"x", "Content-Length: 9")):
        with (
            TalkingServer([answer(b"one"), begun], [answer(b"never")]) as server,
            pytest.raises((ConnectionFailed, IncompleteBody)),
        ):
            bodies(server, server.client(idle_connections=1))
        assert len(server.talks) == 1


def test_rubbish_on_a_kept_connection_is_not_the_answer() -> None:
    """What is no HTTP was sent behind the answer before: the request, which is innocent, goes to a new connection."""
    with TalkingServer([answer(b"one"), b"GARBAGE\r\n\r\n"], [answer(b"two")]) as server:
        client = server.client(idle_connections=1)
        assert bodies(server, client) == [b"one", b"two"]
        client.close()


def test_rubbish_on_a_new_connection_is_the_servers_answer() -> None:
    """There it can have no other cause, and asking once more would not help."""
    with TalkingServer([b"GARBAGE\r\n\r\n"], [answer(b"never")]) as server:
        with pytest.raises(HttpError, match="begins 'GARBAGE'"):
            bodies(server, server.client(idle_connections=1))
        assert len(server.talks) == 1


def test_a_silent_server_is_not_asked_again() -> None:
    """A request that timed out on a kept connection has had its time."""

    def silent(sock: socket.socket) -> None:
        sock.sendall(answer(b"one"))
        receive_request(sock)
        sock.recv(1)

    with (
        RawServer(silent, answer(b"never")) as server,
        pytest.raises(RequestTimeout, match="while waiting for the response's headers"),
    ):
        bodies(server, server.client(idle_connections=1, timeout_seconds=0.15))


@pytest.mark.usefixtures("bounded_by")
def test_what_nobody_asked_for_is_thrown_away() -> None:
    """Bytes that arrive on an idle connection end it: they could be an attacker's answer to the next request."""
    sent = threading.Event()

    def unsolicited(sock: socket.socket) -> None:
        sock.sendall(answer(b"one"))
        taken.wait(5)
        sock.sendall(answer(b"evil"))
        sent.set()
        sock.recv(1)

    taken = threading.Event()
    with RawServer(unsolicited, answer(b"two", "Connection: close")) as server:
        client = server.client(idle_connections=1)
        assert client.get(server.origin).body == b"one"
        taken.set()
        assert sent.wait(5)
        assert client.get(server.origin).body == b"two"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (answer(b"nothing", status="404 Not Found"), NotFound),
        (answer(chunked(b"busy"), CHUNKED, status="503 Busy"), ServerError),
        (b"HTTP/1.1 204 Nothing\r\nContent-Length: 9\r\n\r\n", HttpError),
    ],
)
def test_an_error_keeps_the_connection(raw: bytes, kind: type[Exception]) -> None:
    """The small body of an error answer is passed over, and the connection used again."""
    with TalkingServer([raw, answer(b"next")]) as server:
        client = server.client(idle_connections=1)
        with pytest.raises(kind):
            client.get(server.origin)
        assert client.get(server.origin).body == b"next"
        client.close()
    assert len(server.talks) == 1


@pytest.mark.parametrize("status", [202, 204, 400, 403, 405, 451, 501, 999])
@pytest.mark.parametrize("begun", [False, True], ids=["get", "begin"])
def test_a_refusal_on_a_kept_connection_is_not_asked_for_twice(status: int, *, begun: bool) -> None:
    """An error status is an answer: the server that gave it does not get the same request once more."""
    refusal = answer(b"", status=f"{status} No")
    with TalkingServer([answer(b"one"), refusal, answer(b"two")], [answer(b"never")]) as server:
        client = server.client(idle_connections=1)
        assert client.get(server.origin).body == b"one"
        with pytest.raises(HttpError, match=f"the server answered {status}"):
            client.wait(client.begin(server.origin)) if begun else client.get(server.origin)
        assert client.get(server.origin).body == b"two"
        client.close()
    assert [len(talk) for talk in server.talks] == [3]


def test_a_redirect_keeps_the_connection() -> None:
    """A redirect to the same origin is followed on the same connection."""
    with TalkingServer([answer(b"moved", "Location: /there", status="302 Found"), answer(b"woof")]) as server:
        client = server.client(idle_connections=1)
        assert client.get(server.origin).body == b"woof"
        client.close()
    assert len(server.talks) == 1


@pytest.mark.parametrize(
    "raw",
    [
        answer(b"x", f"Content-Length: {MAX_UNWANTED_BYTES + 1}", status="404 Not Found"),
        answer(b"x", "Content-Length: 2", status="404 Not Found"),
        answer(b"x", "Content-Length: nine", status="404 Not Found"),
        b"HTTP/1.1 404 Not Found\r\n\r\nuntil the end",
    ],
)
def test_an_error_with_an_odd_body_is_the_same_error(raw: bytes) -> None:
    """A body that is large, cut, malformed or without end is not read on, and changes nothing about the error."""
    with TalkingServer([raw], [answer(b"next")]) as server:
        client = server.client(idle_connections=1)
        with pytest.raises(NotFound, match="answered 404"):
            client.get(server.origin)
        assert client.get(server.origin).body == b"next"
        client.close()
    assert len(server.talks) == 2


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.mark.parametrize(("header", "seconds"), [("A: b", 60), ("Keep-Alive: timeout=5", 4), ("Keep-Alive: x", 60)])
def test_an_old_connection_is_not_used(header: str, seconds: int) -> None:
    """An idle connection is used within a minute, or within the time that the server gives it, less a second."""
    clock = Clock()
    first = answer(b"1", header)
    with TalkingServer([first, first, answer(b"never")], [answer(b"new")]) as server:
        policy = FetchPolicy(trusted=frozenset({Origin.parse(server.origin)}))
        client = HttpClient(policy, Network(monotonic=clock), idle_connections=1)
        assert bodies(server, client) == [b"1", b"1"]
        clock.now += seconds - 1
        clock.now += 1
        assert bodies(server, client, 1) == [b"new"]
        client.close()
    assert [len(talk) for talk in server.talks] == [2, 1]


def test_idle_connections_are_bounded_in_all() -> None:
    """The connection that is idle for longest, to whatever origin, makes room for another."""
    with TalkingServer([answer(b"a"), b""], [answer(b"a")]) as one, TalkingServer([answer(b"b"), answer(b"b")]) as two:
        policy = FetchPolicy(trusted=frozenset({Origin.parse(one.origin), Origin.parse(two.origin)}))
        client = HttpClient(policy, idle_connections=1)
        for server in (one, two, two, one):
            client.get(server.origin)
        client.close()
    assert ([len(talk) for talk in one.talks], [len(talk) for talk in two.talks]) == ([1, 1], [2])


def test_a_connection_stays_with_its_origin() -> None:
    """Two names at one address are two origins, and never share a connection."""
    pages = {f"http://{name}.example/": answer(name.encode()) for name in ("dogs", "cats")}
    internet = FakeInternet({"dogs.example": [PUBLIC], "cats.example": [PUBLIC]}, pages)
    client = HttpClient(FetchPolicy(), internet.network(), idle_connections=8)
    assert [client.get(url).body for url in pages] == [b"dogs", b"cats"]
    assert internet.connected == [(PUBLIC, 80)] * 2
    client.close()


def test_a_new_connection_is_checked_anew() -> None:
    """When a kept connection is gone, the name is resolved and its addresses are checked as for the first request."""
    turns = iter([[PUBLIC], ["10.0.0.1"]])
    internet = FakeInternet({}, {"http://dogs.example/": answer(b"woof")})
    network = Network(resolve=lambda _host, _port: next(turns), connect=internet.connect)
    client = HttpClient(FetchPolicy(), network, idle_connections=8)
    client.get("http://dogs.example/")
    with pytest.raises(BlockedAddress, match=r"10\.0\.0\.1 \(private\)"):  # the fake server closes after one answer
        client.get("http://dogs.example/")
    assert internet.connected == [(PUBLIC, 80)]


def test_a_closed_client_keeps_nothing() -> None:
    """After close, requests still work, each on its own connection."""
    with TalkingServer(*[[answer(b"x"), answer(b"never")]] * 3) as server:
        client = server.client(idle_connections=8)
        client.get(server.origin)
        client.close()
        assert bodies(server, client) == [b"x", b"x"]
    assert len(server.talks) == 3


class EchoServer(RawServer):
    """A server that answers each request with the path asked for, on as many connections as clients open."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.connections = 0

    def _serve(self, sock: socket.socket, behaviour: object) -> None:
        del behaviour
        with sock, suppress(OSError):
            sock.settimeout(5)
            self.connections += 1
            while request := receive_request(sock):
                sock.sendall(answer(request.split(b" ")[1]))


@pytest.mark.usefixtures("bounded_by")
def test_many_threads_share_a_client() -> None:
    """Each thread gets the answers to its own requests, over no more connections than threads."""

    def ask(number: int) -> None:
        paths = [f"/{number}/{turn}" for turn in range(25)]
        right.extend(client.get(server.origin + path).body == path.encode() for path in paths)

    right: list[bool] = []
    with EchoServer() as server:
        client = client_for(server.origin, idle_connections=8)
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert right == [True] * 200
    assert 1 <= server.connections <= 8
