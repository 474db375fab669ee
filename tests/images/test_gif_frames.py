"""GIF as browsers read it: where it ends, how large it is, and whether the data of a frame can fill it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pupline.images import inspect
from tests.images import handmade_images as made

FRAME = made.gif_frame()
COMMENT = b"\x21\xfe\2hi\0"
CONTROL = b"\x21\xf9\4\0\0\0\0\0"

# Whole: their size, whether animated, and what is mentioned.
ODD = {
    "no trailer": (made.gif(FRAME, end=b""), (3, 2), False, "no trailer"),
    "no trailer after two frames": (made.gif(FRAME, CONTROL, FRAME, end=b""), (3, 2), True, "no trailer"),
    "no trailer after a comment": (made.gif(FRAME, COMMENT, end=b""), (3, 2), False, "no trailer"),
    "zeros before the trailer": (made.gif(FRAME, bytes(2)), (3, 2), False, "stray zeros"),
    "zeros for a trailer": (made.gif(FRAME, end=bytes(9)), (3, 2), False, "stray zeros"),
    "zeros between frames": (made.gif(FRAME, bytes(700), FRAME), (3, 2), True, "stray zeros"),
    "zeros before all": (made.gif(bytes(1), FRAME), (3, 2), False, "stray zeros"),
    "junk for a trailer": (made.gif(FRAME, end=b"\r\n junk"), (3, 2), False, "no trailer"),
    "a frame larger than the screen": (made.gif(FRAME, width=1, height=1), (3, 2), False, ""),
    "a wider frame": (made.gif(FRAME, width=2, height=7), (3, 7), False, ""),
    "a frame beyond the screen": (made.gif(made.gif_frame(at=(2, 1))), (5, 3), False, ""),
    "a later frame beyond the screen": (made.gif(FRAME, made.gif_frame(at=(9, 9))), (3, 2), True, ""),
    "no screen": (made.gif(made.gif_frame(at=(1, 1)), width=0, height=0), (4, 3), False, ""),
    "no palette": (made.gif(FRAME).replace(b"\x80\0\0" + bytes(6), bytes(3)), (3, 2), False, "no palette"),
    "no end code": (made.gif(made.gif_frame(data=b"\2" + made.sub_blocks(made.lzw(6, end=False)))), (3, 2), False, ""),
    "a byte a sub-block": (made.gif(made.gif_frame(data=b"\2" + made.sub_blocks(made.lzw(6), 1))), (3, 2), False, ""),
    "more pixels than the frame has": (
        made.gif(made.gif_frame(data=b"\2" + made.sub_blocks(made.lzw(99)))),
        (3, 2),
        False,
        "",
    ),
}

BROKEN = {
    "another frame announced": (made.gif(FRAME, CONTROL, end=b""), "no trailer was found"),
    "an extension cut": (made.gif(FRAME, b"\x21", end=b""), "inside an extension"),
    "a comment cut": (made.gif(FRAME, COMMENT[:-1], end=b""), "inside sub-blocks"),
    "no frame": (made.gif(CONTROL, end=b""), "no trailer was found"),
    "a pixel missing": (
        made.gif(made.gif_frame(data=b"\2" + made.sub_blocks(made.lzw(5)))),
        "data of 5 pixels for a frame of 6",
    ),
    "one sub-block": (
        made.gif(made.gif_frame(16, 12, b"\2\4\4\0\1\2\0")),
        "a frame of 192 pixels with 4 bytes of data",
    ),
    "three bytes for a large frame": (
        made.gif(made.gif_frame(1000, 1000, b"\2\3\4\0\1\0")),
        "a frame of 1000000 pixels with 3 bytes of data",
    ),
    "a code too large": (made.gif(made.gif_frame(data=b"\2\2\x3c\0\0")), "LZW code 7 of 6"),
    "the second of two frames": (
        made.gif(FRAME, made.gif_frame(data=b"\2" + made.sub_blocks(made.lzw(5)))),
        "data of 5 pixels",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_browsers_pass_over_is_passed_over(name: str) -> None:
    """The picture is whole, with the size that browsers give it."""
    body, size, animated, remark = ODD[name]
    found = inspect(body)
    assert (found.problem, found.width, found.height) == (None, *size), found.detail
    assert found.animated == animated
    assert found.detail.startswith(remark)
    assert bool(found.detail) == bool(remark)


@pytest.mark.parametrize("name", BROKEN)
def test_frames_that_cannot_be_filled_are_damage(name: str) -> None:
    """Frames that are announced and missing, or whose data cannot fill them, are damage."""
    body, words = BROKEN[name]
    found = inspect(body)
    assert found.problem == "damaged_image"
    assert words in found.detail


def _saved(image: Image.Image) -> tuple[bytes, int, bytes]:
    """A GIF up to the data of its one frame, the LZW code size, and that data."""
    out = io.BytesIO()
    image.save(out, "GIF")
    body = out.getvalue()
    at = body.rindex(b"\x2c\0\0\0\0" + image.width.to_bytes(2, "little") + image.height.to_bytes(2, "little"))
    start = at + 10 + (3 << (body[at + 9] & 7) + 1 if body[at + 9] & 0x80 else 0)
    data, offset = b"", start + 1
    while size := body[offset]:
        data += body[offset + 1 : offset + 1 + size]
        offset += size + 1
    return body[:start], body[start], data


@given(st.integers(5, 60), st.integers(5, 60), st.sampled_from([2, 3, 16, 200]), st.floats(0, 0.7))
def test_data_that_is_cut_is_found(width: int, height: int, colours: int, share: float) -> None:
    """Of a frame of any size and number of colours: all of its data fills it, and less does not."""
    image = Image.effect_noise((width, height), 90).quantize(colours)
    start, code_size, data = _saved(image)
    assert inspect(start + bytes((code_size,)) + made.sub_blocks(data) + b";").problem is None
    cut = data[: int(len(data) * share)]
    assert inspect(start + bytes((code_size,)) + made.sub_blocks(cut) + b";").problem == "damaged_image"


@pytest.mark.slow
def test_a_large_frame_is_measured_by_its_end() -> None:
    """A frame with more data than is followed each time: cut anywhere, it does not end in its end code."""
    start, code_size, data = _saved(Image.effect_noise((300, 300), 90).quantize(200))
    assert inspect(start + bytes((code_size,)) + made.sub_blocks(data) + b";").problem is None
    cuts = range(5_000, len(data) - 500, 4_999)
    bodies = [start + bytes((code_size,)) + made.sub_blocks(data[:cut]) + b";" for cut in cuts]
    found = [inspect(body).problem == "damaged_image" for body in bodies]
    assert sum(found) > 0.7 * len(found)  # one cut in fifty looks like an end
