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
"""By detected type. Anything else is kept as plain octets: no browser shall render a page that posed as an image."""

MAX_NAMES: Final = 8
"""Names tried before giving up: the plain one, then one per further eight hex digits of the SHA-256."""


def names_for(name: str, sha256: str) -> Iterator[str]:
    """The names to try, in order, for bytes with this SHA-256: the plain one, then names beside it."""
    yield name
    for start in range(0, 8 * (MAX_NAMES - 1), 8):
        name = alternative_name(name, sha256[start:])
        yield name
