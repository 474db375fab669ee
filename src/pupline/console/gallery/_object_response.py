"""A response with the bytes of a stored object: in pieces, whole or in ranges, to readers of any speed.

A piece is read in a thread of the pool only when the reader has taken the one before: a slow reader costs an open
object, and neither a thread nor memory.
"""

import secrets
from collections.abc import Iterator, Mapping
from email.utils import formatdate

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pupline.console.gallery._ranges import ByteRange, Unsatisfiable, parse_ranges
from pupline.tasks.ports import OpenObject

OBJECT_POLICY = "default-src 'none'; sandbox"
"""The Content-Security-Policy of stored bytes: if a browser takes them for a page, it has no origin and no script."""


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this ETag, which is without quotes."""
    if header is None:
        return False
    given = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in given or f'"{etag}"' in given


class ObjectResponse(Response):
    """The object, or the parts that the request's headers ask for. It closes the object at the end."""

    def __init__(self, opened: OpenObject, headers: Mapping[str, str], asked: Mapping[str, str]) -> None:
        """headers: of the object, with its Content-Type. asked: the headers of the request."""
        super().__init__()
        self._opened = opened
        self._parts: list[tuple[bytes, ByteRange]] = []
        facts = opened.facts
        self._size = facts.size_bytes
        self._type = headers["Content-Type"]
        self._boundary = secrets.token_hex(16)
        self._end = b""
        own = {
            "ETag": f'"{facts.etag}"',
            "Last-Modified": formatdate(facts.modified_at, usegmt=True),
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": OBJECT_POLICY,
            "X-Content-Type-Options": "nosniff",
            **headers,
        }
        self.status_code = self._choose(asked, own)
        length = sum(len(head) + part.stop - part.start for head, part in self._parts) + len(self._end)
        if self.status_code != 304:
            own["Content-Length"] = str(length)
        self.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in own.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Send it."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if not scope.get("console.head"):
                for head, part in self._parts:
                    if head:
                        await send({"type": "http.response.body", "body": head, "more_body": True})
                    pieces = self._opened.chunks(*part)
                    while piece := await run_in_threadpool(_next, pieces):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": self._end, "more_body": False})
        finally:
            self._opened.close()

    def _choose(self, asked: Mapping[str, str], own: dict[str, str]) -> int:
        """The status, after setting the parts and the headers that describe them."""
        etag = self._opened.facts.etag
        if matches(asked.get("if-none-match"), etag):
            return 304
        may_be_part = asked.get("if-range", f'"{etag}"') == f'"{etag}"'
        try:
            ranges = parse_ranges(asked.get("range") if may_be_part else None, self._size)
        except Unsatisfiable:
            own["Content-Range"] = f"bytes */{self._size}"
            return 416
        if ranges is None:
            self._parts = [(b"", ByteRange(0, self._size))]
            return 200
        if len(ranges) == 1:
            self._parts = [(b"", ranges[0])]
            own["Content-Range"] = self._content_range(ranges[0])
        else:
            self._parts = [(self._head(one, number), one) for number, one in enumerate(ranges)]
            self._end = f"\r\n--{self._boundary}--\r\n".encode()
            own["Content-Type"] = f"multipart/byteranges; boundary={self._boundary}"
        return 206

    def _head(self, one: ByteRange, number: int) -> bytes:
        line_break = "\r\n" if number else ""
        return (
            f"{line_break}--{self._boundary}\r\nContent-Type: {self._type}\r\n"
            f"Content-Range: {self._content_range(one)}\r\n\r\n"
        ).encode("latin-1")

    def _content_range(self, one: ByteRange) -> str:
        return f"bytes {one.start}-{one.stop - 1}/{self._size}"


def _next(pieces: Iterator[bytes]) -> bytes:
    return next(pieces, b"")
