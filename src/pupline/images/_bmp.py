"""BMP: file header, information header, palette, pixel array. Source: Windows GDI, "Bitmap Storage".

The file size in the header is ignored, as by all readers.
"""

from pupline.images._structure import Damage, Picture, require, unpack

_CORE, _INFO = 12, 40
HEADER_BYTES = frozenset({_CORE, 16, _INFO, 52, 56, 64, 108, 124})
_DEPTHS = frozenset({1, 2, 4, 8, 16, 24, 32})
_RGB, _RLE8, _RLE4, _BITFIELDS, _EMBEDDED, _ALPHA_BITFIELDS = 0, 1, 2, 3, (4, 5), 6
_MASK_BYTES = {_BITFIELDS: 12, _ALPHA_BITFIELDS: 16}
_END_OF_BITMAP = b"\0\1"


def walk_bmp(body: bytes, picture: Picture) -> None:
    """Measure a BMP and check that it has all pixels. Raises: Damage.

    The size of compressed pixels does not follow from the picture's: they must have the size that the header states,
    or, if run-length encoded, end with the end-of-bitmap code.
    """
    _, _, pixels_at, header_bytes = unpack("<IIII", body, 2, "the file header")
    require(body, 14, header_bytes, "the information header")
    width, height, depth, compression, image_bytes, colours = _header(body, header_bytes)
    picture.measure(width, abs(height), 18)
    if depth not in _DEPTHS and compression not in _EMBEDDED:  # embedded JPEG and PNG have depth 0
        raise Damage(f"{depth} bits a pixel", 14)
    if pixels_at == 0:
        pixels_at = _after_headers(header_bytes, depth, compression, colours)
        picture.add_note("no offset of the pixels")
    if pixels_at < 14 + header_bytes:
        raise Damage(f"pixels that begin at byte {pixels_at}, inside the headers", 10)
    padding = 0
    if compression in (_RGB, _BITFIELDS, _ALPHA_BITFIELDS):
        row = (width * depth + 31) // 32 * 4
        image_bytes, padding = row * abs(height), row - (width * depth + 7) // 8
    if compression in (_RLE8, _RLE4) and _has_end_of_bitmap(body, pixels_at, image_bytes):
        picture.add_note(f"pixels of another size than the {image_bytes} bytes stated")
        return
    require(body, pixels_at, image_bytes - padding or 1, f"pixels of {image_bytes} bytes")
    if pixels_at + image_bytes > len(body):
        picture.add_note("the padding of the last row is missing")
    picture.note_trailing_bytes(pixels_at + image_bytes, body)


def _header(body: bytes, header_bytes: int) -> tuple[int, ...]:
    """Width, height, bits a pixel, compression, stated size of the pixels, and colours of the palette (0: all)."""
    if header_bytes == _CORE:
        width, height, _, depth = unpack("<HHHH", body, 18, "the information header")
        return width, height, depth, _RGB, 0, 0
    width, height, _, depth = unpack("<iiHH", body, 18, "the information header")
    if header_bytes < _INFO:
        return width, height, depth, _RGB, 0, 0
    compression, image_bytes, _, _, colours = unpack("<IIIII", body, 30, "the information header")
    return width, height, depth, compression, image_bytes, colours


def _after_headers(header_bytes: int, depth: int, compression: int, colours: int) -> int:
    """The offset of pixels that follow the headers, colour masks and palette directly."""
    entries = colours or (1 << depth if depth <= 8 else 0)
    masks = _MASK_BYTES.get(compression, 0) if header_bytes == _INFO else 0
    return 14 + header_bytes + masks + entries * (3 if header_bytes == _CORE else 4)


def _has_end_of_bitmap(body: bytes, pixels_at: int, image_bytes: int) -> bool:
    """Whether run-length data with an impossible size ends with the end-of-bitmap code."""
    if image_bytes and pixels_at + image_bytes <= len(body):
        return False
    tail = body[max(pixels_at, len(body) - 16) :]
    padding = len(tail) - len(tail.rstrip(b"\0"))
    size = len(body) - padding - pixels_at
    return size % 2 == 0 and tail[: len(tail) - padding].endswith(_END_OF_BITMAP)  # codes have two bytes
