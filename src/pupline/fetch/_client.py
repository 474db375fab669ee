"""The guarded HTTP client: fetches what an image API names, and nothing that it has no business naming."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from pupline.errors import BlockedAddress, HttpError, InvalidInput, InvalidUrl, TooManyRedirects
from pupline.fetch._address import why_not_public
from pupline.fetch._answer import Head, read_body, read_head
from pupline.fetch._deadline import BoundedResolver, Deadline
from pupline.fetch._decode import decoded
from pupline.fetch._network import Network, connect_first
from pupline.fetch._policy import FetchPolicy
from pupline.fetch._status import REDIRECTS, failure
from pupline.fetch._url import Url
from pupline.fetch._wire import Wire
from pupline.text import printable

if TYPE_CHECKING:
    import ssl

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,1000}[\x21-\x7e])?")
_OWN_HEADERS = frozenset(
    {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "transfer-encoding"}
)
# Where somebody may well run an image API of their own; nobody is advised to trust a metadata service.
_A_USERS_OWN = frozenset({"private", "loopback", "carrier-grade NAT"})
_MEDIA_TYPE = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63})\s*(?:;.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Response:
    """A 200 answer with its whole body.

    url: where it came from, after redirects. headers: names in lower case, repeated ones joined by ", ", as received.
    content_type: the declared media type in lower case without parameters, such as `image/jpeg`; None when none is
    declared.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    content_type: str | None


@dataclass(frozen=True, slots=True)
class _Request:
    accept: str
    max_bytes: int
    headers: Mapping[str, str]
    deadline: Deadline


class HttpClient:
    """GET with a policy. Safe to use from many threads; keeps no cookies, connections or other traces of a request.

    A host is resolved, all its addresses are checked, and the connection is made to an address that was checked,
    again for each redirect. Proxies from the environment are not used: they would resolve the name anew.
    """

    def __init__(self, policy: FetchPolicy, network: Network | None = None) -> None:
        self.policy = policy
        self._network = network or Network()
        self._resolver = BoundedResolver(self._network.resolve)
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = Lock()

    def get(
        self,
        url: str,
        *,
        accept: str = "image/*",
        max_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """What is at `url`, after at most `policy.max_redirects` redirects. Never retries.

        max_bytes: instead of the policy's limit, for this body. headers: further ones, sent to the URL's own origin
        only.
        Raises: InvalidUrl, BlockedAddress, TooLarge, TooManyRedirects; ConnectionFailed, RequestTimeout,
        IncompleteBody, ServerError, TooManyRequests, RetryAfter; NotFound, HttpError; InvalidInput for headers that
        cannot be sent.
        """
        here = Url.parse(url)
        deadline = Deadline(self.policy.timeout_seconds, self._network.monotonic, printable(str(here)))
        request = _Request(accept, self.policy.max_bytes if max_bytes is None else max_bytes, headers or {}, deadline)
        _check_headers(request.headers)
        visited = [here]
        while isinstance(found := self._exchange(here, request, visited[0]), Url):
            _check_redirect(here, found, visited, self.policy.max_redirects)
            here = found
            visited.append(here)
            deadline.url = f"{printable(str(here))} (redirected from {printable(str(visited[0]))})"
        return found

    def _exchange(self, url: Url, request: _Request, first: Url) -> Response | Url:
        wire = self._open(url, request.deadline)
        try:
            own = request.headers if url.origin == first.origin else {}
            wire.send(self._request_bytes(url, request.accept, own))
            head = read_head(wire, self.policy.max_headers)
            if head.status in REDIRECTS:
                return _location(url, head, wire.url)
            if head.status != 200:
                raise failure(head.status, head.one("retry-after"), self._network.now(), wire.url)
            if "content-range" in head.headers:
                raise wire.malformed("200 with a Content-Range: a part that nobody asked for")
            return _response(url, head, read_body(wire, head, request.max_bytes), request.max_bytes, wire.url)
        finally:
            wire.close()

    def _open(self, url: Url, deadline: Deadline) -> Wire:
        addresses, port = self._addresses(url, deadline)
        wire = Wire(connect_first(self._network, addresses, port, deadline), deadline, self.policy.max_header_bytes)
        if url.origin.scheme == "https":
            try:
                wire.start_tls(self._tls_context(), url.origin.host)
            except BaseException:
                wire.close()
                raise
        return wire

    def _addresses(self, url: Url, deadline: Deadline) -> tuple[list[str], int]:
        host, port = url.origin.host, url.origin.port
        if (host, port) in self.policy.connect_to:
            address, port = self.policy.connect_to[host, port]
            return [address], port
        found = [host] if _is_literal(host) else self._resolver.addresses(host, port, deadline)
        if url.origin not in self.policy.trusted:
            _refuse_unless_public(url, found, deadline.url)
        return found, port

    def _tls_context(self) -> "ssl.SSLContext":
        with self._tls_lock:  # made once: reading the system's authorities takes some 20 ms
            if self._tls is None:
                self._tls = self._network.tls_context()
            return self._tls

    def _request_bytes(self, url: Url, accept: str, headers: Mapping[str, str]) -> bytes:
        sent = {
            "Host": url.origin.authority,
            "User-Agent": self.policy.user_agent,
            "Accept": accept,
            "Accept-Encoding": "identity",
            "Connection": "close",
            **headers,
        }
        lines = [f"GET {url.target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
        return "\r\n".join(lines).encode("ascii")


def _is_literal(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


def _refuse_unless_public(url: Url, addresses: list[str], where: str) -> None:
    # One bad address refuses the whole host: a name that points both inside and outside is an attack or a mistake, and
    # picking the public ones would make the outcome depend on the resolver's order.
    for address in addresses:
        kind = why_not_public(address)
        if kind is not None:
            found = f"{printable(address, 60)} ({kind})"
            if address != url.origin.host:
                found = f"{url.origin.host} is at {found}, which"
            advice = (
                f"if you trust it, give --allow-origin {url.origin}" if kind in _A_USERS_OWN else "it is never fetched"
            )
            raise BlockedAddress(f"{where}: {found} is not on the public internet; {advice}")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        sendable = _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)
        if not sendable or name.lower() in _OWN_HEADERS:
            raise InvalidInput(
                f"header {printable(name, 60)!r} cannot be sent: give printable ASCII, and none of the client's own"
            )


def _check_redirect(here: Url, there: Url, visited: list[Url], max_redirects: int) -> None:
    way = f"{printable(str(visited[0]))}: the redirect to {printable(str(there))}"
    if there in visited:
        raise TooManyRedirects(f"{way} is a loop; the server must be mended")
    if len(visited) > max_redirects:
        raise TooManyRedirects(
            f"{way} is one more than the {max_redirects} that are followed; name the final URL instead"
        )
    if here.origin.scheme == "https" and there.origin.scheme == "http":
        raise BlockedAddress(f"{way} leaves https for http; it is not followed")


def _location(url: Url, head: Head, where: str) -> Url:
    location = head.one("location")
    if location is None:
        raise HttpError(
            f"{where}: the server answered {head.status} without one Location to go to; the server must be mended"
        )
    try:
        return url.join(location)
    except InvalidUrl as err:
        raise InvalidUrl(f"{where}: the server redirects to a URL that is not followed: {err}") from err


def _response(url: Url, head: Head, body: bytes, limit: int, where: str) -> Response:
    headers = {name: ", ".join(values) for name, values in head.headers.items()}
    declared = _MEDIA_TYPE.fullmatch(head.one("content-type") or "")
    body = decoded(body, headers.get("content-encoding", ""), limit, where)
    return Response(str(url), head.status, headers, body, declared[1].lower() if declared else None)
