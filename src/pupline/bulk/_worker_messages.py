"""What coordinator and workers say to each other: frames of marshalled plain values over a socket pair.

Marshal, because both ends are the same Python and it is the fastest there is: some 20 values for each of thousands of
images a second. It is never used on bytes from anywhere else.

To a worker goes a pair of an operation and its argument. From a worker come lists of answers, each a tuple that begins
with the number of its job and the kind of answer.
"""

import marshal
import os
import struct
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from pupline import errors
from pupline.errors import RetryAfter, TaskFailure
from pupline.tasks.items import FetchedImage

NO_RESOURCES_STATUS: Final = os.EX_OSERR
"""Exit status of a worker that found no memory, threads or descriptors. It prints nothing: the coordinator does."""

DO: Final = 0
"""Operation; argument: a list of requests."""

HAND_BACK: Final = 1
"""Operation; argument: numbers of jobs that shall not be begun any more, and are answered with HANDED_BACK."""

IMAGE: Final = 0
"""Kind of request: `(number, IMAGE, url, sha1, sha256, etag, last_modified)`."""

DOCUMENT: Final = 1
"""Kind of request: `(number, DOCUMENT, url, accept, max_bytes, headers, content, content_type, truncate)`.

content: to POST. truncate: the first max_bytes are enough.
"""

FETCHED: Final = 0
"""`(number, FETCHED, began_at, ended_at, path, *fields of FetchedImage)`."""

UNCHANGED: Final = 1
"""`(number, UNCHANGED, began_at, ended_at)`."""

FAILED: Final = 2
"""`(number, FAILED, began_at, ended_at, error, message, details)`."""

ANSWERED: Final = 3
"""`(number, ANSWERED, began_at, ended_at, url, headers, body, content_type)`: a document."""

HANDED_BACK: Final = 4
"""`(number, HANDED_BACK)`: it was not begun."""

LOST: Final = 5
"""`(number, LOST)`: its worker died. Said by the coordinator's end of the line."""

Request: TypeAlias = tuple[Any, ...]
Answer: TypeAlias = tuple[Any, ...]

_LENGTH = struct.Struct("<I")


def frame(message: Any) -> bytes:
    """The bytes that say `message`."""
    data = marshal.dumps(message)
    return _LENGTH.pack(len(data)) + data


def messages(buffer: bytearray) -> Iterator[Any]:
    """The whole messages at the beginning of `buffer`, which are taken out of it."""
    start = 0
    try:
        while len(buffer) - start >= _LENGTH.size:
            end = start + _LENGTH.size + _LENGTH.unpack_from(buffer, start)[0]
            if end > len(buffer):
                return
            with memoryview(buffer) as view, view[start + _LENGTH.size : end] as data:
                message = marshal.loads(data)  # noqa: S302 - said by our own process
            start = end
            yield message
    finally:
        del buffer[:start]


def failure_of(answer: Answer) -> TaskFailure:
    """The failure that a FAILED answer tells of, as its worker raised it."""
    error, message, details = answer[4:7]
    kind: type[TaskFailure] = getattr(errors, error, TaskFailure)
    failure = RetryAfter(message, details["retry_after_seconds"]) if kind is RetryAfter else kind(message)
    failure.details.update(details)
    return failure


def fetched_of(answer: Answer) -> FetchedImage:
    """What a FETCHED answer tells of its image."""
    name, sha256, size_bytes, file_type, width, height, problem, content_type, extension, *rest = answer[5:]
    alert_reasons, sha1, etag, last_modified = rest
    return FetchedImage(
        name=name,
        sha256=sha256,
        size_bytes=size_bytes,
        file_type=file_type,
        width=width,
        height=height,
        problem=problem,
        content_type=content_type,
        name_extension=extension,
        alert_reasons=alert_reasons,
        sha1=sha1,
        etag=etag,
        last_modified=last_modified,
    )
