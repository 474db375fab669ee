"""Asking for an image and coming back for the answer: the same as waiting for it, only that nobody waits."""

import gzip
import select
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import HttpError, IncompleteBody, InvalidUrl, NotFound, RequestTimeout, TaskFailure, TooLarge
from pupline.http import Exchange, FetchPolicy, HttpClient, Response, Validators
from pupline.http._answer import Head, head_at_hand, is_here, read_body
from pupline.http._deadline import Deadline
from pupline.http._network import Network
from pupline.http._wire import Wire
from tests.http.fetch_servers import Pieces, RawServer, TalkingServer, answer, chunked, receive_request
from tests.http.fetch_waits import bounded_by as bounded_by
from tests.shared.self_signed import certificate_for

BODY = b"woof" * 20_000
PATIENCE = 5.0


def begun(client: HttpClient, url: str) -> Exchange:
    """What was begun over a connection that is open."""
    exchange = client.begin(url)
    assert exchange is not None
    return exchange


def finished(client: HttpClient, exchange: Exchange) -> Response:
    """The answer, looked for whenever something has arrived."""
    while (response := client.finish(exchange, wait=exchange.must_wait)) is None:
        if exchange.must_wait:
            continue
        readable, _, _ = select.select([exchange], [], [], PATIENCE)
        assert readable, "nothing arrives"
    return response


def second(*answers: bytes, validators: Validators | None = None) -> Response:
    """The answer to the second request of a client, the first of which was answered; then both are closed."""
    with TalkingServer([answer(b"one"), *answers[:1]], *[[later] for later in answers[1:]]) as server:
        client = server.client(idle_connections=1, max_bytes=len(BODY))
        try:
            assert client.get(server.origin).body == b"one"
            exchange = client.begin(server.origin, validators=validators)
            assert exchange is not None
            return finished(client, exchange)
        finally:
            client.close()


def test_nothing_is_begun_without_an_open_connection() -> None:
    """Opening one takes time: that is for `get`, and so is the first request to an origin."""
    with TalkingServer([answer(b"one"), answer(b"two")]) as server:
        client = server.client(idle_connections=1)
        assert client.begin(server.origin) is None
        client.get(server.origin)
        assert finished(client, begun(client, server.origin)).body == b"two"
        client.close()
    assert len(server.talks) == 1


def test_a_url_that_is_none_is_not_begun() -> None:
    """It is said at once."""
    with pytest.raises(InvalidUrl):
        HttpClient(FetchPolicy(), idle_connections=1).begin("dogs")


@pytest.mark.parametrize(
    "raw",
    [
        answer(BODY),
        answer(b""),
        answer(chunked(BODY[:9], BODY[9:]), "Transfer-Encoding: chunked"),
        b"HTTP/1.1 103 Hints\r\n\r\n" + answer(BODY),
        b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
        answer(BODY, "A: b", "A: c"),
    ],
)
@pytest.mark.usefixtures("bounded_by")
def test_the_answer_is_the_same(raw: bytes) -> None:
    """However its body is framed."""
    expected = b"" if b"Content-Length: 0" in raw else BODY
    assert second(raw).body == expected


ODD = {
    "203": answer(BODY, status="203 Non-Authoritative Information"),
    "206": answer(BODY, f"Content-Range: bytes 0-{len(BODY) - 1}/{len(BODY)}", status="206 Partial Content"),
    "chunked 206": answer(
        chunked(BODY),
        "Transfer-Encoding: chunked",
        f"Content-Range: bytes 0-{len(BODY) - 1}/{len(BODY)}",
        status="206 Partial Content",
    ),
    "a folded header": answer(BODY, "A: b\r\n c"),
    "a line that is none": answer(BODY, "broken", "X : y"),
    "empty lines first": b"\r\n\r\n" + answer(BODY),
    "a coding that is none": answer(BODY, "Content-Encoding: none"),
    "gzip, then line ends": answer(gzip.compress(BODY) + b"\r\n", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.usefixtures("bounded_by")
def test_an_odd_answer_is_the_same(name: str) -> None:
    """It is taken as `get` takes it, once it has arrived, and its connection is used again."""
    with TalkingServer([answer(b"one"), ODD[name], ODD[name], answer(b"four")]) as server:
        client = server.client(idle_connections=1, max_bytes=len(BODY))
        try:
            client.get(server.origin)
            assert finished(client, begun(client, server.origin)).body == BODY
            assert client.get(server.origin).body == BODY
            assert client.get(server.origin).body == b"four"
        finally:
            client.close()
        assert len(server.talks) == 1


@pytest.mark.parametrize("name", [name for name in ODD if name != "a coding that is none"])
def test_an_odd_answer_in_pieces_is_never_waited_for(name: str) -> None:
    """Of a head that has not arrived there is nothing to read yet, wherever it was cut."""
    raw = ODD[name]
    end = raw.index(b"\r\n\r\n", 4) + 4
    for length in range(1, end):
        with Pieces([raw[:length]]) as sock:
            wire = Wire(sock, Deadline(60, lambda: 0.0, "http://h/"), 4096)
            assert head_at_hand(wire, 20) is None


def test_an_unchanged_image_and_a_redirect_are_understood() -> None:
    """304 to validators, and the image at the end of a redirect."""
    assert second(answer(b"", status="304 Not Modified"), validators=Validators('"x"')).status == 304
    moved = answer(b"", "Location: /there", "Connection: close", status="302 Found")
    assert second(moved, answer(b"woof")).body == b"woof"


@pytest.mark.parametrize(
    ("raw", "failure"),
    [
        (answer(b"", status="404 Not Found"), NotFound),
        (answer(b"x", f"Content-Length: {len(BODY) + 1}"), TooLarge),
        (answer(b"x", "Content-Length: 9"), IncompleteBody),
        (answer(b"x", "Content-Length: x"), HttpError),
    ],
)
@pytest.mark.usefixtures("bounded_by")
def test_failures_are_the_same(raw: bytes, failure: type[TaskFailure]) -> None:
    """A status, a body that is too large or cut, a head that is malformed."""
    with pytest.raises(failure):
        second(raw)


@pytest.mark.parametrize("raw", [b"", b"GARBAGE\r\n\r\n"])
@pytest.mark.usefixtures("bounded_by")
def test_a_connection_that_the_server_had_closed_is_replaced(raw: bytes) -> None:
    """As for `get`: nothing of what came answers this request, which goes to a new connection."""
    assert second(raw, answer(b"woof")).body == b"woof"


def until(gone_on: threading.Event, first: bytes, rest: bytes) -> Callable[[socket.socket], None]:
    """A connection that answers one request at once, and of the next answer sends `rest` when it is told to."""

    def talk(sock: socket.socket) -> None:
        sock.sendall(answer(b"one"))
        receive_request(sock)
        sock.sendall(first)
        assert gone_on.wait(PATIENCE)
        sock.sendall(rest)
        sock.recv(1)

    return talk


def halves(gone_on: threading.Event) -> Callable[[socket.socket], None]:
    """The next answer comes in two halves."""
    raw = answer(BODY)
    return until(gone_on, raw[:30_000], raw[30_000:])


def begun_in_part(client: HttpClient, url: str) -> Exchange:
    """A second request, something of whose answer has arrived, and not enough."""
    client.get(url)
    exchange = begun(client, url)
    select.select([exchange], [], [], PATIENCE)
    assert client.finish(exchange) is None
    return exchange


@pytest.mark.usefixtures("bounded_by")
def test_nobody_waits_for_the_rest_of_a_body() -> None:
    """What has arrived is taken; None tells that more is to come."""
    gone_on = threading.Event()
    with RawServer(halves(gone_on)) as server:
        client = server.client(idle_connections=1)
        exchange = begun_in_part(client, server.origin)
        gone_on.set()
        assert finished(client, exchange).body == BODY
        client.close()


def test_nobody_waits_for_the_rest_of_a_body_under_tls(tmp_path: Path) -> None:
    """Not for records that have not arrived, and for none that have."""
    certificate = certificate_for(x509.DNSName("dogs.example"), tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    gone_on, ours = threading.Event(), ssl.create_default_context(cafile=str(certificate))
    plain, theirs = socket.socketpair()
    raw = answer(BODY)

    def serve() -> None:
        with context.wrap_socket(theirs, server_side=True) as sock:
            receive_request(sock)
            sock.sendall(raw[:30_000])
            assert gone_on.wait(PATIENCE)
            sock.sendall(raw[30_000:])
            sock.recv(1)

    server = threading.Thread(target=serve)
    server.start()
    wire = Wire(plain, Deadline(PATIENCE, lambda: 0.0, "https://dogs.example/"), 9999)
    wire.start_tls(ours, "dogs.example")
    wire.send(b"GET / HTTP/1.1\r\n\r\n")
    head_bytes = raw.index(b"\r\n\r\n") + 4
    assert wire.glance("waiting").startswith(raw[:head_bytes])
    wire.skip_head(head_bytes)
    head = Head("1.1", 200, {"content-length": str(len(BODY))})
    assert not is_here(wire, head, len(BODY))
    gone_on.set()
    while not is_here(wire, head, len(BODY)):
        assert select.select([wire], [], [], PATIENCE)[0]
    assert read_body(wire, head, len(BODY)) == BODY
    wire.close()
    server.join(PATIENCE)


def test_an_answer_that_does_not_come_has_its_time() -> None:
    """Who comes back after the deadline is told of it."""

    def silent(sock: socket.socket) -> None:
        sock.sendall(answer(b"one"))
        receive_request(sock)
        sock.recv(1)

    with RawServer(silent) as server:
        client = server.client(idle_connections=1, timeout_seconds=0.15)
        client.get(server.origin)
        exchange = begun(client, server.origin)
        with pytest.raises(RequestTimeout, match="while waiting for the answer's headers"):
            client.finish(exchange)


@pytest.mark.usefixtures("bounded_by")
def test_a_body_that_does_not_go_on_has_its_time() -> None:
    """Its head came in time, and so did some of the body."""
    gone_on, now = threading.Event(), [0.0]
    with RawServer(halves(gone_on)) as server:
        client = HttpClient(server.client().policy, Network(monotonic=lambda: now[0]), idle_connections=1)
        exchange = begun_in_part(client, server.origin)
        now[0] = 3600.0
        with pytest.raises(RequestTimeout, match="while reading the body"):
            client.finish(exchange)
        gone_on.set()


@pytest.mark.parametrize(
    ("raw", "first"),
    [
        (answer(BODY), 20),
        (b"HTTP/1.1 103 Hints\r\n\r\n" + answer(BODY), 22),
        (answer(BODY, "A: b", "A: c"), 30),
        (answer(chunked(BODY[:9], BODY[9:]), "Transfer-Encoding: chunked"), 70),
        (answer(chunked(b"\r\n0\r\n\n", BODY), "Transfer-Encoding: chunked"), 70),
    ],
    ids=["head", "interim", "careful-head", "chunked", "chunked-oddly"],
)
@pytest.mark.usefixtures("bounded_by")
def test_who_cannot_tell_when_it_is_whole_says_so(raw: bytes, first: int) -> None:
    """Half a head, a chunked body: nobody waits for the rest unless they want to, and then they get all."""
    gone_on = threading.Event()
    with RawServer(until(gone_on, raw[:first], raw[first:])) as server:
        client = server.client(idle_connections=1)
        exchange = begun_in_part(client, server.origin)
        assert exchange.must_wait
        gone_on.set()
        found = client.finish(exchange, wait=True)
        client.close()
    assert found is not None
    assert found.body.endswith(BODY)


@pytest.mark.parametrize(
    "raw",
    [
        answer(b"", "Location: /there", "Connection: close", status="302 Found"),
        b"",
        b"GARBAGE\r\n\r\n",
    ],
    ids=["redirect", "closed", "garbage"],
)
def test_whatever_leads_to_another_wait_says_so(raw: bytes) -> None:
    """A redirect, and a request that has to be made again."""
    with TalkingServer([answer(b"one"), raw], [answer(b"woof")]) as server:
        client = server.client(idle_connections=1)
        exchange = begun_in_part(client, server.origin)
        assert exchange.must_wait
        found = client.finish(exchange, wait=True)
        client.close()
    assert found is not None
    assert found.body == b"woof"


def test_a_body_that_nobody_wants_holds_nobody_up() -> None:
    """It is read only to get behind it, by whoever may wait; then the connection can be used again."""
    gone_on, raw = threading.Event(), answer(BODY[:9], status="404 Not Found")
    with RawServer(until(gone_on, raw[:-4], raw[-4:])) as server:
        client = server.client(idle_connections=1)
        exchange = begun_in_part(client, server.origin)
        assert exchange.must_wait
        gone_on.set()
        with pytest.raises(NotFound):
            client.finish(exchange, wait=True)
        begun(client, server.origin).wire.close()


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=9), st.integers(0, 9), st.integers(0, 9))
def test_however_a_body_arrives_it_is_the_same(pieces: list[bytes], at: int, behind: int) -> None:
    """Looked for after each piece, with or without the head in the same piece, it is whole in the end."""
    body = b"".join(pieces)
    sock = Pieces([])
    wire = Wire(sock, Deadline(PATIENCE, lambda: 0.0, "http://dogs.example/"), 9999)
    head = Head("1.1", 200, {"content-length": str(len(body))})
    looks = [is_here(wire, head, 99)]
    for number, piece in enumerate([*pieces, b"x" * behind]):
        sock.arrive([piece])
        if number % (at + 1) == 0:
            looks.append(is_here(wire, head, 99))
    assert is_here(wire, head, 99)
    assert not looks[0]
    assert read_body(wire, head, 99) == body
    sock.close()
