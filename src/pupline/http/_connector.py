"""Opens connections: resolves a name, checks all its addresses, and connects to one of those that were checked.

Or through the user's proxy: https in a tunnel (RFC 9110, 9.3.6), plain http by requesting the whole URL of the proxy.
"""

from threading import Lock
from typing import TYPE_CHECKING

from pupline.errors import HttpError, TaskFailure
from pupline.http._address import why_not_public
from pupline.http._connection import Connection
from pupline.http._deadline import Deadline
from pupline.http._exchange import Exchange
from pupline.http._head import ResponseHead
from pupline.http._network import Connecting, Network, Resolver, connect_first
from pupline.http._policy import FetchPolicy
from pupline.http._proxy import Proxy
from pupline.http._raw_response import ReadLimits
from pupline.http._status import head_failure
from pupline.http._url import Origin, is_literal

if TYPE_CHECKING:
    import ssl

# A proxy that answers CONNECT so may open the tunnel later; any other status is a refusal.
_TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


class Connector:
    """Opens connections by the rules of one policy. Safe to use from many threads."""

    def __init__(self, policy: FetchPolicy, network: Network) -> None:
        self._policy = policy
        self._network = network
        self._resolver = Resolver(network.resolve)
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = Lock()

    def open(self, origin: Origin, deadline: Deadline) -> Connection:
        """A connection that leads to `origin`. Raises: BlockedAddress, ConnectionFailed, RequestTimeout.

        Through a proxy also the failure that its response to CONNECT stands for, which names the proxy.
        """
        proxy = self._proxy_for(origin)
        connection = self._direct(origin, deadline) if proxy is None else self._through(proxy, origin, deadline)
        if origin.scheme == "https":
            try:
                connection.start_tls(self._tls_context(), origin.host, deadline)
            except BaseException:
                connection.close()
                raise
        return connection

    def begin(self, origin: Origin, deadline: Deadline) -> Connecting | None:
        """A connection that is being made; None where one has to wait for more: a name, TLS, a proxy.

        Raises: as `open`.
        """
        if origin.scheme == "https" or self._proxy_for(origin) is not None:
            return None
        host, port = self._policy.connect_to.get((origin.host, origin.port)) or (origin.host, origin.port)
        if not is_literal(host):
            return None
        if (origin.host, origin.port) not in self._policy.connect_to:
            self._policy.check_addresses(origin, [host], deadline.url)
        return Connecting(self._network, host, port, deadline)

    def forward_proxy(self, origin: Origin) -> Proxy | None:
        """The proxy that itself gets the requests for `origin`; None where the server does, in a tunnel or not."""
        if self._policy.proxy is None or origin.scheme == "https":
            return None
        return self._proxy_for(origin)

    def _proxy_for(self, origin: Origin) -> Proxy | None:
        if self._policy.proxy is None or (origin.host, origin.port) in self._policy.connect_to:
            return None
        address = _literal_address(origin)
        if address is not None and origin in self._policy.trusted and why_not_public(address) is not None:
            return None  # for the proxy, the user's own address is another machine or none
        return self._policy.proxy

    def _direct(self, origin: Origin, deadline: Deadline) -> Connection:
        host, port = origin.host, origin.port
        if (host, port) in self._policy.connect_to:
            address, port = self._policy.connect_to[host, port]
            return self._connect([address], port, deadline)
        addresses = [host] if is_literal(host) else self._resolver.addresses(host, port, deadline)
        self._policy.check_addresses(origin, addresses, deadline.url)
        return self._connect(addresses, port, deadline)

    def _through(self, proxy: Proxy, origin: Origin, deadline: Deadline) -> Connection:
        literal = _literal_address(origin)
        if literal is not None:
            self._policy.check_addresses(origin, [literal], deadline.url)
        deadline = deadline.renamed(f"the proxy {proxy}, asked for {origin}")
        host, port = proxy.origin.host, proxy.origin.port
        addresses = [host] if is_literal(host) else self._resolver.addresses(host, port, deadline)
        connection = self._connect(addresses, port, deadline)
        if origin.scheme == "https":
            try:
                self._open_tunnel(connection, origin, proxy, deadline)
            except BaseException:
                connection.close()
                raise
        return connection

    def _open_tunnel(self, connection: Connection, origin: Origin, proxy: Proxy, deadline: Deadline) -> None:
        target = f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"
        lines = f"Host: {target}\r\nUser-Agent: {self._policy.user_agent}\r\n{proxy.lines}"
        connection.send(f"CONNECT {target} HTTP/1.1\r\n{lines}\r\n".encode("ascii"), deadline)
        limits = ReadLimits(0, self._policy.max_header_bytes, self._policy.max_headers, is_head_only=True)
        response = Exchange(connection, limits, deadline).wait()
        if not 200 <= response.head.status < 300:
            raise self._refusal(response.head, proxy, deadline.url)
        if not response.is_at_end:
            raise HttpError(
                f"{deadline.url}: the server sent an invalid response: not proper HTTP (bytes after its response to "
                "CONNECT)"
            )

    def _refusal(self, head: ResponseHead, proxy: Proxy, where: str) -> TaskFailure:
        if head.status == 407:
            return credentials_required(proxy, where)
        if head.status in _TRANSIENT_STATUSES:
            return head_failure(head, self._network.now(), where, by="the proxy")
        return HttpError(f"{where}: the proxy refused with {head.status}; ask its administrator, or name another one")

    def _connect(self, addresses: list[str], port: int, deadline: Deadline) -> Connection:
        return Connection(connect_first(self._network, addresses, port, deadline))

    def _tls_context(self) -> "ssl.SSLContext":
        with self._tls_lock:  # made once: reading the system's authorities takes some 20 ms
            if self._tls is None:
                self._tls = self._network.tls_context()
            return self._tls


def credentials_required(proxy: Proxy, where: str) -> HttpError:
    """The failure that a 407 stands for. Its details have no `status`, which would be taken for the server's."""
    found = "does not accept the user name and password" if proxy.authorization else "wants a user name and a password"
    advice = f"give them with --proxy http://USER:PASSWORD@{proxy.origin.authority}, or in PUPLINE_PROXY"
    return HttpError(f"{where}: the proxy {found} (407); {advice}")


def _literal_address(origin: Origin) -> str | None:
    """The address that an origin names without a look-up; None for a name."""
    host = origin.host
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return "127.0.0.1"
    return host if is_literal(host) else None
