"""The pages of a listing over HTTP, asked for one at a time, with patience.

`pupline.bulk` asks for pages itself, among images and by the same rules. What lists and does nothing else (a manifest,
a preview, a test of a source) does it here.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pupline.errors import LocalTrouble, RetryAfter, TaskFailure, UnreadableAnswer
from pupline.sources._listing import Listing, Page
from pupline.sources._source import ImageSource, Reader
from pupline.specs import PageClient, PageRequest, fetch_page

FIRST_ATTEMPTS = 4
"""Of a page, while the API has answered nothing yet: a wrong address shall not be asked for a minute. Nor shall one
whose answer is not JSON: either it was one bad answer, or all will be like it."""

LATER_ATTEMPTS = 8
"""Of a page of an API that has answered before, in a minute or so: without it, the listing ends."""

PREVIEW_ATTEMPTS = (3, 3)
"""Of a page that somebody waits for at a terminal: some three seconds."""

FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Asks for the pages of a listing. interval: seconds between two requests.

    read: gets the objects of `s3://bucket/key` lists. attempts: of the first page, and of any other.
    """

    client: PageClient
    read: Reader | None = None
    interval: float = 0.0
    attempts: tuple[int, int] = (FIRST_ATTEMPTS, LATER_ATTEMPTS)
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    @classmethod
    def of_source(cls, client: PageClient, source: ImageSource, read: Reader) -> "Pages":
        """As fast as the source allows."""
        rps = source.limits.rps
        return cls(client=client, read=read, interval=1 / rps if rps else 0.0)

    def of(self, listing: Listing) -> Iterator[tuple[Page, PageRequest | None]]:
        """Page after page until the listing is complete, each with its request, None for a part of a file.

        Raises: TaskFailure, without secrets, when it cannot go on.
        """
        attempts = self.attempts[0]
        while not listing.complete:
            request = listing.request()
            page = listing.read(None, {}) if request is None else self._asked(listing, request, attempts)
            attempts = self.attempts[1]
            yield page, request

    def _asked(self, listing: Listing, request: PageRequest, attempts: int) -> Page:
        self.sleep(self.interval)
        attempt = 1
        while True:
            try:
                response = fetch_page(self.client, request)
                return listing.read(response.body, response.headers)
            except LocalTrouble:
                raise
            except TaskFailure as failure:
                most = min(attempts, FIRST_ATTEMPTS) if isinstance(failure, UnreadableAnswer) else attempts
                if failure.is_transient and attempt < most and not _asks_to_stay_away(failure):
                    self.sleep(self._pause(failure, attempt))
                    attempt += 1
                    continue
                note = listing.skip(failure)
                if note is None:
                    raise
                return Page([], (note,))

    def _pause(self, failure: TaskFailure, attempt: int) -> float:
        """Half of an ever longer time, and a random part of the other half: an outage lasts, whatever the dice say."""
        if isinstance(failure, RetryAfter):
            return float(failure.seconds)
        return min(_LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1)) * self.chance.uniform(0.5, 1.0)


def _asks_to_stay_away(failure: TaskFailure) -> bool:
    """Whether the API wants more time than anybody waits here."""
    return "retry_after_seconds" in failure.details and not isinstance(failure, RetryAfter)


def is_final(failure: TaskFailure) -> bool:
    """Whether a listing that stopped for this will stop there again, until somebody changes something."""
    if failure.reason == "source_error":
        return True
    return not (failure.is_transient or "retry_after_seconds" in failure.details)
