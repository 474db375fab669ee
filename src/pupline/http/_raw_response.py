"""A response as it was sent, and how much of one is read."""

from dataclasses import dataclass

from pupline.http._head import ResponseHead


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What is read of one response, at most.

    max_bytes: of the body as sent. truncate: of a longer body, read the first `max_bytes` instead of raising TooLarge.
    max_header_bytes: of the head with its interim responses, chunk extensions and trailers; each small chunk is one.
    is_head_only: no body. error_bytes: of the body of an error, which may be cut anywhere.
    """

    max_bytes: int
    max_header_bytes: int
    max_headers: int
    truncate: bool = False
    is_head_only: bool = False
    error_bytes: int = 0


@dataclass(slots=True)
class RawResponse:
    """A response as it was sent. body: b"" where it was not wanted; of an error, its first bytes if they are wanted.

    is_at_end: it was read to its own exact end, with nothing after it.
    """

    head: ResponseHead
    body: bytes
    is_at_end: bool
