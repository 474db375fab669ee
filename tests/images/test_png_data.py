"""PNG: every row is there, whatever its chunks say of themselves; and what may be wrong around it."""

import io
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pupline.images import inspect
from pupline.images.png.rows import _ADAM7
from tests.images import handmade_images as made

ROWS = bytes(20)  # of 3 x 2 pixels
PACKED = zlib.compress(ROWS)
TEXT = made.chunk(b"tEXt", b"a\0b")
WRONG = TEXT[:-1] + b"?"


def idat(data: bytes) -> bytes:
    """An IDAT chunk."""
    return made.chunk(b"IDAT", data)


def png(*chunks: bytes) -> bytes:
    """A PNG of 3 x 2 pixels with these chunks after its header."""
    return made.png(made.ihdr(), *chunks)


def apng(*chunks: bytes, frames: int = 2) -> bytes:
    """An APNG that announces so many frames."""
    return png(made.chunk(b"acTL", struct.pack(">II", frames, 0)), *chunks)


FIRST = made.frame_control(0) + made.IDAT

ODD = {
    "a wrong CRC of a text": (png(WRONG, made.IDAT, made.IEND), "a wrong CRC of chunk tEXt at byte 44"),
    "a wrong CRC of a text after the data": (png(made.IDAT, WRONG, made.IEND), "a wrong CRC of chunk tEXt"),
    "a private chunk of wrong CRC": (png(made.chunk(b"prVt")[:-1] + b"?", made.IDAT, made.IEND), "chunk prVt"),
    "no IEND": (png(made.IDAT), "no IEND was found"),
    "IEND cut": (png(made.IDAT, made.IEND)[:-4], "after the image the file ends"),
    "IEND of a wrong CRC": (png(made.IDAT, made.IEND[:-1] + b"?"), "a wrong CRC of chunk IEND"),
    "junk for IEND": (png(made.IDAT, b"\0" * 30), "after the image an invalid chunk"),
    "text cut after the data": (png(made.IDAT, TEXT)[:-3], "after the image the file ends"),
    "a checksum of zlib cut": (png(idat(PACKED[:-4]), made.IEND), ""),
    "more data than rows": (png(idat(zlib.compress(ROWS + b"more")), made.IEND), ""),
    "junk after the stream": (png(idat(PACKED + b"junk"), made.IEND), ""),
    "more data elsewhere": (png(made.IDAT, TEXT, made.IDAT, made.IEND), ""),
    "palettes of no use": (png(made.chunk(b"PLTE", b"abcd"), made.IDAT, made.chunk(b"PLTE", b""), made.IEND), ""),
    "empty chunks of data": (png(idat(b""), made.IDAT, idat(b""), made.IEND), ""),
    "a byte a chunk": (png(*(idat(bytes((byte,))) for byte in PACKED), made.IEND), ""),
    "frames": (apng(FIRST, made.frame_control(1), made.frame_data(2, PACKED), made.IEND), ""),
    "a frame control before the animation's": (
        png(
            made.frame_control(0),
            made.chunk(b"acTL", struct.pack(">II", 2, 0)),
            made.IDAT,
            made.frame_control(1),
            made.frame_data(2, PACKED),
            made.IEND,
        ),
        "",
    ),
    "more frames than can be": (apng(FIRST, made.IEND, frames=2**31), ""),
    "frames of one": (apng(FIRST, made.IEND, frames=1), ""),
    "a hidden first image": (
        apng(made.IDAT, made.frame_control(0), made.frame_data(1, PACKED), made.IEND, frames=1),
        "",
    ),
    "a frame control of no animation": (png(FIRST, made.frame_control(1), made.IEND), ""),
}

BROKEN = {
    "no zlib stream": (png(idat(b"no zlib stream"), made.IEND), "cannot be inflated"),
    "the stream ends early": (png(idat(zlib.compress(ROWS[:-1])), made.IEND), "1 of 20 bytes of image data missing"),
    "the stream is cut": (png(idat(PACKED[:4]), made.IEND), "bytes of image data missing"),
    "the stream is cut, no IEND": (png(idat(PACKED[:4])), "no IEND was found"),
    "a block type that does not exist": (png(idat(b"\x78\x9c\x07"), made.IEND), "invalid block type"),
    "another checksum of zlib": (png(idat(PACKED[:-1] + b"?"), made.IEND), "incorrect data check"),
    "filter type 5": (png(idat(zlib.compress(bytes(10) + b"\5" + bytes(9))), made.IEND), "an invalid filter type"),
    "a wrong CRC of the data": (png(made.IDAT[:-1] + b"?", made.IEND), "a wrong CRC of chunk IDAT"),
    "a text before IHDR": (made.png(TEXT, made.ihdr(), made.IDAT, made.IEND), "chunk tEXt out of place"),
    "a wrong CRC before IHDR": (made.png(WRONG, made.ihdr(), made.IDAT, made.IEND), "a wrong CRC of chunk tEXt"),
    "an iHDR": (png(made.IDAT, made.IEND).replace(b"IHDR", b"iHDR"), "a wrong CRC of chunk iHDR"),
    "half the data elsewhere": (png(idat(PACKED[:4]), TEXT, idat(PACKED[4:]), made.IEND), "in two places"),
    "a palette after the data": (
        made.png(made.ihdr(3, 2, 8, 3), made.IDAT, made.chunk(b"PLTE", bytes(6)), made.IEND),
        "image data before its palette",
    ),
    "a palette of 4 bytes": (
        made.png(made.ihdr(3, 2, 8, 3), made.chunk(b"PLTE", bytes(4)), made.IDAT, made.IEND),
        "a misplaced palette, or one of 4 bytes",
    ),
    "a frame missing": (apng(FIRST, made.IEND), "1 of 2 frames missing"),
    "a frame without data": (apng(FIRST, made.frame_control(1), made.IEND), "20 of 20 bytes of image data missing"),
    "a frame cut": (apng(FIRST, made.frame_control(1), made.frame_data(2, PACKED[:4]), made.IEND), "missing"),
    "a frame begun too soon": (
        apng(FIRST, made.frame_control(1), made.frame_control(2), made.frame_data(3, PACKED), made.IEND, frames=3),
        "a new frame, but 20 of 20 bytes",
    ),
    "a frame outside": (
        apng(FIRST, made.frame_control(1, x=1), made.frame_data(2, PACKED), made.IEND),
        "a frame of 3 x 2 pixels at 1, 0, outside the image",
    ),
    "a frame of a wrong CRC": (
        apng(FIRST, made.frame_control(1), made.frame_data(2, PACKED)[:-1] + b"?", made.IEND),
        "a wrong CRC of chunk fdAT",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_does_not_touch_the_rows_is_passed_over(name: str) -> None:
    """The picture is whole and has its size; what is wrong around it is mentioned."""
    body, remark = ODD[name]
    found = inspect(body)
    assert (found.problem, found.width, found.height) == (None, 3, 2), found.detail
    assert remark in found.detail
    assert bool(found.detail) == bool(remark)


@pytest.mark.parametrize("name", BROKEN)
def test_missing_rows_and_contradictions_are_damage(name: str) -> None:
    """Rows that are missing, or that no decoder can read, are damage, named with its place."""
    body, words = BROKEN[name]
    found = inspect(body)
    assert found.problem == "damaged_image"
    assert words in found.detail


@given(st.data())
def test_rows_are_counted_in_every_layout(data: st.DataObject) -> None:
    """Any size, depth and interlacing: all the rows are whole, one byte less is not, wherever the chunks divide it."""
    width, height = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
    colour, depth = data.draw(st.sampled_from([(0, 1), (0, 4), (0, 16), (2, 8), (3, 2), (4, 8), (6, 16)]))
    interlaced = data.draw(st.booleans())
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    grid = [(0, 0, 1, 1)] if not interlaced else list(_ADAM7)
    sizes = [(len(range(x, width, across)), len(range(y, height, down))) for x, y, across, down in grid]
    rows = b"".join((b"\4" + b"\xff" * ((across * bits + 7) // 8)) * down for across, down in sizes if across)
    header = made.ihdr(width, height, depth, colour, 0, 0, int(interlaced)) + made.chunk(b"PLTE", bytes(6))
    for lost, problem in ((0, None), (1, "damaged_image")):
        packed = zlib.compress(rows[: len(rows) - lost])
        at = data.draw(st.integers(0, len(packed)))
        found = inspect(made.png(header, idat(packed[:at]), idat(packed[at:]), made.IEND))
        assert found.problem == problem, found.detail


def test_pillow_writes_what_is_counted() -> None:
    """The interlaced and plain files of a real encoder hold as many rows as their header announces."""
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        body = made.made_by_pillow(mode, "PNG", (37, 23))
        with Image.open(io.BytesIO(body)) as picture:
            picture.load()
        assert inspect(body).problem is None


def test_a_bomb_costs_no_memory() -> None:
    """Of a body that inflates to a thousand times its size, at no time more than a few megabytes are held."""
    packed = zlib.compress(bytes(4_000 * 8_001), 1)
    body = made.png(made.ihdr(2_000, 4_000, 8, 6), idat(packed), made.IEND)
    tracemalloc.start()
    assert inspect(body).problem is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20
    assert inspect(body, max_pixels=10_000).problem == "too_many_pixels"
