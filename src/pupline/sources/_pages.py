"""The pages of a listing over HTTP, requested one at a time, with retries.

`pupline.bulk` requests pages itself, among images, with the same number of attempts and the same pauses. Commands that
only list (a manifest, a preview, a test of a source) do it here.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pupline.errors import LocalTrouble, LongRetryAfter, RetryAfter, TaskFailure, UnreadableAnswer
from pupline.sources._listing import Listing, Page
from pupline.sources._source import ImageSource, Reader
from pupline.specs import PageClient, PageRequest, fetch_page

FIRST_ATTEMPTS = 4
"""For the first page, so that a wrong address fails soon; and for a page that is not JSON: if it was not a single bad
response, all will be like it."""

LATER_ATTEMPTS = 8
"""For a later page, in a minute or so: without it, the listing ends. For one that can wait, half as many, twice."""

FIRST_PAUSE_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Requests the pages of a listing. interval: seconds between two requests.

    read: reads the objects of `s3://bucket/key` lists. waiting: called with the seconds and the reason of each pause
    before another attempt.
    """

    client: PageClient
    read: Reader | None = None
    interval: float = 0.0
    waiting: Callable[[float, str], None] = lambda _seconds, _why: None
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    @classmethod
    def of_source(cls, client: PageClient, source: ImageSource, read: Reader | None = None) -> "Pages":
        """With the source's own rate limit."""
        rps = source.limits.rps
        return cls(client=client, read=read, interval=1 / rps if rps else 0.0)

    def of(self, listing: Listing) -> Iterator[tuple[Page, PageRequest | None]]:
        """The pages until the listing is complete, each with its request; None for a part of a file.

        Raises: TaskFailure, with all secrets masked, when the listing cannot continue.
        """
        has_answered = False
        while not listing.complete:
            request = listing.request()
            page = listing.read(None, {}) if request is None else self._fetched(listing, request, has_answered)
            has_answered = True
            yield page, request

    def _fetched(self, listing: Listing, request: PageRequest, has_answered: bool) -> Page:
        self.sleep(self.interval)
        attempt = 1
        while True:
            try:
                response = fetch_page(self.client, request)
                return listing.read(response.body, response.headers)
            except LocalTrouble:
                raise
            except TaskFailure as failure:
                most = max_page_attempts(failure, has_answered=has_answered, can_wait=request.can_wait)
                if failure.is_transient and attempt < most and not isinstance(failure, LongRetryAfter):
                    known = float(failure.seconds) if isinstance(failure, RetryAfter) else None
                    seconds = page_pause_seconds(attempt, self.chance) if known is None else known
                    self.waiting(seconds, failure.message)
                    self.sleep(seconds)
                    attempt += 1
                    continue
                note = listing.skip(failure)
                if note is None:
                    raise
                return Page([], (note,))


def max_page_attempts(failure: TaskFailure, *, has_answered: bool, can_wait: bool = False) -> int:
    """How many attempts a page has in all, after this failure.

    has_answered: whether the API has answered before. can_wait: whether other pages can be requested first.
    """
    is_patient = has_answered and not can_wait and not isinstance(failure, UnreadableAnswer)
    return LATER_ATTEMPTS if is_patient else FIRST_ATTEMPTS


def page_pause_seconds(attempt: int, chance: random.Random) -> float:
    """The pause after an attempt, from 1: half of an exponentially growing time, and a random part of the other half.

    Full jitter could make several pauses short in a row, and an outage outlasts them.
    """
    return min(_MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1)) * chance.uniform(0.5, 1.0)


def is_final(failure: TaskFailure) -> bool:
    """Whether a listing that stopped for this failure would stop again until something is changed."""
    if failure.reason == "source_error":
        return True
    return not failure.is_transient
