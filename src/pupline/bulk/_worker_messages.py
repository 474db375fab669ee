"""Messages between the coordinator and its workers: frames of marshalled plain values over a socket pair.

Marshal is the fastest serialiser of plain values, and both ends run the same Python. It never reads bytes from outside.
This module alone knows the order of the values; all others use the names of the fields.
"""

import marshal
import os
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from pupline import errors
from pupline.errors import LongRetryAfter, RetryAfter, TaskFailure
from pupline.tasks.items import FetchedImage

NO_RESOURCES_STATUS: Final = os.EX_OSERR
"""Exit status of a worker that found no memory, threads or descriptors. It prints nothing: the coordinator does."""


class ImageRequest(NamedTuple):
    """An image to fetch. md5, sha1, sha256: as the source declares them. etag, last_modified: of the previous fetch."""

    number: int
    url: str
    md5: str | None
    sha1: str | None
    sha256: str | None
    etag: str | None
    last_modified: str | None


class DocumentRequest(NamedTuple):
    """A list page or a robots.txt. content: for a POST. truncate: the first max_bytes are enough."""

    number: int
    url: str
    accept: str
    max_bytes: int
    headers: Mapping[str, str]
    content: bytes | None
    content_type: str
    truncate: bool


WorkerRequest: TypeAlias = ImageRequest | DocumentRequest


class Order(NamedTuple):
    """A message to a worker. recalled: numbers of requests to hand back, unless they are in flight."""

    requests: Sequence[WorkerRequest] = ()
    recalled: Sequence[int] = ()


class ImageFetched(NamedTuple):
    """path: of the file with the image's bytes. began_at, ended_at, here and below: seconds since the epoch."""

    number: int
    began_at: float
    ended_at: float
    path: str
    image: FetchedImage


class ImageUnchanged(NamedTuple):
    """The server answered 304."""

    number: int
    began_at: float
    ended_at: float


class DocumentFetched(NamedTuple):
    """url: where it came from, after redirects."""

    number: int
    began_at: float
    ended_at: float
    url: str
    headers: Mapping[str, str]
    body: bytes
    content_type: str | None


class RequestFailed(NamedTuple):
    """failure: as the worker raised it."""

    number: int
    began_at: float
    ended_at: float
    failure: TaskFailure


class HandedBack(NamedTuple):
    """The request was not made."""

    number: int


class Lost(NamedTuple):
    """The worker died. The coordinator's end of the socket makes this reply."""

    number: int


Reply: TypeAlias = ImageFetched | ImageUnchanged | DocumentFetched | RequestFailed | HandedBack | Lost

_REQUESTS = (ImageRequest, DocumentRequest)
_REPLIES = (ImageFetched, ImageUnchanged, DocumentFetched, RequestFailed, HandedBack)
_TAGS = {kind: tag for kinds in (_REQUESTS, _REPLIES) for tag, kind in enumerate(kinds)}
_LENGTH = struct.Struct("<I")


def order_frame(order: Order) -> bytes:
    """The bytes of a message to a worker."""
    return frame(([(_TAGS[type(request)], tuple(request)) for request in order.requests], list(order.recalled)))


def decoded_orders(buffer: bytearray) -> list[Order]:
    """The complete messages at the start of a worker's `buffer`, which are removed from it."""
    return [
        Order([_REQUESTS[tag]._make(values) for tag, values in requests], recalled)
        for requests, recalled in unframed(buffer)
    ]


def replies_frame(replies: Iterable[Reply]) -> bytes:
    """The bytes of a message from a worker."""
    return frame([(_TAGS[type(reply)], _plain(reply)) for reply in replies])


def _plain(reply: Reply) -> tuple[Any, ...]:
    if isinstance(reply, ImageFetched):
        return (*reply[:-1], tuple(reply.image))
    if isinstance(reply, RequestFailed):
        failure = reply.failure
        return (*reply[:-1], type(failure).__name__, failure.message, failure.details)
    return tuple(reply)


def decoded_replies(buffer: bytearray) -> list[Reply]:
    """The replies in the complete messages at the start of `buffer`, which are removed from it."""
    return [_reply(tag, values) for message in unframed(buffer) for tag, values in message]


def _reply(tag: int, values: tuple[Any, ...]) -> Reply:
    kind = _REPLIES[tag]
    if kind is ImageFetched:
        number, began_at, ended_at, path, image = values
        return ImageFetched(number, began_at, ended_at, path, FetchedImage._make(image))
    if kind is RequestFailed:
        number, began_at, ended_at, error, message, details = values
        failed: type[TaskFailure] = getattr(errors, error, TaskFailure)
        if failed is RetryAfter or failed is LongRetryAfter:
            failure: TaskFailure = failed(message, details["retry_after_seconds"])
        else:
            failure = failed(message)
        failure.details.update(details)
        return RequestFailed(number, began_at, ended_at, failure)
    return kind._make(values)


def frame(values: Any) -> bytes:
    """The bytes of one message."""
    data = marshal.dumps(values)
    return _LENGTH.pack(len(data)) + data


def unframed(buffer: bytearray, most: int = sys.maxsize) -> list[Any]:
    """The values of the complete messages at the start of `buffer`, which are removed from it; of so many at most."""
    found: list[Any] = []
    start = 0
    while len(found) < most and len(buffer) - start >= _LENGTH.size:
        end = start + _LENGTH.size + _LENGTH.unpack_from(buffer, start)[0]
        if end > len(buffer):
            break
        with memoryview(buffer) as view, view[start + _LENGTH.size : end] as data:
            found.append(marshal.loads(data))  # noqa: S302 - written by our own process
        start = end
    del buffer[:start]
    return found
