"""Messages between the coordinator and its workers: what one end encodes, the other decodes."""

import pytest

from pupline.bulk._worker_messages import (
    DocumentFetched,
    DocumentRequest,
    HandedBack,
    ImageFetched,
    ImageRequest,
    ImageUnchanged,
    Order,
    Reply,
    RequestFailed,
    decoded_orders,
    decoded_replies,
    order_frame,
    replies_frame,
)
from pupline.errors import LongRetryAfter, NotFound, RetryAfter, TaskFailure
from pupline.tasks.items import FetchedImage

IMAGE = FetchedImage(
    name="rex.jpg",
    sha256="0" * 64,
    size_bytes=10,
    file_type="png",
    width=3,
    height=2,
    problem="damaged_image",
    content_type="image/jpeg",
    name_extension="jpg",
    sha1="1" * 40,
    etag='"one"',
    last_modified="Mon, 30 Nov 2026 01:00:00 GMT",
)
REPLIES: list[Reply] = [
    ImageFetched(7, 1.5, 2.5, "/data/tmp/ingest-1", IMAGE),
    ImageUnchanged(8, 1.5, 2.5),
    DocumentFetched(9, 1.5, 2.5, "http://a/list", {"link": "next"}, b"[1, 2]", "application/json"),
    DocumentFetched(10, 1.5, 2.5, "http://a/robots.txt", {}, b"", None),
    HandedBack(11),
]
ORDERS = [
    Order([ImageRequest(1, "http://a/1.jpg", "1" * 32, None, "0" * 64, '"one"', None)]),
    Order([DocumentRequest(2, "http://a/list", "*/*", 10, {"X-Key": "k"}, b"q", "text/plain", truncate=False)], [5, 6]),
    Order(recalled=[7]),
]


def test_replies_come_back_whole() -> None:
    """Every field of every kind of reply, with its type."""
    found = list(decoded_replies(bytearray(replies_frame(REPLIES))))
    assert found == REPLIES
    assert list(map(type, found)) == list(map(type, REPLIES))


@pytest.mark.parametrize(
    "failure", [NotFound("nothing"), RetryAfter("busy", 7), LongRetryAfter("away", 3600), TaskFailure("a bug")]
)
def test_a_failure_comes_back_with_its_type_and_details(failure: TaskFailure) -> None:
    """The scheduler decides by both."""
    failure.details["status"] = 503
    (found,) = decoded_replies(bytearray(replies_frame([RequestFailed(1, 1.5, 2.5, failure)])))
    assert isinstance(found, RequestFailed)
    assert (type(found.failure), found.failure.message) == (type(failure), failure.message)
    assert found.failure.details == failure.details


def test_messages_may_arrive_in_pieces() -> None:
    """A message is decoded when its last byte is there, and the bytes of the next one are left alone."""
    sent = b"".join(map(order_frame, ORDERS))
    buffer = bytearray()
    found: list[Order] = []
    for byte in sent:
        buffer.append(byte)
        found += decoded_orders(buffer)
    assert [(list(order.requests), list(order.recalled)) for order in found] == [
        (list(order.requests), list(order.recalled)) for order in ORDERS
    ]
    assert not buffer
