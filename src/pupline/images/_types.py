"""The types of images: which are accepted, their content types and their extensions."""

from typing import Final

IMAGE_TYPES: Final = ("jpg", "png", "gif", "webp", "avif", "heic", "bmp", "tiff")
"""The types that are accepted."""

IMAGE_EXTENSIONS: Final = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp", "avif", "heic", "heif", "bmp", "dib", "tif", "tiff"}
)
"""Extensions of these types by which programs find images in a folder. Rare ones, such as `jif`, are not among them."""

_OWN_NAME: Final = (
    "gif webp svg xml zip json ico cur icns jxl jls qoi exr dds psd psb tga cr2 cr3 crw raf pef srw iiq avi"
)
"""Types with their own name as their only extension."""

_EXTENSIONS: Final = {kind: kind for kind in _OWN_NAME.split()} | {
    "jpg": "jpg jpeg jpe jfif jif pjp pjpeg",
    "png": "png apng",
    # HEIF is the container of both, and its own extensions stand for either.
    "avif": "avif avifs heif heifs hif",
    "heic": "heic heics heif heifs hif",
    "bmp": "bmp dib",
    "tiff": "tif tiff",
    "html": "htm html xhtml",
    "pdf": "pdf ai",
    "gzip": "gz svgz tgz",
    "exe": "exe dll",
    "text": "txt csv",
    "jp2": "jp2 j2k j2c jpc jpf jpx",
    "jxr": "jxr wdp hdp",
    "eps": "eps ps ai",
    "pnm": "pbm pgm ppm pnm pam pfm",
    "dng": "dng gpr",
    "nef": "nef nrw",
    "arw": "arw sr2 srf",
    "orf": "orf ori",
    "rw2": "rw2 rwl",
    "3fr": "3fr fff",
    "mp4": "mp4 m4v mov",
    "mov": "mov qt mp4",
    "webm": "webm mkv",
}

_TYPES_OF: Final[dict[str, set[str]]] = {}
for _kind, _extensions in _EXTENSIONS.items():
    for _extension in _extensions.split():
        _TYPES_OF.setdefault(_extension, set()).add(_kind)


def content_type_of(file_type: str, problem: str | None) -> str:
    """The content type of an object, from the inspection of its bytes.

    Everything with a problem is binary data, so that no browser renders a page that was sent as an image, or decodes a
    damaged one.
    """
    if problem or file_type not in IMAGE_TYPES:
        return "application/octet-stream"
    return "image/jpeg" if file_type == "jpg" else f"image/{file_type}"


def extension_agrees(extension: str | None, file_type: str) -> bool | None:
    """Whether the extension stands for this type; None where it is absent or unknown.

    extension: as `name_extension` returns it. file_type: as `inspect` returns it.
    """
    types = _TYPES_OF.get((extension or "").lower())
    return None if types is None else file_type in types
