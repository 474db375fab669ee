"""The listing of a source's images: a state machine that names them page by page and opens no socket.

listing = source.open()
while not listing.complete:                  # `pupline.sources.Pages` is this loop, with retries
    request = listing.request()
    if request is None:                      # a file: no request is needed
        page = listing.read(None, {})
    else:                                    # an API: the caller fetches it, when and how it likes
        response = client.get(request.url, headers=request.headers, ...)
        page = listing.read(response.body, response.headers)
    keep(page.items, listing.position())     # in one transaction; `source.open(position=...)` resumes from there
listing.close()
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pupline.errors import NotFound, TaskFailure
from pupline.specs import PageRequest
from pupline.tasks.items import SourceItem
from pupline.tasks.left_out import NO_SUCH_PAGE, NOT_GIVEN, UNUSABLE_PAGE, LeftOut

ITEMS_OF_A_PART = 1000
"""The most items that one `read` of a file gives: few enough to stay small in memory, enough for one transaction."""


@dataclass(frozen=True, slots=True)
class Page:
    """The items on one page, and sentences about what was left out or cut."""

    items: list[SourceItem]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What a column of a list becomes: `url`, a field of the item, `extra`, `dropped`, or `ours`: pupline wrote it, and
    writes it again. why: it, or some of its values, are not kept.
    """

    name: str
    becomes: str
    why: str = ""


def left_out_at_stop(listing: "Listing", failure: TaskFailure, came: int) -> LeftOut:
    """What a listing left out that `failure` has stopped for good: the page, and what the source says it has besides.

    came: items and repeated items so far.
    """
    found = listing.left_out
    found.add(NO_SUCH_PAGE if isinstance(failure, NotFound) else UNUSABLE_PAGE, example=failure.message)
    found.add(NOT_GIVEN, (listing.total or 0) - came)
    return found


class Listing(Protocol):
    """Names the items of a source. Not safe for several threads at once."""

    @property
    def total(self) -> int | None:
        """The number of items in all, where it is known."""

    @property
    def complete(self) -> bool:
        """Whether all items have been named."""

    @property
    def shortfall(self) -> str | None:
        """Why items are missing, once `complete`: the source itself announces more, or a limit cut the listing."""

    @property
    def left_out(self) -> LeftOut:
        """What the source has, or announces, and the listing could not name so far; without what a filter excludes.

        Another object each time.
        """

    @property
    def columns(self) -> Sequence[ColumnUse]:
        """What the columns of a list become, as far as they were read. Empty for an API."""

    def request(self) -> PageRequest | None:
        """The next request, the same until `read` or `skip` moves on. None: nothing over HTTP, or complete."""

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:
        """The items of the requested page, or (body None) of the next part of a file; then moves on.

        headers: of the response, names in lower case. Raises: SourceError, and nothing has moved (where it is
        `retryable`, the page may be requested again); RetryAfter, LongRetryAfter or TooManyRequests, alike, where an
        answer of 200 says so; StorageError where a file can no longer be read.
        """

    def skip(self, failure: TaskFailure) -> str | None:
        """Leave out the page that ended in `failure`: a note for people. None: the listing cannot continue.

        failure: the client's, for a response without a page, or `read`'s own, for a page that cannot be used.
        """

    def position(self) -> str:
        """Where it stands, as small JSON without secrets, for `ImageSource.open`."""

    def close(self) -> None:
        """Close open files. May be called twice, or not at all."""
