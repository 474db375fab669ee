"""AVIF and HEIC: the size that readers show, every way an item can be described, and tables made to waste time."""

import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.images import inspect
from tests.images import handmade_images as made
from tests.images.handmade_heif import (
    AV1C,
    FRAMES_AT,
    HVCC,
    Item,
    clap,
    full,
    grid,
    heif_of,
    imir,
    irot,
    ispe,
    mini,
    sequence,
    track,
)

TILE = Item(properties=(HVCC, ispe(64, 64)))
FOUR = (2, 3, 4, 5)


def shown(*transformations: bytes, width: int = 64, height: int = 64) -> bytes:
    """A coded picture with these transformations."""
    return heif_of(Item(properties=(HVCC, ispe(width, height), *transformations)))


def of_grid(width: int = 100, height: int = 120, sources: tuple[int, ...] = FOUR, tile: Item = TILE) -> bytes:
    """A picture of two by two tiles."""
    first = Item(b"grid", (ispe(width, height),), grid(2, 2, width, height), sources, method=1)
    return heif_of(first, *[tile] * 4)


WHOLE: dict[str, tuple[bytes, int, int]] = {
    "cropped": (shown(clap((64, 1), (48, 1))), 64, 48),
    "cropped to fractions": (shown(clap((127, 2), (95, 2))), 64, 48),
    "cropped beyond the picture": (shown(clap((65, 1), (48, 1))), 64, 64),
    "cropped by zero": (shown(clap((64, 0), (48, 0))), 64, 64),
    "a quarter turn": (shown(irot(1), height=48), 48, 64),
    "half a turn": (shown(irot(2), height=48), 64, 48),
    "three quarters": (shown(irot(3), height=48), 48, 64),
    "mirrored": (shown(imir(1), height=48), 64, 48),
    "cropped, then turned": (shown(clap((60, 1), (40, 1)), irot(1), imir(0)), 40, 60),
    "turned twice": (shown(irot(1), irot(1), height=48), 64, 48),
    "a grid": (of_grid(), 100, 120),
    "an overlay": (
        heif_of(Item(b"iovl", (ispe(90, 80),), bytes(22), (2,)), Item(), Item()),
        90,
        80,
    ),
    "an identity": (heif_of(Item(b"iden", (ispe(48, 64), irot(1)), b"", (2,)), Item()), 64, 48),
    "an identity without a size": (heif_of(Item(b"iden", (irot(1),), b"", (2,)), Item()), 48, 64),
    "identities of identities": (
        heif_of(Item(b"iden", (irot(1),), b"", (2,)), Item(b"iden", (clap((60, 1), (40, 1)),), b"", (3,)), Item()),
        40,
        60,
    ),
    "a tone map": (heif_of(Item(b"tmap", (ispe(64, 48),), bytes(60), (2, 3)), Item(), Item()), 64, 48),
    **{
        f"coded as {kind.decode()}": (heif_of(Item(kind, (configuration, ispe(64, 48)))), 64, 48)
        for kind, configuration in {
            b"av01": AV1C,
            b"jpeg": b"",
            b"j2k1": made.box(b"j2kH"),
            b"avc1": made.box(b"avcC"),
            b"vvc1": made.box(b"vvcC"),
            b"unci": made.box(b"uncC"),
            b"hvt1": HVCC,
        }.items()
        if configuration or kind == b"jpeg"
    },
    "data in idat": (heif_of(Item(method=1)), 64, 48),
    "data in another item": (heif_of(Item(method=2), Item()), 64, 48),
    "brand of a container": (heif_of(Item(), brand=b"mif1"), 64, 48),
    "a sequence without meta": (sequence(track(64, 48, (3, 3), (FRAMES_AT,))), 64, 48),
    "a sequence without pitm": (
        sequence(track(64, 48, (3, 3), (FRAMES_AT,)), meta=full(b"meta", full(b"iinf", bytes(2)))),
        64,
        48,
    ),
    "a sequence whose primary item is not there": (
        sequence(track(64, 48, (3, 3), (FRAMES_AT,)), meta=full(b"meta", full(b"pitm", struct.pack(">H", 7)))),
        64,
        48,
    ),
    "turned before its size is named": (heif_of(Item(properties=(HVCC, irot(1), ispe(64, 48)))), 48, 64),
    "a sequence with 64-bit offsets": (sequence(track(64, 48, (3, 3), (FRAMES_AT,), wide=True)), 64, 48),
    "a sequence with sound first": (
        sequence(track(0, 0, (2,), (FRAMES_AT,), b"soun"), track(64, 48, (3, 3), (FRAMES_AT,))),
        64,
        48,
    ),
    "low overhead": (mini(64, 48), 64, 48),
    "low overhead, large": (mini(4000, 3000), 4000, 3000),
    "low overhead, turned": (mini(4000, 3000, 6), 3000, 4000),
    "data longer than it need be": (heif_of(Item())[:-14] + struct.pack(">I", 99) + b"mdatpixels", 64, 48),
}


@pytest.mark.parametrize("name", WHOLE)
def test_the_size_is_the_one_that_readers_show(name: str) -> None:
    """Crops and turns are applied, in their order, whatever kind of item or track the picture is."""
    body, width, height = WHOLE[name]
    found = inspect(body)
    assert (found.problem, found.width, found.height) == (None, width, height), found.detail


@pytest.mark.parametrize("after", [b"\0", b"\n", b"junk and more junk", b"\xff\xd8\xff\xe0\0\x10JFIF", bytes(100)])
@pytest.mark.parametrize("name", ["cropped", "a sequence without meta", "low overhead"])
def test_anything_after_the_last_box_is_only_noted(name: str, after: bytes) -> None:
    """Readers stop at the last box: what follows it, boxes or not, changes nothing."""
    body, width, height = WHOLE[name]
    found = inspect(body + after)
    assert (found.problem, found.width, found.height) == (None, width, height)


BROKEN: dict[str, tuple[bytes, str]] = {
    "data outside": (heif_of(Item(missing=1)), "inside item 1 of 7 bytes"),
    "data outside idat": (heif_of(Item(method=1, missing=1)), "overruns its box"),
    "data outside another item": (heif_of(Item(method=2, missing=9), Item()), "none of which is that long"),
    "other items' data outside": (heif_of(Item(), Item(b"Exif", missing=5)), "inside item 2 of 11 bytes"),
    "no data": (heif_of(Item(data=b"")), "no data for item 1"),
    "no such primary item": (heif_of(Item(), primary=9), "no data for item 9"),
    "no primary item": (heif_of(Item(), primary=None), "no pitm in the meta box"),
    "no size": (heif_of(Item(properties=(HVCC,))), "no size (ispe) for item 1"),
    "no area": (heif_of(Item(properties=(HVCC, ispe(0, 48)))), "a size of 0 x 48 pixels"),
    "no configuration": (heif_of(Item(properties=(ispe(64, 48),))), "item 1 of type hvc1 without hvcC"),
    "a tile missing": (of_grid(sources=(2, 3, 4)), "a grid of 2 x 2 tiles that has 3"),
    "a tile without data": (of_grid(tile=Item(properties=(HVCC, ispe(64, 64)), data=b"")), "no data for item 2"),
    "a grid of another size": (
        heif_of(Item(b"grid", (ispe(128, 120),), grid(2, 2, 100, 120), FOUR, method=1), *[TILE] * 4),
        "a grid of 100 x 120 pixels with another size",
    ),
    "tiles too small": (of_grid(width=129), "tiles of 64 x 64 pixels that do not fill a grid of 129 x 120"),
    "an identity of itself": (heif_of(Item(b"iden", (), b"", (1,))), "no size (ispe) for item 1"),
    "a sequence without tracks": (heif_of(Item(b"av01", (AV1C, ispe(6, 4))), brand=b"avis"), "without the tracks"),
    "a frame outside": (sequence(track(64, 48, (3, 3), (FRAMES_AT + 500,))), "inside a chunk of frames"),
    "frames cut": (sequence(track(64, 48, (3, 999), (FRAMES_AT,))), "inside a chunk of frames"),
    "a sequence cut": (sequence(track(64, 48, (3, 3), (FRAMES_AT,)))[:-1], "overruns its container"),
    "low overhead, cut": (mini(64, 48)[:-1], "overruns its container"),
    "low overhead, empty": (made.box(b"ftyp", b"mif3avif") + made.box(b"mini"), "inside a mini box"),
    "junk before the picture": (made.box(b"ftyp", b"heic", bytes(4)) + b"oops", "overruns its container"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_no_reader_can_show_is_damaged(name: str) -> None:
    """Bytes outside the file, missing parts, and parts that contradict each other are named."""
    body, words = BROKEN[name]
    found = inspect(body)
    assert (found.problem, words in found.detail) == ("damaged_image", True), found.detail


MANY = 1_000_000


def of_table(kind: bytes, content: bytes, *, version: int = 0, around: bytes = b"") -> bytes:
    """A HEIC whose meta box begins with one box of this content, inside `around` if given."""
    table = content if kind == b"free" else full(kind, content, version=version)
    start = made.box(b"ftyp", b"heic", bytes(4))
    pitm = full(b"pitm", struct.pack(">H", 1))
    others = made.box(b"iloc", bytes(8)) if kind != b"iloc" else b""
    inside = made.box(around, table) if around else table
    iprp = b"" if around == b"iprp" else made.box(b"iprp")
    return start + full(b"meta", pitm, inside, others, iprp)


def of_samples(kind: bytes, entry: bytes, count: int = MANY, head: bytes = b"") -> bytes:
    """A sequence with a table of `count` entries."""
    table = full(kind, head, struct.pack(">I", count), entry * count)
    tkhd = full(b"tkhd", bytes(72), struct.pack(">II", 64 << 16, 48 << 16))
    media = made.box(b"mdia", made.box(b"minf", made.box(b"stbl", table)))
    return sequence(made.box(b"trak", tkhd, media))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "ipma": lambda: of_table(b"ipma", struct.pack(">I", MANY) + b"\0\1\0" * MANY, around=b"iprp"),
    "ipma of many properties": lambda: of_table(
        b"ipma", struct.pack(">I", 70_000) + (b"\0\1\xff" + b"\1" * 255) * 70_000, around=b"iprp"
    ),
    "ipco": lambda: of_table(b"free", made.box(b"ipco", made.box(b"free") * MANY), around=b"iprp"),
    "iinf": lambda: of_table(b"iinf", b"\0\1" + full(b"infe", bytes(8), version=2) * MANY),
    "iloc": lambda: of_table(b"iloc", b"\x44\0" + b"\xff\xff" + bytes(20) * MANY, version=1),
    "iloc of 32-bit ids": lambda: of_table(b"iloc", b"\0\0" + b"\xff" * 4 + bytes(10) * MANY, version=2),
    "iref": lambda: of_table(b"iref", made.box(b"dimg", struct.pack(">HH", 1, 2) + b"\0\1\0\1") * MANY),
    "stsz": lambda: of_samples(b"stsz", bytes(4), head=bytes(4)),
    "stsz of one size": lambda: of_samples(b"stsz", b"", 2**32 - 1, head=b"\0\0\0\1"),
    "stco": lambda: of_samples(b"stco", bytes(4)),
    "co64": lambda: of_samples(b"co64", bytes(8), MANY),
    "stsc": lambda: of_samples(b"stsc", struct.pack(">III", 1, 1, 1), MANY),
    "tracks": lambda: sequence(*[made.box(b"trak", full(b"tkhd", bytes(80)))] * 200_000),
    "boxes at the top": lambda: heif_of(Item()) + made.box(b"free") * MANY,
    "a grid that is its own tile": lambda: heif_of(
        Item(b"grid", (ispe(64, 48),), grid(256, 256, 64, 48), (1,) * 65_000, method=1)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_tables_of_millions_of_entries_take_no_time(name: str) -> None:
    """Every count that a file states is bounded: a table made to keep the walker busy is damage within a second."""
    body = HOSTILE[name]()
    begun = time.process_time()
    found = inspect(body)
    assert time.process_time() - begun < 1.0
    assert found.problem == "damaged_image"


@pytest.mark.slow
@given(st.sampled_from([body for body, _, _ in WHOLE.values()]), st.data())
def test_changed_files_get_an_answer(body: bytes, data: st.DataObject) -> None:
    """Cut and changed anywhere, they are whole with a size, or damaged, or something else."""
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        end = at + data.draw(st.sampled_from([0, 1, 4, 30]))
        changed[at:end] = data.draw(st.binary(max_size=6) | st.sampled_from([b"\xff" * 4, bytes(4)]))
    found = inspect(bytes(changed))
    assert found.problem or (found.width and found.height)
