"""The server: connections, their threads, and what one request becomes."""

import io
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Protocol

from pupline.json_values import dumps
from pupline.listening import LimitedServer
from pupline.stepfunctions.http._hosts import HostCheck
from pupline.stepfunctions.http._reading import BadRequest, DeadlineReader, body_length, read_body
from pupline.text import printable

_CONTENT_TYPE = "application/x-amz-json-1.0"
_CHUNK = 65_536
_STOP_SECONDS = 2.0
"""For the threads of connections at the end. They end with the process in any case."""

_DISCARDED_BYTES = 32 * 1024 * 1024
"""The most that is read of a request that was refused."""


class Answered(Protocol):
    """A response, as the API makes it."""

    @property
    def status(self) -> int:
        """Of the HTTP response."""

    @property
    def body(self) -> bytes:
        """Its JSON."""

    @property
    def operation(self) -> str:
        """The operation's name, from outside."""

    @property
    def outcome(self) -> str:
        """`ok`, or the error's code."""


Answer = Callable[[str, bytes, str], Answered]
"""X-Amz-Target, body, Authorization -> response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of a port. Beyond `connections`, a new connection is closed at once."""

    body_bytes: int
    connections: int = 512
    idle_seconds: float = 60.0
    request_seconds: float = 30.0
    send_seconds: float = 30.0


class ApiServer:
    """A port that answers from `__enter__` to `__exit__`.

    log: gets a line for each request. Raises: OSError when the port cannot be bound.
    """

    def __init__(
        self,
        address: tuple[str, int],
        answer: Answer,
        limits: Limits,
        hosts: HostCheck = HostCheck(),  # noqa: B008 - frozen
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._server = _Server(address, _Service(answer, limits, hosts, log))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="pupline-api")
        self._thread.daemon = True

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The URL for clients on this machine."""
        host = str(self._server.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def __enter__(self) -> "ApiServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(_STOP_SECONDS)
        self._thread.join()


@dataclass(frozen=True, slots=True)
class _Service:
    answer: Answer
    limits: Limits
    hosts: HostCheck
    log: Callable[[str], None]


class _Server(LimitedServer):
    """The server, and what its connections need."""

    def __init__(self, address: tuple[str, int], service: _Service) -> None:
        self.service = service
        limit = service.limits.connections
        super().__init__(address, _Handler, name=address[0], max_connections=limit)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536  # a response leaves in one write: botocore takes one that was cut short for an empty success
    server: _Server

    def setup(self) -> None:
        """Read by deadlines."""
        super().setup()
        limits = self.server.service.limits
        self._reader = DeadlineReader(self.connection, limits.idle_seconds, limits.request_seconds)
        self.rfile: io.BufferedReader = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        """Wait for a request and answer it."""
        self._reader.wait_for_request()
        super().handle_one_request()

    def handle_expect_100(self) -> bool:
        """Ask for the body only where it will be read."""
        try:
            self._check()
        except BadRequest as refusal:
            self._refuse(refusal)
            return False
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def do_POST(self) -> None:
        """A request of the API."""
        began = time.monotonic()
        limits = self.server.service.limits
        try:
            length = self._check()
            body = read_body(self.rfile, length, limits.body_bytes)
        except BadRequest as refusal:
            self._refuse(refusal)
            return
        target, authorization = self.headers.get("X-Amz-Target", ""), self.headers.get("Authorization", "")
        response = self.server.service.answer(target, body, authorization)
        milliseconds = round((time.monotonic() - began) * 1000)
        self._log(f"{printable(response.operation or self.path, 80)} {response.outcome} {milliseconds} ms")
        self._send(response.status, response.body)

    def do_GET(self) -> None:
        """Answer /health, which says that the server runs."""
        if self.path.partition("?")[0] != "/health":
            self._refuse(BadRequest(404, "requests of the API are POST requests; /health says whether it runs"))
            return
        try:
            self._check()
        except BadRequest as refusal:
            self._refuse(refusal)
            return
        self._send(200, dumps({"status": "ok"}).encode())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """An error of the HTTP layer, as JSON."""
        del explain
        self._refuse(BadRequest(code, message or "the request cannot be read"))

    def version_string(self) -> str:
        """The Server header."""
        return "pupline"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Log nothing: `do_POST` does."""

    def _check(self) -> int | None:
        """The length of the body. Raises: BadRequest for a request that a browser or a rebound name may have sent."""
        host = self.headers.get_all("Host", [])
        if len(host) > 1 or not all(self.server.service.hosts.accepts(name) for name in host):
            text = (
                f"the Host header '{printable(host[0], 100)}' is not a name of this server; allow it with --allow-host"
            )
            raise BadRequest(403, text)
        if "Origin" in self.headers:
            raise BadRequest(403, "web pages may not use this server")
        return body_length(self.headers, self.server.service.limits.body_bytes)

    def _refuse(self, refusal: BadRequest) -> None:
        self.close_connection = True
        self._log(f"refused: {printable(refusal.message, 200)}")
        self._send(refusal.status, dumps({"__type": "BadRequestException", "message": refusal.message}).encode())
        self._discard()

    def _discard(self) -> None:
        """Read on for a while: closing a connection with unread bytes would also discard the response."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            for _ in range(_DISCARDED_BYTES // _CHUNK):
                if not self.rfile.read1(_CHUNK):
                    break

    def _send(self, status: int, body: bytes) -> None:
        self.connection.settimeout(self.server.service.limits.send_seconds)
        self.request_version = self.protocol_version  # HTTP/0.9, or what cannot be read, would get no status
        self.send_response(status)
        self.send_header("Content-Type", _CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _log(self, line: str) -> None:
        self.server.service.log(line)
