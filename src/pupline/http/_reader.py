"""A reader of HTTP/1.1 responses without a socket (RFC 9112): bytes go in, a response or an error comes out.

    reader = ResponseReader(limits, "https://dogs.example/rex.jpg")
    while (response := reader.feed(sock.recv(16384))) is None:
        pass

The grammar is written as generators that pause where bytes are missing, so it reads like the specification, and gives
the same result however the network cuts the bytes. A response as most are, with an ordinary head and a body of the
length that it declares, takes a shorter way to the same result: it costs a third.

`http.client` is not used: it cannot bound the time and bytes spent on headers, and accepts what must not be accepted
here. It takes the first of two Content-Length fields, reads `+5`, `0x5` and `0_5` as chunk sizes, and takes a chunked
body without its closing blank line for a whole one.
"""

import re
from collections.abc import Generator
from typing import TypeAlias, TypeVar

from pupline.errors import ConnectionFailed, HttpError, IncompleteBody, TaskFailure, TooLarge
from pupline.http._head import HeaderFields, ResponseHead, parse_plain_head, parse_status_line
from pupline.http._raw_response import RawResponse, ReadLimits
from pupline.text import printable

# 100 Continue, 103 Early Hints and the like come once or twice, if at all.
MAX_INTERIM_RESPONSES = 8

# Some servers send a surplus line end after a body, which then precedes the next response. Chrome ignores as many.
MAX_EMPTY_LINES = 2

MAX_PLAIN_HEAD_BYTES = 4096
"""Room for any ordinary head."""

# How much of the body of a redirect or an error is read to use its connection again: a new one costs about as much.
MAX_UNWANTED_BYTES = 64 * 1024

# A smaller piece of a body shares an object with its neighbours: one of its own would take many times the room.
_SMALL_PIECE_BYTES = 1024

# Reading a chunk takes as long as reading kilobytes. A smaller one counts as a header byte, so that there are not
# millions of them.
_SMALL_CHUNK_BYTES = 64

# Their head ends the response, whatever their fields say of a body (RFC 9112, 6.3).
_BODILESS = frozenset({204, 304})
_CONTENT = frozenset({200, 203})

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_READING_BODY = "reading the body"

_T = TypeVar("_T")
_Steps: TypeAlias = Generator[None, None, _T]


class ResponseReader:
    """Reads one response. Raises nothing but our own errors, which begin with the text of `name`.

    head: of the final response, once it is there. wanted: how many bytes of a body the reader waits for; 0: it reads
    lines. doing: what it waits for, in words. has_received: whether any byte was fed. is_skipping: the rest is the body
    of an error or a redirect, which is read only so that the connection can be used again.
    """

    __slots__ = (
        *("head", "wanted", "doing", "has_received", "is_skipping", "_limits", "_name", "_header_bytes_left"),
        *("_buffer", "_pieces", "_is_ended", "_is_cut", "_is_at_end", "_is_plain", "_steps"),
    )

    def __init__(self, limits: ReadLimits, name: object) -> None:
        self.head: ResponseHead | None = None
        self.wanted = 0
        self.doing = "waiting for the response's headers"
        self.has_received = False
        self.is_skipping = False
        self._limits = limits
        self._name = name
        self._header_bytes_left = limits.max_header_bytes
        self._buffer = bytearray()
        self._pieces: list[bytes | bytearray] = []
        self._is_ended = False
        self._is_cut = False
        self._is_at_end = False
        self._is_plain = False
        self._steps: _Steps[RawResponse] | None = None

    @property
    def wants_error(self) -> bool:
        """Whether the first bytes of the body are wanted, although it is skipped."""
        return self._limits.error_bytes > 0 and self.head is not None and self.head.status >= 400

    def feed(self, data: bytes) -> RawResponse | None:
        """The response, when it is complete with these further bytes; None while more are needed.

        data: b"" is the end of the connection, after which there is a response or an error.
        Raises: ConnectionFailed where it ends within the head, IncompleteBody within the body; TooLarge, HttpError.
        """
        if not data:
            return self.end()
        if not self.has_received:
            self.has_received = True
            data = self._begin_plain(data)
        if self.wanted:
            if data:
                data = self._feed_body(data)
            if self.wanted:
                return None
        if self._is_plain:
            return self._plain_response(is_at_end=not data)
        self._buffer += data
        return self._go_on()

    def end(self, *, is_cut: bool = False) -> RawResponse | None:
        """As feed(b""). is_cut: TLS ended without its closing alert, so the connection may have been cut."""
        if self._is_plain:
            return self._end_plain()
        self._is_ended, self._is_cut = True, is_cut
        return self._go_on()

    def give_up(self) -> RawResponse:
        """The response without the rest, while `is_skipping`."""
        assert self.head is not None  # noqa: S101 - what is skipped follows the head
        return RawResponse(self.head, b"", is_at_end=False)

    def _begin_plain(self, data: bytes) -> bytes:
        """What follows the head, where the response is a plain one; else all of `data`, which the grammar is for."""
        limits = self._limits
        end = data.find(b"\r\n\r\n", 0, min(MAX_PLAIN_HEAD_BYTES, limits.max_header_bytes))
        head = parse_plain_head(data[: end + 2], limits.max_headers) if end > 0 else None
        if head is None or limits.is_head_only or "transfer-encoding" in head.headers:
            return data
        has_content = head.status in _CONTENT and "content-range" not in head.headers
        if not (has_content or (head.status >= 400 and not limits.error_bytes)):
            return data
        length = head.declared_length
        if length is None or length > (limits.max_bytes if has_content else MAX_UNWANTED_BYTES):
            return data
        self.head, self.wanted, self.doing = head, length, _READING_BODY
        self._is_plain, self.is_skipping = True, not has_content
        return data[end + 4 :]

    def _plain_response(self, *, is_at_end: bool) -> RawResponse:
        assert self.head is not None  # noqa: S101 - a plain response has begun
        return RawResponse(self.head, b"" if self.is_skipping else self._joined(self._pieces), is_at_end)

    def _end_plain(self) -> RawResponse:
        """The connection has ended within the body. Raises: IncompleteBody."""
        if self.is_skipping:
            return self.give_up()
        received = sum(map(len, self._pieces))
        raise self._incomplete(received, received + self.wanted)

    def _feed_body(self, data: bytes) -> bytes:
        """Keep what belongs to the body, without a copy; return the rest."""
        piece = data[: self.wanted]
        if len(piece) >= _SMALL_PIECE_BYTES or (len(piece) == self.wanted and not self._pieces):
            self._pieces.append(piece)
        elif self._pieces and isinstance(self._pieces[-1], bytearray):
            self._pieces[-1] += piece
        else:
            self._pieces.append(bytearray(piece))
        self.wanted -= len(piece)
        return data[len(piece) :]

    def _go_on(self) -> RawResponse | None:
        self._steps = self._steps or self._response()
        try:
            next(self._steps)
        except StopIteration as done:
            response: RawResponse = done.value
            return response
        return None

    def _response(self) -> _Steps[RawResponse]:
        self.head = head = yield from self._final_head()
        body = b""
        if self._limits.is_head_only:
            self._is_at_end = True
        elif head.has_whole_content:
            length = self._range_length(head)
            body = yield from self._body(head, self._limits.max_bytes, truncate=self._limits.truncate)
            if length is not None:
                self._check_range(len(body), length)
        else:
            self.is_skipping = True
            try:
                body = yield from self._skip_body(head)
            except TaskFailure:  # the outcome of the request is known by now, and no unwanted body changes it
                return self.give_up()
        return RawResponse(head, body, self._is_at_end and not self._buffer)

    def _final_head(self) -> _Steps[ResponseHead]:
        for _ in range(MAX_INTERIM_RESPONSES + 1):
            head = self._plain_head() or (yield from self._careful_head())
            if head.status >= 200 or head.status == 101:
                return head
        raise self._malformed(f"more than {MAX_INTERIM_RESPONSES} interim responses")

    def _plain_head(self) -> ResponseHead | None:
        end = self._buffer.find(b"\r\n\r\n", 0, min(MAX_PLAIN_HEAD_BYTES, self._header_bytes_left))
        head = parse_plain_head(self._buffer[: end + 2], self._limits.max_headers) if end > 0 else None
        if head is not None:
            self._header_bytes_left -= end + 4
            del self._buffer[: end + 4]
        return head

    def _careful_head(self) -> _Steps[ResponseHead]:
        line = yield from self._head_line()
        for _ in range(MAX_EMPTY_LINES):
            line = line or (yield from self._head_line())
        status = parse_status_line(line)
        if status is None:
            raise self._malformed(f"it begins {_shown(line)}")
        fields = HeaderFields()
        for _ in range(self._limits.max_headers + 1):
            line = yield from self._head_line()
            if not line:
                return fields.head(*status)
            if not fields.add(line):
                raise self._malformed(f"header line {_shown(line)}")
        raise TooLarge(
            f"{self._name}: the response has more than {self._limits.max_headers} headers; no image needs that"
        )

    def _range_length(self, head: ResponseHead) -> int | None:
        """The length of the content that Content-Range declares; None without that field."""
        if "content-range" not in head.headers:
            return None
        length = head.range_length
        if length is None:
            raise self._malformed(f"{head.status} with a Content-Range: a part that was not requested")
        return length

    def _check_range(self, received: int, length: int) -> None:
        if received != (min(length, self._limits.max_bytes) if self._limits.truncate else length):
            raise IncompleteBody(
                f"{self._name}: the body has {received} of the {length} bytes that it said; try again later"
            )

    def _skip_body(self, head: ResponseHead) -> _Steps[bytes]:
        """The first bytes of the body, where they are wanted."""
        wanted = self._limits.error_bytes if head.status >= 400 else 0
        if head.status in _BODILESS:
            self._is_at_end = True
        elif head.status != 101 and (wanted or "transfer-encoding" in head.headers or "content-length" in head.headers):
            body = yield from self._body(head, MAX_UNWANTED_BYTES, truncate=wanted > 0)
            return body[:wanted]
        return b""

    def _body(self, head: ResponseHead, limit: int, *, truncate: bool) -> _Steps[bytes]:
        """The body as sent. Source: RFC 9112, 6.3."""
        self.doing = _READING_BODY
        if "transfer-encoding" in head.headers:
            return self._chunked_body(head, limit, truncate=truncate)
        if "content-length" in head.headers:
            return self._counted_body(head, limit, truncate=truncate)
        return self._body_until_end(limit, truncate=truncate)

    def _body_until_end(self, limit: int, *, truncate: bool) -> _Steps[bytes]:
        body = yield from self._bytes(limit + 1)
        if len(body) > limit:
            if truncate:
                return body[:limit]
            raise self._too_large(f"more than {limit}", limit)
        if self._is_cut:
            raise IncompleteBody(
                f"{self._name}: TLS ended without a closing alert, so the body may be cut; try again later"
            )
        return body

    def _counted_body(self, head: ResponseHead, limit: int, *, truncate: bool) -> _Steps[bytes]:
        length = head.declared_length
        if length is None:
            raise self._malformed(f"Content-Length {printable(head.headers['content-length'], 60)!r}")
        if length > limit and not truncate:
            raise self._too_large(str(length), limit)
        wanted = min(length, limit)
        body = yield from self._bytes(wanted)
        if len(body) < wanted:
            raise self._incomplete(len(body), length)
        self._is_at_end = wanted == length
        return body

    def _chunked_body(self, head: ResponseHead, limit: int, *, truncate: bool) -> _Steps[bytes]:
        """Source: RFC 9112, 7.1."""
        coding = head.headers["transfer-encoding"]
        if coding.lower() != "chunked" or head.version != "1.1":
            raise self._malformed(f"Transfer-Encoding {printable(coding, 60)!r} in HTTP/{head.version}")
        if "content-length" in head.headers:
            raise self._malformed("both Transfer-Encoding and Content-Length")
        body = bytearray()
        while size := _chunk_size(line := (yield from self._chunk_line(len(body)))):
            if size < _SMALL_CHUNK_BYTES:
                self._header_bytes_left -= 1
            is_over = len(body) + size > limit
            if is_over and not truncate:
                raise self._too_large(f"at least {len(body) + size}", limit)
            wanted = min(size, limit - len(body))
            chunk = yield from self._bytes(wanted)
            body += chunk
            if len(chunk) < wanted:
                raise self._ended_between_chunks(len(body))
            if is_over:
                return bytes(body)
            if (yield from self._chunk_line(len(body))):
                raise self._malformed("a chunk longer than its size")
        if size is None:
            raise self._malformed(f"chunk size {_shown(line)}")
        self.doing = "reading the body's trailer"
        while trailer := (yield from self._line()):
            pass
        if trailer is None:
            raise self._ended_between_chunks(len(body))
        self._is_at_end = True
        return bytes(body)

    def _head_line(self) -> _Steps[bytes]:
        line = yield from self._line()
        if line is None:
            raise ConnectionFailed(
                f"{self._name}: the server closed the connection before its response's headers were complete; "
                "try again later"
            )
        return line

    def _chunk_line(self, received: int) -> _Steps[bytes]:
        """A line of chunked framing. What exceeds a plain size counts as header bytes, as extensions would."""
        before = self._header_bytes_left
        line = yield from self._line()
        if line is None:
            raise self._ended_between_chunks(received)
        self._header_bytes_left = before - max(0, len(line) - 16)
        return line

    def _line(self) -> _Steps[bytes | None]:
        """The next line without its end; None when the connection ends before the line does.

        Raises: TooLarge when all lines of this response together exceed the limit.
        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > self._header_bytes_left:
                break
            if self._is_ended:
                return None
            yield
        self._header_bytes_left -= end + 1
        if self._header_bytes_left < 0 or end < 0:
            raise TooLarge(
                f"{self._name}: the header block is larger than {self._limits.max_header_bytes} bytes; "
                "no image needs that"
            )
        return self._take(end + 1).rstrip(b"\r\n")

    def _bytes(self, count: int) -> _Steps[bytes]:
        """The next `count` bytes of the body; fewer only if the connection ends before."""
        buffered = self._take(count) if self._buffer else b""
        if len(buffered) < count and not self._is_ended:
            self.wanted = count - len(buffered)
            yield  # until `feed` has them all, or the connection ends
            self.wanted = 0
        pieces, self._pieces = [buffered, *self._pieces] if buffered else self._pieces, []
        return self._joined(pieces)

    @staticmethod
    def _joined(pieces: "list[bytes | bytearray]") -> bytes:
        return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)

    def _take(self, count: int) -> bytes:
        taken = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return taken

    def _malformed(self, found: str) -> HttpError:
        return HttpError(f"{self._name}: the server sent an invalid response: not proper HTTP ({found})")

    def _incomplete(self, received: int, length: int) -> IncompleteBody:
        return IncompleteBody(f"{self._name}: the body ended after {received} of {length} bytes; try again later")

    def _ended_between_chunks(self, received: int) -> IncompleteBody:
        return IncompleteBody(
            f"{self._name}: the chunked body ended after {received} bytes without its last chunk; try again later"
        )

    def _too_large(self, found: str, limit: int) -> TooLarge:
        return TooLarge(
            f"{self._name}: the body has {found} bytes, the limit is {limit}; raise it with --max-bytes if it is right"
        )


def _chunk_size(line: bytes) -> int | None:
    """The size in a chunk's first line; None where it is malformed."""
    size = _CHUNK_SIZE.fullmatch(line)
    return int(size[1], 16) if size else None


def _shown(line: bytes) -> str:
    return repr(printable(line[:40].decode("latin-1")))
