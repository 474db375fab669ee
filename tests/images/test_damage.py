"""Damage: what breaks an image is found, and named with its place."""

import random
import struct

import pytest

from pupline.images import inspect
from tests.images import handmade_images as made

PNG = made.HANDMADE["png"][1]

BROKEN = {
    "jpeg, no frame": (made.jpeg(made.segment(0xE0, b"JFIF")), "the end of the image, but no frame"),
    "jpeg, scan before frame": (made.jpeg(made.scan(), made.frame()), "a scan before any frame"),
    "jpeg, two frames": (made.jpeg(made.frame(), made.frame(), made.scan()), "a second frame"),
    "jpeg, empty scan": (made.jpeg(made.frame(), made.scan(b"")), "a scan without data"),
    "jpeg, no height": (made.jpeg(made.frame(height=0), made.scan()), "the end of the image, but no height"),
    "jpeg, no width": (made.jpeg(made.frame(width=0), made.scan()), "a size of 0 x 2 pixels"),
    "jpeg, missing scan": (
        made.jpeg(made.frame(components=b"\1\2\3"), made.scan(), made.scan(components=b"\2")),
        "1 of 3 components have no scan",
    ),
    "jpeg, foreign component": (made.jpeg(made.frame(), made.scan(components=b"\7")), "the frame does not have"),
    "jpeg, short length": (made.jpeg(b"\xff\xc4\x00\x01"), "a segment length of 1"),
    "jpeg, second start": (made.jpeg(b"\xff\xd8"), "marker 0xd8 out of place"),
    "jpeg, odd frame header": (made.jpeg(made.segment(0xC0, bytes(7))), "a frame header of 9 bytes"),
    "jpeg, only fill": (b"\xff\xd8" + b"\xff" * 50, "no marker (no EOI was found) at byte 2"),
    "jpeg, without its end": (
        made.HANDMADE["baseline jpeg"][1][:-2],
        "without EOI, inside a scan that begins at byte 103",
    ),
    "png, line ends converted": (PNG.replace(b"\r\n", b"\n", 1), "a PNG signature changed in transfer"),
    "png, no header": (made.png(made.IDAT, made.IEND), "chunk IDAT out of place"),
    "png, two headers": (made.png(made.ihdr(), made.ihdr(), made.IDAT, made.IEND), "chunk IHDR out of place"),
    "png, no data": (made.png(made.ihdr(), made.IEND), "image data missing"),
    "png, empty data": (made.png(made.ihdr(), made.chunk(b"IDAT"), made.IEND), "image data missing"),
    "png, split data": (
        made.png(made.ihdr(), made.chunk(b"IDAT"), made.chunk(b"tEXt"), made.IDAT, made.IEND),
        "image data in two places",
    ),
    "png, no palette": (made.png(made.ihdr(3, 2, 8, 3), made.IDAT, made.IEND), "before its palette"),
    "png, odd depth": (made.png(made.ihdr(3, 2, 3, 2), made.IDAT, made.IEND), "depth 3, colour type 2"),
    "png, no area": (made.png(made.ihdr(0, 2), made.IDAT, made.IEND), "a size of 0 x 2 pixels"),
    "png, critical chunk": (made.png(made.ihdr(), made.chunk(b"CgBI"), made.IDAT, made.IEND), "critical chunk CgBI"),
    "png, no chunk": (made.png(made.ihdr()) + bytes(20), "an invalid chunk (type 00000000"),
    "png, long chunk": (
        made.png(made.ihdr(), b"\xff\xff\xff\xffIDAT"),
        "an invalid chunk (type 49444154, length 4294967295)",
    ),
    "gif, no frame": (made.gif(), "the trailer, but no frame"),
    "gif, no data": (made.gif(made.gif_frame(data=b"\x02\x00")), "a frame without data"),
    "gif, code size": (made.gif(made.gif_frame(data=b"\x0c\x01\x01\x00")), "an LZW code size of 12"),
    "gif, unknown block": (made.gif(made.gif_frame(), b"\x99", made.gif_frame()), "0x99 in the place of a block"),
    "gif, no frame area": (made.gif(made.gif_frame(0, 2)), "a frame of 0 x 2 pixels"),
    "webp, no image": (made.riff(made.riff_chunk(b"VP8X", bytes(10))), "but no image"),
    "webp, short canvas": (made.riff(made.riff_chunk(b"VP8X", bytes(4)), made.vp8l()), "a VP8X chunk of 4 bytes"),
    "webp, no key frame": (made.riff(made.riff_chunk(b"VP8 ", bytes(20))), "no VP8 key frame"),
    "webp, overrun": (made.riff(b"VP8L\xff\x00\x00\x00/"), "overruns its container"),
    "webp, foreign chunk": (made.riff(made.riff_chunk(b"JUNK", b"12")), "chunk b'JUNK' in the place of the image"),
    "webp, empty frame": (
        made.riff(made.canvas(1, 1, 2), made.riff_chunk(b"ANIM", bytes(6)), made.riff_chunk(b"ANMF", bytes(16))),
        "an animation frame without an image",
    ),
    "webp, no VP8L": (made.riff(made.riff_chunk(b"VP8L", b"nothing")), "no VP8L image"),
    "heic, open-ended data cut": (made.heif(mdat=0)[:-1], "inside item 1 of 6 bytes"),
    "heic, nothing inside": (made.box(b"ftyp", b"heic", bytes(4)), "no picture among the boxes"),
    "heic, no location": (
        made.box(b"ftyp", b"heic", bytes(4)) + made.box(b"meta", bytes(4), made.box(b"pitm", bytes(6))),
        "no iloc, iprp in the meta box",
    ),
    "heic, no area": (made.heif(width=0), "a size of 0 x 480 pixels"),
    "tiff, no directory": (b"II*\x00" + bytes(4), "no directory"),
    "tiff, directory outside": (b"II*\x00" + struct.pack("<I", 9999), "inside a directory"),
    "tiff, no image": (b"II*\x00" + struct.pack("<IHII", 8, 0, 0, 0), "a directory for 0 x 0 pixels"),
    "tiff, no area": (made.tiff(width=0), "a directory for 0 x 2 pixels"),
    "tiff, odd BigTIFF": (b"II+\x00" + bytes(40), "a BigTIFF header without 8-byte offsets"),
    "bmp, pixels in the header": (
        made.bmp()[:10] + struct.pack("<I", 20) + made.bmp()[14:],
        "pixels that begin at byte 20, inside the headers",
    ),
    "bmp, no area": (made.bmp(width=0), "a size of 0 x 2 pixels"),
    "bmp, odd depth": (made.bmp(depth=7), "7 bits a pixel"),
    "bmp, huge": (made.bmp()[:18] + b"\xff\xff\xff\x7f" * 2 + made.bmp()[26:], "inside pixels of"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_damage_is_named(name: str) -> None:
    """Each way of being broken is a damaged image whose detail says what is wrong and at which byte."""
    body, words = BROKEN[name]
    found = inspect(body)
    assert (found.problem, found.is_image) == ("damaged_image", True)
    assert words in found.detail
    assert " at byte " in found.detail


def test_every_flipped_bit_of_a_png_is_found() -> None:
    """A PNG has a checksum over all that counts: no changed bit passes, and one after the pixels is mentioned."""
    passed = []
    for bit in range(len(PNG) * 8):
        body = bytearray(PNG)
        body[bit // 8] ^= 1 << bit % 8
        found = inspect(bytes(body))
        if found.problem is None:
            passed.append(bit // 8)
            assert "at byte " in found.detail
    assert set(passed) == set(range(len(PNG) - len(made.IEND), len(PNG)))


def test_what_was_learnt_before_the_damage_is_kept() -> None:
    """A cut JPEG still has its type and size in the record."""
    found = inspect(made.made_by_pillow("RGB", "JPEG")[:-2])
    assert (found.file_type, found.width, found.height, found.problem) == ("jpg", 7, 5, "damaged_image")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_a_block_of_an_image_lost_on_the_way_is_found(kind: str) -> None:
    """A body that misses some bytes from its middle is damaged.

    Pixels inside compressed data cannot be checked without decoding: for JPEG that is most of the body, so there the
    loss is placed in its headers.
    """
    body = made.made_by_pillow("RGB", kind, (64, 48))
    at = {"JPEG": 100}.get(kind, len(body) - len(body) // 4)
    assert inspect(body[:at] + body[at + 20 :]).problem is not None


def test_noise_after_a_signature_is_damage() -> None:
    """A right signature followed by noise is an image that is damaged, for every type."""
    noise = random.Random(7).randbytes(2_000)
    for signature in (
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\x00\x01\x00\x00WEBP",
        b"II*\x00",
        b"MM\x00*",
    ):
        assert inspect(signature + noise).problem == "damaged_image"
    assert inspect(b"\x00\x00\x00\x18ftypavif" + noise).problem == "damaged_image"
