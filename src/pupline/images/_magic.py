"""Formats by their first bytes. Sources: the formats' specifications; file(1) for those without a public one.

The accepted types are matched first, so that no other signature can claim a sound image.
"""

import re
from typing import Final

from pupline.images._bmp import HEADER_BYTES as _BMP_HEADERS
from pupline.images.isobmff.boxes import brands

# The PNG signature is matched by its first half: a bad transfer changes the second half, and that is damage.
_ACCEPTED: Final[dict[str, tuple[bytes, ...]]] = {
    "jpg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG",),
    "gif": (b"GIF87a", b"GIF89a"),
    "tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
}

# Pictures that are not accepted. `tiff.camera_raw` recognises camera raw files that are built like TIFF.
_PICTURES: Final[dict[str, tuple[bytes, ...]]] = {
    "jp2": (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    "jxl": (b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"),
    "jxr": (b"II\xbc\x01", b"II\xbc\x00"),
    "exr": (b"v/1\x01",),
    "dds": (b"DDS \x7c\x00\x00\x00",),
    "psb": (b"8BPS\x00\x02",),
    "psd": (b"8BPS",),
    "xcf": (b"gimp xcf ",),
    "bpg": (b"BPG\xfb",),
    "hdr": (b"#?RADIANCE", b"#?RGBE"),
    "fits": (b"SIMPLE  =",),
    "mng": (b"\x8aMNG\r\n\x1a\n",),
    "jng": (b"\x8bJNG\r\n\x1a\n",),
    "wmf": (b"\xd7\xcd\xc6\x9a",),
    "eps": (b"%!PS", b"\xc5\xd0\xd3\xc6"),
    "djvu": (b"AT&TFORM",),
    "dpx": (b"SDPX\x00", b"XPDS"),
    "ras": (b"\x59\xa6\x6a\x95",),
    "ktx": (b"\xabKTX ",),
    "astc": (b"\x13\xab\xa1\x5c",),
    "psp": (b"Paint Shop Pro Image File",),
    "rw2": (b"IIU\x00",),
    "raf": (b"FUJIFILMCCD-RAW",),
    "x3f": (b"FOVb",),
    "mrw": (b"\x00MRM",),
    "crw": (b"II\x1a\x00\x00\x00HEAPCCDR",),
}

_OTHERS: Final[dict[str, tuple[bytes, ...]]] = {
    "pdf": (b"%PDF-",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "gzip": (b"\x1f\x8b",),
    "bz2": (b"BZh",),
    "xz": (b"\xfd7zXZ\x00",),
    "zstd": (b"\x28\xb5\x2f\xfd",),
    "7z": (b"7z\xbc\xaf\x27\x1c",),
    "rar": (b"Rar!\x1a\x07",),
    "exe": (b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\x00asm"),
    "script": (b"#!",),
    "ole": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "sqlite": (b"SQLite format 3\x00",),
    "parquet": (b"PAR1",),
    "rtf": (b"{\\rtf",),
    "font": (b"wOFF\x00", b"wOF2\x00", b"OTTO\x00"),
    "webm": (b"\x1aE\xdf\xa3",),
    "flv": (b"FLV\x01",),
    "wmv": (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",),
    "mpeg": (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"),
    "ogg": (b"OggS",),
    "flac": (b"fLaC",),
    "mp3": (b"ID3",),
}

_NOT_ACCEPTED: Final = _PICTURES | _OTHERS

_RAW_TYPES: Final = frozenset(
    {"dng", "nef", "cr2", "cr3", "crw", "arw", "orf", "rw2", "raf", "pef", "srw", "3fr", "iiq", "x3f", "mrw"}
    | {"dcr", "erf", "mos", "mef", "raw"}
)
PICTURE_TYPES: Final = frozenset(
    set(_PICTURES)
    | _RAW_TYPES
    | {"jls", "qoi", "icns", "ico", "cur", "emf", "pnm", "pcx", "tga", "sgi", "flif", "ilbm", "dicom"}
)
"""Picture formats that are recognised but not accepted: they are quarantined."""

_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
# HEIF without a codec in its brand, or with JPEG, JPEG 2000, AVC, VVC or uncompressed pictures. `mif3` has the codec in
# the place of the minor version.
_HEIF_BRANDS: Final = frozenset(
    {b"mif1", b"msf1", b"mif2", b"mif3", b"miaf", b"jpeg", b"jpgs", b"j2ki", b"j2is", b"avci", b"avcs"}
    | {b"vvic", b"vvis", b"unif"}
)
_RIFF: Final = {b"WEBP": "webp", b"AVI ": "avi"}
_QUICKTIME: Final = frozenset({b"moov", b"mdat", b"wide", b"pnot", b"skip", b"free"})

# Width and height after the letter; a comment runs to the end of its line (Netpbm, "pnm"). The alternatives begin with
# different characters, so matching is linear.
_PNM: Final = re.compile(rb"P(?:[1-6](?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+\d+\s|7\nWIDTH |[Ff]\n\d+ \d+\n)")


def by_magic(body: bytes) -> str | None:
    """The type by the first bytes (for TGA the last ones); None where no signature matches."""
    for kind, signatures in _ACCEPTED.items():
        if body.startswith(signatures):
            return kind
    if body[:4] == b"RIFF":
        return _RIFF.get(body[8:12], "riff")
    if body[4:8] == b"ftyp":
        return _by_brand(body)
    # The two letters alone would match text, too.
    if body[:2] == b"BM" and int.from_bytes(body[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    for kind, signatures in _NOT_ACCEPTED.items():
        if body.startswith(signatures):
            return kind
    return _by_header(body)


def _by_brand(body: bytes) -> str:
    """The type of an ISO base media file: its major brand first, then the compatible ones."""
    found = brands(body)
    if found[0] == b"crx ":
        return "cr3"
    if found[0] == b"mif3":
        found.insert(0, body[12:16])
    for brand in found:
        if brand in _AVIF_BRANDS:
            return "avif"
        if brand in _HEIC_BRANDS:
            return "heic"
    if not _HEIF_BRANDS.isdisjoint(found):
        return "heic"
    return "mov" if found[0] == b"qt  " else "mp4"


def _by_header(body: bytes) -> str | None:
    """The type of formats with a weak signature: more of the header must match."""
    count = int.from_bytes(body[4:6], "little")
    if body[:4] in (b"\x00\x00\x01\x00", b"\x00\x00\x02\x00") and count and not any(body[9:10]):
        return "ico" if body[2] == 1 else "cur"
    if body[:4] == b"qoif" and body[12:13] in (b"\x03", b"\x04") and body[13:14] in (b"\x00", b"\x01"):
        return "qoi"
    if body[:4] in (b"IIRO", b"IIRS", b"MMOR") and 0 in body[4:8]:
        return "orf"
    if body[:4] == b"icns" and body[4:5] == b"\x00":
        return "icns"
    if body[:4] == b"FLIF" and body[5:6] in (b"0", b"1", b"2"):
        return "flif"
    if body[:4] == b"FORM" and body[8:12] in (b"ILBM", b"PBM "):
        return "ilbm"
    if body[:4] == b"\x01\x00\x00\x00" and body[40:44] == b" EMF":
        return "emf"
    if body[:2] == b"\x01\xda" and body[2:3] in (b"\x00", b"\x01") and body[3:4] in (b"\x01", b"\x02"):
        return "sgi"
    if body[:1] == b"\x0a" and body[1:2] in (b"\x00", b"\x02", b"\x03", b"\x04", b"\x05") and body[2:3] == b"\x01":
        return "pcx" if body[3:4] in (b"\x01", b"\x02", b"\x04", b"\x08") else None
    if body[4:8] in _QUICKTIME and body[:1] == b"\x00":
        return "mov"
    if body[128:132] == b"DICM":
        return "dicom"
    if body[257:262] == b"ustar":
        return "tar"
    if body[-18:-2] == b"TRUEVISION-XFILE":
        return "tga"
    return "pnm" if _PNM.match(body, 0, 512) else None
