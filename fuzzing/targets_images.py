"""Image bodies and object names."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fuzzing.target import Target
from pupline.images import MAX_KEY_BYTES, MAX_NAME_BYTES, candidate_names, inspect, object_key, safe_name
from pupline.samples._pictures import pictures

CASES: Final = Path(__file__).parents[2] / "shared" / "cases" / "images"
"""Small unusual files next to the project on some machines; optional."""

_BOXES = (b"ftyp", b"meta", b"hdlr", b"pitm", b"iloc", b"iinf", b"infe", b"iprp", b"ipco", b"ipma", b"ispe", b"idat")
_MORE_BOXES = (
    b"moov",
    b"trak",
    b"tkhd",
    b"mdia",
    b"minf",
    b"stbl",
    b"stsz",
    b"stsd",
    b"clap",
    b"irot",
    b"av01",
    b"hvc1",
)
_CHUNKS = (b"IHDR", b"IDAT", b"IEND", b"PLTE", b"acTL", b"fcTL", b"fdAT", b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X")
_MARKERS = tuple(bytes((0xFF, marker)) for marker in (0xD8, 0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDC, 0xD9, 0xD0, 0xE1, 0xF7))
_TEXT = (b"<!--", b"-->", b"<html", b"<svg", b"<?xml", b"\x00", b"GIF89a", b"\x21\xf9\x04", b"\x2c", b"\x3b", b"BM")
_TIFF = (
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00\x08\x00\x00\x00",
    b"\x00\x01\x03\x00",
    b"\x11\x01\x04\x00",
    b"\x4a\x01\x04\x00",
)


def bodies() -> Sequence[bytes]:
    """Images of all types, intact and unusual."""
    found = [body for body in pictures().values() if len(body) < 60_000]
    if CASES.is_dir():
        found += [path.read_bytes() for path in sorted(CASES.iterdir()) if path.stat().st_size < 60_000]
    return found


def _inspected(body: bytes) -> str:
    found = inspect(body)
    assert found.is_image or found.problem == "not_an_image", found
    assert found.problem is not None or (found.width or 0) > 0 < (found.height or 0), found
    assert found.detail.isprintable(), found
    return f"{found.file_type} {found.problem}"


def _png(data: bytes) -> str:
    """A PNG whose chunks have correct checksums, whatever they contain."""
    parts, rest = [b"\x89PNG\r\n\x1a\n"], data
    while rest:
        size, kind = rest[0] % 64, rest[1:5]
        content, rest = rest[5 : 5 + size], rest[5 + size :]
        checksum = zlib.crc32(kind + content).to_bytes(4, "big")
        parts.append(len(content).to_bytes(4, "big") + kind + content + checksum)
    return _inspected(b"".join(parts))


def _png_seeds() -> list[bytes]:
    header = b"\x0dIHDR" + bytes((0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0))
    pixels = zlib.compress(bytes(20))
    return [header + bytes((len(pixels),)) + b"IDAT" + pixels + b"\x00IEND", b"\x08acTL" + bytes(8)]


def _named(data: bytes) -> str:
    url = data.decode("utf-8", "replace")
    name = safe_name(url)
    assert name
    assert len(name.encode()) <= MAX_NAME_BYTES
    key = object_key("html", name)
    assert len(key.encode()) <= MAX_KEY_BYTES
    assert ".." not in key.split("/")
    assert safe_name(name) == name, name
    assert len(set(candidate_names(name, "0" * 64))) > 1
    return "name"


_URLS = (
    b"http://a.example/x/rex.jpg",
    b"https://h/%e7%8a%ac.png?w=1#x",
    b"CON.jpg",
    b"a/..%2f..%2fetc/passwd",
    b"x" * 300,
)
_ESCAPES = (b"%2f", b"%00", b"..", b"\\", b":", b"\xe2\x80\xae", b"%", b".jpg", b" ", b"\xcc\x81", b"NUL")

IMAGES: Final = (
    Target("images", _inspected, bodies, words=(*_BOXES, *_MORE_BOXES, *_CHUNKS, *_MARKERS, *_TEXT, *_TIFF)),
    Target("png-chunks", _png, _png_seeds, words=(*_CHUNKS, zlib.compress(bytes(100)), zlib.compress(bytes(100_000)))),
    Target("names", _named, lambda: _URLS, words=_ESCAPES),
)
