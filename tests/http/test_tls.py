"""TLS is verified for the name that was asked for, at the address that was checked."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from pupline.errors import BlockedAddress, ConnectionFailed, IncompleteBody
from pupline.http import FetchPolicy, HttpClient, Network
from pupline.specs import RandomImages, compatible_api
from tests.http.servers import PUBLIC, RawServer, answer, receive_request
from tests.shared.self_signed import certificate_for

HOST = "dogs.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for `dogs.example`, signed by itself."""
    return certificate_for(x509.DNSName(HOST), tmp_path_factory.mktemp("tls"))


class TlsServer(RawServer):
    """A RawServer behind TLS. `names` are those that clients asked for."""

    def __init__(self, certificate: Path, raw: bytes, *, close_properly: bool = True) -> None:
        super().__init__(b"")
        self.names: list[str | None] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.sni_callback = self._notice_name
        self._raw = raw
        self._close_properly = close_properly

    def _notice_name(self, _sock: object, name: str | None, _context: ssl.SSLContext) -> None:
        self.names.append(name)

    def _serve(self, sock: socket.socket, behaviour: object) -> None:
        del behaviour
        sock.settimeout(5)
        try:
            with self._context.wrap_socket(sock, server_side=True) as wrapped:
                self.requests.append(receive_request(wrapped))
                wrapped.sendall(self._raw)
                if self._close_properly:
                    wrapped.unwrap().close()
        except OSError:
            sock.close()  # the client refused the certificate, or was done before we were


class PlainServer(RawServer):
    """A server that takes a TLS hello for a request."""

    def _serve(self, sock: socket.socket, behaviour: object) -> None:
        assert isinstance(behaviour, bytes)
        with sock:
            sock.recv(65536)
            sock.sendall(behaviour)


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    """A client's TLS context that knows the certificate."""
    return ssl.create_default_context(cafile=str(certificate))


def client_to(server: RawServer, context: ssl.SSLContext, idle_connections: int = 0) -> HttpClient:
    """A client for which every name is at a public address, behind which `server` answers."""

    def connect(address: str, port: int, timeout_seconds: float) -> socket.socket:
        assert (address, port) == (PUBLIC, 443)
        return socket.create_connection(("127.0.0.1", server.port), timeout_seconds)

    network = Network(resolve=lambda *_: [PUBLIC], connect=connect, tls_context=lambda: context)
    return HttpClient(FetchPolicy(timeout_seconds=5), network, idle_connections=idle_connections)


def test_the_name_is_sent_and_verified(certificate: Path, trusting: ssl.SSLContext) -> None:
    """The connection goes to the checked address, with the URL's name for SNI, certificate and Host."""
    with TlsServer(certificate, answer(b"woof")) as server:
        assert client_to(server, trusting).get(f"https://{HOST}/").body == b"woof"
        assert server.names == [HOST]
        assert f"\r\nHost: {HOST}\r\n".encode() in server.requests[0]


class TalkingTlsServer(TlsServer):
    """A TlsServer that answers each request of a connection, until the client goes or the answers are used up."""

    def __init__(self, certificate: Path, *raws: bytes, behind: bytes = b"") -> None:
        super().__init__(certificate, b"")
        self._raws = raws
        self._behind = behind
        self.sent_behind = threading.Event()

    def _serve(self, sock: socket.socket, behaviour: object) -> None:
        del behaviour
        sock.settimeout(5)
        with suppress(OSError), self._context.wrap_socket(sock, server_side=True) as wrapped:
            for raw in self._raws:
                request = receive_request(wrapped)
                if not request:
                    return
                self.requests.append(request)
                wrapped.sendall(raw)
            if self._behind:
                wrapped.sendall(self._behind)
                self.sent_behind.set()
                wrapped.recv(1)


def test_a_tls_connection_is_used_again(certificate: Path, trusting: ssl.SSLContext) -> None:
    """Several requests go through one handshake; a connection that the server ended is replaced."""
    with TalkingTlsServer(certificate, answer(b"one"), answer(b"two" * 9000)) as server:
        client = client_to(server, trusting, idle_connections=1)
        found = [client.get(f"https://{HOST}/").body for _ in range(4)]
        client.close()
    assert found == [b"one", b"two" * 9000] * 2
    assert server.names == [HOST] * 2


def test_what_nobody_asked_for_ends_a_tls_connection(certificate: Path, trusting: ssl.SSLContext) -> None:
    """An answer that arrives before its request is thrown away with the connection."""
    with TalkingTlsServer(certificate, answer(b"one"), behind=answer(b"evil")) as server:
        client = client_to(server, trusting, idle_connections=1)
        client.get(f"https://{HOST}/")
        assert server.sent_behind.wait(5)
        assert client.get(f"https://{HOST}/").body == b"one"
        client.close()
    assert len(server.names) == 2


def test_a_certificate_for_another_name_is_refused(certificate: Path, trusting: ssl.SSLContext) -> None:
    """A certificate of another host ends the request before anything is sent."""
    with TlsServer(certificate, answer(b"woof")) as server:
        with pytest.raises(ConnectionFailed, match=r"TLS failed \(Hostname mismatch"):
            client_to(server, trusting).get("https://cats.example/")
        assert server.requests == []


def test_an_unknown_authority_is_refused(certificate: Path) -> None:
    """A certificate that no known authority signed ends the request before anything is sent."""
    with TlsServer(certificate, answer(b"woof")) as server:
        with pytest.raises(ConnectionFailed, match=r"TLS failed \(self.signed certificate"):
            client_to(server, ssl.create_default_context()).get(f"https://{HOST}/")
        assert server.requests == []


def test_a_server_without_tls_is_a_failed_connection(trusting: ssl.SSLContext) -> None:
    """Plain HTTP on the TLS port, and a connection closed in the handshake, are errors that name the URL."""
    for raw in (answer(b"woof"), b""):
        with PlainServer(raw) as server, pytest.raises(ConnectionFailed, match=r"^https://dogs\.example/: TLS failed"):
            client_to(server, trusting).get(f"https://{HOST}/")


def test_https_never_leads_to_http(certificate: Path, trusting: ssl.SSLContext) -> None:
    """A redirect from https to http is refused, even on the same host."""
    raw = answer(b"", f"Location: http://{HOST}/", status="302 Found")
    with (
        TlsServer(certificate, raw) as server,
        pytest.raises(BlockedAddress, match="leaves https for http"),
    ):
        client_to(server, trusting).get(f"https://{HOST}/")


def test_an_https_api_names_no_http_images(certificate: Path, trusting: ssl.SSLContext) -> None:
    """An API asked over https does not lead to an image over http."""
    raw = answer(b'{"status": "success", "message": "http://dogs.example/1.jpg"}')
    with (
        TlsServer(certificate, raw) as server,
        pytest.raises(BlockedAddress, match=r"names an image on http://dogs\.example"),
    ):
        RandomImages(client_to(server, trusting), compatible_api(f"https://{HOST}/api")).random_image()


def test_a_body_until_the_end_needs_a_proper_end(certificate: Path, trusting: ssl.SSLContext) -> None:
    """Without a length, only TLS's closing alert tells a whole body from one that somebody cut."""
    raw = b"HTTP/1.1 200 OK\r\n\r\nwoof"
    with TlsServer(certificate, raw) as server:
        assert client_to(server, trusting).get(f"https://{HOST}/").body == b"woof"
    with (
        TlsServer(certificate, raw, close_properly=False) as server,
        pytest.raises(IncompleteBody, match="without a closing alert"),
    ):
        client_to(server, trusting).get(f"https://{HOST}/")


def test_a_counted_body_needs_no_proper_end(certificate: Path, trusting: ssl.SSLContext) -> None:
    """With a length, an abrupt end after the last byte costs nothing, and one before it is an incomplete body."""
    with TlsServer(certificate, answer(b"woof"), close_properly=False) as server:
        assert client_to(server, trusting).get(f"https://{HOST}/").body == b"woof"
    with (
        TlsServer(certificate, answer(b"woof", "Content-Length: 5"), close_properly=False) as server,
        pytest.raises(IncompleteBody, match="after 4 of 5 bytes"),
    ):
        client_to(server, trusting).get(f"https://{HOST}/")
