"""HTTP responses, header values and robots.txt."""

import gzip
import socket
import zlib
from typing import Final

from fuzzing.target import Target
from pupline.errors import TaskFailure
from pupline.http import FetchPolicy, HttpClient, Network, Origin, RobotsRules, Url, check_robots_tag
from pupline.http._raw_response import ReadLimits
from pupline.http._reader import ResponseReader
from pupline.http._status import retry_after_seconds
from pupline.json_values import parse_json
from pupline.sources.api._link_header import LinkHeader

_ADDRESS = "93.184.216.34"
_MAX_BODY = 1_000_000


class _Prepared(socket.socket):
    """A connection over which `data` comes in pieces, and then the end. What is sent goes nowhere."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._rest = memoryview(data)

    def sendall(self, data: object, flags: int = 0) -> None:
        """Take it."""

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        """Take it."""
        return len(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The next bytes: pieces of 1,000 at most, unless all that is asked for has to be there."""
        most = size if flags & (socket.MSG_WAITALL | socket.MSG_PEEK) else min(size, 1000)
        piece = bytes(self._rest[:most])
        if not flags & socket.MSG_PEEK:
            self._rest = self._rest[most:]
        return piece


def _read(data: bytes, step: int) -> str:
    """What the reader makes of `data` in pieces of `step` bytes, and then the end."""
    reader = ResponseReader(ReadLimits(_MAX_BODY, 32 * 1024, 100), "http://dogs.example/")
    try:
        for at in range(0, len(data), step):
            response = reader.feed(data[at : at + step])
            if response is not None:
                break
        else:
            response = reader.feed(b"")
    except TaskFailure as failure:
        return f"{type(failure).__name__}: {failure.message}"
    assert response is not None
    return f"{response.head} {response.body!r}"


def _response(data: bytes) -> str:
    assert _read(data, len(data) + 1) == _read(data, 3), "the response depends on how its bytes are cut"
    network = Network(resolve=lambda *_: [_ADDRESS], connect=lambda *_: _Prepared(data))
    client = HttpClient(FetchPolicy(timeout_seconds=5, max_bytes=_MAX_BODY), network)
    response = client.get("http://dogs.example/rex.jpg")
    assert len(response.body) <= _MAX_BODY
    check_robots_tag(response)
    return f"{response.status}"


def _responses() -> list[bytes]:
    body = b"hello, dogs"
    packed = gzip.compress(body * 10)
    head = b"HTTP/1.1 200 OK\r\n"
    length = b"Content-Length: %d\r\n"
    return [
        head + length % len(body) + b"Content-Type: image/jpeg\r\n\r\n" + body,
        head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n, dogs\r\n0\r\nX: y\r\n\r\n",
        head + b"Content-Encoding: gzip\r\n" + length % len(packed) + b"\r\n" + packed,
        head + b"Content-Encoding: deflate, gzip\r\n" + length % len(packed) + b"\r\n" + packed,
        head + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(bytes(1000)),
        b"HTTP/1.0 200\r\nX-A: b\r\n c\r\nContent-Range: bytes 0-10/11\r\n\r\n" + body,
        b"HTTP/1.1 103 Early\r\nLink: <x>\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n",
        b"HTTP/1.1 429 Slow\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n",
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-10/11\r\nContent-Length: 11\r\n\r\n" + body,
        head + b"X-Robots-Tag: otherbot: noindex, noai\r\nX-Robots-Tag: noimageai\r\n\r\n" + body,
    ]


_HEADERS = (
    *(
        b"Content-Length: ",
        b"Transfer-Encoding: chunked",
        b"Content-Encoding: gzip",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
    ),
    *(b"Location: http://", b"Retry-After: 9", b"Connection: close", b"HTTP/1.1 200 OK", b" ", b"\t", b":", b";", b","),
    *(
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"-1",
        b"Content-Range: bytes 0-",
        b"X-Robots-Tag: noai",
        b"\x00",
        b"\xff",
    ),
)


def _robots(data: bytes) -> str:
    rules = RobotsRules.parse(data.decode("utf-8", "replace"))
    for path in ("/", "/a/b/c.jpg?x=y", "/" + "a" * 2000, "/robots.txt", "/%61*$/" + "a/" * 500):
        rules.allows(path)
    assert rules.allows("/robots.txt")
    return f"{rules.allows_all} {rules.crawl_delay is None}"


_ROBOTS = (
    b"User-agent: *\nDisallow: /private/\nAllow: /*.jpg$\nCrawl-delay: 2\n",
    b"User-agent: pupline\nUser-agent: x\nDisallow: /a*b*c*d*e$\n\nSitemap: http://x/\n",
)
_RULES = (b"User-agent: ", b"pupline", b"*", b"$", b"Disallow: /", b"Allow: ", b"\r\n", b"#", b"%2f", b"%", b"a", b"/")


def _url(data: bytes) -> str:
    first, _, second = data.decode("utf-8", "surrogateescape").partition("\n")
    url = Url.parse(first)
    assert Url.parse(str(url)) == url, url
    assert Origin.parse(str(url.origin)) == url.origin
    joined = url.join(second)
    assert Url.parse(str(joined)) == joined, joined
    return url.origin.scheme


_URLS = (
    b"https://dogs.example/a/b.jpg?x=1#y\n../c.png",
    "http://m\u00fcnchen.example:8080/\u72ac.jpg\n//other.example/x".encode(),
    b"http://[2001:db8::1]:80/\nhttps://u:p@h/",
    b"http://0x7f.1/\n?q",
)
_OF_URLS = (
    b"//",
    b"@",
    b":",
    b"[::1]",
    b"%",
    b"\\",
    b"..",
    b"#",
    b"?",
    b"\xef\xbc\x8e",
    b"\xe2\x80\x8d",
    b"xn--",
    b"\t",
    b"..",
)


def _json(data: bytes) -> str:
    return type(parse_json(data)).__name__


_JSON = (
    b'{"message":["https://a.example/1.jpg",{"x":[1,-2.5e3,null,true,"\\u00e9\\ud83d"]}],"status":"success"}',
    b"[]",
)
_OF_JSON = (
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"\\u",
    b"\\ud800",
    b",",
    b":",
    b"1e999",
    b"-",
    b"NaN",
    b"9" * 5000,
    b"\xef\xbb\xbf",
)


def _link(data: bytes) -> str:
    found = LinkHeader.parse(data.decode("latin-1"))
    found.target_of("next", "https://api.example/list")
    return f"{len(found.links) > 0} {len(found.unreadable) > 0}"


_LINKS = (
    b'<https://api.example/list?page=2>; rel="next", <https://api.example/list?page=9>; rel=last',
    b'<x>; title="a \\" b"; rel="prev next"; anchor="#y"',
)
_OF_LINKS = (b"<", b">", b";", b",", b'"', b"\\", b"rel=", b"next", b"*=UTF-8''", b" ", b"=", b"'")


def _later(data: bytes) -> str:
    seconds = retry_after_seconds(data.decode("latin-1"), 1_790_000_000.0)
    assert seconds is None or seconds >= 0
    return f"{seconds is None}"


HTTP: Final = (
    Target("http", _response, _responses, (TaskFailure,), _HEADERS),
    Target("robots", _robots, lambda: _ROBOTS, (), _RULES, 600_000),
    Target("url", _url, lambda: _URLS, (TaskFailure,), _OF_URLS, 9_000),
    Target("json", _json, lambda: _JSON, (TaskFailure,), _OF_JSON),
    Target("link-header", _link, lambda: _LINKS, (TaskFailure,), _OF_LINKS),
    Target("retry-after", _later, lambda: (b"120", b"Wed, 21 Oct 2026 07:28:00 GMT"), (), (b"GMT", b" ", b",", b"9")),
)
