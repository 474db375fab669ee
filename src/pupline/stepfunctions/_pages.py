"""Pages of a list. A token holds where the next page begins, and is valid only for the same request."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from pupline.stepfunctions._call import Parameters
from pupline.stepfunctions._errors import ApiError

T = TypeVar("T")

_MAX_DIGITS = 19
"""SQLite's integers have 64 bits."""

DEFAULT_RESULTS = 100
"""The length of a page where maxResults is 0 or missing."""


def page_of(
    operation: str,
    parameters: Parameters,
    read: Callable[[str | None, int], Sequence[T]],
    place: Callable[[T], str],
) -> tuple[list[T], str | None]:
    """The items of a page, and the token of the next, None at the end.

    read: (place or None, number) -> the items after that place. place: of an item.
    Raises: ApiError (InvalidToken) for a token of another request.
    """
    limit = parameters.get("maxResults") or DEFAULT_RESULTS
    found = read(_place_in_token(operation, parameters), limit + 1)
    items = list(found[:limit])
    return items, _token(operation, parameters, place(items[-1])) if len(found) > limit else None


def number_of(place: str) -> int:
    """The number that a place is. Raises: ApiError (InvalidToken): clients can write tokens of their own."""
    if not (place.isascii() and place.isdigit() and len(place) < _MAX_DIGITS):
        raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
    return int(place)


def _token(operation: str, parameters: Parameters, place: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([_digest(operation, parameters), place]).encode()).decode()


def _place_in_token(operation: str, parameters: Parameters) -> str | None:
    token = parameters.get("nextToken")
    if token is None:
        return None
    try:
        digest, place = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'") from error
    if digest != _digest(operation, parameters) or not isinstance(place, str):
        raise ApiError("InvalidToken", "Invalid Token: 'Input inconsistent with page token'")
    return place


def _digest(operation: str, parameters: Parameters) -> str:
    """Of the request, but for the length of the page, which may change from page to page."""
    same = {name: value for name, value in parameters.items() if name not in ("nextToken", "maxResults")}
    return hashlib.sha256(json.dumps([operation, same], sort_keys=True).encode()).hexdigest()[:16]
