"""The type of a body from its first bytes, whatever its name or its server says."""

import re
from typing import Final

from pupline.images._bmp import HEADER_BYTES as _BMP_HEADERS

IMAGE_TYPES: Final = ("jpg", "png", "gif", "webp", "avif", "heic", "bmp", "tiff")

# The PNG signature is matched by its first half: the rest is there to be destroyed by a bad transfer, which is damage.
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"MZ", "exe"),
    (b"\x7fELF", "exe"),
    (b"\xcf\xfa\xed\xfe", "exe"),
    (b"\xce\xfa\xed\xfe", "exe"),
    (b"\xca\xfe\xba\xbe", "exe"),
    (b"\x00asm", "exe"),
    (b"#!", "script"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"8BPS", "psd"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
)

_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
# HEIF by its container only, or with pictures coded as JPEG, JPEG 2000, AVC, VVC, or not at all. `mif3` names the codec
# where other files have their minor version.
_HEIF_BRANDS: Final = frozenset(
    {b"mif1", b"msf1", b"mif2", b"mif3", b"miaf", b"jpeg", b"jpgs", b"j2ki", b"j2is", b"avci", b"avcs"}
    | {b"vvic", b"vvis", b"unif"}
)

_LOOKED_AT: Final = 4096
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>/]", re.IGNORECASE)
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|title|meta|iframe|div|table|h1|p|a|style)\b", re.IGNORECASE
)
_BLANKS = re.compile(rb"\s*")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(body: bytes) -> str:
    """A type of `IMAGE_TYPES`, or the short name of something else: `html`, `zip`, `empty`, `unknown`, ..."""
    if not body:
        return "empty"
    for magic, kind in _MAGIC:
        if body.startswith(magic):
            return kind
    if body[:4] == b"RIFF":
        return "webp" if body[8:12] == b"WEBP" else "riff"
    if body[4:8] == b"ftyp":
        return _by_brand(body)
    # Two letters are too little to tell a bitmap from a text that begins with them.
    if body[:2] == b"BM" and int.from_bytes(body[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return _textual(body[:_LOOKED_AT])


def _by_brand(body: bytes) -> str:
    """The type of an ISO base media file: its major brand first, then the compatible ones."""
    size = min(max(int.from_bytes(body[:4], "big"), 16), _LOOKED_AT)
    brands = [body[at : at + 4] for at in (8, *range(16, size, 4))]
    if brands[0] == b"mif3":
        brands.insert(0, body[12:16])
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "avif"
        if brand in _HEIC_BRANDS:
            return "heic"
    return "mp4" if _HEIF_BRANDS.isdisjoint(brands) else "heic"


def _textual(start: bytes) -> str:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        if _HTML.match(text, _after_comments(text)):
            return "html"
        if _SVG.search(text):
            return "svg"
        if text.startswith(b"<!--"):  # as browsers do: WHATWG MIME Sniffing, section 7.1
            return "html"
        if text.startswith(b"<?xml"):
            return "html" if b"<html" in text.lower() else "xml"
    if _BINARY.search(start):
        return "unknown"
    try:
        start.decode()
    except UnicodeDecodeError as err:
        if err.reason != "unexpected end of data" or len(start) < _LOOKED_AT:  # else a character is cut in two
            return "unknown"
    return "json" if text[:1] in (b"{", b"[") else "text"


def _after_comments(text: bytes) -> int:
    """Where the comments that `text` begins with end, with the blanks after them.

    Each comment is found with one search, from where the last one ended. A regular expression that repeats comments
    would try every way to divide them before it gave up: their number doubles with each comment.
    """
    offset = 0
    while text.startswith(b"<!--", offset):
        end = text.find(b"-->", offset + 4)
        if end < 0:
            break
        blanks = _BLANKS.match(text, end + 3)
        offset = blanks.end() if blanks else end + 3
    return offset
