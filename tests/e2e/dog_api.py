"""A Dog-CEO-compatible API for tests, which remembers what it served: the other side of every end-to-end check."""

import json
import random
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_SOF = bytes.fromhex("ffc0000b080010001001011100")
_DHT = bytes.fromhex("ffc40014000100000000000000000000000000000003")
_DQT = bytes.fromhex("ffdb004300") + bytes([16] * 64)
_SOS = bytes.fromhex("ffda0008010100003f00")


def jpeg(seed: int, size_bytes: int = 2000) -> bytes:
    """A well-formed 16x16 grey JPEG that no other seed gives: its comment is random."""
    comment = random.Random(seed).randbytes(size_bytes)
    segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    return b"\xff\xd8" + segment + _DQT + _SOF + _DHT + _SOS + b"\x3f\xff\x00" + b"\xff\xd9"


def png(seed: int, size_bytes: int = 2000) -> bytes:
    """A well-formed 1x1 PNG that no other seed gives."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    text = b"Comment\0" + random.Random(seed).randbytes(size_bytes).hex().encode()
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"tEXt", text) + chunk(b"IDAT", zlib.compress(b"\0\x7f"))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


class DogApi:
    """What the API serves, and did serve. images: path to body; a random request gets the next path that is unused.

    failures: how many answers of 503 each image gives before the first good one.
    """

    def __init__(self, images: dict[str, bytes], failures: int = 0) -> None:
        self.images = images
        self.downloads: dict[str, int] = dict.fromkeys(images, 0)
        self._paths = list(images)
        self._asked = 0
        self._failures = dict.fromkeys(images, failures)
        self._lock = threading.Lock()

    def next_path(self) -> str:
        """The path for a random request."""
        with self._lock:
            path = self._paths[self._asked % len(self._paths)]
            self._asked += 1
            return path

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body for an image request."""
        with self._lock:
            if path not in self.images:
                return 404, b""
            if self._failures[path]:
                self._failures[path] -= 1
                return 503, b"busy"
            self.downloads[path] += 1
            return 200, self.images[path]


@contextmanager
def serving(api: DogApi) -> Iterator[str]:
    """The API on a free port of 127.0.0.1; its base URL."""

    origin = ""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/api/breeds/image/random":
                url = origin + api.next_path()
                self._send(200, "application/json", json.dumps({"message": url, "status": "success"}).encode())
            elif self.path == "/api/breeds/list/all":
                self._send(200, "application/json", b'{"message":{"pug":[]},"status":"success"}')
            else:
                status, body = api.answer(self.path)
                self._send(status, "image/jpeg", body)

        def _send(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A client that was killed is expected here."""

    server = Server(("127.0.0.1", 0), Handler)
    origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"{origin}/api"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kennel(count: int, *, pngs: int) -> dict[str, bytes]:
    """`count` different images under /images/breeds/...; the first `pngs` are PNGs, half of them named .jpg."""
    images = {}
    for number in range(count):
        if number < pngs:
            name = f"dog{number}.png" if number % 2 else f"dog{number}.jpg"
            images[f"/images/breeds/hound-afghan/{name}"] = png(number)
        else:
            images[f"/images/breeds/pug/dog{number}.jpg"] = jpeg(number)
    return images
