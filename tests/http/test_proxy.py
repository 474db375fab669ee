"""Through the user's proxy everything is asked as without one, but for the look-up of names."""

import base64
import pickle
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import (
    BlockedAddress,
    ConfigurationError,
    ConnectionFailed,
    HttpError,
    NotFound,
    RequestTimeout,
    RetryAfter,
    ServerError,
    TaskFailure,
)
from pupline.http import FetchPolicy, HttpClient, Network, Origin, Proxy, robots_rules_from
from tests.http.servers import RawServer, TalkingServer, answer
from tests.http.test_tls import TalkingTlsServer, TlsServer
from tests.shared.self_signed import certificate_for
from tests.shared.tiny_proxy import ESTABLISHED, TinyProxy

HOST = "dogs.example"
DOG = f"http://{HOST}/dog.jpg"
TLS_DOG = f"https://{HOST}/dog.jpg"


def through(proxy: TinyProxy | str, *, idle: int = 0, network: Network | None = None, trusted: str = "") -> HttpClient:
    """A client that asks through `proxy`, and can look up nothing itself."""

    def resolve(host: str, _port: int) -> list[str]:
        raise AssertionError(f"{host} was looked up here")

    policy = FetchPolicy(
        timeout_seconds=5,
        proxy=Proxy.parse(proxy if isinstance(proxy, str) else proxy.url),
        trusted=frozenset({Origin.parse(trusted)} if trusted else ()),
    )
    return HttpClient(policy, network or Network(resolve=resolve), idle_connections=idle)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for `dogs.example`, signed by itself."""
    return certificate_for(x509.DNSName(HOST), tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusting(certificate: Path) -> Network:
    """A network that knows the certificate, and no name."""
    return Network(resolve=lambda *_: [], tls_context=lambda: ssl.create_default_context(cafile=str(certificate)))


def test_a_plain_url_is_asked_of_the_proxy_as_a_whole() -> None:
    """Absolute form, with the server's Host (RFC 9112, 3.2.2)."""
    with RawServer(answer(b"woof")) as server, TinyProxy({"dogs.example:80": server.port}) as proxy:
        response = through(proxy).get(f"{DOG}?size=9")
    assert (response.body, response.url) == (b"woof", f"{DOG}?size=9")
    assert proxy.heads[0].startswith(f"GET {DOG}?size=9 HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: pupline/")
    assert "Proxy-Authorization" not in proxy.heads[0]


def test_another_port_is_part_of_the_url() -> None:
    """The proxy connects to it."""
    with RawServer(answer(b"woof")) as server, TinyProxy({"dogs.example:8080": server.port}) as proxy:
        assert through(proxy).get("http://dogs.example:8080/").body == b"woof"
    assert proxy.targets() == ["http://dogs.example:8080/"]


def test_https_goes_through_a_tunnel(certificate: Path, trusting: Network) -> None:
    """TLS is with the server, whose name is verified; the proxy sees host and port, and nothing else."""
    with TlsServer(certificate, answer(b"woof")) as server, TinyProxy({"dogs.example:443": server.port}) as proxy:
        assert through(proxy, network=trusting).get(TLS_DOG, headers={"X-Key": "secret"}).body == b"woof"
    assert proxy.heads[0].startswith("CONNECT dogs.example:443 HTTP/1.1\r\nHost: dogs.example:443\r\nUser-Agent: pup")
    assert "X-Key" not in proxy.heads[0]
    assert server.requests[0].startswith(b"GET /dog.jpg HTTP/1.1\r\nHost: dogs.example\r\n")
    assert server.names == [HOST]


@pytest.mark.parametrize(
    "established",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 204 Go\r\nX-Folded: a\r\n b\r\n\r\n",
        b"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_what_a_proxy_says_of_a_body_is_not_heeded(certificate: Path, trusting: Network, established: bytes) -> None:
    """A tunnel begins behind the head of any 2xx (RFC 9110, 9.3.6)."""
    with (
        TlsServer(certificate, answer(b"woof")) as server,
        TinyProxy({"dogs.example:443": server.port}, established=established) as proxy,
    ):
        assert through(proxy, network=trusting).get(TLS_DOG).body == b"woof"


def test_a_certificate_is_verified_through_a_proxy(certificate: Path, trusting: Network) -> None:
    """A proxy that leads elsewhere is found out; the error names the server."""
    with (
        TlsServer(certificate, answer(b"woof")) as server,
        TinyProxy({"cats.example:443": server.port}) as proxy,
        pytest.raises(ConnectionFailed, match=r"^https://cats\.example/: TLS failed \(.*match"),
    ):
        through(proxy, network=trusting).get("https://cats.example/")


def test_credentials_are_for_the_proxy_alone(certificate: Path, trusting: Network) -> None:
    """In front of a tunnel, or in the request that the proxy itself answers; percent-decoded."""
    wanted = "Basic " + base64.b64encode("us:r:p@ss/w\u00f6rd".encode().replace(b"us:r", b"user")).decode()
    with (
        TlsServer(certificate, answer(b"woof")) as secure,
        RawServer(answer(b"woof")) as plain,
        TinyProxy({"dogs.example:443": secure.port, "dogs.example:80": plain.port}, credentials=wanted) as proxy,
    ):
        url = proxy.url.replace("http://", "http://user:p%40ss/w%C3%B6rd@")
        client = through(url, network=trusting)
        assert client.get(DOG).body + client.get(TLS_DOG).body == b"woofwoof"
    assert b"Proxy-Authorization" not in secure.requests[0]


@pytest.mark.parametrize("url", [DOG, TLS_DOG])
@pytest.mark.parametrize(("given", "said"), [("", "wants a user name"), ("a:b@", "does not accept the")])
def test_a_proxy_that_wants_credentials_is_told(url: str, given: str, said: str) -> None:
    """The error names the proxy, says what to give, and shows nothing secret; it says nothing of the server."""
    with (
        TinyProxy({}, credentials="Basic x") as proxy,
        pytest.raises(HttpError, match=rf"the proxy {said}.* \(407\); give them with --proxy") as caught,
    ):
        through(proxy.url.replace("//", f"//{given}")).get(url)
    assert caught.value.details == {}
    assert "YTpi" not in str(caught.value)
    assert not robots_rules_from(caught.value).allows("/")


REFUSALS: list[tuple[bytes, type[TaskFailure], str]] = [
    (answer(b"", status="502 Bad Gateway"), ServerError, "the proxy answered 502"),
    (answer(b"", status="504 Gateway Timeout"), ServerError, "504"),
    (answer(b"", "Retry-After: 7", status="503 Busy"), RetryAfter, "come back in 7 s"),
    (answer(b"no", status="403 Forbidden"), HttpError, "the proxy refused with 403"),
    (answer(b"no", status="404 Not Found"), HttpError, "the proxy refused with 404"),
    (answer(b"", "Location: http://login.example/", status="302 Found"), HttpError, "the proxy refused with 302"),
    (b"SSH-2.0-OpenSSH\r\n", HttpError, "not proper HTTP"),
    (b"HTTP/1.1 200 OK\r\n", ConnectionFailed, "closed the connection before"),
    (ESTABLISHED + b"220 smtp ready\r\n", HttpError, "bytes after its response|TLS"),
]


@pytest.mark.parametrize(("refusal", "kind", "said"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_proxy_that_opens_no_tunnel_is_told(refusal: bytes, kind: type[TaskFailure], said: str) -> None:
    """The error is the proxy's: it says so, and is not taken for the server's."""
    with TinyProxy({}, refusal=refusal) as proxy, pytest.raises(TaskFailure, match=said) as caught:
        through(proxy).get(TLS_DOG)
    if not said.endswith("TLS"):
        assert type(caught.value) is kind
        assert caught.value.message.startswith(f"the proxy {proxy.url}, asked for https://dogs.example: ")
    assert "status" not in caught.value.details
    assert not robots_rules_from(caught.value).allows("/")


@pytest.mark.parametrize(
    ("status", "kind"), [("502 Bad Gateway", ServerError), ("404 Not Found", NotFound), ("403 No", HttpError)]
)
def test_an_error_that_may_be_either_s_names_both(status: str, kind: type[TaskFailure]) -> None:
    """Of a plain URL nobody can tell who answered."""
    with TinyProxy({}, refusal=answer(b"", status=status)) as proxy:
        with pytest.raises(kind) as caught:
            through(proxy).get(DOG)
        assert caught.value.message.startswith(f"{DOG} (through the proxy {proxy.url}): the server answered")


@pytest.mark.parametrize("url", [DOG, TLS_DOG])
def test_a_proxy_that_is_not_there_is_told(url: str) -> None:
    """Refused, unknown, or silent: it is the proxy that could not be reached."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed, match=rf"^the proxy http://127\.0\.0\.1:{port}, asked for .*no connection"):
        through(f"http://127.0.0.1:{port}").get(url)
    nowhere = Network(resolve=lambda *_: [])
    with pytest.raises(ConnectionFailed, match=r"^the proxy http://proxy\.example:3128, .*the name proxy\.example was"):
        through("proxy.example:3128", network=nowhere).get(url)


def test_a_silent_proxy_costs_the_deadline() -> None:
    """All that the proxy does is within the request's time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy.parse(f"http://127.0.0.1:{listener.getsockname()[1]}")
        client = HttpClient(FetchPolicy(timeout_seconds=0.05, proxy=proxy))
        with pytest.raises(RequestTimeout, match=r"^the proxy .*not done after 0\.05 s"):
            client.get(TLS_DOG)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "localhost",
        "api.localhost",
        "localhost.",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_a_url_says_by_itself_is_checked(scheme: str, host: str) -> None:
    """A literal address inside, and localhost, are refused before the proxy is asked."""
    with TinyProxy({}) as proxy, pytest.raises(BlockedAddress):
        through(proxy).get(f"{scheme}://{host}/")
    assert proxy.connections == 0


def test_redirects_are_checked_through_a_proxy() -> None:
    """Each of them, as without one."""
    with (
        RawServer(answer(b"", "Location: http://10.0.0.1/", status="302 Found")) as server,
        TinyProxy({"dogs.example:80": server.port}) as proxy,
        pytest.raises(BlockedAddress, match="private"),
    ):
        through(proxy).get(DOG)
    assert proxy.targets() == [DOG]


def test_an_own_address_is_asked_without_the_proxy() -> None:
    """A trusted loopback or private address is another machine to the proxy."""
    with RawServer(answer(b"woof")) as server, TinyProxy({}) as proxy:
        assert through(proxy, trusted=server.origin).get(server.origin).body == b"woof"
    assert proxy.connections == 0


def test_a_public_address_is_asked_of_the_proxy() -> None:
    """With its brackets and port, in a tunnel too."""
    with TinyProxy({}) as proxy:
        for url in ("https://[2606:4700::1111]/", "https://93.184.216.34/", "http://[2606:4700::1111]:81/"):
            with pytest.raises(ServerError):
                through(proxy).get(url)
    assert proxy.targets("CONNECT") == ["[2606:4700::1111]:443", "93.184.216.34:443"]
    assert proxy.targets() == ["http://[2606:4700::1111]:81/"]


def test_connections_to_a_proxy_are_kept_for_their_origin(certificate: Path, trusting: Network) -> None:
    """A tunnel leads to one server; a connection for plain URLs is used for one origin too."""
    with (
        TalkingTlsServer(certificate, answer(b"1"), answer(b"2")) as secure,
        TalkingServer([answer(b"3")], [answer(b"4")], [answer(b"5")]) as plain,
        TinyProxy(
            {"dogs.example:443": secure.port, "dogs.example:80": plain.port, "cats.example:80": plain.port}
        ) as proxy,
    ):
        client = through(proxy, idle=4, network=trusting)
        urls = [TLS_DOG, TLS_DOG, DOG, DOG, "http://cats.example/"]
        assert b"".join(client.get(url).body for url in urls) == b"12345"
        client.close()
    assert proxy.connections == 3
    assert len(proxy.targets("CONNECT")) == 1


def test_an_image_is_begun_through_a_proxy() -> None:
    """Over a connection that was kept, as without one."""
    with (
        TalkingServer([answer(b"one")], [answer(b"two")]) as server,
        TinyProxy({"dogs.example:80": server.port}) as proxy,
    ):
        client = through(proxy, idle=1)
        assert client.begin(DOG).needs_connection
        client.get(DOG)
        begun = client.begin(DOG)
        assert begun.exchange is not None
        response = client.wait(begun)
        client.close()
    assert (response.body, proxy.connections) == (b"two", 1)


@pytest.mark.parametrize(
    ("text", "origin", "user"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", ""),
        ("proxy.example:3128", "http://proxy.example:3128", ""),
        ("HTTP://Proxy.Example.:3128/", "http://proxy.example:3128", ""),
        ("http://proxy.example", "http://proxy.example", ""),
        ("http://[::1]:3128", "http://[::1]:3128", ""),
        ("http://u:p@proxy.example:1", "http://proxy.example:1", "u:p"),
        ("u@proxy.example:1", "http://proxy.example:1", "u:"),
        ("http://a%3Ab:p:q@r@proxy.example:1", "http://proxy.example:1", "a:b:p:q@r"),
    ],
)
def test_a_proxy_is_read(text: str, origin: str, user: str) -> None:
    """Host and port, with or without scheme and credentials."""
    proxy = Proxy.parse(text)
    assert str(proxy) == origin
    assert proxy.authorization == (f"Basic {base64.b64encode(user.encode()).decode()}" if user else "")
    assert pickle.loads(pickle.dumps(proxy)) == proxy  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("socks5://secret:word@proxy.example:1080", "only proxies reached over plain http"),
        ("https://secret:word@proxy.example:443", "only proxies reached over plain http"),
        ("http://secret:word@", "host is missing"),
        ("http://secret:word@proxy.example:0", "the port"),
        ("http://secret:word@127.1:3128", "oddly written"),
        ("http://secret:word@proxy.example/path", "ends after host and port"),
        ("http://secret:word@proxy.example/?x", "ends after host and port"),
    ],
)
def test_a_proxy_that_cannot_be_one_is_refused(text: str, said: str) -> None:
    """With what is wrong, and without its credentials."""
    with pytest.raises(ConfigurationError, match=f"--proxy .*{said}") as caught:
        Proxy.parse(text)
    assert "secret" not in str(caught.value)
    assert "word" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_proxy_or_an_error(text: str) -> None:
    """Nothing else, and no credentials in its text."""
    try:
        proxy = Proxy.parse(f"http://user:hidden@{text}")
    except ConfigurationError as error:
        shown = str(error)
    else:
        shown = f"{proxy} {proxy!r}"
        assert proxy.lines.isascii()
        assert proxy.lines.count("\r\n") == 1
    assert "hidden" not in shown
