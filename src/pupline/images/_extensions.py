"""What the end of a name promises about the bytes."""

from typing import Final

_EXTENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "jpg": ("jpg", "jpeg", "jpe", "jfif", "jif", "pjp", "pjpeg"),
    "png": ("png", "apng"),
    "gif": ("gif",),
    "webp": ("webp",),
    # HEIF is the container of both; its own extensions promise no more than that.
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


def extension_agrees(extension: str | None, file_type: str) -> bool | None:
    """Whether a name with this extension may hold this type; None where the extension is absent or promises nothing.

    extension: as `name_extension` gives it. file_type: as `inspect` gives it.
    """
    promised = _TYPES_OF.get((extension or "").lower())
    return None if promised is None else file_type in promised
