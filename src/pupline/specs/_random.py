"""One image at random from an API: `pupline run` and FetchAndUploadDogImage take one for each execution."""

import secrets
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pupline.errors import InvalidInput, NotFound, Refusal, SourceError, TooLarge, UnreadableAnswer
from pupline.http import Url
from pupline.json_values import JSON
from pupline.specs._answers import check_ok, check_transient
from pupline.specs._credentials import credentials_of
from pupline.specs._item_reader import ItemReader
from pupline.specs._page_json import parse_page
from pupline.specs._requests import NextPage, PageClient, PageRequest, fetch_page, mask, page_request, page_url
from pupline.specs._spec import PaginatorSpec, SourceSpec
from pupline.tasks.breeds import checked_breed
from pupline.text import printable

MAX_RANDOM_PAGE_BYTES: Final = 4 * 1024 * 1024
"""A page is fetched for each image, so it must be small."""

_ADVICE: Final = "pupline sources test shows the API's response"


class RandomImages:
    """An `ImagePicker`: random images of an API, each from its own page; all images on a page are equally likely.

    Raises: what the client raises, NotFound for an unknown breed; SourceError for an error or another shape than the
    spec expects; InvalidInput for a malformed breed; InvalidUrl and BlockedAddress, with `source_url` among the
    details, for an image with a malformed URL or on an origin where the API does not keep its images;
    ConfigurationError for a missing secret.
    """

    def __init__(self, client: PageClient, spec: SourceSpec, contact: str | None = None) -> None:
        self._client = client
        self._contact = contact
        self._spec = replace(spec, items=spec.random.items or spec.items, paginator=PaginatorSpec())
        self._breeds_url = page_url(spec, NextPage()) if spec.paginator.type == "ids_then_detail" else None
        self._has_size = "size" in spec.paginator.settings

    def random_image(self, breed: str | None = None, execution: str | None = None) -> str:
        page = self._page(breed)
        url = page_url(self._spec, page)
        credentials = credentials_of(self._spec.auth)
        try:
            if (token_request := credentials.token_request()) is not None:
                credentials.take_token(fetch_page(self._client, token_request).body)
            request = page_request(self._spec, page, credentials, self._contact, execution)
            body, headers = self._fetch(request, breed)
            answer = parse_page(body, headers)
            check_transient(self._spec, answer, headers, url, request.mask)
            self._check(answer, url, breed)
            items = ItemReader(self._spec).read(answer, url).items
        except SourceError as err:
            kind = UnreadableAnswer if isinstance(err, UnreadableAnswer) else SourceError
            raise kind(mask(f"{printable(url)}: {err.message}; {_ADVICE}", credentials.secrets)) from None
        if not items:
            raise SourceError(f"{printable(url)}: the source {self._spec.name} named no image; {_ADVICE}")
        return self._checked(credentials.clean(secrets.choice(items).url))

    def _page(self, breed: str | None) -> NextPage:
        if breed is None:
            return NextPage(path=self._spec.random.path, fills={"size": "1"} if self._has_size else {})
        if self._spec.random.breed_path is None:
            raise InvalidInput(f"breed {printable(breed, 60)!r}: the source {self._spec.name} does not know breeds")
        return NextPage(path=self._spec.random.breed_path, fills={"breed": checked_breed(breed)})

    def _fetch(self, request: PageRequest, breed: str | None) -> tuple[bytes, Mapping[str, str]]:
        try:
            response = fetch_page(self._client, request, MAX_RANDOM_PAGE_BYTES)
        except NotFound as err:
            raise self._not_found(breed, err.message) from err
        except TooLarge as err:  # the client's advice, --max-bytes, is about images
            raise TooLarge(
                f"{request.mask(printable(request.url))}: the answer is larger than the {MAX_RANDOM_PAGE_BYTES:,} "
                "bytes that an API may answer with for one image"
            ) from err
        return response.body, response.headers

    def _check(self, answer: JSON, url: str, breed: str | None) -> None:
        """Raises: SourceError for an error by the spec's `ok`; NotFound where the answer itself says 404."""
        try:
            check_ok(self._spec, answer)
        except SourceError as err:
            if isinstance(answer, dict) and answer.get("code", answer.get("status")) in (404, "404"):
                raise self._not_found(breed, f"{printable(url)}: {err.message}") from err
            raise

    def _not_found(self, breed: str | None, found: str) -> NotFound:
        if breed is None:
            return NotFound(f"{found}; check that {self._spec.base_url} is the base URL of the API")
        listed = f": {self._breeds_url} lists them" if self._breeds_url else ""
        return NotFound(f"{found}; the API at {self._spec.base_url} has no breed {breed}{listed}")

    def _checked(self, url: str) -> str:
        try:
            image = Url.parse(url).origin
            self._client.policy.check_image_origin(image, self._spec.base_url.origin, self._spec.name)
        except Refusal as refusal:
            refusal.details["source_url"] = printable(url, 2048)
            raise
        return url


def number_of(execution: str) -> int:
    """Which execution of its run this is: the number its name ends in (`<run>-3` is 3), or one made from its name."""
    digits = execution.rpartition("-")[2]
    if digits.isascii() and digits.isdigit() and len(digits) < 10 and int(digits):
        return int(digits)
    return zlib.crc32(execution.encode()) + 1
