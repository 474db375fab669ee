"""Bodies in a Content-Encoding. Identity is asked for; a server that compresses all the same is still understood."""

import zlib

from pupline.errors import HttpError, IncompleteBody, TooLarge
from pupline.text import printable

# A gzip file may have several members. Each costs a copy of what follows it, so thousands of empty ones would be an
# attack.
MAX_GZIP_MEMBERS = 32
# zlib's window sizes: gzip or zlib by their headers, then the bare deflate that some servers send under that name.
_GZIP_OR_ZLIB = 47
_BARE_DEFLATE = -15


def decoded(body: bytes, encoding: str, limit: int, url: str) -> bytes:
    """`body` without its Content-Encoding, never holding more than `limit` bytes of it.

    Raises: TooLarge, IncompleteBody when the compressed data lack their end, HttpError for other encodings and damage.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "x-gzip", "deflate"):
        raise HttpError(
            f"{url}: the body has Content-Encoding {printable(encoding, 60)!r}, which was not asked for; "
            "only gzip and deflate are understood"
        )
    try:
        return _inflated(body, _GZIP_OR_ZLIB, limit, url)
    except zlib.error as err:
        if name == "deflate":
            return _bare(body, limit, url)
        raise _damaged(url, err) from err


def _bare(body: bytes, limit: int, url: str) -> bytes:
    try:
        return _inflated(body, _BARE_DEFLATE, limit, url)
    except zlib.error as err:
        raise _damaged(url, err) from err


def _inflated(body: bytes, wbits: int, limit: int, url: str) -> bytes:
    whole = bytearray()
    for _ in range(MAX_GZIP_MEMBERS):
        inflater = zlib.decompressobj(wbits)
        whole += inflater.decompress(body, limit + 1 - len(whole))
        if len(whole) > limit:
            raise TooLarge(f"{url}: the body has more than {limit} bytes once decompressed; it is refused")
        if not inflater.eof:
            raise IncompleteBody(f"{url}: the compressed body ended early; try again later")
        body = inflater.unused_data
        if not body:
            return bytes(whole)
    raise HttpError(f"{url}: the compressed body has more than {MAX_GZIP_MEMBERS} parts; it is refused")


def _damaged(url: str, err: zlib.error) -> HttpError:
    return HttpError(f"{url}: the compressed body is damaged ({printable(str(err), 80)}); the server must be mended")
