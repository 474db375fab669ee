"""Where the picture of an audit record is, for every page that shows one."""

import re
from urllib.parse import quote, unquote, urlsplit

from pupline.console.web._urls import path_of, with_parameters
from pupline.errors import ACCEPTED_OUTCOMES
from pupline.tasks.layout import QUARANTINE
from pupline.tasks.records import AuditRecord

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIRECTORY = re.compile(r"/buckets/[a-z0-9.-]{3,63}/")
_SHOWN_NAME = 80


def is_sha256(text: str) -> bool:
    """Whether this is a SHA-256 as records have it."""
    return _SHA256.fullmatch(text) is not None


def object_key(record: AuditRecord) -> str | None:
    """The key of the record's object in the bucket; None where nothing is stored.

    On one machine an object whose key is not a safe path lies at another path; it is found by its hash.
    """
    if record.image_url is None:
        return None
    url = urlsplit(record.image_url)
    if url.scheme != "file":
        return unquote(url.path).removeprefix("/") or None
    *_, path = _DIRECTORY.split(url.path, maxsplit=1)
    return unquote(path) or None


def object_path(record: AuditRecord) -> str | None:
    """The path of the stored bytes, with the hash that they must have; None where none are, or are in quarantine."""
    key = object_key(record)
    if key is None or key.startswith(QUARANTINE):
        return None
    return with_parameters(f"/objects/{quote(key)}", [("sha256", record.sha256)])


def thumbnail_path(record: AuditRecord) -> str | None:
    """The path of the record's thumbnail; None where it has no picture, or one that is not shown.

    With its key, an image that is gone gets a drawing that says so.
    """
    if record.outcome not in ACCEPTED_OUTCOMES or not is_sha256(record.sha256 or ""):
        return None
    return with_parameters(path_of("thumbnails", record.sha256 or ""), [("key", object_key(record))])


def image_text(record: AuditRecord) -> str:
    """What a screen reader says instead of the picture: its name and its type."""
    kind = f", {record.file_type.upper()}" if record.file_type else ""
    name = record.image_name if len(record.image_name) <= _SHOWN_NAME else f"{record.image_name[:_SHOWN_NAME]}…"
    return f"{name}{kind}"
