"""Scenarios: bodies that are not a sound image, whatever they are called, and odd ones that are."""

import io
import struct
import zipfile
import zlib

from pupline.errors import Outcome, Reason
from tests.e2e.dog_api import jpeg
from tests.hostile.scenario import Scenario, answer
from tests.images import handmade_images as made

_MEGABYTE = 1_000_000 - 4096
"""A little less than the drivers' limit."""


def _jpeg(label: str) -> bytes:
    return jpeg(zlib.crc32(label.encode()), 300)


def _own(label: str) -> bytes:
    """A chunk that no other PNG has."""
    return made.chunk(b"tEXt", b"Comment\0" + label.encode())


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("dog.html"), "<script>alert(1)</script>")
    return file.getvalue()


def _filled(begin: bytes, piece: bytes) -> bytes:
    return begin + piece * ((_MEGABYTE - len(begin)) // len(piece))


_J = _jpeg("to be cut")
_SOF, _SOS, _EOI = _J.index(b"\xff\xc0"), _J.index(b"\xff\xda"), len(_J) - 2
_TIFF = b"II*\0\x08\0\0\0"

NOT_IMAGES: dict[str, bytes] = {
    "empty": b"",
    "one-byte": b"\xff",
    "half-a-signature": b"\xff\xd8",
    "html": b"<!DOCTYPE html>\n<title>Not found</title>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "svg-after-comments": b"<?xml version='1.0'?>" + b"<!-- -->" * 50 + b"<svg/>",
    "endless-comments": b"<!---->" * 40 + b"x",
    "pdf": b"%PDF-1.7\n%%EOF\n",
    "zip": _zipped(),
    "elf": b"\x7fELF\x02\x01\x01" + bytes(57),
    "windows-program": b"MZ" + bytes(126),
    "script": b"#!/bin/sh\nrm -rf ~\n",
    "json": b'{"status": "error", "message": "gone"}',
}
"""Served as image/jpeg, under a name that ends in .jpg."""

DAMAGED: dict[str, bytes] = {
    "jpeg-signature-alone": b"\xff\xd8\xff",
    "jpeg-to-its-frame": _J[:_SOF],
    "jpeg-in-its-frame": _J[: _SOF + 6],
    "jpeg-to-its-scan": _J[:_SOS],
    "jpeg-in-its-scan": _J[: _EOI - 1],
    "jpeg-without-end": _J[:_EOI],
    "jpeg-half-an-end": _J[:-1],
    "jpeg-no-height": _J.replace(bytes.fromhex("ffc0000b0800100010"), bytes.fromhex("ffc0000b0800000010")),
    "jpeg-no-width": _J.replace(bytes.fromhex("ffc0000b0800100010"), bytes.fromhex("ffc0000b0800100000")),
    "jpeg-begins-again": _filled(b"", b"\xff\xd8"),
    "jpeg-fill-bytes": _filled(b"\xff\xd8", b"\xff"),
    "jpeg-empty-segments": _filled(b"\xff\xd8", b"\xff\xe1\x00\x02"),
    "png-signature-alone": b"\x89PNG\r\n\x1a\n",
    "png-cut-in-data": made.png(made.ihdr(), made.IDAT)[:-9],
    "png-wrong-crc": made.png(made.ihdr(), made.IDAT[:-1] + bytes([made.IDAT[-1] ^ 1]), made.IEND),
    "png-no-data": made.png(made.ihdr(), made.IEND),
    "png-no-width": made.png(made.ihdr(0, 2), made.IDAT, made.IEND),
    "png-no-height": made.png(made.ihdr(3, 0), made.IDAT, made.IEND),
    "png-other-line-ends": made.png(made.ihdr(), made.IDAT, made.IEND).replace(b"\r\n", b"\n", 1),
    "png-a-length-beyond-all": made.png(made.ihdr()) + struct.pack(">I", 2**31 - 1) + b"IDAT",
    "png-empty-chunks": _filled(made.png(made.ihdr()), made.chunk(b"tEXt")),
    "gif-and-script": b"GIF89a/*" + bytes(4) + b"*/=1;alert(1)//",
    "gif-no-area": b"GIF89a" + bytes(7) + b";",
    "gif-no-frame": b"GIF89a\x05\0\x05\0\0\0\0;",
    "webp-size-beyond-all": b"RIFF" + struct.pack("<I", 2**32 - 2) + b"WEBPVP8L" + struct.pack("<I", 2**32 - 2),
    "tiff-loop": _TIFF + struct.pack("<HHHIII", 1, 256, 4, 1, 10, 8),
    "tiff-count-beyond-all": _TIFF + struct.pack("<HHHIII", 1, 273, 4, 2**32 - 1, 8, 0),
    "heic-box-of-no-size": struct.pack(">I", 0) + b"ftypheic" + bytes(8),
    "avif-empty-boxes": _filled(struct.pack(">I", 16) + b"ftypavif" + bytes(4), struct.pack(">I", 8) + b"free"),
    "heic-boxes-in-boxes": struct.pack(">I", 16)
    + b"ftypheic"
    + bytes(4)
    + b"".join(struct.pack(">I", 8 * count) + b"meta" for count in range(100_000, 0, -1)),
    "bmp-no-area": b"BM" + bytes(12) + struct.pack("<Iii", 40, 0, 0) + bytes(28),
}

TOO_LARGE: dict[str, bytes] = {
    "png-bomb": made.png(made.ihdr(60_000, 60_000), made.IDAT, made.IEND),
    "png-largest": made.png(made.ihdr(2**31 - 1, 2**31 - 1), made.IDAT, made.IEND),
    "jpeg-bomb": _J.replace(bytes.fromhex("ffc0000b0800100010"), bytes.fromhex("ffc0000b08ffffffff")),
}
"""In pixels."""

SOUND: dict[str, tuple[bytes, tuple[int, int]]] = {
    "jpeg-and-zip": (_jpeg("zip") + _zipped(), (16, 16)),
    "jpeg-and-php": (_jpeg("php") + b"<?php system($_GET[0]); ?>", (16, 16)),
    "png-named-jpg": (made.png(made.ihdr(), _own("named"), made.IDAT, made.IEND), (3, 2)),
    "png-and-html": (made.png(made.ihdr(), _own("html"), made.IDAT, made.IEND) + b"<script>alert(1)</script>", (3, 2)),
    "png-text-bomb": (
        made.png(
            made.ihdr(), made.chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9)), made.IDAT, made.IEND
        ),
        (3, 2),
    ),
}
"""With bytes besides the picture, which are kept: nothing is altered."""


def _kept(label: str, body: bytes, reason: Reason, size: tuple[int, int] | None = None) -> Scenario:
    does = answer(body, "Content-Type: image/jpeg")
    outcome: Outcome = "stored" if reason == "accepted" else "quarantined"
    return Scenario(name=f"body-{label}", does=does, outcome=outcome, reason=reason, body=body, size=size)


SCENARIOS = [
    *(_kept(label, body, "not_an_image") for label, body in NOT_IMAGES.items()),
    *(_kept(label, body, "damaged_image") for label, body in DAMAGED.items()),
    *(_kept(label, body, "too_many_pixels") for label, body in TOO_LARGE.items()),
    *(_kept(label, body, "accepted", size) for label, (body, size) in SOUND.items()),
]
