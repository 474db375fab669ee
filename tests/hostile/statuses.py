"""Scenarios: statuses, and when to come back."""

from tests.hostile.scenario import ATTEMPTS, Visit, accepted, answer, failed, in_turn, picture

ERRORS = (
    *(201, 202, 204, 205, 206, 207, 208, 226, 299, 300, 304, 305, 306, 310, 399),
    *(400, 401, 402, 403, 405, 406, 407, 409, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 426, 428, 431, 444),
    *(451, 499, 501, 505, 507, 508, 510, 511, 525, 526, 599, 600, 700, 999),
)
"""Errors that another attempt would not change."""

TRANSIENT = (500, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529, 530)

USELESS_RETRY_AFTER = {
    "negative": "-1",
    "signed": "+1",
    "float": "1.5",
    "other-digits": "\xb2\xb3",
    "words": "soon",
    "nothing": "",
    "far-past": "Thu, 01 Jan 1970 00:00:00 GMT",
    "year-0": "Thu, 01 Jan 0000 00:00:00 GMT",
    "beyond-dates": "Fri, 31 Dec 99999 23:59:59 GMT",
    "two": "1, 2",
    "hex": "0x1",
    "unit": "1s",
    "many-digits": "9" * 5000,
}

TOO_LONG_RETRY_AFTER = {
    "a-year": "31536000",
    "beyond-all": "999999999999999999",
    "year-9999": "Fri, 31 Dec 9999 23:59:59 GMT",
}

PAST = "Sun, 06 Nov 1994 08:49:37 GMT"
BUSY = "503 Service Unavailable"
MANY = "429 Too Many Requests"


def dripping_refusal(visit: Visit) -> None:
    """A refusal, whose body arrives byte by byte."""
    visit.send(answer(b"", "Content-Length: 3000", status="403 Forbidden"))
    visit.repeat(b"x", pause_seconds=0.2)


SCENARIOS = [
    *[failed(f"status-{code}", answer(picture("x"), status=f"{code} X"), "http_error") for code in ERRORS],
    failed("status-404", answer(picture("x"), status="404 Not Found"), "not_found"),
    failed("status-410", answer(b"", status="410 Gone"), "not_found"),
    *[
        failed(f"status-{code}", answer(b"", status=f"{code} X"), "server_error", requests=ATTEMPTS)
        for code in TRANSIENT
    ],
    failed("status-408", answer(b"", status="408 X"), "timeout", requests=ATTEMPTS),
    failed("status-425", answer(b"", status="425 X"), "timeout", requests=ATTEMPTS),
    failed("status-429", answer(b"", status=MANY), "rate_limited", requests=ATTEMPTS),
    failed("status-403-that-drips", dripping_refusal, "http_error"),
    accepted("status-203", lambda body: answer(body, status="203 Non-Authoritative Information")),
    accepted("busy-once", lambda body: in_turn(answer(b"", status=BUSY), answer(body)), requests=2),
    accepted("busy-three-times", lambda body: in_turn(*[answer(b"", status=BUSY)] * 3, answer(body)), requests=4),
    accepted(
        "back-at-once", lambda body: in_turn(answer(b"", "Retry-After: 0", status=MANY), answer(body)), requests=2
    ),
    accepted(
        "back-in-a-second", lambda body: in_turn(answer(b"", "Retry-After: 1", status=BUSY), answer(body)), requests=2
    ),
    *[
        failed(f"back-{name}", answer(b"", f"Retry-After: {value}", status=MANY), "rate_limited", requests=ATTEMPTS)
        for name, value in (USELESS_RETRY_AFTER | TOO_LONG_RETRY_AFTER).items()
    ],
    failed("back-in-an-hour", answer(b"", "Retry-After: 3600", status=MANY), "rate_limited"),
    failed("busy-for-an-hour", answer(b"", "Retry-After: 3600", status=BUSY), "rate_limited"),
    failed("always-back-at-once", answer(b"", "Retry-After: 0", status=MANY), "rate_limited", requests=12),
    failed(
        "back-twice", answer(b"", "Retry-After: 1", "Retry-After: 2", status=MANY), "rate_limited", requests=ATTEMPTS
    ),
]
