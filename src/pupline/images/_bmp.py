"""BMP: file header, information header, pixel array. Source: Windows GDI, "Bitmap Storage"."""

from pupline.images._structure import Damage, Picture, need, unpack

_CORE, _INFO = 12, 40
HEADER_BYTES = frozenset({_CORE, 16, _INFO, 52, 56, 64, 108, 124})
_DEPTHS = frozenset({1, 2, 4, 8, 16, 24, 32})
_RGB, _BITFIELDS, _ALPHA_BITFIELDS = 0, 3, 6


def walk_bmp(body: bytes, picture: Picture) -> None:
    """Measure a BMP and check that its pixels are all there. Raises: Damage.

    The pixels of run-length and other compressed bitmaps have no size of their own: for them the sizes that the headers
    state must hold.
    """
    stated, _, pixels_at, header_bytes = unpack("<IIII", body, 2, "the file header")
    need(body, 14, header_bytes, "the information header")
    width, height, depth, compression, image_bytes = _header(body, header_bytes)
    picture.measure(width, abs(height), 18)
    if depth not in _DEPTHS and compression not in (4, 5):  # embedded JPEG and PNG have depth 0
        raise Damage(f"{depth} bits a pixel", 14)
    if pixels_at < 14 + header_bytes:
        raise Damage(f"pixels that begin at byte {pixels_at}, inside the headers", 10)
    if compression in (_RGB, _BITFIELDS, _ALPHA_BITFIELDS):
        image_bytes = (width * depth + 31) // 32 * 4 * abs(height)
    need(body, pixels_at, image_bytes or 1, f"pixels of {image_bytes} bytes")
    need(body, 0, stated, f"a bitmap of {stated} bytes")
    picture.end_at(max(stated, pixels_at + image_bytes), body)


def _header(body: bytes, header_bytes: int) -> tuple[int, ...]:
    """Width, height, bits a pixel, compression and stated size of the pixels."""
    if header_bytes == _CORE:
        width, height, _, depth = unpack("<HHHH", body, 18, "the information header")
        return width, height, depth, _RGB, 0
    width, height, _, depth = unpack("<iiHH", body, 18, "the information header")
    if header_bytes < _INFO:
        return width, height, depth, _RGB, 0
    return width, height, depth, *unpack("<II", body, 30, "the information header")
