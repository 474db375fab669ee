"""Camera raw files: told from TIFF, with the size of their picture and not of their thumbnail."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.images import inspect
from tests.images.handmade_heif import full, sequence, track
from tests.images.handmade_images import box
from tests.images.handmade_tiff import Fields, directory, grey, tiff_of

CFA, LINEAR = 32803, 34892
THUMBNAIL = grey(16, 12) | {254: 1, 262: 2}


def with_inner(outer: Fields, *inner: Fields, order: str = "<", magic: bytes = b"") -> bytes:
    """A TIFF whose first directory has these inside (SubIFDs), behind 200 bytes for all pixels."""
    data = bytes(200)
    names = {330: [0] * len(inner)} if inner else {}
    at = 208 + len(directory({**outer, **names}, 208, order=order))
    places, bodies = [], b""
    for one in inner:
        places.append(at + len(bodies))
        bodies += directory(one, places[-1], order=order)
    named = {330: places} if inner else {}
    return tiff_of({**outer, **named}, data, order=order, more=bodies, magic=magic)


def raw(width: int = 6000, height: int = 4000, photometric: int = CFA) -> Fields:
    """The directory of a raw picture."""
    return {254: 0, 256: width, 257: height, 258: 16, 259: 7, 262: photometric, 273: 8, 277: 1, 278: height, 279: 9}


def make(name: bytes) -> Fields:
    """A thumbnail's directory of this maker."""
    return {**THUMBNAIL, 271: name}


PREVIEW: Fields = {254: 1, 256: 6080, 257: 4056, 259: 7, 262: 6, 273: 8, 279: 9}
DNG: Fields = {**THUMBNAIL, 50706: (1, [1, 4, 0, 0])}
EXIF = {40962: 5616, 40963: 3744}


def cr2() -> bytes:
    """A CR2: preview, Exif, and no size in the directory of the raw picture."""
    head = b"II*\0" + struct.pack("<I", 216) + b"CR\x02\0" + bytes(4)
    fields: Fields = {256: 1536, 257: 1024, 259: 6, 271: b"Canon\0", 273: 8, 279: 9, 34665: 0}
    at = 216 + len(directory(fields, 216))
    return tiff_of({**fields, 34665: at}, bytes(200), more=directory(EXIF, at), magic=head)


def raf(*records: bytes) -> bytes:
    """A RAF with these records in its raw directory."""
    return (
        b"FUJIFILMCCD-RAW ".ljust(92, b"0")
        + struct.pack(">II", 100, 0)
        + struct.pack(">I", len(records))
        + b"".join(records)
    )


def record(tag: int, height: int, width: int) -> bytes:
    """A size in a RAF."""
    return struct.pack(">HHHH", tag, 4, height, width)


RW2: Fields = {2: 6032, 3: 4014, 4: 6, 5: 8, 6: 4006, 7: 6008}

FILES: dict[str, tuple[str, bytes, int | None, int | None]] = {
    "DNG": ("dng", with_inner(DNG, raw(), PREVIEW), 6000, 4000),
    "DNG, big-endian": ("dng", with_inner(DNG, PREVIEW, raw(), order=">"), 6000, 4000),
    "DNG, cropped": ("dng", with_inner(DNG, {**raw(6016, 4016), 50720: [6000, 4000]}), 6000, 4000),
    "DNG, cropped to fractions": (
        "dng",
        with_inner(DNG, {**raw(6016, 4016), 50720: (5, [12000, 2, 4000, 1])}),
        6000,
        4000,
    ),
    "DNG, cropped beyond its size": ("dng", with_inner(DNG, {**raw(), 50720: [9999, 4000]}), 6000, 4000),
    "DNG, linear": ("dng", with_inner(DNG, raw(photometric=LINEAR)), 6000, 4000),
    "DNG, raw picture first": ("dng", with_inner({**raw(), 50706: (1, [1, 4, 0, 0])}, THUMBNAIL), 6000, 4000),
    "DNG, inner directories outside": ("dng", tiff_of({**DNG, 330: [99_999]}, bytes(200)), 16, 12),
    "NEF": ("nef", with_inner(make(b"NIKON CORPORATION\0"), PREVIEW, raw()), 6000, 4000),
    "ARW": ("arw", with_inner(make(b"SONY\0"), raw()), 6000, 4000),
    "PEF": ("pef", tiff_of({**raw(), 271: b"PENTAX Corporation\0"}, bytes(200)), 6000, 4000),
    "SRW": ("srw", with_inner(make(b"SAMSUNG\0"), raw()), 6000, 4000),
    "3FR": ("3fr", with_inner(make(b"Hasselblad\0"), raw(), order=">"), 6000, 4000),
    "raw of another maker": ("raw", with_inner(make(b"Lytro\0"), raw()), 6000, 4000),
    "raw of nobody": ("raw", tiff_of(raw(), bytes(200)), 6000, 4000),
    "CR2": ("cr2", cr2(), 5616, 3744),
    "IIQ": ("iiq", tiff_of(raw(), bytes(200), magic=b"II*\0" + struct.pack("<I", 212) + b"IIII"), 6000, 4000),
    "ORF": ("orf", tiff_of(raw(), bytes(200), magic=b"IIRO" + struct.pack("<I", 208)), 6000, 4000),
    "RW2": ("rw2", tiff_of(RW2, bytes(200), magic=b"IIU\0" + struct.pack("<I", 208)), 6000, 4000),
    "RAF": ("raf", raf(record(0x100, 4050, 6050), record(0x111, 4000, 6000)), 6000, 4000),
    "RAF, not cropped": ("raf", raf(record(0x100, 4000, 6000)), 6000, 4000),
    "RAF, cut": ("raf", b"FUJIFILMCCD-RAW ", None, None),
    "CR3": (
        "cr3",
        sequence(track(6000, 4000, (3,), (24,), b"vide"), track(6288, 4056, (3,), (24,)), brand=b"crx "),
        6000,
        4000,
    ),
    "CR3, cut": ("cr3", box(b"ftyp", b"crx ", bytes(4)) + full(b"free"), None, None),
    "MRW": (
        "mrw",
        b"\0MRM" + bytes(4) + b"\0PRD" + bytes(12) + struct.pack(">HHHH", 4020, 6020, 4000, 6000),
        6000,
        4000,
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_camera_raw_files_have_their_name_and_their_real_size(name: str) -> None:
    """The thumbnail that comes first in most of them is neither their type nor their size."""
    kind, body, width, height = FILES[name]
    found = inspect(body)
    assert (found.file_type, found.width, found.height) == (kind, width, height)
    assert (found.is_image, found.problem) == (False, "not_an_image")
    if width:
        assert f"type of image: {kind}, {width} x {height} pixels (" in found.detail


@pytest.mark.parametrize(
    "body",
    [
        tiff_of(grey() | {271: b"NIKON CORPORATION\0"}, bytes(12)),
        tiff_of(grey() | {271: b"Canon\0", 330: [99_999]}, bytes(12)),
        with_inner({**grey(), 271: b"SONY\0"}, grey(2, 2)),
    ],
)
def test_pictures_that_cameras_and_scanners_save_as_tiff_stay_tiff(body: bytes) -> None:
    """A maker's name, or smaller pictures inside, make no raw file."""
    found = inspect(body)
    assert (found.file_type, found.problem, found.width, found.height) == ("tiff", None, 4, 3)


@given(st.sampled_from([body for _, body, _, _ in FILES.values()]), st.data())
def test_changed_raw_files_get_an_answer(body: bytes, data: st.DataObject) -> None:
    """Cut and changed anywhere, they end as something."""
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed)))
        changed[at : at + data.draw(st.sampled_from([0, 1, 4, 50]))] = data.draw(st.binary(max_size=6))
    assert inspect(bytes(changed)).file_type
