"""The types of images: which are accepted, their content types and their extensions."""

from typing import Final

IMAGE_TYPES: Final = ("jpg", "png", "gif", "webp", "avif", "heic", "bmp", "tiff")
"""The types that are accepted."""

CONTENT_TYPES: Final = {kind: f"image/{kind}" for kind in IMAGE_TYPES if kind != "jpg"} | {"jpg": "image/jpeg"}
"""Of sound images, by detected type."""

_BINARY: Final = "application/octet-stream"

_EXTENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "jpg": ("jpg", "jpeg", "jpe", "jfif", "jif", "pjp", "pjpeg"),
    "png": ("png", "apng"),
    "gif": ("gif",),
    "webp": ("webp",),
    # HEIF is the container of both, and its own extensions stand for either.
    "avif": ("avif", "avifs", "heif", "heifs", "hif"),
    "heic": ("heic", "heics", "heif", "heifs", "hif"),
    "bmp": ("bmp", "dib"),
    "tiff": ("tif", "tiff"),
    "svg": ("svg",),
    "html": ("htm", "html", "xhtml"),
    "xml": ("xml",),
    "pdf": ("pdf", "ai"),
    "zip": ("zip",),
    "gzip": ("gz", "svgz", "tgz"),
    "exe": ("exe", "dll"),
    "json": ("json",),
    "text": ("txt", "csv"),
    "ico": ("ico",),
    "cur": ("cur",),
    "icns": ("icns",),
    "jxl": ("jxl",),
    "jp2": ("jp2", "j2k", "j2c", "jpc", "jpf", "jpx"),
    "jxr": ("jxr", "wdp", "hdp"),
    "jls": ("jls",),
    "qoi": ("qoi",),
    "exr": ("exr",),
    "dds": ("dds",),
    "psd": ("psd",),
    "psb": ("psb",),
    "eps": ("eps", "ps", "ai"),
    "pnm": ("pbm", "pgm", "ppm", "pnm", "pam", "pfm"),
    "tga": ("tga",),
    "dng": ("dng", "gpr"),
    "nef": ("nef", "nrw"),
    "cr2": ("cr2",),
    "cr3": ("cr3",),
    "crw": ("crw",),
    "arw": ("arw", "sr2", "srf"),
    "orf": ("orf", "ori"),
    "rw2": ("rw2", "rwl"),
    "raf": ("raf",),
    "pef": ("pef",),
    "srw": ("srw",),
    "3fr": ("3fr", "fff"),
    "iiq": ("iiq",),
    "mp4": ("mp4", "m4v", "mov"),
    "mov": ("mov", "qt", "mp4"),
    "avi": ("avi",),
    "webm": ("webm", "mkv"),
}

_TYPES_OF: Final[dict[str, frozenset[str]]] = {
    extension: frozenset(kind for kind, extensions in _EXTENSIONS.items() if extension in extensions)
    for extensions in _EXTENSIONS.values()
    for extension in extensions
}


def content_type_of(file_type: str, problem: str | None) -> str:
    """The content type of an object, from the inspection of its bytes.

    Everything with a problem is binary data, so that no browser renders a page that was sent as an image, or decodes a
    damaged one.
    """
    return _BINARY if problem else CONTENT_TYPES.get(file_type, _BINARY)


def extension_agrees(extension: str | None, file_type: str) -> bool | None:
    """Whether the extension stands for this type; None where it is absent or unknown.

    extension: as `name_extension` returns it. file_type: as `inspect` returns it.
    """
    types = _TYPES_OF.get((extension or "").lower())
    return None if types is None else file_type in types
