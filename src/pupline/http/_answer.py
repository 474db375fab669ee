"""HTTP/1.1 answers, read strictly where their framing is concerned (RFC 9112), and as browsers do elsewhere.

Not `http.client`: it cannot bound the time and bytes spent on headers, and it forgives what must not be forgiven
here. It takes the first of two Content-Length headers, reads `+5`, `0x5` and `0_5` as chunk sizes, takes a chunked body
without its closing blank line for whole, and drops all headers after a malformed one, Content-Length included, so that
half a body passes for a whole one.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import quote

from pupline.errors import HttpError, IncompleteBody, TooLarge
from pupline.http._wire import Wire
from pupline.text import printable

# 100 Continue, 103 Early Hints and the like come once or twice, if at all.
MAX_INTERIM_ANSWERS = 8

# Some servers send a line end too many behind a body; it then comes before the next answer. Chrome passes over as many.
MAX_EMPTY_LINES = 2

WAITING = "waiting for the answer's headers"
"""What a request is at, until its answer's head is there."""

# Their head ends the answer, whatever their headers say of a body (RFC 9112, 6.3).
_BODILESS = frozenset({204, 304})

_STATUS_LINE = re.compile(rb"HTTP/(1\.[01])[ \t]+([1-9][0-9]{2})(?:[ \t].*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)", re.DOTALL)
_FRAMING = ("content-length", "transfer-encoding")
# As they read once all but letters is left out, whatever stands between, before or behind them.
_FRAMING_LETTERS = (b"contentlength", b"transferencoding")
_NO_LETTERS = bytes(byte for byte in range(256) if not chr(byte).isascii() or not chr(byte).isalpha())
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_STATUS_AT = len("HTTP/1.1 ")
_FORBIDDEN_IN_FIELD = re.compile(rb"[\x00\r]")
_LENGTH = re.compile(r"[0-9]{1,18}")
_ASCII = "".join(map(chr, range(0x80)))
_RANGE = re.compile(r"bytes\s+0-([0-9]{1,18})/([0-9]{1,18})", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")


# The form that nearly every answer has: read in one go, where reading line by line costs as much as all the rest.
# What differs in the least (a bare line feed, a space where none belongs, a byte beyond ASCII, a name given twice) is
# left to the careful way, which alone decides what is an error. Possessive quantifiers: no pattern ever backtracks.
_PLAIN_HEAD = re.compile(
    r"HTTP/1\.1 ([2-5][0-9]{2}) [\x20-\x7e]*+\r\n"
    r"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e]*+(?<![\t ])\r\n)*+)"
)
_PLAIN_FIELD = re.compile(r"([^:\r]++):[\t ]*+([^\r]*+)\r\n")


@dataclass(slots=True)
class Head:
    """Status and headers of an answer.

    headers: names in lower case; the values of repeated ones joined by ", ". repeated: their values, in order.
    """

    version: str
    status: int
    headers: dict[str, str]
    repeated: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str) -> str | None:
        """The value of a header, None when it is absent, or is given twice with different values."""
        if name not in self.repeated:
            return self.headers.get(name)
        values = set(self.repeated[name])
        return values.pop() if len(values) == 1 else None

    @property
    def persists(self) -> bool:
        """Whether the server keeps the connection open after this answer. Source: RFC 9112, 9.3."""
        options = [option.strip().lower() for option in self.headers.get("connection", "").split(",")]
        return "close" not in options and (self.version == "1.1" or "keep-alive" in options)


def read_head(wire: Wire, max_headers: int) -> Head:
    """The final answer's head; interim ones are passed over. Raises: HttpError, TooLarge and what Wire raises."""
    for _ in range(MAX_INTERIM_ANSWERS + 1):
        head = _read_plain_head(wire, max_headers) or _read_one_head(wire, max_headers)
        if head.status >= 200 or head.status == 101:
            return head
    raise wire.malformed(f"more than {MAX_INTERIM_ANSWERS} interim answers")


def head_at_hand(wire: Wire, max_headers: int) -> Head | None:
    """As `read_head`, where that need not wait; None where it might. Raises: as `read_head`."""
    head = _read_plain_head(wire, max_headers)
    if head is None:
        seen = wire.glance(WAITING).lstrip(b"\r\n")
        if b"\r\n\r\n" in seen and seen[_STATUS_AT : _STATUS_AT + 1] != b"1":
            head = read_head(wire, max_headers)
    return head


def _read_plain_head(wire: Wire, max_headers: int) -> Head | None:
    seen = wire.glance(WAITING)
    end = seen.find(b"\r\n\r\n")
    plain = _PLAIN_HEAD.fullmatch(seen[: end + 2].decode("latin-1")) if end > 0 else None
    if plain is None:
        return None
    fields = _PLAIN_FIELD.findall(plain[2])
    headers = {name.lower(): value for name, value in fields}
    if len(headers) != len(fields) or len(fields) > max_headers:
        return None
    wire.skip_head(end + 4)
    return Head("1.1", int(plain[1]), headers)


def _read_one_head(wire: Wire, max_headers: int) -> Head:
    line = _head_line(wire)
    for _ in range(MAX_EMPTY_LINES):
        line = line or _head_line(wire)
    status = _STATUS_LINE.fullmatch(line)
    if status is None:
        raise wire.malformed(f"it begins {printable(line[:40].decode('latin-1'))!r}")
    fields = _Fields(wire)
    for _ in range(max_headers + 1):
        line = _head_line(wire)
        if not line:
            return _head(status[1].decode(), int(status[2]), fields.values())
        fields.read(line)
    raise TooLarge(f"{wire.url}: the answer has more than {max_headers} headers; no image needs that")


def _head(version: str, status: int, headers: dict[str, list[str]]) -> Head:
    joined = {name: ", ".join(values) for name, values in headers.items()}
    return Head(version, status, joined, {name: values for name, values in headers.items() if len(values) > 1})


def _head_line(wire: Wire) -> bytes:
    line = wire.line(WAITING)
    if line is None:
        raise wire.closed("before its answer's headers were complete")
    return line


class _Fields:
    """The fields of a head while its lines are read."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._found: list[tuple[str, list[bytes]]] = []
        self._may_fold = False

    def read(self, line: bytes) -> None:
        """Take the next line. Raises: HttpError for one that could be understood in two ways."""
        if _FORBIDDEN_IN_FIELD.search(line):
            raise self._malformed(line)
        if line[0] in b" \t":
            self._fold(line)
            return
        proper = _FIELD.fullmatch(line)
        self._may_fold = proper is not None
        if proper is not None:
            self._found.append((proper[1].decode().lower(), [proper[2].strip(b" \t")]))
        elif _names_framing(line):
            raise self._malformed(line)

    def values(self) -> dict[str, list[str]]:
        """The values by name in lower case; the lines of one that was folded are joined by a space (RFC 9112, 5.2)."""
        values: dict[str, list[str]] = {}
        for name, lines in self._found:
            values.setdefault(name, []).append(_text(name, b" ".join(lines).strip()))
        return values

    def _fold(self, line: bytes) -> None:
        # What continues a line that was passed over goes with it. A reader without folding, or one that trims lines,
        # would take a field from this one.
        before, colon, _ = line.partition(b":")
        if colon and _names_framing(before):
            raise self._malformed(line)
        if self._may_fold:
            name, lines = self._found[-1]
            if name in _FRAMING:
                raise self._malformed(line)
            lines.append(line.strip(b" \t"))

    def _malformed(self, line: bytes) -> HttpError:
        return self._wire.malformed(f"header line {printable(line[:40].decode('latin-1'))!r}")


def _names_framing(line: bytes) -> bool:
    letters = line.translate(None, _NO_LETTERS).lower()
    return any(name in letters for name in _FRAMING_LETTERS)


def _text(name: str, value: bytes) -> str:
    """A field's value, which is UTF-8, or else Latin-1; a URL goes on as the bytes that it came in."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return quote(value, safe=_ASCII) if name == "location" else value.decode("latin-1")


def is_here(wire: Wire, head: Head, limit: int) -> bool | None:
    """Whether `read_body` need not wait; takes what has arrived. None where nobody can tell. Raises: as Wire."""
    if "transfer-encoding" in head.headers:
        return wire.gather_framed(limit, len(_LAST_CHUNK)) == _LAST_CHUNK or None
    if "content-length" not in head.headers:
        return None  # the connection's end is the body's
    declared = head.one("content-length")
    if declared is None or not _LENGTH.fullmatch(declared):
        return True
    length = int(declared)
    return length > limit or wire.gather(length)


def whole_length(head: Head) -> int | None:
    """The bytes of the body, where a Content-Range says that it is the whole of so many; None where it does not."""
    found = _RANGE.fullmatch(head.one("content-range") or "")
    return int(found[2]) if found and int(found[1]) + 1 == int(found[2]) else None


def read_body(wire: Wire, head: Head, limit: int, *, truncate: bool = False) -> bytes:
    """The body of a final answer, as sent; with `truncate`, its first `limit` bytes where it has more.

    Raises: TooLarge over `limit` bytes (before reading where the length is declared), IncompleteBody, HttpError and
    what Wire raises.
    """
    if "transfer-encoding" in head.headers:
        return _read_coded(wire, head, limit, truncate=truncate)
    if "content-length" in head.headers:
        return _read_counted(wire, head, limit, truncate=truncate)
    body = wire.body_bytes(limit + 1)
    if len(body) > limit:
        if truncate:
            return body[:limit]
        raise _too_large(wire, f"more than {limit}", limit)
    if wire.ended_abruptly:
        raise IncompleteBody(f"{wire.url}: TLS ended without a closing alert, so the body may be cut; try again later")
    return body


def _read_counted(wire: Wire, head: Head, limit: int, *, truncate: bool) -> bytes:
    declared = head.one("content-length")
    if declared is None or not _LENGTH.fullmatch(declared):
        raise wire.malformed(f"Content-Length {printable(head.headers['content-length'], 60)!r}")
    length = int(declared)
    if length > limit and not truncate:
        raise _too_large(wire, str(length), limit)
    wanted = min(length, limit)
    body = wire.body_bytes(wanted)
    if len(body) < wanted:
        raise IncompleteBody(f"{wire.url}: the body ended after {len(body)} of {length} bytes; try again later")
    wire.at_end = wanted == length
    return body


def _read_coded(wire: Wire, head: Head, limit: int, *, truncate: bool) -> bytes:
    coding = head.headers["transfer-encoding"]
    if coding.lower() != "chunked" or head.version != "1.1":
        raise wire.malformed(f"Transfer-Encoding {printable(coding, 60)!r} in HTTP/{head.version}")
    if "content-length" in head.headers:
        raise wire.malformed("both Transfer-Encoding and Content-Length")
    body = bytearray()
    while size := _chunk_size(wire, len(body)):
        is_over = len(body) + size > limit
        if is_over and not truncate:
            raise _too_large(wire, f"at least {len(body) + size}", limit)
        wanted = min(size, limit - len(body))
        chunk = wire.body_bytes(wanted)
        body += chunk
        if len(chunk) < wanted:
            raise _cut(wire, len(body))
        if is_over:
            return bytes(body)
        if _chunk_line(wire, len(body)):
            raise wire.malformed("a chunk longer than its size")
    while _trailer_goes_on(wire, len(body)):
        pass
    wire.at_end = True
    return bytes(body)


def pass_over_body(wire: Wire, head: Head, limit: int) -> None:
    """Read a body that nobody wants, so that the connection can be used again; `wire.at_end` tells whether it can be.

    Raises: TooLarge for more than `limit` bytes; what `read_body` raises.
    """
    if head.status in _BODILESS:
        wire.at_end = True
    elif "transfer-encoding" in head.headers or "content-length" in head.headers:
        read_body(wire, head, limit)


def _chunk_size(wire: Wire, received: int) -> int:
    line = _chunk_line(wire, received)
    size = _CHUNK_SIZE.fullmatch(line)
    if size is None:
        raise wire.malformed(f"chunk size {printable(line[:40].decode('latin-1'))!r}")
    return int(size[1], 16)


def _chunk_line(wire: Wire, received: int) -> bytes:
    line = wire.chunk_line()
    if line is None:
        raise _cut(wire, received)
    return line


def _trailer_goes_on(wire: Wire, received: int) -> bool:
    trailer = wire.line("reading the body's trailer")
    if trailer is None:
        raise _cut(wire, received)
    return bool(trailer)


def _cut(wire: Wire, received: int) -> IncompleteBody:
    return IncompleteBody(
        f"{wire.url}: the chunked body ended after {received} bytes without its last chunk; try again later"
    )


def _too_large(wire: Wire, found: str, limit: int) -> TooLarge:
    return TooLarge(
        f"{wire.url}: the body has {found} bytes, the limit is {limit}; raise it with --max-bytes if it is right"
    )
