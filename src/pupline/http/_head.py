"""The head of an HTTP/1.1 response: its status line and header fields (RFC 9112, 4 and 5).

Strict where a line could decide how long the body is, and as lenient as browsers elsewhere. `http.client` is not used:
after one malformed line it drops all further fields, Content-Length included, so that half a body passes for a whole
one.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from urllib.parse import quote

# The form that nearly every head has, read in one go: line by line costs as much as all the rest of a request. A head
# that differs in the least (a bare line feed, a space where none belongs, a byte beyond ASCII, a repeated name) is left
# to HeaderFields, which alone decides what is an error. Possessive quantifiers: no pattern ever backtracks.
_PLAIN_HEAD = re.compile(
    r"HTTP/1\.1 ([2-5][0-9]{2}) [\x20-\x7e]*+\r\n"
    r"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e]*+(?<![\t ])\r\n)*+)"
)
_PLAIN_FIELD = re.compile(r"([^:\r]++):[\t ]*+([^\r]*+)\r\n")

_NAME, _VALUE = itemgetter(0), itemgetter(1)
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01])[ \t]+([1-9][0-9]{2})(?:[ \t].*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)", re.DOTALL)
_FORBIDDEN_IN_FIELD = re.compile(rb"[\x00\r]")
_FRAMING = ("content-length", "transfer-encoding")
_FRAMING_LETTERS = (b"contentlength", b"transferencoding")
_NO_LETTERS = bytes(byte for byte in range(256) if not chr(byte).isascii() or not chr(byte).isalpha())
_ASCII = "".join(map(chr, range(0x80)))
_LENGTH = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes\s+0-([0-9]{1,18})/([0-9]{1,18})", re.IGNORECASE)


@dataclass(slots=True)
class ResponseHead:
    """Status and header fields.

    version: `1.0` or `1.1`. headers: names in lower case; the values of repeated ones joined by ", ".
    repeated: the values of those that came more than once, in order.
    """

    version: str
    status: int
    headers: dict[str, str]
    repeated: dict[str, list[str]] = field(default_factory=dict)

    def single(self, name: str) -> str | None:
        """The value of a field; None when it is absent, or repeated with different values."""
        if name not in self.repeated:
            return self.headers.get(name)
        values = set(self.repeated[name])
        return values.pop() if len(values) == 1 else None

    @property
    def is_persistent(self) -> bool:
        """Whether the server keeps the connection open after this response. Source: RFC 9112, 9.3."""
        declared = self.headers.get("connection")
        options = _connection_options(declared) if declared else ()
        return "close" not in options and (self.version == "1.1" or "keep-alive" in options)

    @property
    def declared_length(self) -> int | None:
        """The Content-Length; None where it is absent, malformed, or repeated with different values."""
        declared = self.single("content-length")
        return int(declared) if declared and _LENGTH.fullmatch(declared) else None

    @property
    def range_length(self) -> int | None:
        """The length of the content, where Content-Range says that the body is all of it; else None."""
        found = _RANGE.fullmatch(self.single("content-range") or "")
        return int(found[2]) if found and int(found[1]) + 1 == int(found[2]) else None

    @property
    def has_whole_content(self) -> bool:
        """Whether the response holds what was requested. No range is ever requested; some servers answer 206 anyway."""
        return self.status in (200, 203) or (self.status == 206 and self.range_length is not None)


@lru_cache(maxsize=64)  # hardly ever another text than keep-alive or close
def _connection_options(declared: str) -> frozenset[str]:
    return frozenset(option.strip().lower() for option in declared.split(","))


def parse_plain_head(head: bytes | bytearray, max_headers: int) -> ResponseHead | None:
    """The head in `head`, which ends before its blank line; None where it has to be read line by line."""
    plain = _PLAIN_HEAD.fullmatch(head.decode("latin-1"))
    if plain is None:
        return None
    fields = _PLAIN_FIELD.findall(plain[2])
    headers = dict(zip(map(str.lower, map(_NAME, fields)), map(_VALUE, fields), strict=True))
    if len(headers) != len(fields) or len(fields) > max_headers:
        return None
    return ResponseHead("1.1", int(plain[1]), headers)


def parse_status_line(line: bytes) -> tuple[str, int] | None:
    """HTTP version and status code; None where the line is malformed."""
    found = _STATUS_LINE.fullmatch(line)
    return (found[1].decode(), int(found[2])) if found else None


class HeaderFields:
    """The fields of a head, read line by line."""

    def __init__(self) -> None:
        self._found: list[tuple[str, list[bytes]]] = []
        self._may_fold = False

    def add(self, line: bytes) -> bool:
        """Take the next line, which is not empty. False: two readers could frame the body differently because of it."""
        if _FORBIDDEN_IN_FIELD.search(line):
            return False
        if line[0] in b" \t":
            return self._fold(line)
        proper = _FIELD.fullmatch(line)
        self._may_fold = proper is not None
        if proper is None:
            return not _names_framing(line)
        self._found.append((proper[1].decode().lower(), [proper[2].strip(b" \t")]))
        return True

    def _fold(self, line: bytes) -> bool:
        # The continuation of a line that was ignored is ignored too. A reader without folding, or one that trims lines,
        # would take a field from this one.
        before, colon, _ = line.partition(b":")
        if colon and _names_framing(before):
            return False
        if self._may_fold:
            name, lines = self._found[-1]
            if name in _FRAMING:
                return False
            lines.append(line.strip(b" \t"))
        return True

    def head(self, version: str, status: int) -> ResponseHead:
        """The head with these fields; the lines of a folded one are joined by a space (RFC 9112, 5.2)."""
        values: dict[str, list[str]] = {}
        for name, lines in self._found:
            values.setdefault(name, []).append(_text(name, b" ".join(lines).strip(b" \t")))
        joined = {name: ", ".join(several) for name, several in values.items()}
        return ResponseHead(version, status, joined, {name: found for name, found in values.items() if len(found) > 1})


def _names_framing(line: bytes) -> bool:
    """Whether the letters of a line, whatever stands between them, spell a field that frames the body."""
    letters = line.translate(None, _NO_LETTERS).lower()
    return any(name in letters for name in _FRAMING_LETTERS)


def _text(name: str, value: bytes) -> str:
    """A field's value, decoded from UTF-8, or else Latin-1; the bytes of a URL are percent-encoded instead."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return quote(value, safe=_ASCII) if name == "location" else value.decode("latin-1")
