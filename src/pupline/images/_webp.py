"""WebP: a RIFF file of chunks. Sources: RFC 9649 (container, VP8L), RFC 6386 section 9.1 (VP8)."""

from collections.abc import Iterator

from pupline.images._structure import Damage, Picture, need, unpack

_FRAME_HEADER_BYTES = 16
_MAX_CHUNKS = 100_000  # frames are chunks; more than these would take seconds


def walk_webp(body: bytes, picture: Picture) -> None:
    """Measure a WebP, each chunk within the size that RIFF states. Raises: Damage."""
    (size,) = unpack("<I", body, 4, "the RIFF header")
    need(body, 0, size + 8, f"a RIFF file of {size + 8} bytes")
    end = size + 8
    extended = body[12:16] == b"VP8X"
    frames = images = 0
    for kind, start, length in _chunks(body, 12, end):
        if kind == b"VP8X" and start == 20:
            _canvas(body, start, length, picture)
        elif kind == b"ANMF":
            frames += 1
            _animation_frame(body, start, length, picture)
        elif kind in (b"VP8 ", b"VP8L"):
            images += 1
            _bitstream(body, kind, start, length, picture)
        elif not extended:
            raise Damage(f"chunk {kind!r} where the image is due", start - 8)
    if not frames and not images:
        raise Damage("the end of the file, but no image", end)
    picture.animated = frames > 1
    picture.end_at(end, body)


def _chunks(body: bytes, offset: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, start of content and length of each chunk before `end`."""
    count = 0
    while offset < end:
        if offset + 8 > end:
            raise Damage("half a chunk header", offset)
        (length,) = unpack("<I", body, offset + 4, "a chunk")
        start = offset + 8
        if start + length + (length & 1) > end:
            raise Damage(f"a chunk of {length} bytes that overruns its container", offset)
        count += 1
        if count > _MAX_CHUNKS:
            raise Damage(f"more than {_MAX_CHUNKS} chunks", offset)
        yield body[offset : offset + 4], start, length
        offset = start + length + (length & 1)


def _canvas(body: bytes, start: int, length: int, picture: Picture) -> None:
    if length < 10:
        raise Damage(f"a VP8X chunk of {length} bytes", start)
    width = int.from_bytes(body[start + 4 : start + 7], "little") + 1
    height = int.from_bytes(body[start + 7 : start + 10], "little") + 1
    picture.measure(width, height, start)


def _animation_frame(body: bytes, start: int, length: int, picture: Picture) -> None:
    if length < _FRAME_HEADER_BYTES:
        raise Damage(f"an animation frame of {length} bytes", start)
    images = 0
    for kind, content, size in _chunks(body, start + _FRAME_HEADER_BYTES, start + length):
        if kind in (b"VP8 ", b"VP8L"):
            images += 1
            _bitstream(body, kind, content, size, picture)
    if not images:
        raise Damage("an animation frame without an image", start)


def _bitstream(body: bytes, kind: bytes, start: int, length: int, picture: Picture) -> None:
    """Check the header of a VP8 or VP8L bitstream and take its size."""
    width, height = (_lossy if kind == b"VP8 " else _lossless)(body, start, length)
    if not width or not height:
        raise Damage(f"a size of {width} x {height} pixels", start)
    if picture.width is None:
        picture.measure(width, height, start)
    picture.see(width, height)


def _lossy(body: bytes, start: int, length: int) -> tuple[int, int]:
    if length < 10 or body[start] & 1 or body[start + 3 : start + 6] != b"\x9d\x01\x2a":
        raise Damage("no VP8 key frame", start)
    first_partition = int.from_bytes(body[start : start + 3], "little") >> 5
    if first_partition > length - 10:
        raise Damage(f"a VP8 partition of {first_partition} bytes in {length - 10}", start)
    width, height = unpack("<HH", body, start + 6, "a VP8 header")
    return width & 0x3FFF, height & 0x3FFF


def _lossless(body: bytes, start: int, length: int) -> tuple[int, int]:
    if length < 6 or body[start] != 0x2F:
        raise Damage("no VP8L image", start)
    (bits,) = unpack("<I", body, start + 1, "a VP8L header")
    if bits >> 29:
        raise Damage(f"VP8L version {bits >> 29}", start)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
