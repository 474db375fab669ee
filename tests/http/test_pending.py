"""A request whose response is polled for gets the same response as one that is waited for."""

import select
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from pupline.errors import (
    BlockedAddress,
    ConnectionFailed,
    HttpError,
    IncompleteBody,
    InvalidUrl,
    NotFound,
    RequestTimeout,
    TaskFailure,
    TooLarge,
)
from pupline.http import FetchPolicy, HttpClient, Network, Origin, PendingRequest, Response, Validators
from pupline.http._connection import Connection
from pupline.http._deadline import Deadline
from pupline.http._exchange import Exchange
from pupline.http._raw_response import ReadLimits
from tests.http.recorded import RECORDED
from tests.http.servers import RawServer, TalkingServer, answer, chunked, receive_request
from tests.http.waits import bounded_by as bounded_by
from tests.shared.self_signed import certificate_for

BODY = b"woof" * 20_000
PATIENCE = 5.0


def begun(client: HttpClient, url: str, validators: Validators | None = None) -> PendingRequest:
    """A request sent over a kept connection."""
    pending = client.begin(url, validators=validators)
    assert pending.exchange is not None
    return pending


def polled(client: HttpClient, pending: PendingRequest) -> Response:
    """The response, polled for whenever something has arrived, and waited for where only that helps."""
    while (response := client.poll(pending)) is None:
        if pending.needs_connection:
            return client.wait(pending)
        wanted = ([pending], []) if pending.connecting is None else ([], [pending])
        assert any(select.select(*wanted, [], PATIENCE)), "nothing arrives"
    return response


def second(*answers: bytes, validators: Validators | None = None) -> Response:
    """The answer to the second request of a client, the first of which was answered; then both are closed."""
    with TalkingServer([answer(b"one"), *answers[:1]], *[[later] for later in answers[1:]]) as server:
        client = server.client(idle_connections=1, max_bytes=len(BODY))
        try:
            assert client.get(server.origin).body == b"one"
            return polled(client, begun(client, server.origin, validators))
        finally:
            client.close()


def test_a_connection_to_an_address_is_made_meanwhile() -> None:
    """The first request to an origin waits for its connection, and a later one uses that."""
    with TalkingServer([answer(b"one"), answer(b"two")]) as server:
        client = server.client(idle_connections=1)
        first = client.begin(server.origin)
        assert first.connecting is not None
        assert polled(client, first).body == b"one"
        assert polled(client, begun(client, server.origin)).body == b"two"
        client.close()
    assert len(server.talks) == 1


def test_a_name_is_not_looked_up_meanwhile() -> None:
    """That takes time, and so do TLS and proxies: `wait` does it."""
    client = HttpClient(FetchPolicy(), Network(resolve=lambda _host, _port: []), idle_connections=1)
    for url in ("http://dogs.example/", "https://192.0.2.1/"):
        assert client.begin(url).needs_connection
    with pytest.raises(ConnectionFailed, match="not resolved"):
        client.wait(client.begin("http://dogs.example/"))


def test_an_address_that_is_not_public_is_not_connected_to() -> None:
    """It is checked before anything is sent, as for `get`."""
    with pytest.raises(BlockedAddress):
        HttpClient(FetchPolicy(), idle_connections=1).begin("http://127.0.0.1:1/")


def test_a_connection_that_is_not_made_is_the_same_failure() -> None:
    """Refused at once, or not made in time: the messages of `get`."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}"
        client = HttpClient(FetchPolicy(trusted=frozenset({Origin.parse(origin)})), idle_connections=1)
        with pytest.raises(ConnectionFailed) as waited:
            client.get(origin)
        with pytest.raises(ConnectionFailed) as polled_for:
            polled(client, client.begin(origin))
    assert polled_for.value.message == waited.value.message


def test_a_connection_is_given_up_in_time() -> None:
    """A server that does not answer the attempt holds no descriptor after the deadline."""
    times = iter([0.0, 1.0, 31.0])
    ours, theirs = socket.socketpair()
    network = Network(begin_connect=lambda _address, _port: ours, monotonic=lambda: next(times))
    client = HttpClient(FetchPolicy(), network)
    pending = client.begin("http://93.184.215.14/")
    with theirs, pytest.raises(RequestTimeout, match="while connecting to 93"):
        client.poll(pending)
    assert ours.fileno() == -1


def test_an_invalid_url_is_not_begun() -> None:
    """It is refused at once."""
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


def outcome(ask: Callable[[HttpClient, str], Response], raw: bytes) -> tuple[object, ...]:
    """The response to a second request over the same connection, or the class and the message of its error."""
    with TalkingServer([answer(b"one"), raw], [answer(b"another connection")]) as server:
        client = server.client(idle_connections=1, max_bytes=100_000)
        client.get(server.origin)
        try:
            response = ask(client, server.origin)
        except TaskFailure as failure:
            return type(failure), failure.message.replace(server.origin, "")
        finally:
            client.close()
        return response.status, response.headers, response.body, response.repeated, len(server.talks)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.usefixtures("bounded_by")
def test_both_drivers_give_the_same(name: str) -> None:
    """Response, error class and message, and the connection that it takes, over real sockets."""
    raw = RECORDED[name]
    blocking = outcome(lambda client, url: client.get(url), raw)
    assert outcome(lambda client, url: polled(client, begun(client, url)), raw) == blocking


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


def until(
    gone_on: threading.Event, first: bytes, rest: bytes, *, closes: bool = False
) -> Callable[[socket.socket], None]:
    """A connection that answers one request at once, and of the next answer sends `rest` when it is told to."""

    def talk(sock: socket.socket) -> None:
        sock.sendall(answer(b"one"))
        receive_request(sock)
        sock.sendall(first)
        assert gone_on.wait(PATIENCE)
        sock.sendall(rest)
        if not closes:
            sock.recv(1)

    return talk


def halves(gone_on: threading.Event) -> Callable[[socket.socket], None]:
    """The next answer comes in two halves."""
    raw = answer(BODY)
    return until(gone_on, raw[:30_000], raw[30_000:])


def begun_in_part(client: HttpClient, url: str) -> PendingRequest:
    """A second request, a part of whose response has arrived."""
    client.get(url)
    pending = begun(client, url)
    select.select([pending], [], [], PATIENCE)
    assert client.poll(pending) is None
    return pending


@pytest.mark.usefixtures("bounded_by")
def test_nobody_waits_for_the_rest_of_a_body() -> None:
    """What has arrived is taken; None tells that more is to come."""
    gone_on = threading.Event()
    with RawServer(halves(gone_on)) as server:
        client = server.client(idle_connections=1)
        exchange = begun_in_part(client, server.origin)
        gone_on.set()
        assert polled(client, exchange).body == BODY
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
    connection = Connection(plain)
    deadline = Deadline(PATIENCE, lambda: 0.0, "https://dogs.example/")
    connection.start_tls(ours, "dogs.example", deadline)
    connection.send(b"GET / HTTP/1.1\r\n\r\n", deadline)
    exchange = Exchange(connection, ReadLimits(len(BODY), 9999, 99), deadline)
    assert select.select([connection], [], [], PATIENCE)[0]
    assert exchange.poll() is None
    gone_on.set()
    while (response := exchange.poll()) is None:
        assert select.select([connection], [], [], PATIENCE)[0]
    assert response.body == BODY
    connection.close()
    server.join(PATIENCE)


@pytest.mark.usefixtures("bounded_by")
def test_a_response_that_does_not_come_is_late() -> None:
    """Until its deadline polling finds nothing, and from then on raises."""
    gone_on, now = threading.Event(), [0.0]
    with RawServer(until(gone_on, b"", b"")) as server:
        client = HttpClient(server.client().policy, Network(monotonic=lambda: now[0]), idle_connections=1)
        client.get(server.origin)
        pending = begun(client, server.origin)
        assert client.poll(pending) is None
        now[0] = 3600.0
        assert pending.is_late
        with pytest.raises(RequestTimeout, match="while waiting for the response's headers"):
            client.poll(pending)
        gone_on.set()


@pytest.mark.usefixtures("bounded_by")
def test_a_body_that_does_not_go_on_has_its_time() -> None:
    """Its head came in time, and so did some of the body."""
    gone_on, now = threading.Event(), [0.0]
    with RawServer(halves(gone_on)) as server:
        client = HttpClient(server.client().policy, Network(monotonic=lambda: now[0]), idle_connections=1)
        exchange = begun_in_part(client, server.origin)
        now[0] = 3600.0
        with pytest.raises(RequestTimeout, match="while reading the body"):
            client.poll(exchange)
        gone_on.set()


@pytest.mark.parametrize(
    ("raw", "first"),
    [
        (answer(BODY), 20),
        (b"HTTP/1.1 103 Hints\r\n\r\n" + answer(BODY), 22),
        (answer(BODY, "A: b", "A: c"), 30),
        (answer(chunked(BODY[:9], BODY[9:]), "Transfer-Encoding: chunked"), 70),
        (answer(chunked(b"\r\n0\r\n\n", BODY), "Transfer-Encoding: chunked"), 70),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY, 70),
    ],
    ids=["head", "interim", "careful-head", "chunked", "chunked-oddly", "until-closed"],
)
@pytest.mark.usefixtures("bounded_by")
def test_every_kind_of_response_is_polled_for(raw: bytes, first: int) -> None:
    """Half a head, a chunked body, one without a length: what is missing arrives, and no thread waits for it."""
    gone_on = threading.Event()
    with RawServer(until(gone_on, raw[:first], raw[first:], closes=b"Connection: close" in raw)) as server:
        client = server.client(idle_connections=1)
        pending = begun_in_part(client, server.origin)
        assert not pending.needs_connection
        gone_on.set()
        found = polled(client, pending)
        client.close()
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
def test_a_request_that_has_to_be_sent_again_gets_another_connection(raw: bytes) -> None:
    """Where a redirect leads, or because the kept one had been closed; polling makes it, and never waits for it."""
    with TalkingServer([answer(b"one"), raw], [answer(b"woof")]) as server:
        client = server.client(idle_connections=1)
        pending = begun_in_part(client, server.origin)
        assert pending.connecting is not None
        assert not pending.is_late
        assert polled(client, pending).body == b"woof"
        client.close()


def test_a_redirect_to_a_name_has_to_be_waited_for() -> None:
    """The name has to be looked up; polling does not do it."""
    moved = answer(b"", "Location: http://dogs.example/", status="302 Found")
    with TalkingServer([answer(b"one"), moved]) as server:
        client = HttpClient(
            server.client().policy, Network(resolve=lambda _host, _port: ["127.0.0.1"]), idle_connections=1
        )
        pending = begun_in_part(client, server.origin)
        assert pending.needs_connection
        assert client.poll(pending) is None
        assert (pending.fileno(), pending.is_late) == (-1, False)
        with pytest.raises(BlockedAddress):
            client.wait(pending)
        client.close()


def test_a_body_that_is_not_wanted_is_polled_for_too() -> None:
    """It is read so that the connection can be used again."""
    gone_on, raw = threading.Event(), answer(BODY[:9], status="404 Not Found")
    with RawServer(until(gone_on, raw[:-4], raw[-4:])) as server:
        client = server.client(idle_connections=1)
        pending = begun_in_part(client, server.origin)
        gone_on.set()
        with pytest.raises(NotFound):
            polled(client, pending)
        again = begun(client, server.origin)
        assert again.exchange is not None
        again.exchange.connection.close()


def test_a_body_that_is_not_wanted_has_a_second() -> None:
    """After that the failure is told all the same, and the connection is not used again."""
    gone_on, raw, now = threading.Event(), answer(BODY[:9], status="404 Not Found"), [0.0]
    with RawServer(until(gone_on, raw[:-4], raw[-4:])) as server:
        client = HttpClient(server.client().policy, Network(monotonic=lambda: now[0]), idle_connections=1)
        pending = begun_in_part(client, server.origin)
        now[0] += 1.1
        assert pending.is_late
        with pytest.raises(NotFound):
            client.poll(pending)
        again = client.begin(server.origin)
        assert again.connecting is not None
        again.connecting.close()
        gone_on.set()
