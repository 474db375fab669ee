"""Lossy WebP: the partitions of a frame hold all its macroblocks, or the frame is damaged, just as libwebp has it."""

import io
import random
import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pupline.images import inspect
from pupline.images.webp.vp8_tables import UPDATES
from tests.images import handmade_images as made

ROWS, COLUMNS = 8, 10
TOKENS = bytes(20)  # of a row: ten macroblocks without a coefficient take eight bytes
CUT = TOKENS[:4]


def coded(bools: Iterable[tuple[int, int]]) -> bytes:
    """Bools with their probabilities as RFC 6386, section 7.3, writes them."""
    low, span, size = 0, 255, 8
    for bit, probability in bools:
        split = 1 + ((span - 1) * probability >> 8)
        low, span = (low + split, span - split) if bit else (low, split)
        while span < 128:
            low, span, size = low << 1, span << 1, size + 1
    return (low << -size % 8).to_bytes((size + 7) // 8, "big")


def frame(partitions: list[bytes], *, columns: int = COLUMNS, rows: int = ROWS, modes: int = 2_000) -> bytes:
    """A frame without coefficients, with 1, 2, 4 or 8 partitions of them: a VP8 chunk. modes: bytes for the modes."""
    number = len(partitions).bit_length() - 1
    header = [0] * 14 + [number >> 1, number & 1] + [0] * 13
    first = coded([*((bit, 128) for bit in header), *((0, update) for update in UPDATES), (0, 128)]) + bytes(modes)
    sizes = b"".join(len(partition).to_bytes(3, "little") for partition in partitions[:-1])
    start = (len(first) << 5 | 0x10).to_bytes(3, "little") + b"\x9d\x01\x2a"
    size = struct.pack("<HH", 16 * columns, 16 * rows)
    return made.riff_chunk(b"VP8 ", start + size + first + sizes + b"".join(partitions))


def animation(*images: bytes) -> bytes:
    """An animation of these frames."""
    width, height = 16 * COLUMNS, 16 * ROWS
    size = b"".join(number.to_bytes(3, "little") for number in (0, 0, width - 1, height - 1))
    frames = [made.riff_chunk(b"ANMF", size + bytes(4) + image) for image in images]
    return made.riff(made.canvas(width, height, flags=2), made.riff_chunk(b"ANIM", bytes(6)), *frames)


def readable(body: bytes) -> bool:
    """Whether libwebp decodes all of the first frame."""
    try:
        with Image.open(io.BytesIO(body)) as picture:
            picture.load()
    except OSError:
        return False
    return True


def saved(image: Image.Image, quality: int, method: int = 4) -> bytes:
    """The content of the VP8 chunk that Pillow writes for the image."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=method)
    body = out.getvalue()
    start = body.index(b"VP8 ") + 8
    return body[start : start + int.from_bytes(body[start - 4 : start], "little")]


def noisy(width: int, height: int, seed: int) -> Image.Image:
    """The same noise for the same seed."""
    return Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(3 * width * height))


@st.composite
def pictures(draw: st.DrawFn) -> Image.Image:
    """Noise, flat colours, gradients, and mixtures of them."""
    size = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    gradient = Image.linear_gradient("L").resize(size).convert("RGB")
    noise = noisy(*size, draw(st.integers()))
    return Image.blend(gradient, noise, draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])))


@given(pictures(), st.integers(0, 100), st.integers(0, 6), st.floats(0, 1), st.integers(1, 5))
def test_lossy_frames_are_judged_as_libwebp_does(
    picture: Image.Image, quality: int, method: int, share: float, few: int
) -> None:
    """What libwebp writes is whole; what is cut anywhere, or by a few bytes, is damaged just where libwebp finds so."""
    stream = saved(picture, quality, method)
    assert inspect(made.riff(made.riff_chunk(b"VP8 ", stream))).problem is None
    for end in (max(10, int(len(stream) * share)), len(stream) - few):
        body = made.riff(made.riff_chunk(b"VP8 ", stream[:end]))
        assert inspect(body).problem == (None if readable(body) else "damaged_image")


@given(pictures(), st.data())
def test_changed_frames_are_judged_as_libwebp_does(picture: Image.Image, data: st.DataObject) -> None:
    """A byte changed in a header, a partition or its size never makes a frame damaged that libwebp decodes."""
    stream = bytearray(saved(picture, 50))
    place = data.draw(st.integers(10, len(stream) - 1) | st.integers(10, min(40, len(stream) - 1)))
    stream[place] = data.draw(st.integers(0, 255))
    body = made.riff(made.riff_chunk(b"VP8 ", bytes(stream)))
    assert inspect(body).problem is None or not readable(body)


def test_partitions_that_no_encoder_writes_are_not_followed() -> None:
    """A first byte of 255 is out of the range of the code, and libwebp may well decode what follows."""
    assert inspect(made.riff(frame([b"\xff" + CUT]))).problem is None


@pytest.mark.parametrize("number", [1, 2, 4, 8])
def test_every_partition_must_hold_its_rows(number: int) -> None:
    """A frame is whole with all its partitions, and damaged where any of them is short."""
    whole = [TOKENS * (ROWS // number)] * number
    body = made.riff(frame(whole))
    assert readable(body)
    assert inspect(body).problem is None
    for place in range(number):
        body = made.riff(frame([*whole[:place], CUT, *whole[place + 1 :]]))
        assert not readable(body)
        found = inspect(body)
        assert found.problem == "damaged_image"
        assert "bytes that ends before its last macroblock" in found.detail


def test_partitions_without_a_row_may_be_empty() -> None:
    """Of eight partitions, a frame of two rows uses two."""
    body = made.riff(frame([TOKENS] * 2 + [b""] * 5 + [b"1"], rows=2))
    assert readable(body)
    assert inspect(body).problem is None


def test_the_modes_must_be_there_too() -> None:
    """The first partition is followed as the others are."""
    body = made.riff(frame([TOKENS * ROWS], modes=20))
    assert not readable(body)
    assert "that ends before its last macroblock" in inspect(body).detail


def test_the_padding_of_the_chunk_is_data() -> None:
    """libwebp reads on in the byte that pads a chunk, so a stream that needs it is whole."""
    bodies = [made.riff(frame([bytes(size)], columns=1, rows=1, modes=40)) for size in range(1, 4)]
    assert [inspect(body).problem is None for body in bodies] == [readable(body) for body in bodies]


def test_frames_of_animations_are_followed() -> None:
    """A later frame that is cut is damage."""
    whole, cut = frame([TOKENS * ROWS]), frame([CUT])
    assert inspect(animation(whole, whole)).problem is None
    assert inspect(animation(whole, cut)).problem == "damaged_image"


def test_only_so_much_of_a_file_is_followed() -> None:
    """Long streams, vast frames, and what comes late in an animation are not followed: it would take too long."""
    noise = saved(noisy(256, 256, 1), 95)
    assert inspect(made.riff(made.riff_chunk(b"VP8 ", noise[: len(noise) // 2]))).problem is None
    assert inspect(made.riff(frame([CUT], columns=200, rows=200))).problem is None
    assert inspect(animation(*[frame([TOKENS * ROWS])] * 30, frame([CUT]))).problem is None
