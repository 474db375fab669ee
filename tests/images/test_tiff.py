"""TIFF: what readers forgive, and what no reader can show."""

import struct
import time
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.images import inspect
from tests.images.handmade_tiff import FIRST_AT, directory, grey, tiff_of

PIXELS = bytes(12)


def pages(count: int, last_offset: int = 0) -> bytes:
    """A file of `count` grey pages of one pixel each."""
    each, first = len(directory(grey(1, 1), 0)), 9
    body = [b"II*\0" + struct.pack("<I", first) + b"\0"]
    for number in range(count):
        at = first + each * number
        body.append(directory(grey(1, 1), at, next_offset=at + each if number < count - 1 else last_offset))
    return b"".join(body)


def deflated(pixels: bytes, *, compression: int = 8, cut: int = 0, after: bytes = b"") -> bytes:
    """A grey picture in one strip, deflated."""
    data = zlib.compress(pixels)
    data = data[: len(data) - cut] + after
    return tiff_of(grey() | {259: compression, 279: len(data)}, data)


WHOLE: dict[str, bytes] = {
    "plain": tiff_of(grey(), PIXELS),
    "big-endian": tiff_of(grey(), PIXELS, order=">"),
    "the next directory is this one": tiff_of(grey(), PIXELS, next_offset=FIRST_AT + 12),
    "the next directory is outside": tiff_of(grey(), PIXELS, next_offset=99_999),
    "the next directory is cut": tiff_of(
        grey(), PIXELS, next_offset=8 + 12 + 114, more=struct.pack("<H", 9) + bytes(20)
    ),
    "a text outside": tiff_of(grey() | {305: b"Some software"}, PIXELS)[:-5],
    "a profile outside": tiff_of(grey() | {34675: (1, list(range(99)))}, PIXELS)[:-5],
    "a count too large": tiff_of(grey() | {279: 5_000}, PIXELS),
    "a count too small": tiff_of(grey() | {279: 4}, PIXELS),
    "a count of nothing": tiff_of(grey() | {279: 0}, PIXELS),
    "no count": tiff_of({tag: value for tag, value in grey().items() if tag != 279}, PIXELS),
    "signed sizes": tiff_of(grey() | {256: (8, [4]), 257: (9, [3])}, PIXELS),
    "rows without end": tiff_of(grey() | {278: 2**32 - 1}, PIXELS),
    "strips of rows": tiff_of(grey() | {273: [8, 12, 16], 278: 1, 279: [4, 4, 4]}, PIXELS),
    "a shorter last strip": tiff_of(grey() | {273: [8, 16], 278: 2, 279: [8, 4]}, PIXELS),
    "planes": tiff_of(grey() | {258: (3, [8, 8]), 277: 2, 284: 2, 273: [8, 20], 279: [12, 12]}, PIXELS * 2),
    "several bytes a pixel": tiff_of(grey() | {258: (3, [16, 16]), 277: 2, 279: 48}, PIXELS * 4),
    "bits": tiff_of(grey() | {258: 1, 279: 3}, bytes(3)),
    "subsampled": tiff_of(grey() | {258: (3, [8] * 3), 262: 6, 277: 3, 279: 24}, bytes(24)),
    "tiles": tiff_of(grey() | {322: 16, 323: 16, 324: 8, 325: 256}, bytes(256)),
    "tiles without content": tiff_of(grey(17) | {322: 16, 323: 16, 324: [8, 0], 325: [256, 0]}, bytes(256)),
    "deflated": deflated(PIXELS),
    "deflated, by its older number": deflated(PIXELS, compression=32946),
    "deflated, with more rows than are due": deflated(PIXELS * 3),
    "deflated, without its checksum": deflated(PIXELS, cut=4),
    "deflated, with bytes after it": deflated(PIXELS, after=b"more"),
    "compressed": tiff_of(grey() | {259: 5, 279: 3}, bytes(3)),
    "a second page without pixels": tiff_of(grey(), PIXELS, next_offset=8 + 12 + 114, more=directory({305: b"x"}, 0)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_readers_show_is_whole(name: str) -> None:
    """Lists of pages that lead nowhere, texts outside the file and wrong counts hide no pixel."""
    found = inspect(WHOLE[name])
    assert (found.file_type, found.problem) == ("tiff", None), found.detail
    assert (found.width, found.height) == (17 if "without content" in name else 4, 3)


BROKEN: dict[str, tuple[bytes, str]] = {
    "rows that are not there": (tiff_of(grey(4, 3_000) | {279: 12}, PIXELS), "strip or tile of 12000 bytes"),
    "a strip outside": (tiff_of(grey() | {273: 9_999}, PIXELS), "strip or tile of 12 bytes that begins at byte 9999"),
    "strips missing": (tiff_of(grey() | {278: 1}, PIXELS), "1 strips or tiles where 3 are due"),
    "a plane missing": (tiff_of(grey() | {277: 3, 284: 2}, PIXELS * 3), "1 strips or tiles where 3 are due"),
    "a tile missing": (tiff_of(grey(17) | {322: 16, 323: 16, 324: 8, 325: 256}, bytes(256)), "where 2 are due"),
    "a short tile": (tiff_of(grey() | {322: 64, 323: 64, 324: 8, 325: 256}, bytes(256)), "tile of 4096 bytes"),
    "samples missing": (tiff_of(grey() | {277: 30}, PIXELS), "strip or tile of 360 bytes"),
    "deflated rows missing": (deflated(PIXELS[:8]), "a strip or tile of 12 bytes that inflates to 8"),
    "deflated data cut": (deflated(bytes(range(12)), cut=9), "a strip or tile of 12 bytes that inflates to"),
    "deflated data that is none": (deflated(b"", after=b"none"), "a strip or tile of 12 bytes that inflates to 0"),
    "deflated data overwritten": (tiff_of(grey() | {259: 8, 279: 9}, b"\xff" * 9), "that cannot be inflated"),
    "compressed strips missing": (tiff_of(grey() | {259: 5, 278: 1}, PIXELS), "1 strips or tiles where 3 are due"),
    "compressed data outside": (tiff_of(grey() | {259: 5, 279: 999}, PIXELS), "strip or tile of 999 bytes"),
    "a list of strips outside": (tiff_of(grey() | {273: [8] * 99, 278: 1}, PIXELS)[:-9], "inside field 273"),
    "a width outside": (tiff_of(grey() | {256: [4] * 9}, PIXELS)[:-9], "inside field 256"),
    "a width in words": (tiff_of(grey() | {256: b"4"}, PIXELS), "field 256 with values of type 2"),
    "a palette outside": (tiff_of(grey() | {320: [8] * 768}, PIXELS)[:-9], "field 320 of 3072 bytes"),
    "tables of JPEG outside": (tiff_of(grey() | {259: 7, 347: (1, [8] * 768)}, PIXELS)[:-9], "field 347 of 768 bytes"),
    "a table of old-style JPEG outside": (
        tiff_of(grey() | {259: 6, 520: [8, 9_999]}, PIXELS),
        "that begins at byte 9999",
    ),
    "a negative width": (tiff_of(grey() | {256: (9, [-4])}, PIXELS), "a directory for -4 x 3 pixels"),
    "a negative offset": (tiff_of(grey() | {273: (9, [-4])}, PIXELS), "strip or tile of 12 bytes"),
    "a directory cut": (tiff_of(grey(), PIXELS)[:-1], "inside a directory of 9 fields"),
    "a second page cut": (
        tiff_of(grey(), PIXELS, next_offset=8 + 12 + 114, more=directory(grey() | {273: 9_999}, 0)),
        "strip or tile of 12 bytes that begins at byte 9999",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_no_reader_can_show_is_damaged(name: str) -> None:
    """Pixels that are not in the file are missed, by strip, tile and plane, on every page."""
    body, words = BROKEN[name]
    found = inspect(body)
    assert (found.problem, words in found.detail) == ("damaged_image", True), found.detail


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 1_200, 5_000])
def test_stacks_of_thousands_of_pages_are_whole(count: int) -> None:
    """Microscopes and scanners write thousands of pages into one file."""
    assert inspect(pages(count)).problem is None


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_plain_file_cut_before_its_end_is_damaged(cut: int) -> None:
    """Pixels that come last are missed when the file ends early."""
    fields = grey() | {273: 8 + 114}
    body = tiff_of(fields, more=PIXELS)
    assert inspect(body).problem is None
    assert inspect(body[:-cut]).problem == "damaged_image"


def entries(count: int, tag: int = 256) -> bytes:
    """A directory of one field, again and again."""
    return b"II*\0" + struct.pack("<IH", 8, 65_535) + struct.pack("<HHII", tag, 3, 1, 1) * count


def many_numbers(count: int) -> bytes:
    """Pages that all name one long list of strips, `count` long."""
    body = b"II*\0" + struct.pack("<I", 8)
    fields = b"".join(struct.pack("<HHII", tag, 4, n, v) for tag, n, v in ((256, 1, 4), (257, 1, count), (278, 1, 1)))
    fields += b"".join(struct.pack("<HHII", tag, 4, count, 2_000_000) for tag in (273, 279))
    for number in range(2_000):
        body += struct.pack("<H", 5) + fields + struct.pack("<I", 8 + 66 * (number + 1))
    return body.ljust(2_000_000, b"\0") + bytes(4 * count)


def overlapping() -> bytes:
    """Directories of 65,535 fields, each beginning two bytes after the one before."""
    return b"II*\0\x08\0\0\0" + b"\xff\xff" * 10_000_000


def deflated_strips(data: bytes, each: int, count: int) -> bytes:
    """A picture of `count` strips of one row of 1 MB, all in the same `each` bytes."""
    fields = grey(2**20, count) | {259: 8, 273: [8] * count, 278: 1, 279: [each] * count}
    return tiff_of(fields, data)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "fields": lambda: entries(1_700_000),
    "numbers": lambda: many_numbers(600_000),
    "numbers, again and again": lambda: many_numbers(90_000),
    "overlapping directories": overlapping,
    "pages": lambda: pages(12_000),
    "planes": lambda: tiff_of(grey() | {277: 2**32 - 1, 284: 2, 278: 1, 257: 2**32 - 1}, PIXELS),
    "one tile for each pixel": lambda: tiff_of(grey(4, 2**29) | {256: 2**31, 322: 1, 323: 1, 324: 8, 325: 1}, PIXELS),
    "a deflated bomb": lambda: deflated_strips(zlib.compress(bytes(2**24)), 16_000, 1),
    "deflated strips over each other": lambda: deflated_strips(zlib.compress(bytes(2**24)), 16_000, 100_000),
    "deflated strips of nothing": lambda: deflated_strips(b"x\x01" + b"\0\0\0\xff\xff" * 4_000_000, 20_000_000, 40),
    "text": lambda: tiff_of(grey() | {271: b"x" * 20_000_000}, PIXELS),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_lists_of_millions_take_no_time(name: str) -> None:
    """What is looked at in one file is bounded, in directories and in numbers."""
    body = HOSTILE[name]()
    begun = time.process_time()
    inspect(body)
    assert time.process_time() - begun < 1.0


@given(st.sampled_from(list(WHOLE.values())), st.data())
def test_changed_files_get_an_answer(body: bytes, data: st.DataObject) -> None:
    """Cut and changed anywhere, they are whole with a size, or damaged, or something else."""
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        end = at + data.draw(st.sampled_from([0, 1, 4, 30]))
        changed[at:end] = data.draw(st.binary(max_size=6) | st.sampled_from([b"\xff" * 4, bytes(4)]))
    found = inspect(bytes(changed))
    assert found.problem or (found.width and found.height)
