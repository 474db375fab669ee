"""The URL of one image as a source, recognised by the ending of its path or by the server's response.

A URL without such an ending may also be an API's. It is listed as an API first; if that gives no list, the URL itself
is requested, and may be an image.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pupline.errors import InvalidInput, SourceError, TaskFailure, UnreadableAnswer
from pupline.http import Url
from pupline.sources._listing import ColumnUse, Listing, Page
from pupline.sources._source import ImageSource, Opening, slug_of
from pupline.specs import PageRequest
from pupline.tasks.items import SourceItem
from pupline.tasks.left_out import LeftOut
from pupline.text import printable

_ENDING = re.compile(r"[^/]\.(?:jpe?g|jpe|jfif|a?png|gif|webp|avif|hei[cf]|bmp|tiff?|svg|ico|jp2|jxl)\Z", re.IGNORECASE)
_IMAGES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\x00", b"MM\x00*")
_ASKED: Final = '{"image":"asked"}'
_LISTED: Final = '{"image":"listed"}'
"""Positions: the API gave no list, and the image is requested; the image is listed. All others are the API's."""


def is_image(url: Url) -> bool:
    """Whether a URL's path has the ending of an image."""
    return _ENDING.search(url.path) is not None


def image_source(url: Url) -> ImageSource:
    """The source of the image at `url`, whose origin the user trusts by naming it.

    Without the ending of an image, the server's response has to be an image.
    """
    why = None if is_image(url) else "an API is named by its base URL alone, without ?"
    return ImageSource(
        name=f"{url.origin}{url.path}",  # without a query, which may hold a key
        dataset=slug_of(url.origin.authority),
        opener=lambda opening: OneImage(url, opening, why=why),
        trusted=frozenset({url.origin}),
        picker=lambda _client, _contact: _FixedImage(url),
    )


def api_or_image(url: Url, api: ImageSource) -> ImageSource:
    """The source of an API that may turn out to be an image."""
    opened: Callable[[Opening], Listing] = api.opener
    return replace(api, opener=lambda opening: OneImage(url, opening, opened, why=""))


class _FixedImage:
    """Picks the same image each time."""

    def __init__(self, url: Url) -> None:
        self._url = str(url)

    def random_image(self, breed: str | None = None, execution: str | None = None) -> str:  # noqa: ARG002 - there is one
        if breed is not None:
            raise InvalidInput("the source is one image; leave out the breed")
        return self._url


class OneImage:
    """A `Listing` of the image at a URL. api: listed first, where there is one.

    why: the message where it is not an image; None where it is known to be one.
    """

    def __init__(
        self, url: Url, opening: Opening, api: Callable[[Opening], Listing] | None = None, *, why: str | None
    ) -> None:
        self._url = str(url)
        at = opening.position
        self._api = api(opening) if api is not None and at not in (_ASKED, _LISTED) else None
        self._first = at is None  # nothing was read from the API yet
        self._listed = at == _LISTED
        self._why = why

    @property
    def total(self) -> int | None:
        """1, or the API's total."""
        return 1 if self._api is None else self._api.total

    @property
    def complete(self) -> bool:
        """Whether the image is listed, or all of the API."""
        return self._listed if self._api is None else self._api.complete

    @property
    def shortfall(self) -> str | None:
        """Of the API."""
        return None if self._api is None else self._api.shortfall

    @property
    def left_out(self) -> LeftOut:
        """Of the API."""
        return LeftOut() if self._api is None else self._api.left_out

    @property
    def columns(self) -> Sequence[ColumnUse]:
        """None: it is no list."""
        return ()

    def request(self) -> PageRequest | None:
        """The API's page, or the URL itself; nothing for what is known to be an image."""
        if self._api is not None:
            return self._api.request()
        return None if self._listed or self._why is None else PageRequest(self._url)

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:
        """The API's items, or the image. Raises: SourceError where it is neither."""
        if self._api is not None:
            page = self._api.read(body, headers)
            self._first = False
            return page
        kind = headers.get("content-type", "")
        if body is not None and not kind.lower().startswith("image/") and not body.startswith(_IMAGES):
            raise SourceError(f"{printable(self._url)}: the server answered {printable(kind, 60) or 'no image'}")
        self._listed = True
        return Page([SourceItem(url=self._url)])

    def skip(self, failure: TaskFailure) -> str | None:
        """Request the URL itself, where it is not an API's; else skip the API's page."""
        if self._api is None:
            if self._why:
                failure.message = f"{self._why}; nor is it an image: {failure.message}"
                self._why = ""
            return None
        note = self._api.skip(failure)
        passing = failure.is_transient and not isinstance(failure, UnreadableAnswer)
        if note is not None or not self._first or passing:
            self._first = self._first and note is None
            return note
        self._api.close()
        self._api, self._why = None, failure.message
        return f"it is requested as an image, as it is not a Dog-CEO-compatible API: {failure.message}"

    def position(self) -> str:
        """Of the API; or whether the image is listed."""
        if self._api is not None:
            return self._api.position()
        return _LISTED if self._listed else _ASKED

    def close(self) -> None:
        """Close the API's listing."""
        if self._api is not None:
            self._api.close()
