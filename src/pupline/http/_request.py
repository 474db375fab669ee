"""A request, from its pieces to its bytes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pupline.errors import InvalidInput
from pupline.http._proxy import Proxy
from pupline.http._raw_response import ReadLimits
from pupline.http._url import Origin, Url
from pupline.text import printable

# A bearer token can have some kilobytes; servers refuse header lines of more than eight.
MAX_HEADER_VALUE = 8000

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OWN_HEADERS = frozenset(
    {
        *("host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "content-type"),
        *("transfer-encoding", "proxy-authorization", "if-none-match", "if-modified-since"),
    }
)
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,500}"')
_HTTP_DATE = re.compile(r"[A-Za-z]{3,9},? [0-9A-Za-z :-]{10,40}")


@dataclass(frozen=True, slots=True)
class Validators:
    """The ETag and Last-Modified that a server sent with an image when it was last fetched.

    A value that is not a legal entity tag or date is left out of a request: the image is then simply fetched again.
    """

    etag: str | None = None
    last_modified: str | None = None

    def lines(self) -> str:
        """The header lines of a conditional request; "" when neither value can be sent. Source: RFC 9110, 13.1."""
        tag, date = self.etag, self.last_modified
        lines = f"If-None-Match: {tag}\r\n" if tag and _ENTITY_TAG.fullmatch(tag) else ""
        return f"{lines}If-Modified-Since: {date}\r\n" if date and _HTTP_DATE.fullmatch(date) else lines


@dataclass(frozen=True, slots=True)
class Request:
    """A request, whatever URL redirects lead it to.

    own_lines: header lines for the first URL's origin only. conditional_lines: those to which 304 is a good response.
    content: of a POST, with its content_type.
    """

    method: Literal["GET", "POST"]
    accept: str
    limits: ReadLimits
    own_lines: str = ""
    conditional_lines: str = ""
    content: bytes = b""
    content_type: str = ""

    def to_bytes(self, url: Url, first: Origin, user_agent: str, *, keep_alive: bool, proxy: Proxy | None) -> bytes:
        """The request for `url`. first: the origin of the first URL. proxy: the forward proxy it is sent to."""
        lines = _common_lines(url.origin, user_agent, self.accept, keep_alive)
        if self.own_lines and url.origin == first:
            lines += self.own_lines
        lines += self.conditional_lines
        if self.method == "POST":
            lines += f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.content)}\r\n"
        if proxy is None:
            head = f"{self.method} {url.path}{url.query} HTTP/1.1\r\n{lines}\r\n"
        else:
            head = f"{self.method} {url} HTTP/1.1\r\n{lines}{proxy.lines}\r\n"
        return head.encode("ascii") + self.content


@lru_cache(maxsize=1024)  # a run has few hosts, and many requests to each
def _common_lines(origin: Origin, user_agent: str, accept: str, keep_alive: bool) -> str:
    connection = "keep-alive" if keep_alive else "close"
    return (
        f"Host: {origin.authority}\r\nUser-Agent: {user_agent}\r\nAccept: {accept}\r\n"
        f"Accept-Encoding: identity\r\nConnection: {connection}\r\n"
    )


def header_lines(headers: Mapping[str, str]) -> str:
    """A caller's headers as lines. Raises: InvalidInput for one that cannot be sent, or that the client sets itself."""
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and is_header_value(value)) or name.lower() in _OWN_HEADERS:
            raise InvalidInput(
                f"header {printable(name, 60)!r} cannot be sent: give printable ASCII, and none of the client's own"
            )
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def is_header_value(value: str) -> bool:
    """Whether `value` can be sent in a header: printable ASCII, no space at its ends, not too long."""
    return len(value) <= MAX_HEADER_VALUE and _HEADER_VALUE.fullmatch(value) is not None
