"""A web server of a few lines for tests: each path has its answer, a function that is called for every request."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Said:
    """One answer. then: gives the rest of the body, when it is called; Content-Length must count it."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[], bytes] | None = None


@dataclass
class Site:
    """What is served. pages: path to answer, or to what gives it for the request's headers. asked: paths, in order."""

    pages: dict[str, Said | Callable[[Mapping[str, str]], Said]]
    asked: list[str] = field(default_factory=list)
    origin: str = ""
    connections: int = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    site: Site

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        self.site.connections += 1

    def do_GET(self) -> None:
        """Answer."""
        self.site.asked.append(self.path)
        page = self.site.pages.get(self.path, Said(status=404))
        said = page if isinstance(page, Said) else page(dict(self.headers))
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            if not value:
                continue
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body)
        if said.then:
            self.wfile.write(said.then())

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients that go away are part of these tests."""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """The site on a free port of 127.0.0.1; its origin is filled in."""
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.origin = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
