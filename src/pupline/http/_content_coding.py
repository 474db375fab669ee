"""Bodies with a Content-Encoding (RFC 9110, 8.4). Only identity is requested, but some servers compress all the same.

The header is often wrong, and browsers tolerate that. So a token that is not a coding (`none`, `utf-8`, `aws-chunked`)
is ignored, and a body that does not begin as its coding does is taken as it came: its type is found by inspection in
any case. A body that does begin so, and is then damaged or cut, is an error.
"""

import zlib

from pupline.errors import HttpError, IncompleteBody, TooLarge
from pupline.text import printable

# A gzip file may have several members. Each costs a copy of what follows it, so thousands of empty ones would be an
# attack.
MAX_GZIP_MEMBERS = 32
# A body is hardly ever compressed twice; curl decodes up to five codings.
MAX_CODINGS = 5

_GZIP = frozenset({"gzip", "x-gzip"})
_SUPPORTED = _GZIP | {"deflate"}
# Registered with IANA, or in use as if they were: a body in one of them is useless as it is.
_UNSUPPORTED = frozenset(
    {
        *("br", "brotli", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "aes128gcm", "pack200-gzip"),
        *("bzip2", "x-bzip2", "lzma", "xz", "lz4", "sdch"),
    }
)
_GZIP_MAGIC = b"\x1f\x8b\x08"

# zlib's window sizes, for a gzip member, a zlib stream, and the bare deflate that some servers send under that name.
_MEMBER = 31
_ZLIB = 15
_BARE = -15


def decode_content(body: bytes, encoding: str, limit: int, url: str, *, truncate: bool = False) -> bytes:
    """`body` without its Content-Encoding, never holding more than `limit` bytes of it.

    truncate: `body` may be incomplete, and the result is cut to `limit` bytes instead of raising TooLarge.
    Raises: TooLarge, IncompleteBody when the compressed data lack their end, HttpError for other codings and damage.
    """
    named = [token.partition(";")[0].strip(" \t\"'").lower() for token in encoding.split(",")]
    if not _UNSUPPORTED.isdisjoint(named):
        raise HttpError(
            f"{url}: the body has Content-Encoding {printable(encoding, 60)!r}, which was not requested; "
            "only gzip and deflate are decoded"
        )
    codings = [name for name in named if name in _SUPPORTED]
    if len(codings) > MAX_CODINGS:
        raise HttpError(f"{url}: the body has more than {MAX_CODINGS} codings on top of each other; it is refused")
    decoder = _Decoder(limit, url, truncate=truncate)
    for coding in reversed(codings):
        is_gzip = body.startswith(_GZIP_MAGIC) or (coding in _GZIP and _is_cut_magic(body))
        body = decoder.gunzip(body) if is_gzip else decoder.inflate(body, coding)
    return body


def _is_cut_magic(body: bytes) -> bool:
    return bool(body) and _GZIP_MAGIC.startswith(body)


class _Decoder:
    """Removes one coding at a time."""

    def __init__(self, limit: int, url: str, *, truncate: bool) -> None:
        self._limit = limit
        self._url = url
        self._truncate = truncate

    def gunzip(self, body: bytes) -> bytes:
        """The content of the members at the beginning of `body`. Bytes after them that are not a member are ignored.

        gzip itself pads with NULs and ignores what follows; servers append line ends, and log lines too.
        """
        content = bytearray()
        for _ in range(MAX_GZIP_MEMBERS):
            try:
                piece, rest = self._stream(body, _MEMBER, self._limit - len(content))
            except zlib.error as err:
                raise self._damaged(err) from err
            content += piece
            body = rest.lstrip(b"\0")
            if not body.startswith(_GZIP_MAGIC):
                if _is_cut_magic(body) and not self._truncate:
                    raise self._ended_early()
                return bytes(content)
        raise HttpError(f"{self._url}: the compressed body has more than {MAX_GZIP_MEMBERS} parts; it is refused")

    def inflate(self, body: bytes, coding: str) -> bytes:
        """The content of a zlib stream, whatever it is called, or of bare deflate; other bytes as they are."""
        is_zlib = len(body) > 1 and body[0] & 0x8F == 0x08 and int.from_bytes(body[:2]) % 31 == 0
        damage = None
        for form in (*([_ZLIB] if is_zlib else []), *([_BARE] if coding == "deflate" else [])):
            try:
                return self._stream(body, form, self._limit)[0]
            except zlib.error as err:
                damage = damage or err
        if damage is not None and is_zlib and coding == "deflate":
            raise self._damaged(damage) from damage
        return body

    def _stream(self, body: bytes, form: int, room: int) -> tuple[bytes, bytes]:
        """The content of the stream at the beginning of `body`, and what follows it. Raises: also zlib.error."""
        stream = zlib.decompressobj(form)
        piece = stream.decompress(body, room + 1)
        if self._truncate:
            return piece[:room], stream.unused_data
        if len(piece) > room:
            raise TooLarge(f"{self._url}: the body has more than {self._limit} bytes once decompressed; it is refused")
        if not stream.eof:
            raise self._ended_early()
        return piece, stream.unused_data

    def _ended_early(self) -> IncompleteBody:
        return IncompleteBody(f"{self._url}: the compressed body ended early; try again later")

    def _damaged(self, err: zlib.error) -> HttpError:
        return HttpError(
            f"{self._url}: the compressed body is damaged ({printable(str(err), 80)}); "
            "the server sent an invalid response"
        )
