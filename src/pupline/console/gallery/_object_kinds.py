"""What a stored object is served as: decided by its bytes, whatever was declared when it was fetched."""

from collections.abc import Mapping
from urllib.parse import quote

from pupline.images import content_type_of, inspect
from pupline.tasks.ports import OpenObject
from pupline.text import UNSAFE

SHOWN_TYPES = frozenset({"jpg", "png", "gif", "webp", "avif", "bmp"})
"""Image types that browsers show."""

_HEAD_BYTES = 64 * 1024
_MAX_NAME = 150
_UNKNOWN = "application/octet-stream"


def object_headers(opened: OpenObject) -> Mapping[str, str]:
    """Content-Type and Content-Disposition: a sound type that browsers show is shown, everything else is saved.

    Raises: StorageError.
    """
    name = opened.facts.key.rpartition("/")[2]
    start = b"".join(opened.chunks(0, min(opened.facts.size_bytes, _HEAD_BYTES)))
    found = inspect(start)
    if not found.is_image:
        return _headers(_UNKNOWN, "attachment", name)
    kind = "inline" if found.file_type in SHOWN_TYPES else "attachment"
    return _headers(content_type_of(found.file_type, None), kind, name)


def _headers(content_type: str, kind: str, name: str) -> Mapping[str, str]:
    return {"Content-Type": content_type, "Content-Disposition": content_disposition(kind, name)}


def content_disposition(kind: str, name: str) -> str:
    """The header for a file name from outside (RFC 6266): in ASCII, and in UTF-8 where that says more."""
    safe = UNSAFE.sub("_", name).replace("/", "_").replace("\\", "_")[-_MAX_NAME:].strip(". ") or "object"
    ascii_only = "".join(character if " " <= character <= "~" and character not in '"%;' else "_" for character in safe)
    extended = "" if ascii_only == safe else f"; filename*=UTF-8''{quote(safe, safe='')}"
    return f'{kind}; filename="{ascii_only}"{extended}'
