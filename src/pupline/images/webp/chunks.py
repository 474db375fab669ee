"""WebP: a RIFF file of chunks. Sources: RFC 9649 (container, VP8L), RFC 6386 (VP8).

Chunks must be valid and padded up to the end of the RIFF file: libwebp, and with it browsers, refuse it otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pupline.images._structure import Damage, Picture, require, unpack
from pupline.images.webp.vp8 import CoefficientBudget, check_vp8
from pupline.images.webp.vp8l import check_vp8l

_FRAME_HEADER_BYTES = 16
# Frames of an animation whose bitstreams are checked: VP8 takes a tenth of a millisecond a frame, VP8L ten.
_MAX_VP8_FRAMES, _MAX_VP8L_FRAMES = 1_000, 20
_ANIMATION = 0x02
_IMAGES = (b"VP8 ", b"VP8L")


@dataclass(slots=True)
class _Canvas:
    """The canvas of a VP8X chunk, if there is one, and the state of the walk."""

    width: int
    height: int
    animation: bool
    parameters: bool = False  # an ANIM chunk
    frames: int = 0
    images: int = 0
    budget: CoefficientBudget = field(default_factory=CoefficientBudget)


def walk_webp(body: bytes, picture: Picture) -> None:
    """Measure a WebP, each chunk within the size that RIFF states. Raises: Damage."""
    (size,) = unpack("<I", body, 4, "the RIFF header")
    require(body, 0, size + 8, f"a RIFF file of {size + 8} bytes")
    if size < 12:
        raise Damage(f"a RIFF file of {size + 8} bytes, without a chunk", 4)
    end = size + 8
    first = body[12:16]
    if first == b"VP8X":
        _extended(body, end, picture)
    elif first in _IMAGES:
        _simple(body, end, picture)
    else:
        raise Damage(f"chunk {first!r} in the place of the image", 12)
    picture.note_trailing_bytes(end, body)


def _simple(body: bytes, end: int, picture: Picture) -> None:
    """Check a file whose first chunk is its image. Readers ignore what follows: RFC 9649, section 2.7."""
    for number, (kind, start, length) in enumerate(_chunks(body, 12, end, picture)):
        if number == 0:
            _bitstream(body, kind, start, length, picture, _Canvas(0, 0, animation=False))
        else:
            picture.add_note(f"chunk {kind!r} after the image at byte {start - 8}")


def _extended(body: bytes, end: int, picture: Picture) -> None:
    (length,) = unpack("<I", body, 16, "a chunk")
    require(body, 20, 10, "a VP8X chunk")
    if length != 10:
        raise Damage(f"a VP8X chunk of {length} bytes", 20)
    width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (24, 27))
    picture.measure(width, height, 20)
    canvas = _Canvas(width, height, bool(body[20] & _ANIMATION))
    for kind, start, length in _chunks(body, 12, end, picture):
        if kind == b"VP8X" and start > 20:
            raise Damage("a second VP8X chunk", start)
        if kind == b"ANIM":
            canvas.parameters = True
        elif kind == b"ANMF" and canvas.animation:
            if not canvas.parameters:
                raise Damage("an animation frame before its ANIM chunk", start)
            canvas.frames += 1
            _animation_frame(body, start, length, canvas, picture)
        elif kind in _IMAGES:
            _still(body, kind, start, length, canvas, picture)
    if not canvas.frames and not canvas.images:
        raise Damage("the end of the file, but no image", end)
    picture.animated = canvas.frames > 1


def _chunks(body: bytes, offset: int, end: int, picture: Picture) -> Iterator[tuple[bytes, int, int]]:
    """Type, start of content and length of each chunk before `end`."""
    while offset < end:
        picture.spend(1, offset)
        if offset + 8 > end:
            raise Damage("a truncated chunk header", offset)
        (length,) = unpack("<I", body, offset + 4, "a chunk")
        start = offset + 8
        if start + length + (length & 1) > end:
            raise Damage(f"a chunk of {length} bytes that overruns its container", offset)
        yield body[offset : offset + 4], start, length
        offset = start + length + (length & 1)


def _still(body: bytes, kind: bytes, start: int, length: int, canvas: _Canvas, picture: Picture) -> None:
    if canvas.animation:
        raise Damage("an image outside the frames of an animation", start)
    canvas.images += 1
    if canvas.images > 1:
        raise Damage("a second image", start)
    width, height = _bitstream(body, kind, start, length, picture, canvas)
    if (width, height) != (canvas.width, canvas.height):
        raise Damage(f"an image of {width} x {height} pixels on a canvas of {canvas.width} x {canvas.height}", start)


def _animation_frame(body: bytes, start: int, length: int, canvas: _Canvas, picture: Picture) -> None:
    if length < _FRAME_HEADER_BYTES:
        raise Damage(f"an animation frame of {length} bytes", start)
    x, y, width, height = (int.from_bytes(body[at : at + 3], "little") for at in range(start, start + 12, 3))
    width, height = width + 1, height + 1
    if 2 * x + width > canvas.width or 2 * y + height > canvas.height:
        raise Damage(f"a frame of {width} x {height} pixels at {2 * x}, {2 * y}, outside the canvas", start)
    images = 0
    for kind, content, size in _chunks(body, start + _FRAME_HEADER_BYTES, start + length, picture):
        if kind in _IMAGES:
            images += 1
            _bitstream(body, kind, content, size, picture, canvas)
    if not images:
        raise Damage("an animation frame without an image", start)


def _bitstream(body: bytes, kind: bytes, start: int, length: int, picture: Picture, canvas: _Canvas) -> tuple[int, int]:
    """Check a VP8 or VP8L bitstream; its width and height, which become the picture's if that has none."""
    width, height = (_vp8_size if kind == b"VP8 " else _vp8l_size)(body, start, length)
    if kind == b"VP8 " and canvas.frames <= _MAX_VP8_FRAMES:
        check_vp8(body, start, length, (width, height), canvas.budget)
    elif kind == b"VP8L" and canvas.frames <= _MAX_VP8L_FRAMES:
        check_vp8l(body, start, length, width, height)
    if not width or not height:
        raise Damage(f"a size of {width} x {height} pixels", start)
    if picture.width is None:
        picture.measure(width, height, start)
    picture.add_frame_size(width, height)
    return width, height


def _vp8_size(body: bytes, start: int, length: int) -> tuple[int, int]:
    require(body, start, min(length, 10), "a VP8 header")
    if length < 10 or body[start] & 1 or body[start + 3 : start + 6] != b"\x9d\x01\x2a":
        raise Damage("no VP8 key frame", start)
    if not body[start] & 0x10 or body[start] >> 1 & 7 > 3:
        raise Damage("a hidden VP8 frame, or one of an unknown profile", start)
    width, height = unpack("<HH", body, start + 6, "a VP8 header")
    return width & 0x3FFF, height & 0x3FFF


def _vp8l_size(body: bytes, start: int, length: int) -> tuple[int, int]:
    if length < 6 or body[start] != 0x2F:
        raise Damage("no VP8L image", start)
    (bits,) = unpack("<I", body, start + 1, "a VP8L header")
    if bits >> 29:
        raise Damage(f"VP8L version {bits >> 29}", start)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
