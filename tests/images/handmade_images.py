"""Images put together byte by byte, and by Pillow, for the tests of `pupline.images`."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

Part = bytes


def chunk(kind: bytes, content: bytes = b"") -> Part:
    """A PNG chunk with its right CRC."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def ihdr(width: int = 3, height: int = 2, depth: int = 8, colour_type: int = 2, *rest: int) -> Part:
    """An IHDR chunk; `rest` is compression, filter, interlace."""
    return chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, colour_type) + bytes(rest or (0, 0, 0)))


def png(*chunks: Part) -> bytes:
    """A PNG of these chunks."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


IDAT = chunk(b"IDAT", zlib.compress(bytes(2 * 10)))
IEND = chunk(b"IEND")
SPLIT = [chunk(b"IDAT", part) for part in (zlib.compress(bytes(4))[:5], b"", zlib.compress(bytes(4))[5:])]


def frame_control(number: int, width: int = 3, height: int = 2, x: int = 0, y: int = 0) -> Part:
    """An fcTL chunk."""
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, x, y, 1, 10, 0, 0))


def frame_data(number: int, data: bytes) -> Part:
    """An fdAT chunk."""
    return chunk(b"fdAT", struct.pack(">I", number) + data)


def segment(marker: int, content: bytes) -> Part:
    """A JPEG marker segment with its length."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def frame(
    width: int = 3,
    height: int = 2,
    components: bytes = b"\x01",
    marker: int = 0xC0,
    *,
    factors: int = 0x11,
    precision: int = 8,
) -> Part:
    """A JPEG start of frame; `factors` are the sampling factors of each component."""
    inner = b"".join(bytes((number, factors, 0)) for number in components)
    return segment(marker, struct.pack(">BHHB", precision, height, width, len(components)) + inner)


def scan(
    data: bytes = b"\x12\x34\xff\x00\x56", components: bytes = b"\x01", band: bytes = b"\x00\x3f\x00", slots: int = 0
) -> Part:
    """A JPEG start of scan with its entropy-coded data; `slots` are its Huffman tables."""
    inner = b"".join(bytes((number, slots)) for number in components)
    return segment(0xDA, bytes((len(components),)) + inner + band) + data


def huffman(slot: int, counts: bytes = b"\0\2", symbols: bytes = b"\0\1") -> Part:
    """A DHT segment: how many codes there are of 1, 2, ... bits, and their symbols."""
    return segment(0xC4, bytes((slot,)) + counts.ljust(16, b"\0") + symbols)


DQT = segment(0xDB, b"\0" + b"\x10" * 64)


def jpeg(*segments: Part, quantisation: Part = DQT) -> bytes:
    """A JPEG of a quantisation table and these segments, from SOI to EOI."""
    return b"\xff\xd8" + quantisation + b"".join(segments) + b"\xff\xd9"


def lzw(pixels: int, code_size: int = 2, *, end: bool = True) -> bytes:
    """LZW data of so many pixels of colour 0: a clear code after every two, so that codes never grow."""
    clear = 1 << code_size
    codes = [clear if place % 3 == 0 else 0 for place in range(pixels + (pixels + 1) // 2)] + [clear + 1] * end
    bits = sum(code << place * (code_size + 1) for place, code in enumerate(codes))
    return bits.to_bytes((len(codes) * (code_size + 1) + 7) // 8, "little")


def sub_blocks(data: bytes, size: int = 255) -> Part:
    """GIF sub-blocks with their terminator."""
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(bytes((len(part),)) + part for part in parts) + b"\0"


def gif_frame(width: int = 3, height: int = 2, data: bytes = b"", at: tuple[int, int] = (0, 0)) -> Part:
    """A GIF frame without a colour table: LZW code size, sub-blocks, terminator."""
    whole = data or b"\2" + sub_blocks(lzw(width * height))
    return b"\x2c" + struct.pack("<HHHHB", *at, width, height, 0) + whole


def gif(*blocks: Part, width: int = 3, height: int = 2, end: bytes = b"\x3b") -> bytes:
    """A GIF with a colour table of two colours."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + b"".join(blocks) + end


def riff(*chunks: Part) -> bytes:
    """A WebP of these chunks."""
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def canvas(width: int = 3, height: int = 2, flags: int = 0) -> Part:
    """A VP8X chunk."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff_chunk(b"VP8X", bytes((flags, 0, 0, 0)) + size)


def riff_chunk(kind: bytes, content: bytes) -> Part:
    """A RIFF chunk, padded to an even length."""
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)


def vp8l(width: int = 3, height: int = 2) -> Part:
    """A lossless WebP bitstream of one colour: no transform, no cache, five codes of one symbol and no bits."""
    codes = sum(1 << 3 + 4 * place for place in range(5)).to_bytes(3, "little")
    return riff_chunk(b"VP8L", b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14) + codes)


def box(kind: bytes, *content: bytes) -> Part:
    """An ISO base media box."""
    inner = b"".join(content)
    return struct.pack(">I", len(inner) + 8) + kind + inner


def heif(brand: bytes = b"heic", width: int = 640, height: int = 480, data: bytes = b"pixels", mdat: int = -1) -> bytes:
    """A HEIC of one item; `mdat` overrides the stated size of the data box."""

    def meta(offset: int) -> bytes:
        ispe = box(b"ispe", bytes(4), struct.pack(">II", width, height))
        ipma = box(b"ipma", bytes(4), struct.pack(">IHBB", 1, 1, 1, 0x81))
        iloc = box(b"iloc", bytes(4), b"\x44\x00", struct.pack(">HHHHII", 1, 1, 0, 1, offset, len(data)))
        pitm = box(b"pitm", bytes(4), struct.pack(">H", 1))
        return box(b"meta", bytes(4), pitm, iloc, box(b"iprp", box(b"ipco", ispe), ipma))

    start = box(b"ftyp", brand, bytes(4), b"mif1")
    size = len(data) + 8 if mdat < 0 else mdat
    offset = len(start) + len(meta(0)) + 8
    return start + meta(offset) + struct.pack(">I", size) + b"mdat" + data


def tiff(order: str = "<", width: int = 3, height: int = 2, big: bool = False) -> bytes:
    """A grey TIFF of one strip, the pixels after the directory."""
    mark = b"II" if order == "<" else b"MM"
    fields = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 0), (278, height), (279, width * height)]
    entry = order + ("HHQQ" if big else "HHII")
    head = struct.calcsize(order + ("HHHQQ" if big else "HIH")) + 2
    pixels = head + len(fields) * struct.calcsize(entry) + (8 if big else 4)
    body = b"".join(struct.pack(entry, tag, 16 if big else 4, 1, pixels if tag == 273 else v) for tag, v in fields)
    if big:
        start = mark + struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(fields))
        return start + body + bytes(8) + bytes(width * height)
    return mark + struct.pack(order + "HIH", 42, 8, len(fields)) + body + bytes(4) + bytes(width * height)


def bmp(width: int = 3, height: int = 2, depth: int = 24, compression: int = 0) -> bytes:
    """A BMP with a 40-byte header."""
    pixels = bytes((width * depth + 31) // 32 * 4 * abs(height))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, compression, len(pixels), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + header + pixels


HANDMADE: dict[str, tuple[str, bytes]] = {
    "baseline jpeg": ("jpg", jpeg(segment(0xE0, b"JFIF\x00"), frame(), scan())),
    "progressive jpeg": (
        "jpg",
        jpeg(frame(marker=0xC2), scan(band=b"\0\0\0"), huffman(0x10), scan(b"\x01\xff\xd3\x02", band=b"\x01\x3f\0")),
    ),
    "jpeg with fill bytes": ("jpg", jpeg(b"\xff\xff", frame(), b"\xff", scan(b"\x01\xff\xff"))),
    "jpeg with DNL": ("jpg", jpeg(frame(height=0), scan(), segment(0xDC, b"\x00\x02"))),
    "jpeg with a thumbnail": ("jpg", jpeg(segment(0xE1, b"Exif" + jpeg(frame(9, 9), scan())), frame(), scan())),
    "png": ("png", png(ihdr(), IDAT, IEND)),
    "palette png": ("png", png(ihdr(3, 2, 1, 3), chunk(b"PLTE", bytes(6)), chunk(b"tEXt", b"a"), *SPLIT, IEND)),
    "gif": ("gif", gif(gif_frame())),
    "gif with an extension": ("gif", gif(b"\x21\xf9\x04\x00\x00\x00\x00\x00", gif_frame())),
    "gif without a screen size": ("gif", gif(gif_frame(), width=0, height=0)),
    "lossless webp": ("webp", riff(vp8l())),
    "heic": ("heic", heif(width=3, height=2)),
    "little-endian tiff": ("tiff", tiff("<")),
    "big-endian tiff": ("tiff", tiff(">")),
    "little-endian BigTIFF": ("tiff", tiff("<", big=True)),
    "big-endian BigTIFF": ("tiff", tiff(">", big=True)),
    "bmp": ("bmp", bmp()),
    "bmp from top to bottom": ("bmp", bmp(height=-2)),
}
"""Whole images of 3 x 2 pixels, by what is special about them: their type and their bytes."""


def made_by_pillow(mode: str, kind: str, size: tuple[int, int] = (7, 5), **options: Any) -> bytes:
    """An image saved by Pillow, with something in it to compress."""
    picture = Image.new("RGB", size)
    picture.putdata([(x * 31 % 256, x * 17 % 256, x * 7 % 256) for x in range(size[0] * size[1])])
    out = io.BytesIO()
    picture.convert(mode).save(out, kind, **options)
    return out.getvalue()


def animated_by_pillow(kind: str, **options: Any) -> bytes:
    """Three frames of 9 x 6 pixels."""
    frames = [Image.new("RGB", (9, 6), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], **options)
    return out.getvalue()


def _saved(mode: str, kind: str, **options: Any) -> Callable[[], bytes]:
    return lambda: made_by_pillow(mode, kind, **options)


PILLOW: dict[str, tuple[str, Callable[[], bytes]]] = {
    **{f"jpeg {mode}": ("jpg", _saved(mode, "JPEG")) for mode in ("L", "RGB", "CMYK")},
    "jpeg progressive": ("jpg", _saved("RGB", "JPEG", progressive=True)),
    "jpeg with restarts": ("jpg", _saved("RGB", "JPEG", restart_marker_blocks=1)),
    **{f"png {mode}": ("png", _saved(mode, "PNG")) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")},
    **{f"gif {mode}": ("gif", _saved(mode, "GIF")) for mode in ("1", "L", "P")},
    "webp lossy": ("webp", _saved("RGB", "WEBP")),
    "webp lossy alpha": ("webp", _saved("RGBA", "WEBP")),
    "webp lossless": ("webp", _saved("RGB", "WEBP", lossless=True)),
    "webp with metadata": ("webp", _saved("RGB", "WEBP", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00")),
    "avif": ("avif", _saved("RGB", "AVIF")),
    "avif alpha": ("avif", _saved("RGBA", "AVIF")),
    **{f"bmp {mode}": ("bmp", _saved(mode, "BMP")) for mode in ("1", "L", "P", "RGB", "RGBA")},
    **{f"tiff {mode}": ("tiff", _saved(mode, "TIFF")) for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "F")},
    "tiff deflate": ("tiff", _saved("RGB", "TIFF", compression="tiff_deflate")),
    "tiff lzw": ("tiff", _saved("RGB", "TIFF", compression="tiff_lzw")),
    "tiff jpeg": ("tiff", _saved("RGB", "TIFF", compression="jpeg")),
    "tiff big": ("tiff", _saved("RGB", "TIFF", big_tiff=True)),
}
"""Images of 7 x 5 pixels that Pillow saves: their type and how to get them."""

ANIMATED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gif": ("gif", lambda: animated_by_pillow("GIF")),
    "apng": ("png", lambda: animated_by_pillow("PNG")),
    "webp": ("webp", lambda: animated_by_pillow("WEBP")),
    "avif": ("avif", lambda: animated_by_pillow("AVIF")),
}
