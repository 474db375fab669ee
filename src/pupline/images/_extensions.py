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
    "pdf": ("pdf",),
    "zip": ("zip",),
    "gzip": ("gz", "svgz", "tgz"),
    "exe": ("exe", "dll"),
    "json": ("json",),
    "text": ("txt", "csv"),
    "ico": ("ico", "cur"),
    "jxl": ("jxl",),
    "jp2": ("jp2", "j2k", "jpx"),
    "psd": ("psd",),
    "mp4": ("mp4", "m4v", "mov"),
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
