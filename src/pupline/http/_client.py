"""The guarded HTTP client: fetches what an image API names, and nothing that it has no business naming."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from pupline.errors import (
    BlockedAddress,
    ConnectionFailed,
    HttpError,
    IncompleteBody,
    InvalidInput,
    InvalidUrl,
    TaskFailure,
    TooManyRedirects,
)
from pupline.http._answer import (
    WAITING,
    Head,
    head_at_hand,
    is_here,
    pass_over_body,
    read_body,
    read_head,
    whole_length,
)
from pupline.http._connector import Connector, wants_credentials
from pupline.http._deadline import Deadline
from pupline.http._decode import decoded
from pupline.http._network import Network
from pupline.http._policy import FetchPolicy
from pupline.http._pool import ConnectionPool, idle_seconds
from pupline.http._request import Request, Validators, header_lines, is_header_value
from pupline.http._status import REDIRECTS, failure, given_at
from pupline.http._url import Origin, Url
from pupline.http._wire import Wire
from pupline.text import printable

# What is read of the body of a redirect or an error, and for how long, to use its connection again: a new one costs
# about as much.
MAX_UNWANTED_BYTES = 64 * 1024
MAX_UNWANTED_SECONDS = 1.0

_IMAGES = "image/*"
_MEDIA_TYPE = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63})\s*(?:;.*)?", re.DOTALL)
_NO_VALUES: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with its whole body: 200, 203, or a 206 that is the whole all the same; or 304, to validators.

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
class Exchange:
    """A request that was sent, and whose answer is on its way. head: the answer's, once it was read.

    must_wait: nobody can tell when all of the answer has arrived, or it leads to another request. is_in_vain: it will
    not come, and the request has to be made again.
    """

    wire: Wire
    url: Url
    request: Request
    head: Head | None = None
    must_wait: bool = False
    is_in_vain: bool = False

    def fileno(self) -> int:
        """The descriptor at which the answer arrives."""
        return self.wire.fileno()

    @property
    def is_late(self) -> bool:
        """Whether its time is up: `finish` says so then."""
        return self.request.deadline.is_over

    def was_in_vain(self, failure: TaskFailure) -> bool:
        """Whether the server had closed the connection, so that nothing that came answers this request."""
        if isinstance(failure, HttpError):
            return self.head is None
        return isinstance(failure, ConnectionFailed) and not self.wire.heard


class HttpClient:
    """GET, and POST for tokens, with a policy. Safe to use from many threads; keeps no cookies.

    A host is resolved, all its addresses are checked, and the connection is made to an address that was checked,
    again for each redirect. Only a proxy that the policy names is used, and none from the environment: it resolves
    names itself, where nothing can check them.

    idle_connections: how many connections are kept open in all for further requests to the same origins; 0: each
    request has its own. `close` ends them.
    """

    def __init__(self, policy: FetchPolicy, network: Network | None = None, *, idle_connections: int = 0) -> None:
        self.policy = policy
        self._network = network or Network()
        self._connector = Connector(policy, self._network)
        self._pool = ConnectionPool(idle_connections, self._network.monotonic)

    def close(self) -> None:
        """Close the connections that are kept. The client can still be used, and keeps none any more."""
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
        """What is at `url`, after at most `policy.max_redirects` redirects. Never retries an answer.

        A connection that was kept, and that the server closed meanwhile, is replaced by a new one without a word.
        max_bytes: instead of the policy's limit, for this body. headers: further ones, sent to the URL's own origin
        only. validators: of what is known already; the answer may then be a 304 without a body. truncate: of a longer
        body, give the first `max_bytes` instead of an error.
        Raises: InvalidUrl, BlockedAddress, TooLarge, TooManyRedirects; ConnectionFailed, RequestTimeout,
        IncompleteBody, ServerError, TooManyRequests, RetryAfter; NotFound, HttpError; InvalidInput for headers that
        cannot be sent.
        """
        here = Url.parse(url)
        own = header_lines(headers) if headers else ""
        request = self._get(here, accept, self.policy.max_bytes if max_bytes is None else max_bytes, own, validators)
        if truncate:
            request = replace(request, truncate=True)
        return self._followed(here, request, self._exchange(here, request, here.origin))

    def begin(self, url: str, *, validators: Validators | None = None) -> Exchange | None:
        """Ask for the image at `url` over a connection that was kept open, and do not wait for the answer.

        None where no connection to its origin is at hand: then `get` it. Raises: InvalidUrl, RequestTimeout.
        """
        here = Url.parse(url)
        return self._asked_on_kept(here, self._get(here, _IMAGES, self.policy.max_bytes, "", validators), here.origin)

    def finish(self, begun: Exchange, *, wait: bool = False) -> Response | None:
        """The answer to what was begun, something of which has arrived. Raises: as `get`.

        Without `wait`: None where not all of it has arrived. Look again when more has; or with `wait`, where
        `begun.must_wait`.
        """
        if not wait and not self._has_arrived(begun):
            return None
        return self._followed(begun.url, begun.request, self._answer_or_ask_again(begun, begun.url.origin))

    def post(
        self,
        url: str,
        *,
        content: bytes,
        content_type: str,
        accept: str = "application/json",
        max_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """What the server answers to `content`, on a connection of its own: never sent twice, never redirected.

        content_type: such as `application/x-www-form-urlencoded`. max_bytes, headers: as in `get`.
        Raises: as `get`; HttpError for a redirect.
        """
        here = Url.parse(url)
        if not is_header_value(content_type):
            raise InvalidInput(f"content type {printable(content_type, 60)!r} cannot be sent: give printable ASCII")
        limit = self.policy.max_bytes if max_bytes is None else max_bytes
        own = header_lines(headers or {})
        request = Request("POST", accept, limit, self._deadline(here), own, "", content, content_type)
        found = self._ask_again(here, request, here.origin)
        if isinstance(found, Url):
            raise HttpError(
                f"{request.deadline.url}: the server redirects to {printable(str(found))}, where nothing is posted; "
                "name the final URL instead"
            )
        return found

    def _deadline(self, url: Url) -> Deadline:
        return Deadline(self.policy.timeout_seconds, self._network.monotonic, url)

    def _get(self, url: Url, accept: str, max_bytes: int, own: str, validators: Validators | None) -> Request:
        conditional = validators.lines() if validators else ""
        return Request("GET", accept, max_bytes, self._deadline(url), own, conditional)

    def _followed(self, first: Url, request: Request, found: Response | Url) -> Response:
        """The answer at the end of all redirects from `first`."""
        visited = [first]
        while isinstance(found, Url):
            _check_redirect(visited[-1], found, visited, self.policy.max_redirects)
            visited.append(found)
            request.deadline.redirected(found)
            found = self._exchange(found, request, first.origin)
        return found

    def _exchange(self, url: Url, request: Request, first: Origin) -> Response | Url:
        kept = self._asked_on_kept(url, request, first)
        return self._answer_or_ask_again(kept, first) if kept else self._ask_again(url, request, first)

    def _asked_on_kept(self, url: Url, request: Request, first: Origin) -> Exchange | None:
        """Sent over a kept connection; None where there is none, or it just went away."""
        kept = self._pool.take(url.origin)
        if kept is None:
            return None
        kept.begin(request.deadline)
        try:
            return self._send(kept, url, request, first)
        except ConnectionFailed:
            return None

    def _answer_or_ask_again(self, kept: Exchange, first: Origin) -> Response | Url:
        """The answer to what was sent over a kept connection; over a new one, where it was sent in vain."""
        if not kept.is_in_vain:
            try:
                return self._answer(kept)
            except TaskFailure as failure:
                if not kept.was_in_vain(failure):
                    raise
        return self._ask_again(kept.url, kept.request, first)

    def _ask_again(self, url: Url, request: Request, first: Origin) -> Response | Url:
        """Ask over a new connection."""
        return self._answer(self._send(self._connector.open(url, request.deadline), url, request, first))

    def _send(self, wire: Wire, url: Url, request: Request, first: Origin) -> Exchange:
        keep_alive = self._keeps_alive(request)
        try:
            proxy = self._connector.asks_proxy(url.origin)
            wire.send(request.bytes_for(url, self.policy.user_agent, first=first, keep_alive=keep_alive, proxy=proxy))
        except BaseException:
            wire.close()
            raise
        return Exchange(wire, url, request)

    def _answer(self, exchange: Exchange) -> Response | Url:
        try:
            found, seconds = self._heard(exchange)
        except BaseException:
            exchange.wire.close()
            raise
        self._pool.keep(exchange.url.origin, exchange.wire, seconds)
        if isinstance(found, TaskFailure):
            raise found
        return found

    def _has_arrived(self, exchange: Exchange) -> bool:
        """Whether all that is needed of the answer is here. Sets `must_wait` where that cannot be awaited."""
        wire, request, here = exchange.wire, exchange.request, None
        try:
            if exchange.head is None:
                if not wire.has_news(WAITING):
                    return False
                exchange.head = head_at_hand(wire, self.policy.max_headers)
            head = exchange.head
            if head is not None:
                here = is_here(wire, head, request.max_bytes) if _has_whole(head) else _is_all_here(wire, head)
        except BaseException as failure:
            wire.close()
            exchange.is_in_vain = isinstance(failure, TaskFailure) and exchange.was_in_vain(failure)
            if not exchange.is_in_vain:
                raise
        exchange.must_wait = here is None
        return here is True

    def _head(self, exchange: Exchange) -> Head:
        if exchange.head is None:
            exchange.head = read_head(exchange.wire, self.policy.max_headers)
        return exchange.head

    def _heard(self, exchange: Exchange) -> tuple[Response | Url | TaskFailure, float]:
        """What the answer is, and for how many seconds the connection can be kept."""
        wire, request, head = exchange.wire, exchange.request, self._head(exchange)
        found = self._understood(wire, head, exchange.url, request)
        keep_alive = self._keeps_alive(request)
        if keep_alive and not _has_whole(head):
            _pass_over(wire, head, request.deadline)
        return found, idle_seconds(wire, head) if keep_alive else 0.0

    def _keeps_alive(self, request: Request) -> bool:
        return self._pool.size > 0 and request.method == "GET"

    def _understood(self, wire: Wire, head: Head, url: Url, request: Request) -> Response | Url | TaskFailure:
        if _has_whole(head):
            return _response(url, head, _whole_body(wire, head, request), request, wire)
        if head.status == 304 and request.conditional:
            return _response(url, head, b"", request, wire)
        if head.status in REDIRECTS:
            return _location(url, head, wire.url)
        proxy, where = self._connector.asks_proxy(url.origin), wire.url
        if proxy is not None:
            if head.status == 407:
                return wants_credentials(proxy, where)
            where = f"{where} (through the proxy {proxy})"
        return failure(head.status, head.one("retry-after"), given_at(head.one("date"), self._network.now()), where)


def _check_redirect(here: Url, there: Url, visited: list[Url], max_redirects: int) -> None:
    way = f"{printable(str(visited[0]))}: the redirect to {printable(str(there))}"
    if there in visited:
        raise TooManyRedirects(f"{way} is a loop; name the final URL instead")
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
            f"{where}: the server answered {head.status} without one Location to go to; name the final URL instead"
        )
    try:
        return url.join(location)
    except InvalidUrl as err:
        raise InvalidUrl(f"{where}: the server redirects to a URL that is not followed: {err}") from err


def _has_whole(head: Head) -> bool:
    """Whether the answer is what was asked for: nobody asks for a part, and some servers call the whole one."""
    return head.status in (200, 203) or (head.status == 206 and whole_length(head) is not None)


def _whole_body(wire: Wire, head: Head, request: Request) -> bytes:
    if "content-range" not in head.headers:
        return read_body(wire, head, request.max_bytes, truncate=request.truncate)
    whole = whole_length(head)
    if whole is None:
        raise wire.malformed(f"{head.status} with a Content-Range: a part that nobody asked for")
    body = read_body(wire, head, request.max_bytes, truncate=request.truncate)
    if len(body) != (min(whole, request.max_bytes) if request.truncate else whole):
        raise IncompleteBody(f"{wire.url}: the body has {len(body)} of the {whole} bytes that it said; try again later")
    return body


def _response(url: Url, head: Head, body: bytes, request: Request, wire: Wire) -> Response:
    if body and "content-encoding" in head.headers:
        encoding = head.headers["content-encoding"]
        body = decoded(body, encoding, request.max_bytes, wire.url, truncate=request.truncate)
    content_type = _media_type(head.one("content-type") or "")
    return Response(str(url), head.status, head.headers, body, content_type, head.repeated or _NO_VALUES)


@lru_cache(maxsize=64)
def _media_type(declared: str) -> str | None:
    found = _MEDIA_TYPE.fullmatch(declared)
    return found[1].lower() if found else None


def _is_all_here(wire: Wire, head: Head) -> bool | None:
    """Of an answer other than 200: whether nothing is left to wait for, and nothing to be asked for. None where not."""
    if head.status in REDIRECTS:
        return None
    try:
        return head.status == 304 or is_here(wire, head, MAX_UNWANTED_BYTES) or None
    except TaskFailure:
        return True  # the body is not wanted, and neither is what became of it


def _pass_over(wire: Wire, head: Head, deadline: Deadline) -> None:
    # What came of the request is known by now, and nothing about its unwanted body changes that.
    try:
        wire.begin(deadline.sooner(MAX_UNWANTED_SECONDS))
        pass_over_body(wire, head, MAX_UNWANTED_BYTES)
    except TaskFailure:
        wire.at_end = False
