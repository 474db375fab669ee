"""WebP as libwebp reads it, and BMP as everything reads it: containers, canvases, partitions; headers and pixels."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pupline.images import inspect
from tests.images import handmade_images as made

IMAGE = made.vp8l()
PARAMETERS = made.riff_chunk(b"ANIM", bytes(6))
EXIF = made.riff_chunk(b"EXIF", b"ab")
ANIMATION = 2


def animation_frame(image: bytes = IMAGE, x: int = 0, y: int = 0, width: int = 3, height: int = 2) -> bytes:
    """An ANMF chunk at twice these offsets."""
    numbers = b"".join(number.to_bytes(3, "little") for number in (x, y, width - 1, height - 1))
    return made.riff_chunk(b"ANMF", numbers + bytes(4) + image)


def vp8(tokens: bytes, partitions: int = 0, *, first_byte: int = 0x10, options: bool = False) -> bytes:
    """A lossy bitstream of 3 x 2 pixels: its header, a first partition with the header fields, and what follows.

    partitions: the logarithm of the number of token partitions. options: all the optional fields are there.
    """
    fields = [0, 0, int(options)]
    if options:
        fields += [1, 1, 1] + [1, 0, 1, 0, 1, 0, 1, 0, 1] * 4 + [1, 1, 0, 1, 0, 0, 1, 0] * 4 + [1] * 27
    fields += [0] * 10 + [int(options)]
    if options:
        fields += [1] + [1, 0, 1, 1, 0, 1, 0, 0] * 8
    fields += [partitions >> 1, partitions & 1]
    low, span, size = 0, 255, 8
    for bit in fields:
        split = 1 + ((span - 1) * 128 >> 8)
        low, span = (low + split, span - split) if bit else (low, split)
        while span < 128:
            low, span, size = low << 1, span << 1, size + 1
    first = (low << -size % 8).to_bytes((size + 7) // 8, "big") + bytes(8)
    tag = (len(first) << 5 | first_byte).to_bytes(3, "little")
    return made.riff_chunk(b"VP8 ", tag + b"\x9d\x01\x2a" + struct.pack("<HH", 3, 2) + first + tokens)


TOKENS = bytes(4)  # a macroblock without coefficients
SIZES = {1: b"\4\0\0", 2: b"\4\0\0" * 3, 3: b"\4\0\0" * 7}

WHOLE = {
    "an unknown chunk after": (made.riff(IMAGE, made.riff_chunk(b"IART", b"me")), "chunk b'IART' after the image"),
    "metadata after": (made.riff(IMAGE, EXIF, EXIF), "chunk b'EXIF' after the image"),
    "a second image after": (made.riff(IMAGE, made.vp8l(9, 9)), "chunk b'VP8L' after the image"),
    "extended": (made.riff(made.canvas(), IMAGE), ""),
    "extended, unknown chunks": (made.riff(made.canvas(), EXIF, IMAGE, made.riff_chunk(b"abcd", b"")), ""),
    "animated": (made.riff(made.canvas(flags=ANIMATION), PARAMETERS, animation_frame()), ""),
    "animated, small frame": (
        made.riff(made.canvas(flags=ANIMATION), PARAMETERS, animation_frame(made.vp8l(1, 2), 1, 0, 1, 2)),
        "",
    ),
    "frames of no animation": (made.riff(made.canvas(), IMAGE, PARAMETERS, animation_frame()), ""),
    "lossy": (made.riff(vp8(TOKENS)), ""),
    "lossy with options": (made.riff(vp8(TOKENS, options=True)), ""),
    **{f"lossy, {1 << n} partitions": (made.riff(vp8(SIZES[n] + TOKENS * (1 << n), n)), "") for n in SIZES},
    "lossy with options, 8 partitions": (made.riff(vp8(SIZES[3] + TOKENS * 8, 3, options=True)), ""),
}

BROKEN = {
    "spare bytes": (made.riff(IMAGE, b"abc"), "a truncated chunk header"),
    "a chunk cut": (made.riff(IMAGE, EXIF[:-1]), "a chunk of 2 bytes that overruns"),
    "no padding": (made.riff(made.canvas(), IMAGE, b"EXIF\1\0\0\0a"), "a chunk of 1 bytes that overruns"),
    "RIFF without a chunk": (b"RIFF\4\0\0\0WEBP" + IMAGE, "without a chunk"),
    "RIFF of no size": (b"RIFF\0\0\0\0WEBP" + IMAGE, "without a chunk"),
    "RIFF counts its header": (b"RIFF" + struct.pack("<I", 12 + len(IMAGE)) + b"WEBP" + IMAGE, "inside a RIFF file of"),
    "RIFF two short": (b"RIFF" + struct.pack("<I", 2 + len(IMAGE)) + b"WEBP" + IMAGE, "overruns its container"),
    "a chunk before": (made.riff(EXIF, IMAGE), "chunk b'EXIF' in the place of the image"),
    "another canvas": (made.riff(made.canvas(4), IMAGE), "an image of 3 x 2 pixels on a canvas of 4 x 2"),
    "two canvases": (made.riff(made.canvas(), made.canvas(), IMAGE), "a second VP8X chunk"),
    "a canvas of 12 bytes": (made.riff(made.riff_chunk(b"VP8X", bytes(12)), IMAGE), "a VP8X chunk of 12 bytes"),
    "two images": (made.riff(made.canvas(), IMAGE, IMAGE), "a second image"),
    "no frame": (made.riff(made.canvas(flags=ANIMATION), PARAMETERS), "but no image"),
    "a still animation": (made.riff(made.canvas(flags=ANIMATION), IMAGE), "an image outside the frames"),
    "no parameters": (made.riff(made.canvas(flags=ANIMATION), animation_frame()), "before its ANIM chunk"),
    "an animation not announced": (made.riff(made.canvas(), PARAMETERS, animation_frame()), "but no image"),
    "a frame outside": (
        made.riff(made.canvas(flags=ANIMATION), PARAMETERS, animation_frame(x=1)),
        "a frame of 3 x 2 pixels at 2, 0, outside the canvas",
    ),
    "hidden": (made.riff(vp8(TOKENS, first_byte=0)), "a hidden VP8 frame"),
    "profile 4": (made.riff(vp8(TOKENS, first_byte=0x18)), "unknown profile"),
    "nothing after the first partition": (made.riff(vp8(b"")), "a VP8 partition of"),
    **{
        f"{1 << n} partitions, the last empty": (
            made.riff(vp8(SIZES[n] + TOKENS * ((1 << n) - 1), n)),
            "partitions that end",
        )
        for n in SIZES
    },
    "8 partitions, sizes cut": (made.riff(vp8(SIZES[3][:5], 3)), "8 VP8 partitions that end"),
    "8 partitions with options, cut": (made.riff(vp8(SIZES[3] + TOKENS * 6, 3, options=True)), "8 VP8 partitions"),
}

BMP = made.bmp()
RUNS = b"\3\0\0\0\3\0\0\1"


def rle(stated: int, data: bytes = RUNS) -> bytes:
    """A run-length bitmap that states so many bytes of pixels."""
    body = made.bmp(3, 2, 8, 1)[:54]
    return body[:34] + struct.pack("<I", stated) + body[38:] + data


def changed(offset: int, value: int, body: bytes = BMP) -> bytes:
    """A bitmap with another 32-bit field."""
    return body[:offset] + struct.pack("<I", value) + body[offset + 4 :]


BITMAPS = {
    "size overstated": (changed(2, 9_999), ""),
    "size of nothing": (changed(2, 0), ""),
    "size understated": (changed(2, 20), ""),
    "image size overstated": (changed(34, 9_999), ""),
    "no offset": (changed(10, 0), "no offset of the pixels"),
    "no padding at the end": (BMP[:-3], "the padding of the last row is missing"),
    "run lengths": (rle(len(RUNS)), ""),
    "run lengths of no size": (rle(0), "pixels of another size"),
    "run lengths, size overstated": (rle(99), "pixels of another size"),
    "run lengths, padded": (rle(0, RUNS + bytes(3)), "pixels of another size"),
}

BROKEN_BITMAPS = {
    "a byte of the last row missing": BMP[:-4],
    "no offset, a byte missing": changed(10, 0)[:-4],
    "no offset, no room for a palette": changed(10, 0, made.bmp(3, 2, 8))[:-12],
    "an offset beyond the end": changed(10, 9_999),
    "run lengths without their end": rle(99, RUNS[:-1]),
    "run lengths that end in half a code": rle(99, b"\3\0\0\1"[:3] + b"\0\1"),
    "run lengths cut": rle(len(RUNS), RUNS[:-2]),
}


@pytest.mark.parametrize("name", WHOLE)
def test_webp_that_libwebp_reads(name: str) -> None:
    """The picture is whole and has its size; what follows a simple image is mentioned."""
    body, remark = WHOLE[name]
    found = inspect(body)
    assert (found.problem, found.width, found.height) == (None, 3, 2), found.detail
    assert found.detail.startswith(remark)
    assert bool(found.detail) == bool(remark)


@pytest.mark.parametrize("name", BROKEN)
def test_webp_that_libwebp_refuses(name: str) -> None:
    """Containers, canvases and partitions that do not fit are damage, named with its place."""
    body, words = BROKEN[name]
    found = inspect(body)
    assert found.problem == "damaged_image"
    assert words in found.detail


@pytest.mark.parametrize("name", BITMAPS)
def test_bitmaps_with_all_their_pixels(name: str) -> None:
    """A bitmap whose pixels are all there is whole, whatever its headers say of its length."""
    body, remark = BITMAPS[name]
    found = inspect(body)
    assert (found.problem, found.width, found.height) == (None, 3, 2), found.detail
    assert found.detail.startswith(remark)


@pytest.mark.parametrize("name", BROKEN_BITMAPS)
def test_bitmaps_without_some_pixels(name: str) -> None:
    """A bitmap that lacks one byte of a pixel is damaged."""
    assert inspect(BROKEN_BITMAPS[name]).problem == "damaged_image"


def _lossless(image: Image.Image, method: int) -> bytes:
    """The content of the VP8L chunk that Pillow writes for the image."""
    out = io.BytesIO()
    image.save(out, "WEBP", lossless=True, method=method)
    body = out.getvalue()
    return body[20 : 20 + int.from_bytes(body[16:20], "little")]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 200), st.integers(0, 6), st.floats(0, 0.99))
def test_lossless_streams_are_followed_to_their_last_pixel(
    width: int, height: int, colours: int, method: int, share: float
) -> None:
    """Whatever libwebp writes without loss is whole, and never a cut that libwebp reads is called damaged."""
    stream = _lossless(Image.effect_noise((width, height), 90).quantize(colours).convert("RGB"), method)
    assert inspect(made.riff(made.riff_chunk(b"VP8L", stream))).problem is None
    body = made.riff(made.riff_chunk(b"VP8L", stream[: max(6, int(len(stream) * share))]))
    if inspect(body).problem:
        with pytest.raises(OSError, match=r"."), Image.open(io.BytesIO(body)) as picture:
            picture.load()


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_short_lossless_stream_that_is_cut_is_damaged(share: float) -> None:
    """The codes of a short stream end before the pixels do."""
    image = Image.new("RGB", (16, 12))
    image.putdata([(x * 31 % 256, x * 17 % 256, x * 7 % 256) for x in range(16 * 12)])
    stream = _lossless(image, 0)
    found = inspect(made.riff(made.riff_chunk(b"VP8L", stream[: int(len(stream) * share)])))
    assert found.problem == "damaged_image"
    assert "a VP8L stream that ends before its last pixel" in found.detail
