"""The sample server: the sample API and its pictures over HTTP on 127.0.0.1, in a thread of this process."""

import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pupline.listening import LimitedServer
from pupline.samples._api import ApiResponse, Once, SampleApi, remember_in_memory
from pupline.samples._pictures import content_type, etag, pictures
from pupline.samples._plan import HOSTILE, Trouble
from pupline.specs import EXECUTION_HEADER, SAMPLE_ORIGIN

HOST_NAME: Final = SAMPLE_ORIGIN.host
"""The server's name for clients, so that URLs and records do not change with the port."""

_MAX_CONNECTIONS = 256  # more than any client here opens; each costs a thread
_IDLE_SECONDS = 30.0  # a silent connection is closed after these
_ENDLESS_BYTES = 2**30  # the end of the endless body, for a client without a limit
_STOP_SECONDS = 5.0  # for the threads of connections at the end
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:]{2,45}\](:[0-9]{1,5})?")
_TROUBLES: dict[str, Trouble] = {item.path: item.trouble for item in HOSTILE if item.trouble}
_HTML = b"<!DOCTYPE html>\n<html><head><title>Gone fishing</title></head><body><p>No dog here.</p></body></html>\n"
_PRIVATE_URL = "http://169.254.169.254/latest/meta-data/"


class SampleServer:
    """The sample source, from `__enter__` to `__exit__`, on a free port of 127.0.0.1.

        with SampleServer(seed=0) as server:
            urlopen(f"http://127.0.0.1:{server.port}/api/breeds/image/random")

    seed: of random requests. hostile: also serve the trouble of real servers. first_time: remembers which executions
    have had their 503. A persistent one spares a killed and resumed run the second 503; the default is not persistent.
    """

    def __init__(self, seed: int = 0, hostile: bool = False, first_time: Once | None = None) -> None:
        self._api = SampleApi(seed, hostile, first_time or remember_in_memory())
        self._hostile = hostile
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port on 127.0.0.1. Raises: RuntimeError before the server is started."""
        if self._server is None:
            raise RuntimeError("the sample server has no port before it is entered: use it in a with statement")
        return self._server.server_address[1]

    def __enter__(self) -> "SampleServer":
        self._server = _Server(self._api, self._hostile)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sample-server")
        self._thread.daemon = True  # a forgotten server must not keep the process alive
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server and self._thread:
            self._server.stopping.set()
            self._server.stop(_STOP_SECONDS)
            self._thread.join()
            self._server = self._thread = None


class _Server(LimitedServer):
    """The server, and what its connections need."""

    def __init__(self, api: SampleApi, hostile: bool) -> None:
        self.api = api
        self.hostile = hostile
        self.stopping = threading.Event()
        self.has_threads = True
        super().__init__(("127.0.0.1", 0), _Handler, name=HOST_NAME, max_connections=_MAX_CONNECTIONS)

    def process_without_thread(self, request: Any, client_address: Any) -> None:
        """Serve one request after the other."""
        self.has_threads = False
        self.process_request_thread(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "pupline-sample"
    sys_version = ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """ApiResponse from the API or with a picture."""
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/api/"):
            self._send_json(self._ask(path.removeprefix("/api")))
        elif path.startswith("/images/breeds/"):
            self._send_picture(path.removeprefix("/images/breeds/"))
        else:
            self._send(404, "text/html", _HTML)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Log nothing."""

    def _ask(self, path: str) -> ApiResponse:
        host = self.headers.get("Host", "")
        base_url = f"http://{host if _HOST.fullmatch(host) else HOST_NAME}"
        return self.server.api.respond(path, base_url, self.headers.get(EXECUTION_HEADER))

    def _send_json(self, response: ApiResponse) -> None:
        wait = {} if response.retry_after_seconds is None else {"Retry-After": str(response.retry_after_seconds)}
        self._send(response.status, "application/json", response.body, wait)

    def _send_picture(self, path: str) -> None:
        trouble = _TROUBLES.get(path) if self.server.hostile else None
        body = pictures().get(path)
        if body is not None:
            self._send_validated(path, body)
        elif trouble == "html":
            self._send(200, "image/jpeg", _HTML)
        elif trouble == "truncated":
            whole = pictures()[HOSTILE[0].path]
            self._send(200, "image/jpeg", whole[: len(whole) // 2])
        elif trouble == "redirect":
            self._send(302, "text/html", b"", {"Location": _PRIVATE_URL})
        elif trouble == "endless":
            self._send_endless()
        else:
            self._send(404, "text/html", _HTML)

    def _send_validated(self, path: str, body: bytes) -> None:
        """The picture, or 304 for a request with its entity tag."""
        if self.headers.get("If-None-Match") != etag(path):
            self._send(200, content_type(path), body, {"ETag": etag(path)})
            return
        self.send_response(304)
        self.send_header("ETag", etag(path))
        self._end_headers()

    def _send(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self._end_headers()
        self.wfile.write(body)

    def _end_headers(self) -> None:
        if not self.server.has_threads:  # the next client is waiting
            self.send_header("Connection", "close")
        self.end_headers()

    def _send_endless(self) -> None:
        """A picture without an end, until the client or the server stops, or a gigabyte is sent."""
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chunk = pictures()[HOSTILE[0].path][:-2].ljust(2**16, b"\x55")
        for _ in range(_ENDLESS_BYTES // len(chunk)):
            if self.server.stopping.is_set():
                break
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.close_connection = True
