"""How an image is kept: what it is called beside others, and what it is served as."""

from collections.abc import Iterator
from typing import Final

from pupline.images._names import alternative_name

CONTENT_TYPES: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
}
"""Of sound images, by detected type."""

_OCTETS: Final = "application/octet-stream"

MAX_NAMES: Final = 8
"""Names tried before giving up: the plain one, then one per further eight hex digits of the SHA-256."""


def content_type_of(file_type: str, problem: str | None) -> str:
    """What bytes are served as, by what `inspect` found.

    Everything with a problem is plain octets: no browser renders a page that posed as an image, or hands a damaged one
    to a decoder.
    """
    return _OCTETS if problem else CONTENT_TYPES.get(file_type, _OCTETS)


def candidate_names(name: str, sha256: str) -> Iterator[str]:
    """The names to try, in order, for bytes with this SHA-256: the plain one, then names beside it."""
    yield name
    for start in range(0, 8 * (MAX_NAMES - 1), 8):
        name = alternative_name(name, sha256[start:])
        yield name
