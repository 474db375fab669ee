"""Exif, XMP, IPTC and comments cut out of files, without a change of the pixels."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pupline.images import inspect, without_private_metadata

GPS_TEXT = b"GPS 48.2082 N 16.3738 E"


def picture(form: str, **options: object) -> bytes:
    """A small picture as Pillow writes it."""
    target = io.BytesIO()
    Image.linear_gradient("L").resize((16, 24)).convert("RGB").save(target, form, **options)
    return target.getvalue()


def exif(orientation: int, order: str = "<") -> bytes:
    """A TIFF structure with an orientation and a comment, which stands for GPS."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    comment = struct.pack(f"{order}HHII", 0x9286, 7, len(GPS_TEXT), 38)
    return head + struct.pack(f"{order}IH", 8, 2) + entry + comment + b"\0\0\0\0" + GPS_TEXT


def segment(marker: int, content: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(*segments: bytes, after: bytes = b"") -> bytes:
    """The plain JPEG with these segments after its first, and bytes after its end."""
    return PLAIN_JPEG[:20] + b"".join(segments) + PLAIN_JPEG[20:] + after


PLAIN_JPEG = picture("JPEG")
PRIVATE = (
    segment(0xED, b"Photoshop 3.0\0" + GPS_TEXT),
    segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + GPS_TEXT),
    segment(0xFE, GPS_TEXT),
)
JPEG_WITH_GPS = with_segments(segment(0xE1, b"Exif\0\0" + exif(1)), *PRIVATE, after=PLAIN_JPEG + GPS_TEXT)
STRIPPED_JPEG = PLAIN_JPEG


def pixels(body: bytes) -> bytes:
    """The decoded pixels."""
    with Image.open(io.BytesIO(body)) as image:
        return image.convert("RGB").tobytes()


def orientation(body: bytes) -> int | None:
    """As Pillow reads it."""
    with Image.open(io.BytesIO(body)) as image:
        found: int | None = image.getexif().get(0x0112)
        return found


def stripped(body: bytes, file_type: str) -> bytes:
    """The image without private parts: sound, and with the same pixels."""
    found = without_private_metadata(body, file_type)
    assert found is not None
    assert GPS_TEXT not in found
    assert inspect(found).problem is None
    assert pixels(found) == pixels(body)
    return found


def test_a_jpeg_loses_its_private_parts_and_what_follows_its_end() -> None:
    """Phones put further pictures there, each with Exif of its own, and a segment that says where they begin."""
    assert stripped(JPEG_WITH_GPS, "jpg") == PLAIN_JPEG
    assert without_private_metadata(with_segments(segment(0xE2, b"MPF\0" + GPS_TEXT)), "jpg") == PLAIN_JPEG


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turned", range(2, 9))
def test_the_orientation_of_a_jpeg_stays(turned: int, order: str) -> None:
    """In both byte orders: the image would be shown on its side without it."""
    body = with_segments(segment(0xE1, b"Exif\0\0" + exif(turned, order)))
    assert orientation(stripped(body, "jpg")) == turned


def test_colour_profiles_stay() -> None:
    """The segments of ICC profiles, JFIF and Adobe decide how pixels look."""
    profile = segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(64))
    assert stripped(with_segments(profile, *PRIVATE), "jpg") == with_segments(profile)


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}, {"quality": 100}])
def test_scans_are_kept_as_they_are(options: dict[str, object]) -> None:
    """Several scans, restart markers, stuffed bytes."""
    body = picture("JPEG", **options)
    assert without_private_metadata(body, "jpg") is body
    assert stripped(body[:20] + PRIVATE[2] + body[20:], "jpg") == body


def chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("turned", [1, 6])
def test_a_png_loses_exif_and_texts(turned: int) -> None:
    """And keeps its orientation."""
    plain = picture("PNG")
    private = chunk(b"eXIf", exif(turned)) + chunk(b"iTXt", GPS_TEXT) + chunk(b"tEXt", b"k\0" + GPS_TEXT)
    found = stripped(plain[:33] + private + plain[33:] + GPS_TEXT, "png")
    assert (orientation(found) or 1) == turned
    assert (found == plain) is (turned == 1)
    assert without_private_metadata(plain, "png") is plain


@pytest.mark.parametrize("turned", [1, 8])
@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_loses_exif_and_xmp(turned: int, lossless: bool) -> None:
    """The flags of its head say so, or a reader would look for the chunks."""
    body = picture("WEBP", lossless=lossless, exif=exif(turned), xmp=GPS_TEXT)
    found = stripped(body, "webp")
    assert (orientation(found) or 1) == turned
    assert found[20] & 0x0C == (0 if turned == 1 else 0x08)
    plain = picture("WEBP", lossless=lossless)
    assert without_private_metadata(plain, "webp") is plain


@pytest.mark.parametrize(
    ("body", "file_type"),
    [
        (b"II*\0" + bytes(40), "tiff"),
        (b"....ftypavif....Exif....", "avif"),
        (b"....ftypheic..application/rdf+xml", "heic"),
        (b"GIF89a...XMP DataXMP...", "gif"),
        (PLAIN_JPEG, "bin"),
        (PLAIN_JPEG[:-2], "jpg"),
        (b"\x89PNG\r\n\x1a\n\0\0\xff\xffIDAT", "png"),
        (b"RIFF\x1e\0\0\0WEBPVP8 \xff\xff\xff\0", "webp"),
    ],
)
def test_what_cannot_be_stripped_is_said(body: bytes, file_type: str) -> None:
    """Rather than exported with what the user wants to be without."""
    assert without_private_metadata(body, file_type) is None


def test_types_without_such_parts_stay() -> None:
    """A GIF without XMP, a BMP, an AVIF without Exif."""
    for body, file_type in ((b"GIF89a", "gif"), (b"BM", "bmp"), (b"....ftypavif", "avif")):
        assert without_private_metadata(body, file_type) is body


@given(st.binary(max_size=400), st.sampled_from(["jpg", "png", "webp", "gif", "tiff", "avif", "bin"]))
def test_any_bytes_are_an_answer(tail: bytes, file_type: str) -> None:
    """None or an image, never an error of Python."""
    for head in (b"", b"\xff\xd8", PLAIN_JPEG[:200], b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\x01WEBP"):
        found = without_private_metadata(head + tail, file_type)
        assert found is None or isinstance(found, bytes)


@given(st.binary(max_size=200))
def test_any_exif_is_an_answer(content: bytes) -> None:
    """Its orientation is taken only where it is valid."""
    for order in (b"II*\0", b"MM\0*"):
        assert without_private_metadata(with_segments(segment(0xE1, b"Exif\0\0" + order + content)), "jpg") is not None
