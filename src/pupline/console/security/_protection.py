"""The rules for requests, in front of the application: host, method, origin, token, size."""

import hmac
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pupline.console.security._headers import with_safe_headers
from pupline.console.security._hosts import Hosts
from pupline.console.web import Problem, problem_response

MAX_BODY_BYTES = 1024 * 1024
"""Of a request. The largest are edited inputs of executions, which AWS limits to 256 KiB."""

_READING = ("GET", "HEAD")
_WRITING = ("POST", "DELETE")


class Protection:
    """ASGI middleware: what it refuses, no route sees. Every response gets the safe headers.

    write_token: what requests that change something have as X-Pupline-Token. can_write: whether any may.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts, write_token: str, can_write: bool) -> None:
        self._app = app
        self._hosts = hosts
        self._write_token = write_token
        self._can_write = can_write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def safe_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": with_safe_headers(message.get("headers", ()))}
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        problem = self._problem(scope, headers)
        if problem is not None:
            await problem_response(problem)(scope, receive, safe_send)
            return
        if scope["method"] == "HEAD":
            # Routes are those of GET; a response that would read much for its body sees that nobody wants it.
            await self._app({**scope, "method": "GET", "console.head": True}, receive, _without_body(safe_send))
            return
        await self._app(scope, _bounded(receive), safe_send)

    def _problem(self, scope: Scope, headers: Mapping[str, str]) -> Problem | None:
        host = headers.get("host", "")
        if not self._hosts.accepts(host):
            text = "the Host header does not name this console; if it should, restart it with --allow-host NAME"
            return Problem(421, "wrong_host", text)
        if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
            return _TOO_LARGE
        if scope["method"] in _READING:
            return None
        return self._problem_of_writing(scope, headers, host)

    def _problem_of_writing(self, scope: Scope, headers: Mapping[str, str], host: str) -> Problem | None:
        if scope["method"] not in _WRITING or not scope["path"].startswith("/api/"):
            return Problem(405, "method_not_allowed", "this address does not take this method")
        if not self._hosts.is_same_origin(headers.get("origin", ""), host):
            return Problem(403, "wrong_origin", "requests that change something need the Origin of the console itself")
        if not hmac.compare_digest(headers.get("x-pupline-token", "").encode(), self._write_token.encode()):
            text = "the X-Pupline-Token is missing or of an earlier start of the console; load the page again"
            return Problem(403, "wrong_token", text)
        if not self._can_write:
            text = "this console only reads; restart it with --allow-writes to act from its pages"
            return Problem(403, "read_only", text)
        if headers.get("content-type", "application/json").partition(";")[0].strip().lower() != "application/json":
            return Problem(415, "not_json", "the body must be JSON, with the Content-Type application/json")
        return None


_TOO_LARGE = Problem(413, "too_large", f"the body has more than {MAX_BODY_BYTES:,} bytes")


def _bounded(receive: Receive) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise _TOO_LARGE
        return message

    return bounded


def _without_body(send: Send) -> Send:
    async def bodiless(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return bodiless
