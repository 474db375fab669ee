"""The guarded HTTP client: fetches what an image API names, unless a rule of its policy forbids it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from pupline.errors import ConnectionFailed, InvalidInput, TaskFailure
from pupline.http._connection import Connection
from pupline.http._connector import Connector, credentials_required
from pupline.http._content_coding import decode_content
from pupline.http._deadline import Deadline
from pupline.http._exchange import Exchange
from pupline.http._head import ResponseHead
from pupline.http._network import Connecting, Network
from pupline.http._policy import FetchPolicy
from pupline.http._pool import ConnectionPool, idle_seconds
from pupline.http._raw_response import RawResponse, ReadLimits
from pupline.http._redirect import STATUSES, redirect_target
from pupline.http._request import Request, Validators, header_lines, is_header_value
from pupline.http._status import head_failure
from pupline.http._url import Origin, Url
from pupline.text import printable

_IMAGES = "image/*"
_JSON = "application/json"

MAX_ERROR_BYTES = 8 * 1024
"""Of the body of an error, where JSON was asked for: an API says in it what is wrong."""

_MEDIA_TYPE = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63})\s*(?:;.*)?", re.DOTALL)
_NO_VALUES: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Response:
    """A response with its whole body: 200, 203, or a 206 that is the whole all the same; or 304, to validators.

    url: where it came from, after redirects. headers: names in lower case, repeated ones joined by ", ", as received.
    content_type: the declared media type in lower case without parameters, such as `image/jpeg`; None when none is
    declared. repeated: the values of those headers that came more than once, in order.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    content_type: str | None
    repeated: Mapping[str, Sequence[str]] = field(default_factory=lambda: _NO_VALUES)


@dataclass(slots=True)
class PendingRequest:
    """A request whose response is not complete yet.

    visited: its first URL, and those that redirects have led to. exchange: what was sent to the last of them; None
    where it has yet to be sent. connecting: over what it will be sent. is_stale: it was sent in vain, over a kept
    connection that the server had closed.
    """

    request: Request
    deadline: Deadline
    visited: list[Url]
    exchange: Exchange | None = None
    connecting: Connecting | None = None
    is_stale: bool = False

    @property
    def needs_connection(self) -> bool:
        """Whether a connection has to be waited for, which only `HttpClient.wait` does."""
        return self.exchange is None and self.connecting is None

    @property
    def is_late(self) -> bool:
        """Whether its time is up, so that `HttpClient.poll` ends it."""
        return (self.deadline if self.exchange is None else self.exchange.deadline).is_over

    def fileno(self) -> int:
        """The descriptor at which the response arrives, or which can be written when it is connected; -1 for none."""
        if self.exchange is not None:
            return self.exchange.connection.fileno()
        return -1 if self.connecting is None else self.connecting.fileno()


class HttpClient:
    """GET, and POST for tokens, with a policy. Safe to use from many threads; keeps no cookies; never retries.

    A host is resolved, all its addresses are checked, and the connection is made to an address that was checked,
    again for each redirect. Only a proxy that the policy names is used, none from the environment: it resolves names
    itself, where nothing can check them.

    idle_connections: how many connections are kept open in all for further requests to the same origins; 0: each
    request has its own. `close` ends them. admit: called with the origin of each request before it is made, but not of
    redirects; what it raises, the request raises.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        network: Network | None = None,
        *,
        idle_connections: int = 0,
        admit: Callable[[Origin], None] | None = None,
    ) -> None:
        self.policy = policy
        self._admit = admit
        self._network = network or Network()
        self._connector = Connector(policy, self._network)
        self._pool = ConnectionPool(idle_connections, self._network.monotonic)
        self._limits = ReadLimits(policy.max_bytes, policy.max_header_bytes, policy.max_headers)
        self._image_request = Request("GET", _IMAGES, self._limits)

    def close(self) -> None:
        """Close the kept connections. The client can still be used, but keeps none any more."""
        self._pool.close()

    def get(
        self,
        url: str,
        *,
        accept: str = _IMAGES,
        max_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
        validators: Validators | None = None,
        truncate: bool = False,
    ) -> Response:
        """What is at `url`, after at most `policy.max_redirects` redirects.

        A kept connection that the server had closed is silently replaced by a new one.
        max_bytes: instead of the policy's limit, for this body. headers: further ones, sent to the URL's own origin
        only. validators: of an earlier response; this one may then be a 304 without a body. truncate: of a longer
        body, return the first `max_bytes` instead of raising TooLarge. accept: with `application/json`, the details of
        an error by its status have the first bytes of its body, `answer`.
        Raises: InvalidUrl, BlockedAddress, TooLarge, TooManyRedirects; ConnectionFailed, RequestTimeout,
        IncompleteBody, ServerError, TooManyRequests, RetryAfter, LongRetryAfter; NotFound, HttpError; InvalidInput
        for headers that cannot be sent.
        """
        plain = max_bytes is None and not truncate and not accept.startswith(_JSON)
        limits = self._limits if plain else self._other_limits(max_bytes, truncate, accept)
        own, conditional = header_lines(headers) if headers else "", validators.lines() if validators else ""
        return self.wait(self._pending(url, Request("GET", accept, limits, own, conditional)))

    def post(
        self,
        url: str,
        *,
        content: bytes,
        content_type: str,
        accept: str = _JSON,
        max_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The response to `content`, on a connection of its own: never sent twice, never redirected.

        content_type: such as `application/x-www-form-urlencoded`. max_bytes, headers: as in `get`.
        Raises: as `get`; HttpError for a redirect.
        """
        if not is_header_value(content_type):
            raise InvalidInput(f"content type {printable(content_type, 60)!r} cannot be sent: give printable ASCII")
        limits = self._other_limits(max_bytes, False, accept)
        request = Request("POST", accept, limits, header_lines(headers or {}), "", content, content_type)
        return self.wait(self._pending(url, request))

    def begin(self, url: str, *, validators: Validators | None = None) -> PendingRequest:
        """A request for the image at `url`, whose response is not waited for: `poll` it when something has arrived.

        It is sent over a kept connection, or over a new one as soon as that is there, where neither a name nor TLS has
        to be waited for; else it `needs_connection`. Raises: as `get`.
        """
        request = self._image_request
        if validators is not None:
            request = replace(request, conditional_lines=validators.lines())
        pending = self._pending(url, request)
        self._begin(pending)
        return pending

    def poll(self, pending: PendingRequest) -> Response | None:
        """The response, as far as it has arrived: None where it is not complete, or `pending.needs_connection`.

        Never blocks. Raises: as `get`.
        """
        response, exchange = None, pending.exchange
        if exchange is not None:
            response = self._advance(pending, exchange, wait=False)
            if response is None and pending.needs_connection:
                self._begin(pending)
        elif pending.connecting is not None and (sock := pending.connecting.connected()) is not None:
            pending.connecting = None
            self._send_over(Connection(sock), pending, is_reused=False)
        return response

    def wait(self, pending: PendingRequest) -> Response:
        """The response, once it is complete, to a request that was sent or `needs_connection`. Raises: as `get`."""
        response = None
        while response is None:
            response = self._advance(pending, pending.exchange or self._send(pending), wait=True)
        return response

    def _other_limits(self, max_bytes: int | None, truncate: bool, accept: str) -> ReadLimits:
        most = self.policy.max_bytes if max_bytes is None else max_bytes
        return replace(
            self._limits,
            max_bytes=most,
            truncate=truncate,
            error_bytes=MAX_ERROR_BYTES if accept.startswith(_JSON) else 0,
        )

    def _pending(self, url: str, request: Request) -> PendingRequest:
        first = Url.parse(url)
        if self._admit is not None:
            self._admit(first.origin)
        return PendingRequest(request, Deadline(self.policy.timeout_seconds, self._network.monotonic, first), [first])

    def _send(self, pending: PendingRequest) -> Exchange:
        kept = None if pending.is_stale else self._send_on_kept(pending)
        if kept is not None:
            return kept
        connection = self._connector.open(pending.visited[-1].origin, pending.deadline)
        return self._send_over(connection, pending, is_reused=False)

    def _begin(self, pending: PendingRequest) -> None:
        """Send it, or begin to connect, where neither blocks."""
        if pending.is_stale or self._send_on_kept(pending) is None:
            pending.connecting = self._connector.begin(pending.visited[-1].origin, pending.deadline)

    def _send_on_kept(self, pending: PendingRequest) -> Exchange | None:
        """None where no connection was kept, or it was lost just now."""
        if not self._keeps_alive(pending.request):
            return None
        kept = self._pool.take(pending.visited[-1].origin)
        if kept is None:
            return None
        try:
            return self._send_over(kept, pending, is_reused=True)
        except ConnectionFailed:
            return None

    def _send_over(self, connection: Connection, pending: PendingRequest, *, is_reused: bool) -> Exchange:
        request, url, policy = pending.request, pending.visited[-1], self.policy
        keep_alive, proxy = self._keeps_alive(request), self._connector.forward_proxy(url.origin)
        first = pending.visited[0].origin
        try:
            sent = request.to_bytes(url, first, policy.user_agent, keep_alive=keep_alive, proxy=proxy)
            connection.send(sent, pending.deadline)
        except BaseException:
            connection.close()
            raise
        pending.exchange = exchange = Exchange(
            connection, request.limits, pending.deadline, is_reused=is_reused, keep_alive=keep_alive
        )
        return exchange

    def _keeps_alive(self, request: Request) -> bool:
        return self._pool.size > 0 and request.method == "GET"

    def _advance(self, pending: PendingRequest, exchange: Exchange, *, wait: bool) -> Response | None:
        """The response; None where it is not complete, or another request has to be sent."""
        try:
            raw = exchange.wait() if wait else exchange.poll()
        except BaseException as failure:
            exchange.connection.close()
            pending.exchange = None
            pending.is_stale = isinstance(failure, TaskFailure) and exchange.is_stale(failure)
            if not pending.is_stale:
                raise
            return None
        if raw is None:
            return None
        pending.exchange = None
        seconds = idle_seconds(raw) if exchange.keep_alive else 0.0
        self._pool.keep(pending.visited[-1].origin, exchange.connection, seconds)
        return self._interpret(pending, raw)

    def _interpret(self, pending: PendingRequest, raw: RawResponse) -> Response | None:
        """The response, or None for a redirect, which is followed next. Raises: what its status stands for."""
        request, url, head, where = pending.request, pending.visited[-1], raw.head, pending.deadline
        if head.has_whole_content or (head.status == 304 and request.conditional_lines):
            return _response(url, raw, request, where)
        if head.status in STATUSES:
            target = redirect_target(head, request.method, pending.visited, self.policy.max_redirects, where.url)
            pending.visited.append(target)
            pending.is_stale = False
            pending.deadline.redirect(target)
            return None
        failure = self._failure(head, url, where.url)
        if raw.body:
            failure.details["answer"] = raw.body.decode("utf-8", "replace")
        raise failure

    def _failure(self, head: ResponseHead, url: Url, where: str) -> TaskFailure:
        proxy = self._connector.forward_proxy(url.origin)
        if proxy is not None:
            if head.status == 407:
                return credentials_required(proxy, where)
            where = f"{where} (through the proxy {proxy})"
        return head_failure(head, self._network.now(), where)


def _response(url: Url, raw: RawResponse, request: Request, where: Deadline) -> Response:
    head, body = raw.head, raw.body
    if body and "content-encoding" in head.headers:
        encoding = head.headers["content-encoding"]
        body = decode_content(body, encoding, request.limits.max_bytes, where.url, truncate=request.limits.truncate)
    content_type = _media_type(head.single("content-type") or "")
    return Response(str(url), head.status, head.headers, body, content_type, head.repeated or _NO_VALUES)


@lru_cache(maxsize=64)
def _media_type(declared: str) -> str | None:
    found = _MEDIA_TYPE.fullmatch(declared)
    return found[1].lower() if found else None
