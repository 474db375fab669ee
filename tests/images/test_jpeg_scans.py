"""JPEG as its decoders read it: what they pass over, and what frame, tables and scans must have in common."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pupline.images import inspect
from tests.images import handmade_images as made

GREY = b"\x01"
THREE = b"\1\2\3"
DNL = made.segment(0xDC, b"\0\2")
STRAY = {
    "zeros": bytes(4),
    "text": b"oops",
    "stuffing": b"\xff\0",
    "half a stuffing": b"\xff\xff\0",
    "restart": b"\xff\xd3",
}

# Decoders show these; the remark is in the detail.
ODD = {
    **{
        f"{name} before the frame": (made.jpeg(stray, made.frame(), made.scan()), "stray")
        for name, stray in STRAY.items()
    },
    **{
        f"{name} after the frame": (made.jpeg(made.frame(), stray, made.scan()), "stray")
        for name, stray in STRAY.items()
    },
    "stray bytes between scans": (
        made.jpeg(
            made.frame(components=b"\1\2"), made.scan(), made.huffman(0x10), b"oops", made.scan(components=b"\2")
        ),
        "stray bytes at byte 125",
    ),
    "DNL before the frame": (made.jpeg(DNL, made.frame(), made.scan()), ""),
    "DNL again": (made.jpeg(made.frame(), made.scan(), DNL, DNL), ""),
    "DNL of another height": (made.jpeg(made.frame(), made.scan(), made.segment(0xDC, b"\0\7")), ""),
    "DNL too long": (made.jpeg(made.segment(0xDC, b"\0\2\0"), made.frame(), made.scan()), ""),
    "comment of length 0": (made.jpeg(b"\xff\xfe\0\0", made.frame(), made.scan()), "a segment length of 0"),
    "APP13 of length 1": (made.jpeg(b"\xff\xed\0\1", made.frame(), made.scan()), "a segment length of 1"),
    "one name three times": (made.jpeg(made.frame(components=GREY * 3), made.scan(components=GREY * 3)), ""),
    "two names for three": (made.jpeg(made.frame(components=b"\1\2\2"), made.scan(components=b"\1\2\2")), ""),
    "sequential arithmetic coding without a byte": (made.jpeg(made.frame(marker=0xC9), made.scan(b"")), ""),
    "progressive arithmetic coding without a byte": (
        made.jpeg(made.frame(marker=0xCA), made.scan(b"", band=b"\0\0\0"), made.scan(b"", band=b"\1\x3f\0")),
        "",
    ),
    "lossless": (made.jpeg(made.frame(marker=0xC3), made.scan(band=b"\1\0\0"), quantisation=b""), ""),
    "sixteen-bit quantisation": (
        made.jpeg(made.frame(), made.scan(), quantisation=made.segment(0xDB, b"\x10" + b"\0\1" * 64)),
        "",
    ),
    "a table of no use that cannot be": (made.jpeg(made.huffman(3, b"\3", b"abc"), made.frame(), made.scan()), ""),
    "a restart interval of the whole picture": (made.jpeg(made.segment(0xDD, b"\0\1"), made.frame(), made.scan()), ""),
}

CONTRADICTIONS = {
    "no quantisation table": (made.jpeg(made.frame(), made.scan(), quantisation=b""), "quantisation table 0"),
    "another quantisation table": (
        made.jpeg(made.frame(), made.scan(), quantisation=made.segment(0xDB, b"\1" + bytes(64))),
        "quantisation table 0",
    ),
    "half a quantisation table": (
        made.jpeg(made.frame(), made.scan(), quantisation=made.segment(0xDB, bytes(40))),
        "a quantisation table that does not fit",
    ),
    "a quantisation table too late": (made.jpeg(made.frame(), made.scan(), made.DQT, quantisation=b""), "table 0"),
    "no third Huffman table": (made.jpeg(made.frame(), made.scan(slots=0x22)), "Huffman table 0x02"),
    "too many codes": (made.jpeg(made.huffman(0, b"\3", b"abc"), made.frame(), made.scan()), "Huffman table 0x00"),
    "half a Huffman table": (made.jpeg(made.huffman(0, b"\1\5", b"ab"), made.frame(), made.scan()), "does not fit"),
    "Huffman table 4": (made.jpeg(made.huffman(4), made.frame(), made.scan()), "does not fit its segment"),
    "sampling factor 0": (made.jpeg(made.frame(factors=0x10), made.scan()), "a sampling factor of 1 x 0"),
    "sampling factor 5": (made.jpeg(made.frame(factors=0x51), made.scan()), "a sampling factor of 5 x 1"),
    "eleven blocks at a time": (
        made.jpeg(made.frame(components=THREE, factors=0x22), made.scan(components=THREE)),
        "more than 10 blocks at a time",
    ),
    "a component twice in a scan": (made.jpeg(made.frame(), made.scan(components=b"\1\1")), "does not have"),
    "nine bits": (made.jpeg(made.frame(precision=9), made.scan()), "a frame of 9 bits"),
    "hierarchical": (made.jpeg(made.segment(0xDE, bytes(9)), made.frame(), made.scan()), "marker 0xde out of place"),
    "a differential frame": (made.jpeg(made.frame(marker=0xC5), made.scan()), "a frame of kind 0xc5"),
    "an unknown marker": (made.jpeg(made.segment(0xF1, b""), made.frame(), made.scan()), "marker 0xf1 out of place"),
    "a marker inside a scan": (made.jpeg(made.frame(), made.scan(b"12\xff\x0234")), "marker 0x02 out of place"),
    "a segment inside a scan": (
        made.jpeg(made.frame(), made.scan(b"12" + made.segment(0xE1, b"34") + b"5678")),
        "a segment inside the data of a scan",
    ),
    "a progressive scan of all": (made.jpeg(made.frame(marker=0xC2), made.scan()), "coefficients 0 to 63"),
    "a progressive scan backwards": (
        made.jpeg(made.frame(marker=0xC2), made.scan(band=b"\0\0\0"), made.scan(band=b"\5\4\0")),
        "coefficients 5 to 4",
    ),
    "a refinement of two bits": (
        made.jpeg(made.frame(marker=0xC2), made.scan(band=b"\0\0\2"), made.scan(band=b"\0\0\x20")),
        "bits 2 to 0",
    ),
    "an empty scan": (made.jpeg(made.frame(), made.scan(b"")), "a scan without data"),
    "far too little data": (made.jpeg(made.frame(16, 1200), made.scan(bytes(range(1, 90)))), "16 x 1200 pixels take"),
    "too little data of a progressive": (
        made.jpeg(made.frame(160, 120, marker=0xC2), made.scan(bytes(50), band=b"\0\0\0")),
        "160 x 120 pixels take",
    ),
    "too little data of a lossless": (
        made.jpeg(made.frame(160, 120, marker=0xC3), made.scan(b"1" * 4000, band=b"\1\0\0")),
        "160 x 120 pixels take",
    ),
    "restarts missing": (
        made.jpeg(made.segment(0xDD, b"\0\1"), made.frame(24, 8), made.scan(b"123\xff\xd0456")),
        "1 of 2 restart markers",
    ),
}


def picture(width: int = 256, height: int = 192) -> Image.Image:
    """Something that is neither plain nor noise alone."""
    noise = Image.merge("RGB", [Image.effect_noise((width, height), 40) for _ in range(3)])
    return Image.blend(Image.radial_gradient("L").resize((width, height)).convert("RGB"), noise, 0.4)


def saved(image: Image.Image, **options: object) -> bytes:
    """The image as a JPEG."""
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


@pytest.mark.parametrize("name", ODD)
def test_what_decoders_pass_over_is_passed_over(name: str) -> None:
    """The picture is whole and has its size; what belongs to nothing is mentioned."""
    body, remark = ODD[name]
    found = inspect(body)
    assert (found.problem, found.width, found.height) == (None, 3, 2), found.detail
    assert found.detail.startswith(remark)
    assert bool(found.detail) == bool(remark)


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictions_are_damage(name: str) -> None:
    """Frame, tables and data that no decoder brings together are damage, named with its place."""
    body, words = CONTRADICTIONS[name]
    found = inspect(body)
    assert found.problem == "damaged_image"
    assert words in found.detail


@given(st.data())
def test_stray_bytes_anywhere_before_the_scan(data: st.DataObject) -> None:
    """Bytes that do not look like a marker, between any two segments, change nothing but the detail."""
    segments = [made.segment(0xE0, b"JFIF\0"), made.huffman(0), made.huffman(0x10), made.frame(), made.scan()]
    at = data.draw(st.integers(0, len(segments) - 1))
    stray = data.draw(st.binary(min_size=1, max_size=40).map(lambda some: some.replace(b"\xff", b"\xff\0") + b"\0"))
    found = inspect(made.jpeg(*segments[:at], stray, *segments[at:]))
    assert (found.problem, found.width, found.height) == (None, 3, 2)
    assert found.detail.startswith("stray bytes at byte ")


@pytest.mark.parametrize("header", [b"", made.segment(0xE0, b""), made.segment(0xF8, b"\1\0")])
def test_jpeg_ls_has_a_name_of_its_own(header: bytes) -> None:
    """JPEG-LS begins like a JPEG; its frame marker says what it is."""
    found = inspect(b"\xff\xd8" + header + made.frame(marker=0xF7) + made.scan() + b"\xff\xd9")
    assert (found.file_type, found.is_image, found.problem) == ("jls", False, "not_an_image")


@pytest.mark.parametrize("quality", [60, 95])
@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("hole", ["middle", "end"])
def test_a_hole_in_the_scan_is_found(quality: int, optimize: bool, hole: str) -> None:
    """A part of a baseline scan that was overwritten by zeros, EOI or not, is no picture by its own tables."""
    body = saved(picture(), quality=quality, optimize=optimize)
    begin = body.index(b"\xff\xda")
    at = begin + (len(body) - begin) // 2
    end = at + 400 if hole == "middle" else len(body) - 2
    found = inspect(body[:at] + bytes(end - at) + body[end:])
    assert found.problem == "damaged_image"
    assert "overwritten by zeros" in found.detail


PLAIN = [
    Image.new("RGB", (3000, 2000), "white"),
    Image.new("L", (4000, 4000)),
    Image.linear_gradient("L").resize((2048, 1024)),
    Image.linear_gradient("L").rotate(90).resize((1024, 2048)),
    Image.radial_gradient("L").resize((1500, 1500)).convert("RGB"),
]


@pytest.mark.slow
@pytest.mark.parametrize("image", PLAIN, ids=["white", "black", "downwards", "across", "radial"])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}], ids=str)
@pytest.mark.parametrize("quality", [1, 75, 100])
def test_plain_pictures_are_whole(image: Image.Image, options: dict[str, object], quality: int) -> None:
    """Pictures that take next to no data, with long rows of zeros in it, are whole all the same."""
    found = inspect(saved(image, quality=quality, **options))
    assert (found.problem, found.width, found.height) == (None, *image.size), found.detail


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 100), st.booleans(), st.integers(0, 2), st.integers(0, 5))
def test_no_small_picture_has_too_little_data(
    width: int, height: int, quality: int, progressive: bool, subsampling: int, restart: int
) -> None:
    """The bounds on data and restart markers hold for whatever an encoder writes, of any size and sampling."""
    options = {"quality": quality, "progressive": progressive, "subsampling": subsampling}
    body = saved(Image.new("RGB", (width, height), "navy"), restart_marker_blocks=restart, **options)
    found = inspect(body)
    assert (found.problem, found.width, found.height) == (None, width, height), found.detail
