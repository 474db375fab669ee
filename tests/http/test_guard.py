"""Nothing inside the network is fetched for an image API, however it asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import (
    BlockedAddress,
    ConfigurationError,
    ConnectionFailed,
    HttpError,
    InvalidInput,
    InvalidUrl,
    TaskFailure,
    TooManyRedirects,
)
from pupline.http import FetchPolicy, HttpClient, Origin, Url
from pupline.http._address import why_not_public
from tests.http.servers import PUBLIC, FakeInternet, RawServer, answer

DOG = "http://dogs.example/dog.jpg"


def redirect(location: str, status: str = "302 Found") -> bytes:
    """A redirect to `location`."""
    return answer(b"", f"Location: {location}", status=status)


def client_on(internet: FakeInternet, **policy: object) -> HttpClient:
    """A client with the given policy on a fake internet."""
    return HttpClient(FetchPolicy(**policy), internet.network())  # type: ignore[arg-type]


def test_a_public_host_is_fetched() -> None:
    """A public host is resolved once and asked for by name, at the address that was checked."""
    internet = FakeInternet({"dogs.example": [PUBLIC]}, {DOG: answer(b"woof", "Content-Type: Image/JPEG; q=1")})
    response = client_on(internet).get(DOG, headers={"X-Key": "k"})
    assert (response.body, response.content_type, response.url, response.status) == (b"woof", "image/jpeg", DOG, 200)
    assert internet.connected == [(PUBLIC, 80)]
    assert internet.resolved == ["dogs.example"]
    assert internet.requests[0].startswith(b"GET /dog.jpg HTTP/1.1\r\nHost: dogs.example\r\nUser-Agent: pupline/")
    assert (
        b"\r\nAccept: image/*\r\nAccept-Encoding: identity\r\nConnection: close\r\nX-Key: k\r\n\r\n"
        in internet.requests[0]
    )


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], [PUBLIC, "169.254.169.254"], ["::1", PUBLIC], ["fe80::1%eth0"], ["::ffff:10.0.0.1"]],
)
def test_a_name_with_any_address_inside_is_refused(addresses: list[str]) -> None:
    """One non-public address among those of a name refuses the name, and nothing is connected to."""
    internet = FakeInternet({"dogs.example": addresses})
    with pytest.raises(BlockedAddress, match=r"dogs\.example is at .*, which is not on the public internet"):
        client_on(internet).get(DOG)
    assert internet.connected == []


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::a00:1]"])
def test_an_address_inside_is_refused(host: str) -> None:
    """A literal address is checked like a resolved one, without a resolver."""
    internet = FakeInternet({})
    with pytest.raises(BlockedAddress, match="not on the public internet"):
        client_on(internet).get(f"http://{host}/latest/meta-data/")
    assert (internet.connected, internet.resolved) == ([], [])


def test_the_advice_fits_the_address() -> None:
    """Who runs an API at home is told how to allow it; nobody is advised to trust a metadata service."""
    internet = FakeInternet({})
    with pytest.raises(
        BlockedAddress, match=r"192\.168\.0\.5 \(private\) is .* give --allow-origin http://192\.168\.0\.5:81"
    ):
        client_on(internet).get("http://192.168.0.5:81/api")
    with pytest.raises(BlockedAddress, match=r"169\.254\.169\.254 \(link-local\) is .*; it is never fetched"):
        client_on(internet).get("http://169.254.169.254/latest/meta-data/")


def test_trust_is_for_one_exact_origin() -> None:
    """What the user named may be private; the same host on another port, or by another scheme or name, may not."""
    names = {"dogs.example": ["10.0.0.1"], "other.example": ["10.0.0.1"]}
    internet = FakeInternet(names, {DOG: answer(b"woof")})
    client = client_on(internet, trusted=frozenset({Origin("http", "dogs.example", 80)}))
    assert client.get(DOG).body == b"woof"
    for url in ("http://dogs.example:81/", "https://dogs.example/", "http://other.example/", "http://10.0.0.1/"):
        with pytest.raises(BlockedAddress):
            client.get(url)
    assert internet.connected == [("10.0.0.1", 80)]


BEYOND_TRUST = [
    *("169.254.169.254", "169.254.170.2", "169.254.0.23", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fe80::1", "fe80::a9fe:a9fe", "fe80::1%eth0"),
    *("::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254", "::ffff:100.100.100.200"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:a9:fe:a9fe::"),
    *("64:ff9b:1:0:a9:fea9:fe00:0", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "2001:0:1::5601:5601"),
    *("2001:db8::5efe:a9fe:a9fe", "2a00:1450:4001:1:200:5efe:a83f:8110"),
]


@pytest.mark.parametrize("address", BEYOND_TRUST)
def test_no_trust_reaches_metadata_and_link_local_addresses(address: str) -> None:
    """What an allowed origin's name means is not up to who allowed it: such addresses are refused in every spelling."""
    internet = FakeInternet({"dogs.example": [PUBLIC, address]}, {DOG: answer(b"woof")})
    trusted = frozenset({Origin("http", "dogs.example", 80)})
    with pytest.raises(BlockedAddress, match=r"even for an origin that is allowed; .* --allow-metadata-address"):
        client_on(internet, trusted=trusted).get(DOG)
    assert internet.connected == []
    named = frozenset({address.partition("%")[0]})
    assert client_on(internet, trusted=trusted, metadata_addresses=named).get(DOG).body == b"woof"
    with pytest.raises(BlockedAddress, match="not on the public internet"):
        client_on(internet, metadata_addresses=named).get(DOG)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.169.254", "100.64.0.1", "168.63.129.17", "::1", "fc00::1", "2002:a00:1::1"),
        *("64:ff9b::7f00:1", "::ffff:10.0.0.1", "2606:4700::a9fe:a9fe", PUBLIC),
    ],
)
def test_trust_reaches_all_other_addresses(address: str) -> None:
    """A server of one's own may be anywhere else."""
    internet = FakeInternet({"dogs.example": [address]}, {DOG: answer(b"woof")})
    assert client_on(internet, trusted=frozenset({Origin("http", "dogs.example", 80)})).get(DOG).body == b"woof"


def test_a_metadata_address_that_was_named_as_an_origin_is_refused() -> None:
    """Also the one literal that everybody knows, and where a trusted origin redirects to another trusted one."""
    metadata = Origin("http", "169.254.169.254", 80)
    internet = FakeInternet({"dogs.example": [PUBLIC]}, {DOG: redirect("http://169.254.169.254/latest/meta-data/")})
    client = client_on(internet, trusted=frozenset({metadata}))
    for url in ("http://169.254.169.254/latest/", DOG):
        with pytest.raises(BlockedAddress, match=r"169\.254\.169\.254 \(link-local\) is not fetched from even for"):
            client.get(url)
    assert internet.connected == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "text", ["metadata.google.internal", "127.0.0.1", "", "169.254.0.0/16", "http://169.254.169.254"]
)
def test_only_an_address_that_needs_it_is_allowed_by_itself(text: str) -> None:
    """The flag takes addresses, not names or networks, and says what the others need."""
    with pytest.raises(ConfigurationError, match="--allow-metadata-address"):
        FetchPolicy(metadata_addresses=frozenset({text}))


def test_each_redirect_is_checked_anew() -> None:
    """A redirect from a public host to an address inside is refused before it is connected to."""
    internet = FakeInternet({"dogs.example": [PUBLIC]}, {DOG: redirect("http://169.254.169.254/latest/meta-data/")})
    with pytest.raises(BlockedAddress, match=r"169\.254.*redirected from http://dogs\.example/dog\.jpg"):
        client_on(internet).get(DOG)
    assert internet.connected == [(PUBLIC, 80)]


def test_a_name_that_moves_inside_between_hops_is_refused() -> None:
    """DNS rebinding: the name's second lookup gives another address, and that one is checked too."""
    turns = iter([[PUBLIC], ["192.168.1.1"]])
    internet = FakeInternet({}, {DOG: redirect("/next")})
    network = internet.network()
    rebinding = type(network)(resolve=lambda _host, _port: next(turns), connect=network.connect)
    with pytest.raises(BlockedAddress, match=r"192\.168\.1\.1"):
        HttpClient(FetchPolicy(), rebinding).get(DOG)
    assert internet.connected == [(PUBLIC, 80)]


@pytest.mark.parametrize("status", ["301 A", "302 B", "303 C", "307 D", "308 E"])
def test_redirects_are_followed_to_the_end(status: str) -> None:
    """All kinds of redirect are followed, relative ones too; the response tells where it came from."""
    pages = {DOG: redirect("../new/dog%20.jpg#x", status), "http://dogs.example/new/dog%20.jpg": answer(b"woof")}
    response = client_on(FakeInternet({"dogs.example": [PUBLIC]}, pages)).get(DOG)
    assert (response.body, response.url) == (b"woof", "http://dogs.example/new/dog%20.jpg")


def test_five_redirects_are_the_limit() -> None:
    """Five redirects are followed, a sixth is not."""
    pages = {f"http://dogs.example/{n}": redirect(f"/{n + 1}") for n in range(7)}
    internet = FakeInternet({"dogs.example": [PUBLIC]}, {**pages, "http://dogs.example/6": answer(b"woof")})
    assert client_on(internet).get("http://dogs.example/1").body == b"woof"
    with pytest.raises(TooManyRedirects, match="one more than the 5"):
        client_on(internet).get("http://dogs.example/0")


@pytest.mark.parametrize("location", ["/dog.jpg", "", "#other", "http://DOGS.example:80/dog.jpg"])
def test_a_loop_of_redirects_ends_at_once(location: str) -> None:
    """A redirect to a URL already visited is a loop, however it is spelt."""
    internet = FakeInternet({"dogs.example": [PUBLIC]}, {DOG: redirect(location)})
    with pytest.raises(TooManyRedirects, match="loop"):
        client_on(internet).get(DOG)
    assert len(internet.connected) == 1


@pytest.mark.parametrize(
    ("location", "there"),
    [
        (b"/a b.jpg", "http://dogs.example/a%20b.jpg"),
        ("/k\u00f6ter.jpg".encode(), "http://dogs.example/k%C3%B6ter.jpg"),
        ("/k\u00f6ter.jpg".encode("latin-1"), "http://dogs.example/k%F6ter.jpg"),
        (b"//cats.example/x#there", "http://cats.example/x"),
        (b"http://cats.example.:/x", "http://cats.example/x"),
        ("http://K\u00d6TER.example/x".encode(), "http://xn--kter-5qa.example/x"),
        (b"/x\r\nLocation: /x", "http://dogs.example/x"),
        (b"/x\r\nRefresh: 0; url=/y\r\nContent-Location: /z", "http://dogs.example/x"),
        (b"\r\n /x", "http://dogs.example/x"),
    ],
)
def test_a_location_may_be_written_as_browsers_read_it(location: bytes, there: str) -> None:
    """Spaces, other letters, and bytes of no UTF-8 go on as they came; what else an answer holds leads nowhere."""
    moved = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    names = {name: [PUBLIC] for name in ("dogs.example", "cats.example", "xn--kter-5qa.example")}
    assert client_on(FakeInternet(names, {DOG: moved, there: answer(b"woof")})).get(DOG).url == there


@pytest.mark.parametrize("url", ["http://m\u00fcnchen.example/", "http://xn--mnchen-3ya.example./"])
def test_a_name_in_other_letters_is_checked_as_what_is_asked_for(url: str) -> None:
    """Its `xn--` form is resolved, its address is checked, and it is trusted under that name alone."""
    names = {"xn--mnchen-3ya.example": ["10.0.0.1"]}
    with pytest.raises(BlockedAddress, match=r"xn--mnchen-3ya\.example is at 10\.0\.0\.1"):
        client_on(FakeInternet(names)).get(url)
    pages = {"http://xn--mnchen-3ya.example/": answer(b"woof")}
    trusted = frozenset({Origin.parse("http://M\u00dcNCHEN.example")})
    assert client_on(FakeInternet(names, pages), trusted=trusted).get(url).body == b"woof"


def test_a_redirect_with_an_unreadable_location_is_refused() -> None:
    """A Location is read as strictly as a URL; none, or two different ones, lead nowhere."""
    names = {"dogs.example": [PUBLIC]}
    with pytest.raises(InvalidUrl, match=r"dogs\.example/dog\.jpg: the server redirects to .* file"):
        client_on(FakeInternet(names, {DOG: redirect("file:///etc/passwd")})).get(DOG)
    with pytest.raises(HttpError, match="302 without one Location"):
        client_on(FakeInternet(names, {DOG: answer(b"", status="302 Found")})).get(DOG)
    with pytest.raises(HttpError, match="without one Location"):
        client_on(FakeInternet(names, {DOG: answer(b"", "Location: /a", "Location: /b", status="302 X")})).get(DOG)
    with pytest.raises(HttpError, match="answered 300"):
        client_on(FakeInternet(names, {DOG: answer(b"", "Location: /a", status="300 Choices")})).get(DOG)


def test_own_headers_stay_with_the_origin_they_were_meant_for() -> None:
    """A header given by the caller goes along on the same origin, and not to another one."""
    pages = {
        DOG: redirect("/again"),
        "http://dogs.example/again": redirect("http://cats.example/"),
        "http://cats.example/": answer(b"meow"),
    }
    internet = FakeInternet({"dogs.example": [PUBLIC], "cats.example": [PUBLIC]}, pages)
    client_on(internet).get(DOG, headers={"X-Key": "secret"})
    assert [b"X-Key: secret" in request for request in internet.requests] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "value"), [("X\r\nHost", "v"), ("X", "a\r\nb"), ("X", ""), ("X", "\u00e9"), ("Host", "x"), ("", "x")]
)
def test_headers_that_would_break_the_request_are_refused(name: str, value: str) -> None:
    """No header can end its line, replace one of the client's own, or hold what HTTP cannot carry."""
    with pytest.raises(InvalidInput, match="cannot be sent"):
        client_on(FakeInternet({})).get(DOG, headers={name: value})


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name anew, behind the check; it is left aside."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    internet = FakeInternet({"dogs.example": [PUBLIC]}, {DOG: answer(b"woof")})
    client_on(internet).get(DOG)
    assert internet.connected == [(PUBLIC, 80)]


def test_connect_to_stands_for_one_host_and_port() -> None:
    """The sample's name is sent to its local port; its URL, Host header and the rest of the world stay as they are."""
    with RawServer(answer(b"woof"), redirect("http://127.0.0.1:9/")) as server:
        policy = FetchPolicy(connect_to={("sample.pupline.invalid", 80): ("127.0.0.1", server.port)})
        client = HttpClient(policy)
        assert client.get("http://sample.pupline.invalid/a").url == "http://sample.pupline.invalid/a"
        assert b"\r\nHost: sample.pupline.invalid\r\n" in server.requests[0]
        with pytest.raises(BlockedAddress, match="loopback"):
            client.get("http://sample.pupline.invalid/b")
    with pytest.raises(BlockedAddress):
        client.get(f"{server.origin}/a")


def test_the_next_address_is_tried() -> None:
    """When the first of several addresses does not answer, the next does; when none does, each is named."""
    internet = FakeInternet({"dogs.example": ["1.1.1.1", "1.1.1.1", PUBLIC]}, {DOG: answer(b"woof")})
    network = internet.network()

    def connect(address: str, port: int, timeout_seconds: float) -> object:
        if address == "1.1.1.1":
            raise ConnectionRefusedError(111, "Connection refused")
        return network.connect(address, port, timeout_seconds)

    flaky = type(network)(resolve=network.resolve, connect=connect)  # type: ignore[arg-type]
    assert HttpClient(FetchPolicy(), flaky).get(DOG).body == b"woof"
    lone = type(network)(resolve=lambda _host, _port: ["1.1.1.1"], connect=connect)  # type: ignore[arg-type]
    with pytest.raises(ConnectionFailed, match=r"dog\.jpg: no connection \(1\.1\.1\.1 port 80: Connection refused\)"):
        HttpClient(FetchPolicy(), lone).get(DOG)


def test_a_name_without_addresses_is_a_failed_connection() -> None:
    """An unknown name, and one without addresses, are transient errors that name the host."""
    unresolved: list[dict[str, list[str]]] = [{}, {"dogs.example": []}]
    for names in unresolved:
        with pytest.raises(ConnectionFailed, match=r"the name dogs\.example was not resolved"):
            client_on(FakeInternet(names)).get(DOG)


ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=4).map(lambda address: f"::ffff:{address}"),
    st.sampled_from([PUBLIC, "127.0.0.1", "10.1.2.3", "fe80::1%eth0", "2606:4700::1"]),
)
HOSTS = st.one_of(
    st.just("dogs.example"),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.text(max_size=12),
    st.integers(0, 2**32).map(str),
    st.integers(0, 2**32).map(hex),
)


@given(st.lists(st.tuples(HOSTS, st.lists(ADDRESSES, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_nothing_inside_is_ever_connected_to(hops: list[tuple[str, list[str]]]) -> None:
    """Whatever hosts redirects name, and whatever a resolver says, all connections are to public addresses."""
    lookups = iter([addresses for _, addresses in hops])
    urls = [f"http://{host}/{number}" for number, (host, _) in enumerate(hops)]
    pages = {}
    for url, following in zip(urls, [*urls[1:], "http://127.0.0.1/"], strict=True):
        try:
            pages[str(Url.parse(url))] = redirect(following)
        except (InvalidUrl, UnicodeEncodeError):
            continue
    internet = FakeInternet({}, pages)
    network = internet.network()
    guarded = type(network)(resolve=lambda _host, _port: next(lookups, ["127.0.0.1"]), connect=network.connect)
    with pytest.raises(TaskFailure):
        HttpClient(FetchPolicy(timeout_seconds=5), guarded).get(urls[0])
    assert [address for address, _ in internet.connected if why_not_public(address)] == []


@pytest.mark.parametrize("limits", [{"timeout_seconds": 0}, {"timeout_seconds": float("nan")}, {"max_bytes": 0}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, float]) -> None:
    """A limit of nothing is the operator's mistake, and said so."""
    with pytest.raises(ConfigurationError, match="above 0"):
        FetchPolicy(**limits)  # type: ignore[arg-type]
