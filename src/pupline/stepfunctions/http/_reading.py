"""Reading a request from a socket, by a deadline: a slow client costs its own thread, and not for long."""

import io
import re
import socket
import time
from email.message import Message
from typing import BinaryIO

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
_MAX_LINE = 4096
_MAX_TRAILERS = 100


class BadRequest(Exception):
    """What arrived is not a request that can be read. status: of the response; the connection is closed after it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class DeadlineReader(io.RawIOBase):
    """The receiving half of a socket.

    Raises TimeoutError when no request begins within `idle_seconds`, or one takes longer than `request_seconds`.
    """

    def __init__(self, connection: socket.socket, idle_seconds: float, request_seconds: float) -> None:
        self._connection = connection
        self._idle_seconds = idle_seconds
        self._request_seconds = request_seconds
        self.wait_for_request()

    def wait_for_request(self) -> None:
        """Begin to wait for the next request."""
        self._deadline = time.monotonic() + self._idle_seconds
        self._has_begun = False

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """The bytes that have arrived, at least one; 0 at the end."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        size = self._connection.recv_into(buffer)
        if not self._has_begun:
            self._has_begun = True
            self._deadline = time.monotonic() + self._request_seconds
        return size


def body_length(headers: Message, max_bytes: int) -> int | None:
    """The length of the body, None when it comes in chunks. Raises: BadRequest."""
    coding, length = headers.get_all("Transfer-Encoding", []), headers.get_all("Content-Length", [])
    if coding:
        if length or [text.strip().lower() for text in coding] != ["chunked"]:
            raise BadRequest(400, "the body must have a Content-Length, or come in chunks")
        return None
    if len(set(length)) > 1 or not all(text.isascii() and text.isdigit() and len(text) < 19 for text in length):
        raise BadRequest(400, "the Content-Length is not a number")
    size = int(length[0]) if length else 0
    if size > max_bytes:
        raise too_large(max_bytes)
    return size


def read_body(stream: BinaryIO, length: int | None, max_bytes: int) -> bytes:
    """The body of a request. length: as `body_length` returns it. Raises: BadRequest; TimeoutError."""
    if length is None:
        return _read_chunks(stream, max_bytes)
    body = stream.read(length)
    if len(body) < length:
        raise BadRequest(400, "the body ended before its Content-Length")
    return body


def too_large(max_bytes: int) -> BadRequest:
    """The refusal of a body of more than `max_bytes`."""
    return BadRequest(413, f"the body has more than {max_bytes:,} bytes")


def _read_chunks(stream: BinaryIO, max_bytes: int) -> bytes:
    body = bytearray()
    while size := _chunk_size(stream):
        if len(body) + size > max_bytes:
            raise too_large(max_bytes)
        chunk = stream.read(size)
        if len(chunk) < size or stream.readline(3).strip(b"\r\n"):
            raise BadRequest(400, "a chunk of the body does not have its size")
        body += chunk
    for _ in range(_MAX_TRAILERS):
        if not stream.readline(_MAX_LINE).strip(b"\r\n"):
            return bytes(body)
    raise BadRequest(400, "the body has too many trailers")


def _chunk_size(stream: BinaryIO) -> int:
    found = _SIZE.fullmatch(stream.readline(_MAX_LINE))
    if found is None:
        raise BadRequest(400, "the size of a chunk is not a hexadecimal number")
    return int(found.group(1), 16)
