"""A Dog-CEO-compatible API for bulk tests: breeds and sub-breeds, list pages, flaws by switch; it counts what it did.

The test verifies against this side: what was served, how often, how many requests were under way at once.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote

from tests.e2e.dog_api import jpeg, png

Flaw: TypeAlias = Literal[
    "gone",  # 404, always
    "busy_once",  # 503, once
    "wait_0",  # 429 with Retry-After: 0, once
    "wait_1",  # 429 with Retry-After: 1, once
    "short",  # fewer bytes than announced, always
    "refused",  # 403, always
    "noai",  # X-Robots-Tag: noai
]
_ONCE = {"busy_once", "wait_0", "wait_1"}
IMAGES = "/images/breeds/"
HTML = b"<!DOCTYPE html>\n<html><head><title>Moved</title></head><body>Nothing here.</body></html>\n"


@dataclass
class Kennel:
    """What the API serves. images: path below `/images/breeds/`, percent-encoded, to body. flaws: of some of those.

    robots: the text of robots.txt, None for a 404. delay_seconds: before each image.
    asked: requests per image. sent: bodies sent whole, per image; total_sent: in all. held: answers of 304. lists:
    requests for anything else, by path. most: the most image requests that were under way at once. times: when each
    image was asked for.
    """

    images: dict[str, bytes]
    flaws: dict[str, Flaw] = field(default_factory=dict)
    robots: str | None = None
    delay_seconds: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)
    total_sent: int = 0
    most: int = 0
    times: list[float] = field(default_factory=list)
    origin: str = ""

    def __post_init__(self) -> None:
        self._under_way = 0
        self._told: set[str] = set()
        self._spelt: dict[str, str] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Begin to count anew."""
        with self._lock:
            for counter in (self.asked, self.sent, self.held, self.lists):
                counter.clear()
            self.most = self.total_sent = 0
            self.times.clear()

    def mend(self) -> None:
        """From now on everything is fine."""
        with self._lock:
            self.flaws.clear()

    def url(self, path: str) -> str:
        """The address of an image, as the lists name it."""
        return f"{self.origin}{IMAGES}{path}"

    def body_of(self, path: str) -> bytes | None:
        """What this request for an image gets; None where there is no such image."""
        return self.images.get(path)

    def path_of(self, asked: str) -> str:
        """The path of the image that was asked for, in whatever spelling."""
        if asked not in self.images:
            self._spelt = self._spelt or {unquote(path): path for path in self.images}
        return asked if asked in self.images else self._spelt.get(unquote(asked), asked)

    def breeds(self) -> dict[str, list[str]]:
        """The sub-breeds of each breed."""
        found: dict[str, list[str]] = {}
        for path in self.images:
            breed, _, sub_breed = path.partition("/")[0].partition("-")
            known = found.setdefault(breed, [])
            if sub_breed and sub_breed not in known:
                known.append(sub_breed)
        return found

    def listed(self, breed: str, sub_breed: str | None) -> list[str]:
        """The URLs of a breed's images, its sub-breeds included, or of a sub-breed's alone."""
        wanted = (f"{breed}-{sub_breed}/",) if sub_breed else (f"{breed}/", f"{breed}-")
        return [self.url(path) for path in self.images if path.startswith(wanted)]

    @contextmanager
    def under_way(self, path: str) -> Iterator[Flaw | None]:
        """Counts a request for an image from its beginning to its end; the flaw that its answer shall have."""
        with self._lock:
            self.asked[path] += 1
            self.times.append(time.monotonic())
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            flaw = self.flaws.get(path)
            if flaw in _ONCE and path in self._told:
                flaw = None
            self._told.add(path)
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        try:
            yield flaw
        finally:
            with self._lock:
                self._under_way -= 1

    def was_sent(self, path: str) -> None:
        """A body went out whole."""
        with self._lock:
            self.sent[path] += 1
            self.total_sent += 1


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    kennel: Kennel

    def do_GET(self) -> None:
        """An image, a list, or robots.txt."""
        path = unquote(self.path.partition("?")[0])
        if self.path.startswith(IMAGES):
            self._send_image(self.path.removeprefix(IMAGES))
        elif path.startswith("/api/"):
            self._send_list(path.removeprefix("/api/"))
        elif path == "/robots.txt" and self.kennel.robots is not None:
            self.kennel.lists[path] += 1
            self._send(200, "text/plain", self.kennel.robots.encode())
        else:
            self.kennel.lists[path] += 1
            self._send(404, "text/html", HTML)

    def _send_list(self, path: str) -> None:
        self.kennel.lists[path] += 1
        match path.split("/"):
            case ["breeds", "list", "all"]:
                self._send_message(self.kennel.breeds())
            case ["breed", breed, "images"]:
                self._send_message(self.kennel.listed(breed, None))
            case ["breed", breed, sub_breed, "images"]:
                self._send_message(self.kennel.listed(breed, sub_breed))
            case _:
                self._send(404, "application/json", b'{"status":"error","message":"No route found","code":404}')

    def _send_message(self, message: object) -> None:
        self._send(200, "application/json", json.dumps({"message": message, "status": "success"}).encode())

    def _send_image(self, quoted: str) -> None:
        path = self.kennel.path_of(quoted)
        with self.kennel.under_way(path) as flaw:
            body = self.kennel.body_of(path)
            if body is None or flaw == "gone":
                self._send(404, "text/html", HTML)
            elif flaw == "refused":
                self._send(403, "text/html", HTML)
            elif flaw == "busy_once":
                self._send(503, "text/html", HTML)
            elif flaw in {"wait_0", "wait_1"}:
                self._send(429, "text/html", HTML, {"Retry-After": str(flaw)[-1]})
            elif flaw == "short":
                self._send_short(body)
            else:
                self._send_body(path, body, {"X-Robots-Tag": "noai"} if flaw == "noai" else {})

    def _send_short(self, body: bytes) -> None:
        self._send(200, "image/jpeg", body[: len(body) // 2], {"Content-Length": str(len(body))})
        self.close_connection = True

    def _send_body(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        tag = f'"{sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == tag:
            self.kennel.held[path] += 1
            self.send_response(304)
            self.send_header("ETag", tag)
            self.end_headers()
        else:
            self._send(200, "image/jpeg", body, {"ETag": tag, **headers})
            self.kennel.was_sent(path)

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """A client that was killed is expected here."""


@contextmanager
def serving(kennel: Kennel) -> Iterator[str]:
    """The API on a free port of 127.0.0.1; its base URL."""
    handler = type("Handler", (_Handler,), {"kennel": kennel})
    server = _Server(("127.0.0.1", 0), handler)
    kennel.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"{kennel.origin}/api"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_BREEDS = ("hound-afghan", "hound-basset", "hound", "pug", "terrier-fox", "terrier-norfolk", "shiba", "husky")


def kennel_of(count: int) -> Kennel:
    """`count` images of eight breeds and sub-breeds, with some of everything that a big source has in it.

    PNGs named .jpg, HTML named .jpg, pictures cut short, one placeholder under many addresses, hostile names, and the
    flaws of `Flaw`; which image has which is settled by its number, so that every size has the same mixture.
    """
    kennel = Kennel({})
    for number in range(count):
        path = f"{_BREEDS[number % len(_BREEDS)]}/{quote(_name(number), safe='%')}"
        kennel.images[path] = _body(number)
        flaw = _flaw(number)
        if flaw:
            kennel.flaws[path] = flaw
    return kennel


_HOSTILE_NAMES = {
    3: "..%2f..%2fescape.jpg",
    5: "con.jpg",
    6: "été à Lübeck.jpg",
    7: "a" * 400 + ".jpg",
    9: "NAME.jpg",
    17: "name.jpg",
    25: "x%00y%1b[31m.jpg",
    33: "trailing. ",
    41: "=cmd()|'a'!b.jpg",
}


def _name(number: int) -> str:
    return _HOSTILE_NAMES.get(number, f"n{number:06}.jpg")


def _body(number: int) -> bytes:
    if number % 53 == 11:
        return jpeg(-1)  # the placeholder
    if number % 97 == 13:
        return png(number)
    if number % 89 == 19:
        return HTML + b"<!-- %d -->" % number
    if number % 83 == 29:
        return jpeg(number)[:-200]
    return jpeg(number)


def _flaw(number: int) -> Flaw | None:
    for every, at, flaw in _FLAWS:
        if number % every == at:
            return flaw
    return None


_FLAWS: tuple[tuple[int, int, Flaw], ...] = (
    (61, 31, "gone"),
    (67, 35, "busy_once"),
    (71, 37, "wait_0"),
    (997, 43, "wait_1"),
    (499, 47, "short"),
    (137, 57, "refused"),
    (149, 59, "noai"),
)
