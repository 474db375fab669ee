"""The way to a server: its addresses, checked, and a connection to one of them; or through the user's proxy.

Through a proxy https goes in a tunnel (RFC 9110, 9.3.6), and plain http by asking the proxy for the whole URL.
"""

from threading import Lock
from typing import TYPE_CHECKING

from pupline.errors import HttpError, TaskFailure
from pupline.http._address import why_not_public
from pupline.http._answer import Head, read_head
from pupline.http._deadline import BoundedResolver, Deadline
from pupline.http._guard import check_addresses
from pupline.http._network import Network, connect_first
from pupline.http._policy import FetchPolicy
from pupline.http._proxy import Proxy
from pupline.http._status import failure, given_at
from pupline.http._url import Origin, Url, is_literal
from pupline.http._wire import Wire

if TYPE_CHECKING:
    import ssl

# What a proxy says of itself, or of now; any other answer to CONNECT is a refusal.
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})


class Connector:
    """Opens connections by the rules of one policy. Safe to use from many threads."""

    def __init__(self, policy: FetchPolicy, network: Network) -> None:
        self._policy = policy
        self._network = network
        self._resolver = BoundedResolver(network.resolve)
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = Lock()

    def open(self, url: Url, deadline: Deadline) -> Wire:
        """A connection that leads to `url`'s origin. Raises: BlockedAddress, ConnectionFailed, RequestTimeout.

        Through a proxy also what its answer to CONNECT means, which names the proxy.
        """
        proxy = self._proxy_for(url.origin)
        if proxy is None:
            addresses, port = self._addresses(url, deadline)
            wire = self._wire(addresses, port, deadline)
        else:
            wire = self._through(proxy, url, deadline)
        if url.origin.scheme == "https":
            try:
                wire.start_tls(self._tls_context(), url.origin.host)
            except BaseException:
                wire.close()
                raise
        return wire

    def asks_proxy(self, origin: Origin) -> Proxy | None:
        """The proxy that is itself asked for what is at `origin`; None where the server is, through a tunnel or not."""
        if self._policy.proxy is None or origin.scheme == "https":
            return None
        return self._proxy_for(origin)

    def _proxy_for(self, origin: Origin) -> Proxy | None:
        if self._policy.proxy is None or (origin.host, origin.port) in self._policy.connect_to:
            return None
        said = _said_by(origin)
        if said is not None and origin in self._policy.trusted and why_not_public(said) is not None:
            return None  # the user's own address means another machine to the proxy, or none
        return self._policy.proxy

    def _through(self, proxy: Proxy, url: Url, deadline: Deadline) -> Wire:
        said = _said_by(url.origin)
        if said is not None:
            check_addresses(url, [said], self._policy, deadline.url)
        own = deadline.called(f"the proxy {proxy}, asked for {url.origin}")
        host, port = proxy.origin.host, proxy.origin.port
        wire = self._wire([host] if is_literal(host) else self._resolver.addresses(host, port, own), port, own)
        if url.origin.scheme == "https":
            try:
                self._tunnel(wire, url.origin, proxy)
            except BaseException:
                wire.close()
                raise
        wire.begin(deadline)
        return wire

    def _tunnel(self, wire: Wire, origin: Origin, proxy: Proxy) -> None:
        there = f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"
        lines = f"Host: {there}\r\nUser-Agent: {self._policy.user_agent}\r\n{proxy.lines}"
        wire.send(f"CONNECT {there} HTTP/1.1\r\n{lines}\r\n".encode("ascii"))
        head = read_head(wire, self._policy.max_headers)
        if not 200 <= head.status < 300:
            raise self._refused(head, proxy, wire.url)
        if wire.has_more:
            raise wire.malformed("bytes behind its answer to CONNECT")

    def _refused(self, head: Head, proxy: Proxy, where: str) -> TaskFailure:
        if head.status == 407:
            return wants_credentials(proxy, where)
        if head.status in _MAY_PASS:
            now = given_at(head.one("date"), self._network.now())
            return failure(head.status, head.one("retry-after"), now, where, by="the proxy")
        return HttpError(f"{where}: the proxy refused with {head.status}; ask who runs it, or name another one")

    def _addresses(self, url: Url, deadline: Deadline) -> tuple[list[str], int]:
        host, port = url.origin.host, url.origin.port
        if (host, port) in self._policy.connect_to:
            address, port = self._policy.connect_to[host, port]
            return [address], port
        found = [host] if is_literal(host) else self._resolver.addresses(host, port, deadline)
        check_addresses(url, found, self._policy, deadline.url)
        return found, port

    def _wire(self, addresses: list[str], port: int, deadline: Deadline) -> Wire:
        sock = connect_first(self._network, addresses, port, deadline)
        return Wire(sock, deadline, self._policy.max_header_bytes)

    def _tls_context(self) -> "ssl.SSLContext":
        with self._tls_lock:  # made once: reading the system's authorities takes some 20 ms
            if self._tls is None:
                self._tls = self._network.tls_context()
            return self._tls


def wants_credentials(proxy: Proxy, where: str) -> HttpError:
    """What an answer of 407 means. It has no `status` among its details, as it says nothing of the server."""
    found = "does not take the user name and password" if proxy.authorization else "wants a user name and a password"
    advice = f"give them with --proxy http://USER:PASSWORD@{proxy.origin.authority}, or in PUPLINE_PROXY"
    return HttpError(f"{where}: the proxy {found} (407); {advice}")


def _said_by(origin: Origin) -> str | None:
    """The address that an origin names without a look-up; None for a name."""
    host = origin.host
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return "127.0.0.1"
    return host if is_literal(host) else None
