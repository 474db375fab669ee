"""Images on 127.0.0.1 for bulk tests, each counted when it is asked for."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ImageHost:
    """Serves bodies by path. asked: requests by path. heard: called with their number before each answer."""

    def __init__(self, address: tuple[str, int], bodies: Mapping[str, bytes]) -> None:
        self.origin = f"http://{address[0]}:{address[1]}"
        self.bodies = bodies
        self.asked: Counter[str] = Counter()
        self.heard: Callable[[int], None] = lambda _: None
        self._guard = threading.Lock()

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        with self._guard:
            self.asked[path] += 1
            if path != "/robots.txt":
                self.heard(self.asked.total())
        body = self.bodies.get(path)
        return (404, b"") if body is None else (200, body)

    @property
    def images_asked(self) -> dict[str, int]:
        """Without robots.txt."""
        return {path: count for path, count in self.asked.items() if path != "/robots.txt"}


@contextmanager
def image_host(bodies: Mapping[str, bytes], address: str = "127.0.0.1") -> Iterator[ImageHost]:
    """A running host. address: of this machine's, which are 127.0.0.1, 127.0.0.2, ..."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = host.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                return  # the process that asked was killed

    with ThreadingHTTPServer((address, 0), Handler) as server:
        server.daemon_threads = True
        host = ImageHost((address, server.server_address[1]), bodies)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()
