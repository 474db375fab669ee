"""Cursors: opaque texts that name a row of a list by its place in the order, and are checked when they come back."""

import base64
import binascii
import json
import zlib
from typing import TypeAlias

from pupline.tasks.pages import InvalidQuery

Key: TypeAlias = tuple[int | float | str, ...]

_MOST_CHARACTERS = 4096
_CHECK_BYTES = 4
_TOO_LARGE = 1 << 63
_INVALID = "this page's link is damaged or belongs to another list: begin again at the first page"


def cursor_of(listing: str, key: Key) -> str:
    """The cursor of the row with this key. listing: the name of the list and its order, such as `records/newest`."""
    text = json.dumps([listing, *key], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(text) + text).decode().rstrip("=")


def key_of(listing: str, cursor: str) -> Key:
    """The key of a cursor of this list, with numbers of at most 63 bits. Raises: InvalidQuery."""
    if len(cursor) > _MOST_CHARACTERS or not cursor.isascii():
        raise InvalidQuery(_INVALID)
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw[_CHECK_BYTES:])
    except (binascii.Error, ValueError, RecursionError) as err:
        raise InvalidQuery(_INVALID) from err
    is_whole = raw[:_CHECK_BYTES] == _check(raw[_CHECK_BYTES:])
    if not is_whole or not isinstance(found, list) or found[:1] != [listing]:
        raise InvalidQuery(_INVALID)
    if not all(type(value) in {float, str} or (type(value) is int and abs(value) < _TOO_LARGE) for value in found[1:]):
        raise InvalidQuery(_INVALID)
    return tuple(found[1:])


def invalid_cursor() -> InvalidQuery:
    """The error for a cursor that is whole, but not of this list."""
    return InvalidQuery(_INVALID)


def _check(text: bytes) -> bytes:
    return zlib.crc32(text).to_bytes(_CHECK_BYTES, "big")
