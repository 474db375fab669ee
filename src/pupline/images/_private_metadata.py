"""An image without what says where, when and by whom it was taken: Exif, XMP, IPTC and comments, cut out of the file.

Pixels are not decoded, so nothing is lost but these parts and what follows the image's end, where phones keep further
pictures with their own Exif. Colour profiles stay, and so does the orientation, without which an image would be shown
on its side: a new Exif part has that one tag.

Sources: Exif 2.32, 4.5.4 (APP1) and 4.6.4 (orientation); PNG 3rd edition, 11.3.3 and 11.3.4; RFC 9649 (WebP), 2.7.
"""

import re
import struct
import zlib

_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # TEM, RST0 to RST7, SOI: markers without a length
_EOI, _SOS, _APP1, _COM = 0xD9, 0xDA, 0xE1, 0xFE
_APPLICATION = frozenset({*range(0xE0, 0xF0), _COM})
_KEPT_SEGMENTS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_EXIF = b"Exif\0\0"

_PNG_SIGNATURE = 8
_PNG_DROPPED = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"})

_WEBP_HEADER = 12
_WEBP_KEPT = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_EXIF_FLAG, _WEBP_XMP_FLAG = 0x08, 0x04

_ORIENTATION, _SHORT = 0x0112, 3
_MAX_ENTRIES = 1000


def without_private_metadata(body: bytes, file_type: str) -> bytes | None:
    """The image without Exif, XMP, IPTC and comments; `body` itself where it has none.

    body: an image that `inspect` accepts, of this type. None where its type cannot be stripped without decoding it, or
    its structure is not understood.
    """
    try:
        if file_type == "jpg":
            return _stripped_jpeg(body)
        if file_type == "png":
            return _stripped_png(body)
        if file_type == "webp":
            return _stripped_webp(body)
    except (struct.error, IndexError):
        return None
    private = _SIGNS.get(file_type)
    return None if private is None or any(sign in body for sign in private) else body


_SIGNS: dict[str, tuple[bytes, ...]] = {
    "gif": (b"XMP DataXMP",),
    "bmp": (),
    "avif": (b"Exif", b"application/rdf+xml"),
    "heic": (b"Exif", b"application/rdf+xml"),
}
"""What shows private metadata in types that are not taken apart. A TIFF is tags through and through: never stripped."""


def _stripped_jpeg(body: bytes) -> bytes | None:
    parts, orientation, at = [body[:2]], 1, 2
    while (found := _MARKER.search(body, at)) is not None:
        marker, start = body[found.start() + 1], found.end()
        if marker == _EOI:
            parts.append(body[at:start])
            break
        if marker in _ALONE:
            end = start
        else:
            (length,) = struct.unpack_from(">H", body, start)
            end = start + max(length, 2)
        if end > len(body):
            return None
        if marker not in _APPLICATION or body.startswith(_KEPT_SEGMENTS.get(marker, ()), start + 2):
            parts.append(body[at:end])
        elif marker == _APP1 and body.startswith(_EXIF, start + 2):
            orientation = _orientation(body[start + 2 + len(_EXIF) : end])
        at = end
        if marker == _SOS:
            data = _AFTER_SCAN.search(body, end)
            if data is None:
                return None
            parts.append(body[end : data.start()])
            at = data.start()
    else:
        return None
    if orientation != 1:
        exif = _EXIF + _exif_of(orientation)
        parts.insert(1, struct.pack(">BBH", 0xFF, _APP1, len(exif) + 2) + exif)
    return _joined(parts, body)


def _stripped_png(body: bytes) -> bytes | None:
    parts, at = [body[:_PNG_SIGNATURE]], _PNG_SIGNATURE
    while at < len(body):
        length, kind = struct.unpack_from(">I4s", body, at)
        end = at + 12 + length
        if end > len(body):
            return None
        if kind not in _PNG_DROPPED:
            parts.append(body[at:end])
        elif kind == b"eXIf" and (orientation := _orientation(body[at + 8 : end - 4])) != 1:
            content = kind + _exif_of(orientation)
            parts.append(struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content)))
        at = end
        if kind == b"IEND":
            return _joined(parts, body)
    return None


def _stripped_webp(body: bytes) -> bytes | None:
    (size,) = struct.unpack_from("<I", body, 4)
    stop, at, orientation = min(8 + size, len(body)), _WEBP_HEADER, 1
    chunks: list[bytes] = []
    while at + 8 <= stop:
        kind, length = struct.unpack_from("<4sI", body, at)
        end = at + 8 + length + length % 2
        if at + 8 + length > stop:
            return None
        if kind in _WEBP_KEPT:
            chunks.append(body[at : at + 8 + length] + b"\0" * (length % 2))
        elif kind == b"EXIF":
            orientation = _orientation(body[at + 8 : at + 8 + length].removeprefix(_EXIF))
        at = end
    if chunks and chunks[0].startswith(b"VP8X"):
        is_turned = orientation != 1
        flags = chunks[0][8] & ~(_WEBP_EXIF_FLAG | _WEBP_XMP_FLAG) | (_WEBP_EXIF_FLAG if is_turned else 0)
        chunks[0] = chunks[0][:8] + bytes((flags,)) + chunks[0][9:]
        if is_turned:
            exif = _exif_of(orientation)
            chunks.append(b"EXIF" + struct.pack("<I", len(exif)) + exif)
    content = b"WEBP" + b"".join(chunks)
    return _joined([b"RIFF", struct.pack("<I", len(content)), content], body)


def _joined(parts: list[bytes], body: bytes) -> bytes:
    joined = b"".join(parts)
    return body if joined == body else joined


def _orientation(exif: bytes) -> int:
    """The orientation in IFD 0 of the TIFF structure of an Exif part, 1 to 8; 1 where there is no valid one."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * min(count, _MAX_ENTRIES), 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def _exif_of(orientation: int) -> bytes:
    """An Exif part with the orientation alone: 26 bytes."""
    return struct.pack("<4sIHHHIHHI", b"II*\0", 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0, 0)
