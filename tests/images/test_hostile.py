"""Hostile bodies: nothing raises, nothing takes long."""

import struct
import time
import zlib
from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.errors import Reason
from pupline.images import IMAGE_TYPES, Inspection, candidate_names, inspect, safe_name
from tests.images import handmade_images as made

SEEDS = [body for _, body in made.HANDMADE.values()] + [
    save() for name, (_, save) in (made.PILLOW | made.ANIMATED).items() if not name.startswith("bmp")
]
SIGNATURES = [body[:n] for body in SEEDS for n in (12, 40)]
MEGABYTES = 20 * 2**20
LOSSLESS = made.made_by_pillow("RGB", "WEBP", (300, 300), lossless=True, method=0)[20:]


def check(body: bytes) -> Inspection:
    """Inspect and check what holds of every inspection."""
    found = inspect(body)
    assert found.is_image == (found.file_type in IMAGE_TYPES)
    assert found.problem is None or found.problem in get_args(Reason)
    assert (found.problem == "not_an_image") == (not found.is_image)
    assert found.problem is None or found.detail
    assert found.detail.isprintable()
    if found.problem is None:
        assert found.width
        assert found.height
    return found


@given(st.binary(max_size=400))
def test_any_bytes(body: bytes) -> None:
    """Any bytes at all get an answer."""
    check(body)


@given(st.sampled_from(SIGNATURES), st.binary(max_size=400))
def test_any_bytes_after_a_beginning(beginning: bytes, rest: bytes) -> None:
    """Any bytes after a right beginning get an answer."""
    check(beginning + rest)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.data())
def test_changed_images(data: st.DataObject) -> None:
    """Images with bytes changed, cut out or put in get an answer."""
    body = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        cut = data.draw(st.sampled_from([0, 1, 2, 4, 30]))
        body[at : at + cut] = data.draw(st.binary(max_size=8) | st.sampled_from([b"\xff" * 4, b"\xff\xff", bytes(4)]))
    check(bytes(body))


def boxes_in_boxes() -> bytes:
    """Boxes whose sizes promise more than there is, many times over."""
    return made.box(b"ftyp", b"heic", bytes(4)) + made.box(b"meta", bytes(4), made.box(b"free") * (MEGABYTES // 8))


def extents_of_no_bytes() -> bytes:
    """Item locations of zero width: 65,535 extents for each six bytes."""
    items = struct.pack(">HHH", 1, 0, 65_535) * 65_535
    iloc = made.box(b"iloc", bytes(4), b"\x00\x00", struct.pack(">H", 65_535), items)
    good = made.heif()
    start, end = good.index(b"iloc") - 4, good.index(b"iprp") - 4
    return (
        good[: start - 22]
        + struct.pack(">I4s", len(good[start - 22 :]) + len(iloc), b"meta")
        + good[start - 14 : start]
        + iloc
        + good[end:]
    )


def overlapping_directories() -> bytes:
    """A thousand TIFF directories, all naming the same long list of strips."""
    entries = [(256, 4, 1, 3), (257, 4, 1, 2), (273, 4, 150_000, 100_000), (279, 4, 150_000, 100_000)]
    size = 2 + 4 * 12 + 4
    body = b"II*\x00" + struct.pack("<I", 8)
    for number in range(1_000):
        fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
        body += struct.pack("<H", 4) + fields + struct.pack("<I", 8 + (number + 1) * size)
    return body.ljust(MEGABYTES, b"\0")


HOSTILE: dict[str, Callable[[], bytes]] = {
    "jpeg of the smallest segments": lambda: b"\xff\xd8" + b"\xff\xe0\x00\x02" * (MEGABYTES // 4),
    "jpeg of lone markers": lambda: b"\xff\xd8" + b"\xff\x01" * (MEGABYTES // 2),
    "jpeg of fill bytes": lambda: b"\xff\xd8" + b"\xff" * MEGABYTES,
    "jpeg of tiny scans": lambda: made.jpeg(made.frame(), made.scan(b"\x01") * (MEGABYTES // 11)),
    "jpeg of one long scan": lambda: made.jpeg(made.frame(), made.scan(b"\xff\x00" * (MEGABYTES // 2))),
    "jpeg of restarts": lambda: made.jpeg(made.frame(), made.scan(b"\x01" + b"\xff\xd0" * (MEGABYTES // 2))),
    "png of empty chunks": lambda: made.png(made.ihdr(), made.chunk(b"tEXt") * (MEGABYTES // 12)),
    "png of one long chunk": lambda: made.png(made.ihdr(), made.chunk(b"IDAT", bytes(MEGABYTES)), made.IEND),
    "gif of tiny sub-blocks": lambda: made.gif(made.gif_frame(data=b"\x02" + b"\x01\x00" * 10 + b"\x01" * MEGABYTES)),
    "gif of one-byte blocks": lambda: made.gif(made.gif_frame(data=b"\x02" + b"\x01\x01" * (MEGABYTES // 2))),
    "jpeg of Huffman tables": lambda: made.jpeg(
        made.segment(0xC4, (b"\0\1" + bytes(15) + b"\0") * 3_600) * (MEGABYTES // 65_000), made.frame(), made.scan()
    ),
    "jpeg of intervals": lambda: made.jpeg(
        made.segment(0xDD, b"\0\1"), made.frame(15_000, 15_000), made.scan(b"\1" + b"\xff\xd0" * (MEGABYTES // 2))
    ),
    "apng of frames": lambda: made.png(
        made.ihdr(),
        made.chunk(b"acTL", struct.pack(">II", 10**6, 0)),
        made.IDAT,
        (made.frame_control(1) + made.frame_data(2, zlib.compress(bytes(20)))) * (MEGABYTES // 70),
    ),
    "gif of frames": lambda: made.gif(made.gif_frame(30, 30) * (MEGABYTES // 600)),
    "gif of clear codes": lambda: made.gif(
        made.gif_frame(4000, 4000, b"\x0b" + made.sub_blocks(b"\0\x08\x80" * 300_000))
    ),
    "webp of frames": lambda: made.riff(
        made.canvas(flags=2),
        made.riff_chunk(b"ANIM", bytes(6)),
        made.riff_chunk(b"ANMF", bytes(6) + b"\2\0\0\1\0\0" + bytes(4) + made.vp8l()) * (MEGABYTES // 50),
    ),
    "webp of lossless frames": lambda: made.riff(
        made.canvas(300, 300, flags=2),
        made.riff_chunk(b"ANIM", bytes(6)),
        made.riff_chunk(
            b"ANMF",
            bytes(6) + b"\x2b\1\0\x2b\1\0" + bytes(4) + made.riff_chunk(b"VP8L", LOSSLESS[:4096]),
        )
        * (MEGABYTES // 4200),
    ),
    "gif of empty extensions": lambda: made.gif(b"\x21\xfe\x00" * (MEGABYTES // 3)),
    "webp of empty chunks": lambda: made.riff(
        made.riff_chunk(b"VP8X", bytes(10)), made.riff_chunk(b"XXXX", b"") * (MEGABYTES // 8)
    ),
    "heic of empty boxes": boxes_in_boxes,
    "heic of empty extents": extents_of_no_bytes,
    "tiff of overlapping directories": overlapping_directories,
    "spaces": lambda: b" " * MEGABYTES,
    "half comments": lambda: b"<!-- " * (MEGABYTES // 5),
    "comments": lambda: b"<!---->" * (MEGABYTES // 7) + b"x",
    "forty comments": lambda: b"<!---->" * 40 + b"x",
    "comments and blanks": lambda: b"<!-- -->\n\t " * 300 + b"<",
    "namespaces": lambda: b"<" + b"a" * 2000 + b":" + b"a" * 2000,
    "half tags": lambda: b"<a:" * (MEGABYTES // 3),
}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_twenty_hostile_megabytes_take_no_time(name: str) -> None:
    """A body made to keep the walker busy is answered within a second (of processor time)."""
    body = HOSTILE[name]()
    begun = time.process_time()
    check(body)
    assert time.process_time() - begun < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("part", ["a", "a.", "a:/", "://", "a://", ".", ". ", "%", "%41", "%25", " ", "é", "CON ", "?"])
def test_a_long_name_takes_no_time(part: str) -> None:
    """However a name is made, the work on it grows with its length and no faster."""
    name = part * (300_000 // len(part)) + "|"
    begun = time.process_time()
    assert all(map(safe_name, candidate_names(safe_name(name), "0" * 64)))
    assert time.process_time() - begun < 1.0
