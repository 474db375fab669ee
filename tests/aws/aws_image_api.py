"""An image API on 127.0.0.1 with one image for every way an execution can go."""

import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from PIL import Image


def picture(kind: str, colour: str = "tan") -> bytes:
    """A small image of a Pillow format."""
    out = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(out, kind)
    return out.getvalue()


JPEG = picture("JPEG")
BODIES = {
    "pug/plain.jpg": JPEG,
    "pug/real.png": picture("PNG"),
    "hound-afghan/posing.jpg": picture("PNG", "black"),
    "pug/named.png": picture("JPEG", "red"),
    "pug/gif.jpg": picture("GIF"),
    "pug/page.jpg": b"<!doctype html><html><body>not a dog</body></html>",
    "pug/cut.jpg": picture("JPEG", "green")[:-30],
    "pug/busy.jpg": picture("JPEG", "blue"),
    "pug/later.jpg": picture("JPEG", "navy"),
    "copy/plain.jpg": JPEG,
    "other/plain.jpg": picture("JPEG", "white"),
}


class ImageApi:
    """Serves BODIES under /images/breeds/. `asked` counts requests by path."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.asked: Counter[str] = Counter()

    def url(self, name: str) -> str:
        """Where an image is."""
        return f"{self.origin}/images/breeds/{name}"

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body: `busy` is 503 once, `later` is 429 once, `wall` leads inside the network.

        The random image is `plain`.
        """
        if path == "/api/breeds/image/random":
            chosen = {"status": "success", "message": self.url("pug/plain.jpg")}
            return 200, {"Content-Type": "application/json"}, json.dumps(chosen).encode()
        name = path.removeprefix("/images/breeds/")
        self.asked[name] += 1
        first = self.asked[name] == 1
        if name == "pug/busy.jpg" and first:
            return 503, {}, b""
        if name == "pug/later.jpg" and first:
            return 429, {"Retry-After": "1"}, b""
        if name == "pug/wall.jpg":
            return 302, {"Location": "http://10.0.0.1/a.jpg"}, b""
        if name not in BODIES:
            return 404, {}, b""
        return 200, {"Content-Type": "image/jpeg"}, BODIES[name]


@contextmanager
def image_api() -> Iterator[ImageApi]:
    """A running API."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = api.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api = ImageApi(server.server_address[1])
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
