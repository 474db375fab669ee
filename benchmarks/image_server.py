"""A Dog-CEO-compatible API with any number of different pictures: `python -m benchmarks.image_server COUNT`.

Prints its base URL, then serves until its standard input is closed. Each picture is one of the sample's JPEGs with a
comment that makes it a different file of about SIZE_BYTES.
"""

import itertools
import json
import random
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pupline.samples._pictures import pictures

SIZE_BYTES = 60_000
"""Close to the size of dog.ceo's pictures."""


def picture(number: int) -> bytes:
    """An intact JPEG, different for each number."""
    plain = next(body for path, body in pictures().items() if path.endswith(".jpg") and body.startswith(b"\xff\xd8"))
    comment = random.Random(number).randbytes(max(8, SIZE_BYTES - len(plain)))
    return plain[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + plain[2:]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    numbers = itertools.count()
    bodies: tuple[bytes, ...] = ()
    origin = ""

    def do_GET(self) -> None:
        """A random pick, a list of breeds, or a picture."""
        if self.path == "/api/breeds/image/random":
            number = next(self.numbers) % len(self.bodies)
            self._send("application/json", _message(f"{self.origin}/breeds/pug/n{number:08}.jpg"))
        elif self.path == "/api/breeds/list/all":
            self._send("application/json", _message({"pug": []}))
        else:
            self._send("image/jpeg", self.bodies[int(self.path[-12:-4])])

    def _send(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _message(value: object) -> bytes:
    return json.dumps({"message": value, "status": "success"}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Serve until standard input is closed."""
    _Handler.bodies = tuple(picture(number) for number in range(int(sys.argv[1])))
    with _Server(("127.0.0.1", 0), _Handler) as server:
        _Handler.origin = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        print(f"{_Handler.origin}/api", flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
