"""What the status of an answer means, and what its Retry-After asks for."""

import math
import re

from pupline.errors import HttpError, NotFound, RequestTimeout, RetryAfter, ServerError, TaskFailure, TooManyRequests
from pupline.text import printable

REDIRECTS = frozenset({301, 302, 303, 307, 308})

# The longest wait that a workflow honours for a server.
MAX_RETRY_AFTER_SECONDS = 60
# The longest that makes sense at all: who runs many requests can leave the host alone until then.
MAX_PAUSE_SECONDS = 86_400

# The server is in trouble that may pass. From 520 on they are not registered: content delivery networks say with them
# that the server behind them answered with rubbish, is down, out of reach or late (520 to 524, 527, 530), or that there
# is too much to do (529). 525 and 526 are left out: they tell of its TLS and its certificate, which stay as they are.
_MAY_PASS = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529, 530})

_SECONDS = re.compile(r"[0-9]{1,18}")


def failure(status: int, retry_after: str | None, now: float, url: str, by: str = "the server") -> TaskFailure:
    """The error that stands for any answer but 200 and a redirect; `now` is when it was given (`given_at`).

    url: what the message begins with. by: who answered.
    An HttpError has the `status` among its details. A Retry-After of more than a minute, up to a day, is told by
    `retry_after_seconds` among the error's details.
    """
    answered = f"{url}: {by} answered {status}"
    if status in (404, 410):
        missing = NotFound(f"{answered}; there is no such thing there (any more)")
        if status == 410:  # some APIs say so of pages beyond those that they show, so that a listing has to know
            missing.details["status"] = status
        return missing
    if status in (408, 425):
        return RequestTimeout(f"{answered}; try again later")
    if status == 429:
        return _come_back(TooManyRequests, f"{answered} (too many requests)", retry_after, now)
    if status in _MAY_PASS:
        return _come_back(ServerError, answered, retry_after, now)
    other = HttpError(f"{answered}; only 200 with a whole body can be used, and asking again will not help")
    other.details["status"] = status
    return other


def _come_back(kind: type[TaskFailure], answered: str, retry_after: str | None, now: float) -> TaskFailure:
    seconds = retry_after_seconds(retry_after, now) if retry_after is not None else None
    if seconds is None:
        ignored = "" if retry_after is None else f" with an unusable Retry-After ({printable(retry_after, 60)!r})"
        return kind(f"{answered}{ignored}; try again later")
    if seconds > MAX_RETRY_AFTER_SECONDS:
        much_later = kind(
            f"{answered} and asks to wait {_duration(seconds)}, longer than the {MAX_RETRY_AFTER_SECONDS} s "
            "that an execution waits; start again after that"
        )
        if seconds <= MAX_PAUSE_SECONDS:
            much_later.details["retry_after_seconds"] = seconds
        return much_later
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


def given_at(date: str | None, now: float) -> float:
    """When an answer was given, in seconds since the epoch: by its Date, for a date in its Retry-After is by the same
    clock, which need not be ours; `now` where it has none that can be read. Source: RFC 9110, 6.6.1.
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
