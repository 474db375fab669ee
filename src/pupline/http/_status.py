"""What the status of a response means, and what its Retry-After asks for."""

import math
import re
from collections.abc import Mapping

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
from pupline.http._head import ResponseHead
from pupline.text import printable

# The longest wait that a workflow honours for a server.
MAX_RETRY_AFTER_SECONDS = 60
# The longest that makes sense at all: a run of many requests can avoid the host until then.
MAX_PAUSE_SECONDS = 86_400

# Transient server errors. Those from 520 on are not registered: content delivery networks use them where the server
# behind them sent rubbish, is down, unreachable or late (520 to 524, 527, 530), or overloaded (529). 525 and 526 are
# left out: they are about its TLS and its certificate, which stay as they are.
_TRANSIENT_STATUSES = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529, 530})

_SECONDS = re.compile(r"[0-9]{1,18}")


def head_failure(head: ResponseHead, now: float, url: str, by: str = "the server") -> TaskFailure:
    """As `failure_for`, from the head of a response. now: in seconds since the epoch, without its Date."""
    retry_after = head.single("retry-after")
    # A Date matters to a Retry-After alone. To read it takes as long as half of the request.
    at = now if retry_after is None else response_time(head.single("date"), now)
    return failure_for(head.status, retry_after, at, url, by)


def failure_for(status: int, retry_after: str | None, now: float, url: str, by: str = "the server") -> TaskFailure:
    """The error that stands for any status but success and redirects; `now` is the response's time (`response_time`).

    url: what the message begins with. by: the server or proxy that answered.
    The details of an HttpError have its `status`.
    """
    answered = f"{url}: {by} answered {status}"
    if status in (404, 410):
        missing = NotFound(f"{answered}; nothing is at this URL (any more)")
        if status == 410:  # some APIs say so of pages beyond those that they show, so a listing has to know
            missing.details["status"] = status
        return missing
    if status in (408, 425):
        return RequestTimeout(f"{answered}; try again later")
    if status == 429:
        return _retry_failure(TooManyRequests, f"{answered} (too many requests)", retry_after, now)
    if status in _TRANSIENT_STATUSES:
        return _retry_failure(ServerError, answered, retry_after, now)
    other = HttpError(f"{answered}; only 200 with a whole body can be used, and asking again will not help")
    other.details["status"] = status
    return other


def pause_failure(answered: str, headers: Mapping[str, str], now: float) -> TaskFailure:
    """The error that stands for a valid response which says that its server wants a pause.

    answered: what the message begins with. headers: of the response. now: in seconds since the epoch, without its Date.
    """
    at = response_time(headers.get("date"), now)
    return _retry_failure(TooManyRequests, answered, headers.get("retry-after"), at)


def _retry_failure(kind: type[TaskFailure], answered: str, retry_after: str | None, now: float) -> TaskFailure:
    seconds = retry_after_seconds(retry_after, now) if retry_after is not None else None
    if seconds is None:
        ignored = "" if retry_after is None else f" with an unusable Retry-After ({printable(retry_after, 60)!r})"
        return kind(f"{answered}{ignored}; try again later")
    if seconds > MAX_RETRY_AFTER_SECONDS:
        asked = (
            f"{answered} and asks to wait {_duration(seconds)}, longer than the {MAX_RETRY_AFTER_SECONDS} s "
            "that an execution waits; start again after that"
        )
        return LongRetryAfter(asked, seconds) if seconds <= MAX_PAUSE_SECONDS else kind(asked)
    return RetryAfter(f"{answered} and asks to come back in {seconds} s", seconds)


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 366 * 86400 else "more than a year"


def retry_after_seconds(value: str, now: float) -> int | None:
    """The seconds that a Retry-After header asks for, 0 or more, rounded up; None when it is malformed or in the past.

    Source: RFC 9110, 10.2.3: either whole seconds or an HTTP-date.
    """
    if _SECONDS.fullmatch(value):
        return int(value)
    at = _http_date(value)
    if at is None or at < now:
        return None
    return math.ceil(at - now)


def response_time(date: str | None, now: float) -> float:
    """When a response was sent, in seconds since the epoch by the server's clock: its Date, or else `now`.

    A date in its Retry-After is by the same clock, which need not be ours. Source: RFC 9110, 6.6.1.
    """
    at = _http_date(date) if date is not None else None
    return now if at is None else at


def _http_date(value: str) -> float | None:
    # All three forms of an HTTP-date are short and say GMT, the asctime form excepted; the parser takes much more.
    if len(value) > 40 or not value.isascii():
        return None
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        parsed = parsedate_to_datetime(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
