"""FetchAndUploadDogImage: one image, from its source into the bucket, with everything known about it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pupline.errors import InvalidInput, TaskFailure
from pupline.http import DEFAULT_TIMEOUT_SECONDS, Response, breed_of
from pupline.images import Inspection, extension_agrees, name_extension, safe_name
from pupline.json_values import JSON
from pupline.tasks.storing import Storage, StoredImage, store_image
from pupline.tasks.task_input import BY_URL, TaskInput, checked_input, execution_of, shown, text_or_none


class Client(Protocol):
    """What gets bytes: `pupline.http.HttpClient`."""

    def get(self, url: str) -> Response:
        """The answer at `url`. Raises: errors of `pupline.errors`."""


class Source(Protocol):
    """What chooses images: `pupline.http.DogCeo`."""

    def random_image(self, breed: str | None, execution: str | None) -> str:
        """The URL of one image. Raises: errors of `pupline.errors`."""


@dataclass(frozen=True, slots=True)
class FetchServices:
    """What the function works with. source_name: as the audit record shall name the source.

    timeout_seconds: to fetch an image and look at it.
    """

    client: Client
    source: Source
    source_name: str
    storage: Storage
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """A checked event: a random image, one of `breed`, or the one at `image_url`."""

    execution: str
    breed: str | None = None
    image_url: str | None = None

    @classmethod
    def from_event(cls, event: object) -> "FetchRequest":
        """The request in `event`. Raises: InvalidInput.

        The workflow adds the Context Object's Execution, whose keys (`Name`, `StartTime`, ...) are capitalised and may
        become more; of all others an unknown one is most likely misspelt, and a random image is not what was meant.
        """
        fields = checked_input(event)
        unknown = [key for key in fields if key not in ("execution", "breed", "image_url") and not key[:1].isupper()]
        if unknown:
            raise InvalidInput(f"the input has {shown(unknown[0])}; it may be {{}} or have breed or image_url")
        request = cls(execution_of(fields), text_or_none(fields, "breed"), text_or_none(fields, "image_url"))
        if request.breed is not None and request.image_url is not None:
            raise InvalidInput("the input has both breed and image_url; give one of them")
        return request


def fetch_and_upload(event: TaskInput, services: FetchServices) -> dict[str, JSON]:
    """Fetch one image and store it unless it is there; the workflow's `$.image`.

    event: `execution`, and `breed` (`hound/afghan`), or `image_url`, or neither for a random image.
    Gives: status "success", uploaded_image (its name in the bucket), image_url (where it is), outcome, reason, key,
    file_type, name_extension, extension_agrees (null: cannot be told), alert_reasons, sha256, size_bytes, width,
    height, content_type (declared), source, source_url, breed. Doing it again for the same execution gives the same
    object.
    Raises: TaskFailure, of the class that the workflow's Retry and Catch name; with source, and once they are known
    source_url and breed, among its details, since the record of a failure shall name what failed.
    """
    request = FetchRequest.from_event(event)
    origin: dict[str, JSON] = {"source": BY_URL if request.image_url else services.source_name}
    try:
        url = request.image_url or _picked(request, services)
        origin |= {"source_url": url, "breed": breed_of(url)}
        began = time.monotonic()
        response = services.client.get(url)
        left = services.timeout_seconds - (time.monotonic() - began)
        stored = store_image(response.body, safe_name(url), request.execution, services.storage, left)
    except TaskFailure as failure:
        failure.details |= {name: value for name, value in origin.items() if isinstance(value, str)}
        raise
    return {**described(stored), "content_type": response.content_type, **origin}


def _picked(request: FetchRequest, services: FetchServices) -> str:
    """The source's choice, remembered before it is used: a second attempt must not fetch a second image."""
    store, name = services.storage.write_once, f"{request.execution}/picked"
    return store.recall(name) or store.remember(name, services.source.random_image(request.breed, request.execution))


def described(stored: StoredImage) -> dict[str, JSON]:
    """What the workflow's `$.image` says of a stored image; not where it came from."""
    found = stored.inspection
    extension = name_extension(stored.name)
    return {
        "status": "success",
        "uploaded_image": stored.name,
        "image_url": stored.held.url,
        "outcome": stored.outcome,
        "reason": stored.reason,
        "key": stored.held.key,
        "file_type": found.file_type,
        "name_extension": extension,
        "extension_agrees": extension_agrees(extension, found.file_type),
        "alert_reasons": alert_reasons(found, extension),
        "sha256": stored.held.sha256,
        "size_bytes": stored.size_bytes,
        "width": found.width,
        "height": found.height,
    }


def alert_reasons(found: Inspection, extension: str | None) -> list[JSON]:
    """Every reason to alert on this image, in the closed words of the audit record's `alert_reasons`."""
    reasons: Mapping[str, bool] = {
        "png_content": found.file_type == "png",
        "png_name": extension == "png",
        "extension_mismatch": extension_agrees(extension, found.file_type) is False,
        str(found.problem): found.problem is not None,
    }
    return [reason for reason, holds in reasons.items() if holds]
