"""What a listing is: a small state machine that names a source's images page by page, and opens no socket itself.

listing = source.open()
while not listing.complete:                  # `pupline.sources.Pages` is this loop, with retries
    request = listing.request()
    if request is None:                      # a file: no request is needed
        page = listing.read(None, {})
    else:                                    # an API: the caller asks, in its own time and by its own rules
        response = client.get(request.url, headers=request.headers, ...)
        page = listing.read(response.body, response.headers)
    keep(page.items, listing.position())     # in one transaction; `source.open(position=...)` goes on from there
listing.close()
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, quote_plus

from pupline.errors import TaskFailure
from pupline.tasks.items import SourceItem

MAX_PAGE_BYTES = 32 * 1024 * 1024
"""Of one page of a listing: the ids of the largest museum fit in a tenth of it."""

ITEMS_OF_A_PART = 1000
"""What one `read` of a file gives at most: few enough to stay small in memory, enough for one transaction."""

MASK = "***"


@dataclass(frozen=True, slots=True, repr=False)
class PageRequest:
    """What to ask for the next page. GET, or POST where there is `content` (a token request).

    url, headers: ready to be sent; they may hold secrets, which is why neither is shown by `repr`, and why every text
    that speaks of this request (a failure's message names the URL) goes through `mask` before anybody sees it.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/x-www-form-urlencoded"
    secrets: tuple[str, ...] = ()

    def mask(self, text: str) -> str:
        """`text` with `***` wherever it tells a secret of this request, as it is or percent-encoded."""
        return mask(text, self.secrets)

    def __repr__(self) -> str:
        return f"PageRequest({self.mask(self.url)!r})"


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """`text` with `***` for each of `secrets`, however it is written in a URL."""
    for written in spellings(secrets):
        text = text.replace(written, MASK)
    return text


def spellings(secrets: tuple[str, ...]) -> set[str]:
    """Each of `secrets` as it is, and as URLs and forms write it."""
    ways: list[Callable[[str], str]] = [str, quote, quote_plus, lambda secret: quote(secret, safe="")]
    return {way(secret) for secret in secrets for way in ways}


@dataclass(frozen=True, slots=True)
class Page:
    """The items that one page names, and sentences on what was left out or cut."""

    items: list[SourceItem]
    notes: tuple[str, ...] = ()


class Listing(Protocol):
    """Names the items of a source. Not safe for several threads at once."""

    @property
    def total(self) -> int | None:
        """How many items it will name in all, where that is known."""

    @property
    def complete(self) -> bool:
        """Whether all is named."""

    @property
    def shortfall(self) -> str | None:
        """Why there is more than was named, once `complete`: the source itself tells of more, or a limit cut it."""

    def request(self) -> PageRequest | None:
        """What to ask next, the same until `read` or `skip` moves on. None: nothing over HTTP, or complete."""

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:
        """The items of the page that was asked for, or (body None) of the next part of a file; then moves on.

        headers: of the answer, names in lower case. Raises: SourceError, and nothing has moved (the page may be asked
        for again where it is `retryable`); StorageError where a file cannot be read any more.
        """

    def skip(self, failure: TaskFailure) -> str | None:
        """Go on without the page that ended in `failure`, for good: a note for people. None: it cannot go on.

        failure: the client's, for an answer without a page, or `read`'s own, for a page that cannot be used.
        """

    def position(self) -> str:
        """Where it stands, as small JSON without secrets, for `ImageSource.open`."""

    def close(self) -> None:
        """Close what it holds open, if anything. May be called twice, or not at all."""
