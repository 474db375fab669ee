"""Messages between the coordinator and its workers: frames of marshalled plain values over a socket pair.

Marshal is the fastest serialiser of plain values, and both ends run the same Python. It never reads bytes from outside.
This module alone knows the order of the values; all others use the names of the fields.
"""

import itertools
import marshal
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from pupline import errors
from pupline.errors import RetryAfter, TaskFailure
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
    return frame(([(_TAGS[type(request)], *request) for request in order.requests], list(order.recalled)))


def decoded_orders(buffer: bytearray) -> Iterator[Order]:
    """The complete messages at the start of a worker's `buffer`, which are removed from it."""
    for requests, recalled in unframed(buffer):
        yield Order([_REQUESTS[tag]._make(rest) for tag, *rest in requests], recalled)


def replies_frame(replies: Iterable[Reply]) -> bytes:
    """The bytes of a message from a worker."""
    encoded: list[tuple[Any, ...]] = []
    for reply in replies:
        tag = _TAGS[type(reply)]
        if isinstance(reply, ImageFetched):
            encoded.append((tag, *reply[:-1], tuple(reply.image)))
        elif isinstance(reply, RequestFailed):
            failure = reply.failure
            encoded.append((tag, *reply[:-1], type(failure).__name__, failure.message, failure.details))
        else:
            encoded.append((tag, *reply))
    return frame(encoded)


def decoded_replies(buffer: bytearray) -> Iterator[Reply]:
    """The replies in the complete messages at the start of `buffer`, which are removed from it."""
    for tag, *rest in itertools.chain.from_iterable(unframed(buffer)):
        kind = _REPLIES[tag]
        if kind is ImageFetched:
            number, began_at, ended_at, path, image = rest
            yield ImageFetched(number, began_at, ended_at, path, FetchedImage._make(image))
        elif kind is RequestFailed:
            number, began_at, ended_at, error, message, details = rest
            failed: type[TaskFailure] = getattr(errors, error, TaskFailure)
            failure = RetryAfter(message, details["retry_after_seconds"]) if failed is RetryAfter else failed(message)
            failure.details.update(details)
            yield RequestFailed(number, began_at, ended_at, failure)
        else:
            yield kind._make(rest)


def frame(values: Any) -> bytes:
    """The bytes of one message."""
    data = marshal.dumps(values)
    return _LENGTH.pack(len(data)) + data


def unframed(buffer: bytearray) -> Iterator[Any]:
    """The values of the complete messages at the start of `buffer`, which are removed from it."""
    start = 0
    try:
        while len(buffer) - start >= _LENGTH.size:
            end = start + _LENGTH.size + _LENGTH.unpack_from(buffer, start)[0]
            if end > len(buffer):
                return
            with memoryview(buffer) as view, view[start + _LENGTH.size : end] as data:
                values = marshal.loads(data)  # noqa: S302 - written by our own process
            start = end
            yield values
    finally:
        del buffer[:start]
