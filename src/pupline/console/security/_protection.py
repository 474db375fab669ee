"""The rules for requests, in front of the application: host, token, method, origin, size."""

import asyncio
import hmac
import logging
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pupline.console.security._access import Access
from pupline.console.security._headers import with_safe_headers
from pupline.console.security._hosts import Hosts
from pupline.console.security._login import LOGIN
from pupline.console.web import Problem, problem_response

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
"""Of a request. The largest are edited inputs of executions, which AWS limits to 256 KiB."""

_OTHER_SITES = ("cross-site", "same-site")
"""Values of Sec-Fetch-Site, which browsers send: pages of other origins, those on other ports of this host too."""

_READING = ("GET", "HEAD")
_WRITING = ("POST", "DELETE")
_TOO_LARGE = Problem(413, "too_large", f"the body has more than {MAX_BODY_BYTES:,} bytes")


class Protection:
    """ASGI middleware: what it refuses, no route sees. Every response gets the safe headers.

    write_token: what requests that change something have as X-Pupline-Token. can_write: whether any may.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts, access: Access, write_token: str, can_write: bool) -> None:
        self._app = app
        self._hosts = hosts
        self._access = access
        self._write_token = write_token
        self._can_write = can_write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        try:
            refusal = self._refusal(scope, _headers(scope))
            if refusal is not None:
                await refusal(scope, receive, exchange.send)
            elif scope["method"] == "HEAD":
                # Routes are those of GET; a response that would read much for its body sees that nobody wants it.
                head = {**scope, "method": "GET", "console.head": True}
                await self._app(head, exchange.receive_nothing, exchange.send_head)
            else:
                await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            # An error page was sent, and the error logged, unless the response had started; then it just ends.
            if not (exchange.has_started or exchange.is_too_large):
                raise
            _log.debug("an answer ended early", exc_info=True)
        if exchange.is_too_large and not exchange.has_started:
            await problem_response(_TOO_LARGE)(scope, receive, exchange.send_instead)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        problem = self._problem_of_any(scope, headers)
        if problem is None and not self._access.allows(headers) and not _is_open(scope["path"]):
            if scope["method"] in _READING and not scope["path"].startswith("/api/"):
                return _to_login(scope)
            problem = Problem(401, "no_token", "this console needs its token: Authorization: Bearer TOKEN")
        if problem is None and scope["method"] not in _READING:
            problem = self._problem_of_writing(scope, headers)
        return None if problem is None else problem_response(problem)

    def _problem_of_any(self, scope: Scope, headers: Mapping[str, str]) -> Problem | None:
        if not self._hosts.accepts(headers.get("host", ""), scope.get("server")):
            text = "the Host header does not name this console; if it should, restart it with --allow-host NAME"
            return Problem(421, "wrong_host", text)
        if headers.get("sec-fetch-site") in _OTHER_SITES and headers.get("sec-fetch-mode") != "navigate":
            # It could not read the answer, but it could keep the console, or a stack, busy.
            return Problem(
                403, "other_site", "a page of another site asks for this; only links from there are followed"
            )
        length = headers.get("content-length", "0")
        if len(length) > len(str(MAX_BODY_BYTES)) or not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return _TOO_LARGE
        return None

    def _problem_of_writing(self, scope: Scope, headers: Mapping[str, str]) -> Problem | None:
        is_login = scope["path"] == LOGIN and self._access.is_needed and scope["method"] == "POST"
        if not is_login and (scope["method"] not in _WRITING or not scope["path"].startswith("/api/")):
            return Problem(405, "method_not_allowed", "this address does not take this method")
        if not self._hosts.is_same_origin(headers.get("origin", ""), headers["host"]):
            return Problem(403, "wrong_origin", "requests that change something need the Origin of the console itself")
        if is_login:
            return None
        if not hmac.compare_digest(headers.get("x-pupline-token", "").encode(), self._write_token.encode()):
            text = "the X-Pupline-Token is missing or of an earlier start of the console; load the page again"
            return Problem(403, "wrong_token", text)
        if not self._can_write:
            text = "this console only reads; restart it with --allow-writes to act from its pages"
            return Problem(403, "read_only", text)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        if (has_body or scope["method"] == "POST") and kind != "application/json":
            return Problem(415, "not_json", "the body must be JSON, with the Content-Type application/json")
        return None


class _Exchange:
    """One request and its response, in the form that the application sees."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._received = 0
        self._head_is_sent = asyncio.Event()
        self._is_read = False
        self.has_started = False
        self.is_too_large = False

    async def receive(self) -> Message:
        """The next part of the body. Raises: Problem when there is too much."""
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > MAX_BODY_BYTES:
            self.is_too_large = True
            raise _TOO_LARGE
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the response, with the safe headers; nothing of what is made of half a body."""
        if not self.is_too_large or self.has_started:
            await self.send_instead(message)

    async def send_instead(self, message: Message) -> None:
        """Send a part of the response, with the safe headers."""
        if message["type"] == "http.response.start":
            self.has_started = True
            message = {**message, "headers": with_safe_headers(message.get("headers", ()))}
        await self._send(message)

    async def receive_nothing(self) -> Message:
        """The empty body of a HEAD request; then, when the head of the response is sent, its end."""
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._head_is_sent.wait()
        return {"type": "http.disconnect"}

    async def send_head(self, message: Message) -> None:
        """Send the head of the response to GET, and nothing of its body."""
        if message["type"] == "http.response.start":
            await self.send(message)
            await self._send({"type": "http.response.body", "body": b""})
            self._head_is_sent.set()


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _is_open(path: str) -> bool:
    """Whether the path is read without the token: the page on which it is shown, and what that page needs."""
    return path in (LOGIN, "/favicon.ico") or path.startswith("/static/")


def _to_login(scope: Scope) -> Response:
    query = scope["query_string"].decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"{LOGIN}?{urlencode({'next': wanted[:1000]})}", status_code=303)
