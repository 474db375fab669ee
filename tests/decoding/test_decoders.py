"""Decoder processes: whatever an image does to one, it costs only itself."""

import base64
import io
import os
import time
from pathlib import Path

import pytest
from PIL import Image

from pupline.decoding import _decoders
from pupline.decoding._decoders import DecoderLimits, Decoders
from pupline.errors import LocalTrouble
from tests.shared.pictures import encoded, picture

pytestmark = pytest.mark.slow

CASES = Path(__file__).parents[3] / "shared" / "cases" / "images"

_HOSTILE = """
import os, time
from pupline.decoding import _picture
real = _picture.examine
def examine(body, max_pixels):
    if body.startswith(b"hang"):
        time.sleep(1000)
    if body.startswith(b"crash"):
        os.abort()
    if body.startswith(b"lie"):
        os.write(int(sys.argv[1]), b"\\xff" * 64)
        time.sleep(1000)
    if body.startswith(b"greedy"):
        bytearray(1 << 33)
    if body.startswith(b"write"):
        with open(body[6:].decode(), "wb") as file:
            file.write(b"x" * 100)
    if body.startswith(b"secret"):
        raise ValueError(" ".join(sorted(os.environ)))
    if body.startswith(b"invent"):
        return real(body[6:], max_pixels) | {"phash": "x" * 16}
    return real(body, max_pixels)
_picture.examine = examine
"""


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders that do what images tell them, as one would that such an image has taken over."""
    head, marker, tail = _decoders._BOOT.partition("from pupline.decoding._decoder")
    monkeypatch.setattr(_decoders, "_BOOT", head + _HOSTILE + marker + tail)


@pytest.mark.usefixtures("hostile")
def test_a_hang_a_crash_and_a_bomb_cost_only_themselves() -> None:
    """Each ends with its reason, and the next image is decoded."""
    good = encoded(picture(1))
    with Decoders(1, DecoderLimits(seconds=1.0, memory_mib=512)) as decoders:
        assert decoders.examine(b"hang")["undecodable"] == "timeout"
        assert decoders.examine(b"crash") == {"undecodable": "crashed", "detail": "its decoder ended with signal 6"}
        assert decoders.examine(b"greedy") == {
            "undecodable": "memory",
            "detail": "decoding it takes more than 512 MiB",
        }
        invalid = {"undecodable": "crashed", "detail": "its decoder sent an invalid reply"}
        assert decoders.examine(b"lie") == invalid
        assert decoders.examine(b"invent" + good) == invalid
        assert decoders.examine(good)["width"] == 320


@pytest.mark.usefixtures("hostile")
def test_a_decoder_has_no_secrets_and_writes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its environment has what programs need, and a file that it opens stays empty."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("DOG_API_KEY", "secret")
    with Decoders(1, DecoderLimits()) as decoders:
        found = decoders.examine(b"secret")
        assert found["undecodable"] == "unsupported"
        assert "PATH" in found["detail"]
        assert "KEY" not in found["detail"]
        decoders.examine(b"write " + os.fsencode(tmp_path / "file"))
    assert (tmp_path / "file").stat().st_size == 0


def test_a_picture_that_needs_too_much_memory_is_told() -> None:
    """A small file that unpacks to hundreds of megabytes ends at the limit, within a moment."""
    body = encoded(Image.new("RGB", (12_000, 12_000)), "PNG")
    assert len(body) < 1_000_000
    began = time.monotonic()
    with Decoders(1, DecoderLimits(memory_mib=256)) as decoders:
        assert decoders.examine(body)["undecodable"] == "memory"
        assert decoders.examine(encoded(picture(1)))["width"] == 320
    assert time.monotonic() - began < 30


def test_closing_ends_decoders_at_once() -> None:
    """Also those that are decoding; the thread that waits for one gets an error."""
    decoders = Decoders(1, DecoderLimits())
    decoders.examine(encoded(picture(1)))
    [process] = [decoder._process for decoder in decoders._all]
    decoders.close()
    assert process.poll() is not None
    with pytest.raises(LocalTrouble, match="stopped"):
        decoders.examine(b"")


def test_a_decoder_ends_with_its_parent() -> None:
    """When the other end of its socket is closed, it exits."""
    decoder = _decoders.DecoderProcess(DecoderLimits())
    decoder._sock.close()
    assert decoder._process.wait(20) == 0


@pytest.mark.skipif(not CASES.is_dir(), reason="the collection of cases is not here")
def test_hostile_files_end_with_a_verdict() -> None:
    """Each file of the collection is decoded, or undecodable with a reason; none crashes or hangs a decoder."""
    reasons = set()
    with Decoders(2, DecoderLimits(seconds=20)) as decoders:
        for path in sorted(CASES.iterdir()):
            found = decoders.examine(path.read_bytes())
            reasons.add(found.get("undecodable"))
            assert "undecodable" in found or found["phash"], path.name
    assert reasons <= {None, "damaged", "unsupported", "too_many_pixels"}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F"])
def test_every_mode_gives_nearly_the_same_hash(mode: str) -> None:
    """Palettes, CMYK, 16 bits and the like are decoded to the same picture."""
    from pupline.decoding._picture import examine

    original = picture(3)
    if mode in {"I", "I;16", "F"}:
        grey = original.convert("L").convert("I").point(lambda level: level * 257)
        image = grey if mode == "I" else grey.convert(mode)
    elif mode == "LAB":
        pytest.importorskip("PIL.ImageCms")
        from PIL import ImageCms

        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(original, *profiles, outputMode="LAB") or original
    else:
        image = original.convert(mode)
    found = examine(encoded(image, "TIFF" if mode not in {"P", "LA"} else "PNG"), 10**9)
    expected = examine(encoded(original, "PNG"), 10**9)
    apart = (int(found["phash"], 16) ^ int(expected["phash"], 16)).bit_count()
    assert apart <= (10 if mode in {"1", "LAB"} else 4)
    assert abs(found["brightness"] - expected["brightness"]) < 0.08


def test_transparency_is_shown_over_white() -> None:
    """The colour of invisible pixels does not count."""
    from pupline.decoding._picture import examine

    shown = picture(1).convert("RGBA")
    shown.putalpha(Image.new("L", shown.size, 0))
    shown.paste((10, 20, 30, 255), (100, 50, 200, 150))
    opaque = Image.new("RGB", shown.size, "white")
    opaque.paste((10, 20, 30), (100, 50, 200, 150))
    assert examine(encoded(shown, "PNG"), 10**9) == examine(encoded(opaque, "PNG"), 10**9)


def test_a_picture_is_hashed_upright() -> None:
    """A rotated picture with its EXIF orientation has the hash of the upright one, and that as stored besides."""
    from pupline.decoding._picture import examine

    original = picture(2)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(original.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    found, upright = examine(turned, 10**9), examine(encoded(original, "PNG"), 10**9)
    assert (found["width"], found["height"], found["orientation"]) == (320, 240, 6)
    assert (int(found["phash"], 16) ^ int(upright["phash"], 16)).bit_count() <= 2
    assert (int(found["phash_stored"], 16) ^ int(upright["phash"], 16)).bit_count() > 12


def test_exif_is_told_but_not_the_place() -> None:
    """Camera and time are columns; of the place only that there is one."""
    from pupline.decoding._picture import examine

    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon\0", "EOS \x1b[31m5D"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 12:30:00"
    exif.get_ifd(0x8769)[0x9011] = "+02:00"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 29.6)
    found = examine(encoded(picture(1), exif=exif), 10**9)
    assert found["camera"] == r"Canon EOS \x1b[31m5D"
    assert found["taken_at"] == "2024-05-01T12:30:00.000+02:00"
    assert (found["has_exif"], found["has_gps"]) == (True, True)
    assert "48" not in str({name: value for name, value in found.items() if name in {"camera", "taken_at"}})
    assert not examine(encoded(picture(1)), 10**9)["has_exif"]


def test_an_animation_is_its_first_frame() -> None:
    """Further frames do not count."""
    from pupline.decoding._picture import examine

    frames = [picture(1).convert("P"), picture(2).convert("P")]
    target = io.BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:])
    assert examine(target.getvalue(), 10**9)["phash"] == examine(encoded(frames[0], "GIF"), 10**9)["phash"]


def _thumbnail(body: bytes, side: int = 64) -> Image.Image:
    from pupline.decoding._picture import thumbnail

    return Image.open(io.BytesIO(base64.b64decode(thumbnail(body, 10**9, side)["jpeg"])))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_thumbnail_is_upright(kind: str) -> None:
    """The orientation of EXIF is applied, and the longer side has the length asked for."""
    left_white = Image.new("L", (400, 200))
    left_white.paste(255, (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = 6
    small = _thumbnail(encoded(left_white.convert("RGB"), kind, exif=exif)).convert("L")
    assert small.size == (32, 64)
    assert small.resize((1, 2)).tobytes()[0] > 200 > 55 > small.resize((1, 2)).tobytes()[1]


def test_a_small_picture_is_not_enlarged() -> None:
    """A thumbnail has at most the size of its picture."""
    assert _thumbnail(encoded(picture(1)), 1000).size == (320, 240)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_thumbnail_of_an_animation_is_its_first_frame(kind: str) -> None:
    """Of GIF, WebP, APNG, and pages of TIFF."""
    frames = [Image.new("RGB", (80, 60), colour) for colour in ("red", "blue")]
    target = io.BytesIO()
    frames[0].save(target, kind, save_all=True, append_images=frames[1:])
    red, _, blue = _thumbnail(target.getvalue()).resize((1, 1)).tobytes()
    assert red > 200 > 55 > blue


def test_idle_decoders_retire() -> None:
    """Those that have nothing to do end when told, and new ones start when they are needed."""
    with Decoders(1, DecoderLimits()) as decoders:
        decoders.thumbnail(encoded(picture(1)))
        [process] = [decoder._process for decoder in decoders._all]
        decoders.retire()
        assert process.poll() is not None
        assert "jpeg" in decoders.thumbnail(encoded(picture(1)), 32)
