"""One image at random of a source that a spec describes: what `pupline run` asks of any source."""

import secrets
from collections.abc import Iterator

from pupline.errors import ConfigurationError, InvalidInput, Refusal, SourceError
from pupline.http import Url
from pupline.sources._listing import Listing, Page
from pupline.sources._pages import PageClient, ask
from pupline.sources._source import ImageSource
from pupline.tasks.items import SourceItem
from pupline.text import printable

_REQUESTS = 2  # a token, then the page


def check_picks(source: ImageSource) -> ImageSource:
    """`source`, when one image of it can be had without listing it all. Raises: ConfigurationError."""
    if not source.picks:
        raise ConfigurationError(
            f"source {source.name}: it names its images page by page, so a random one would always come from the first "
            f"page; take them all with pupline ingest {source.name}"
        )
    return source


class RandomImages:
    """Images of the source's first page, each as likely as any other; a new page for each image.

    Raises: SourceError where the page names none, BlockedAddress for an image where the source does not keep its
    images, ConfigurationError for a secret that is not there, and what the client raises.
    """

    def __init__(self, client: PageClient, source: ImageSource, contact: str | None = None) -> None:
        self._client = client
        self._source = check_picks(source)
        self._contact = contact

    def random_image(self, breed: str | None, execution: str | None) -> str:  # noqa: ARG002 - each answer is new anyway
        """The URL of one image."""
        if breed is not None:
            raise InvalidInput(f"breed {printable(breed, 60)!r}: the source {self._source.name} does not know breeds")
        listing = self._source.open(count=1, contact=self._contact)
        items = next((page.items for page in self._pages(listing) if page.items), [])
        if not items:
            raise SourceError(f"the source {self._source.name} named no image; pupline sources test shows its answer")
        return self._checked(secrets.choice(items))

    def _pages(self, listing: Listing) -> Iterator[Page]:
        for _ in range(_REQUESTS):
            if (request := listing.request()) is not None:
                response = ask(self._client, request)
                yield listing.read(response.body, response.headers)

    def _checked(self, item: SourceItem) -> str:
        try:
            self._source.check_image_origin(Url.parse(item.url).origin, self._client.policy)
        except Refusal as refusal:
            refusal.details["source_url"] = printable(item.url, 2048)
            raise
        return item.url
