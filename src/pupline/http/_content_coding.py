"""Bodies in a Content-Encoding. Identity is asked for; a server that compresses all the same is still understood.

What the header says is often wrong, and browsers have taught servers that it may be. So a token that names no coding
(`none`, `utf-8`, `aws-chunked`) is passed over, and a body that does not begin as its coding does is taken as it is:
what it really is, is decided by looking at it in any case. A body that does begin so, and is then damaged or cut, is
an error. Source: RFC 9110, 8.4; the IANA registry of HTTP content codings.
"""

import zlib

from pupline.errors import HttpError, IncompleteBody, TooLarge
from pupline.text import printable

# A gzip file may have several members. Each costs a copy of what follows it, so thousands of empty ones would be an
# attack.
MAX_GZIP_MEMBERS = 32
# A body is hardly ever compressed twice; curl understands five codings.
MAX_CODINGS = 5

_GZIP = frozenset({"gzip", "x-gzip"})
_UNDERSTOOD = _GZIP | {"deflate"}
# Registered, or in use as if they were: what is in them is of no use as it is.
_NOT_UNDERSTOOD = frozenset(
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


def decoded(body: bytes, encoding: str, limit: int, url: str, *, truncate: bool = False) -> bytes:
    """`body` without its Content-Encoding, never holding more than `limit` bytes of it.

    truncate: `body` may be only the beginning of what was sent, and so may what is given, without an error.
    Raises: TooLarge, IncompleteBody when the compressed data lack their end, HttpError for other codings and damage.
    """
    for coding in reversed(_codings(encoding, url)):
        inflating = _Inflating(limit, url, truncate=truncate)
        is_gzip = body.startswith(_GZIP_MAGIC) or (coding in _GZIP and _begins(_GZIP_MAGIC, body))
        body = inflating.gunzipped(body) if is_gzip else inflating.inflated(body, coding)
    return body


def _begins(whole: bytes, piece: bytes) -> bool:
    return bool(piece) and whole.startswith(piece)


def _codings(encoding: str, url: str) -> list[str]:
    """The codings that were applied, in their order. Raises: HttpError for one that is not understood."""
    named = [token.partition(";")[0].strip(" \t\"'").lower() for token in encoding.split(",")]
    if not _NOT_UNDERSTOOD.isdisjoint(named):
        raise HttpError(
            f"{url}: the body has Content-Encoding {printable(encoding, 60)!r}, which was not asked for; "
            "only gzip and deflate are understood"
        )
    found = [name for name in named if name in _UNDERSTOOD]
    if len(found) > MAX_CODINGS:
        raise HttpError(f"{url}: the body has more than {MAX_CODINGS} codings on top of each other; it is refused")
    return found


class _Inflating:
    """Undoes one coding."""

    def __init__(self, limit: int, url: str, *, truncate: bool) -> None:
        self._limit = limit
        self._url = url
        self._truncate = truncate

    def gunzipped(self, body: bytes) -> bytes:
        """What the members at the beginning of `body` hold; bytes behind them that are no member are left out.

        gzip itself pads with NULs and ignores what follows; servers add line ends, and log lines too.
        """
        whole = bytearray()
        for _ in range(MAX_GZIP_MEMBERS):
            try:
                piece, rest = self._stream(body, _MEMBER, len(whole))
            except zlib.error as err:
                raise self._damaged(err) from err
            whole += piece
            body = rest.lstrip(b"\0")
            if not body.startswith(_GZIP_MAGIC):
                if _begins(_GZIP_MAGIC, body) and not self._truncate:
                    raise self._ended_early()
                return bytes(whole)
        raise HttpError(f"{self._url}: the compressed body has more than {MAX_GZIP_MEMBERS} parts; it is refused")

    def inflated(self, body: bytes, coding: str) -> bytes:
        """A zlib stream's content, under the name of gzip too, or that of bare deflate; other bytes as they are."""
        is_zlib = len(body) > 1 and body[0] & 0x8F == 0x08 and int.from_bytes(body[:2]) % 31 == 0
        damage = None
        for form in (*([_ZLIB] if is_zlib else []), *([_BARE] if coding == "deflate" else [])):
            try:
                return self._stream(body, form, 0)[0]
            except zlib.error as err:
                damage = damage or err
        if damage is not None and is_zlib and coding == "deflate":
            raise self._damaged(damage) from damage
        return body

    def _stream(self, body: bytes, form: int, before: int) -> tuple[bytes, bytes]:
        """The content of the stream at the beginning of `body`, and what follows it. Raises: also zlib.error."""
        inflater = zlib.decompressobj(form)
        room = self._limit - before
        piece = inflater.decompress(body, room + 1)
        if self._truncate:
            return piece[:room], inflater.unused_data
        if len(piece) > room:
            raise TooLarge(f"{self._url}: the body has more than {self._limit} bytes once decompressed; it is refused")
        if not inflater.eof:
            raise self._ended_early()
        return piece, inflater.unused_data

    def _ended_early(self) -> IncompleteBody:
        return IncompleteBody(f"{self._url}: the compressed body ended early; try again later")

    def _damaged(self, err: zlib.error) -> HttpError:
        return HttpError(
            f"{self._url}: the compressed body is damaged ({printable(str(err), 80)}); "
            "the server sent an invalid response"
        )
