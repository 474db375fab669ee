"""Each status has one meaning, and Retry-After is honoured within reason."""

import json
from contextlib import closing
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import (
    HttpError,
    LongRetryAfter,
    NotFound,
    RequestTimeout,
    RetryAfter,
    ServerError,
    TaskFailure,
    TooManyRequests,
)
from pupline.http._client import MAX_ERROR_BYTES
from pupline.http._status import failure_for, response_time, retry_after_seconds
from tests.http.servers import RawServer, answer

NOW = datetime(2026, 1, 31, 23, 59, 30, tzinfo=UTC).timestamp()

MEANINGS: list[tuple[type[TaskFailure], list[int]]] = [
    (NotFound, [404, 410]),
    (RequestTimeout, [408, 425]),
    (TooManyRequests, [429]),
    (ServerError, [500, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529, 530]),
    (HttpError, [201, 202, 204, 205, 206, 300, 304, 305, 306, 400, 401, 403, 405, 406, 416, 418, 451, 501, 505]),
    (HttpError, [506, 507, 508, 510, 511, 519, 525, 526, 528, 531, 599, 600, 999]),
]


@pytest.mark.parametrize(("kind", "status"), [(kind, status) for kind, group in MEANINGS for status in group])
def test_each_status_has_one_error(kind: type[TaskFailure], status: int) -> None:
    """Any status but 200 and 203 raises its one error, with the URL and the status in its message."""
    with RawServer(answer(b"woof", status=f"{status} X")) as server:
        with pytest.raises(kind) as caught:
            server.client().get(f"{server.origin}/dog.jpg")
        assert type(caught.value) is kind
        assert caught.value.message.startswith(f"{server.origin}/dog.jpg: the server answered {status}")
        assert caught.value.details == ({"status": status} if kind is HttpError or status == 410 else {})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 522, 530])
def test_retry_after_is_passed_on(status: int) -> None:
    """A Retry-After within 60 s becomes a RetryAfter, whose text is JSON for the workflow's Wait state."""
    with RawServer(answer(b"", "Retry-After: 7", status=f"{status} Later")) as server:
        with pytest.raises(RetryAfter) as caught:
            server.client().get(server.origin)
        assert caught.value.seconds == 7
        text = json.loads(str(caught.value))
        assert text["retry_after_seconds"] == 7
        assert (
            text["message"]
            == f"{server.origin}/: the server answered {status}"
            + (" (too many requests)" if status == 429 else "")
            + " and asks to come back in 7 s"
        )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("60", 60),
        ("007", 7),
        ("86400", 86400),
        ("Sun, 01 Feb 2026 00:00:00 GMT", 30),
        ("Sunday, 01-Feb-26 00:00:00 GMT", 30),
        ("Sun Feb  1 00:00:00 2026", 30),
        ("Sat, 31 Jan 2026 23:59:30 GMT", 0),
        ("Sat, 31 Jan 2026 23:59:29 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Sun, 99 Feb 2026 00:00:00 GMT", None),
        ("-1", None),
        ("+5", None),
        ("1.5", None),
        ("1e3", None),
        ("5 s", None),
        ("\u0665", None),
        ("", None),
        ("soon", None),
        ("5, 6", None),
        ("Inf", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: int | None) -> None:
    """Whole seconds and HTTP's three date forms are understood; a date in the past and all else are not."""
    assert retry_after_seconds(value, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("86401", "asks to wait 86401 s, longer than the 60 s"),
        ("9" * 18, "asks to wait more than a year"),
        ("-5", "unusable Retry-After ('-5')"),
        ("9" * 300, "unusable Retry-After"),
        ("\x1b[2J", "unusable Retry-After"),
    ],
)
def test_absurd_waits_are_ordinary_failures(value: str, text: str) -> None:
    """What is asked for over a day or malformed is said in the text of the plain error, and nobody waits for it."""
    for status, kind in ((429, TooManyRequests), (503, ServerError)):
        found = failure_for(status, value, NOW, "http://h/")
        assert type(found) is kind
        assert text in str(found)
        assert "\x1b" not in str(found)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("value", "told"), [("61", 61), ("86400", 86400), ("Sun, 01 Feb 2026 01:00:00 GMT", 3630)])
def test_a_long_wait_is_an_error_of_its_own(status: int, value: str, told: int) -> None:
    """No Retrier names it; who has other hosts to ask learns for how long to leave this one alone, up to a day."""
    found = failure_for(status, value, NOW, "http://h/")
    assert type(found) is LongRetryAfter
    assert found.details == {"retry_after_seconds": told}
    assert f"asks to wait {told} s, longer than the 60 s" in found.message
    assert (found.reason, found.retryable) == ("rate_limited", False)


def test_other_statuses_have_no_retry_after() -> None:
    """Retry-After on an answer that is not transient changes nothing."""
    assert type(failure_for(404, "5", NOW, "http://h/")) is NotFound
    assert type(failure_for(403, "5", NOW, "http://h/")) is HttpError


@given(st.text(max_size=50) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{2,9} [0-9:]{8} .{3}"))
def test_any_retry_after_is_survived(value: str) -> None:
    """Whatever the header holds, it gives a wait that is not negative, or nothing."""
    seconds = retry_after_seconds(value, NOW)
    assert seconds is None or seconds >= 0


@given(st.datetimes(min_value=datetime(2026, 2, 1), max_value=datetime(2400, 1, 1)))  # noqa: DTZ001 - drawn naive, made UTC
def test_every_date_to_come_is_understood(moment: datetime) -> None:
    """An HTTP-date in the future gives the seconds until then."""
    at = moment.replace(microsecond=0, tzinfo=UTC)
    assert retry_after_seconds(format_datetime(at, usegmt=True), NOW) == int(at.timestamp() - NOW)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        (None, 3630),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 30),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:31 GMT", None),
        ("yesterday", 3630),
        ("", 3630),
    ],
)
def test_a_date_to_come_back_at_is_by_the_servers_own_clock(date: str | None, seconds: int | None) -> None:
    """Half a minute after the answer's Date is half a minute, though our clock is an hour behind; without one, ours."""
    ours = datetime(2015, 10, 21, 6, 28, 0, tzinfo=UTC).timestamp()
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:30 GMT", response_time(date, ours)) == seconds


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (answer(b'{"message":"no"}', status="401 No"), '{"message":"no"}'),
        (answer(b"x" * 100_000, status="403 No"), "x" * MAX_ERROR_BYTES),
        (b"HTTP/1.1 400 No\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "abc"),
        (answer(b"\xff", status="503 Later"), "\ufffd"),
        (answer(b"", status="401 No"), None),
        (b"HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\ncut", None),
    ],
)
@pytest.mark.parametrize("idle", [0, 1])
def test_the_body_of_an_error_is_kept_where_json_was_asked_for(raw: bytes, told: str | None, idle: int) -> None:
    """Its first bytes, for the words of an API; of an image never."""
    with RawServer(raw) as server, closing(server.client(idle_connections=idle)) as client:
        with pytest.raises(TaskFailure) as caught:
            client.get(server.origin, accept="application/json")
        assert caught.value.details.get("answer") == told
        with pytest.raises(TaskFailure) as caught:
            client.get(server.origin)
        assert "answer" not in caught.value.details
