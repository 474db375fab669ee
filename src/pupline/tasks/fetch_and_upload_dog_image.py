"""FetchAndUploadDogImage: fetch one image from its source and store it in the bucket."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pupline.errors import InvalidInput, OutOfTime, TaskFailure
from pupline.http import Response
from pupline.images import extension_agrees
from pupline.json_values import JSON
from pupline.tasks.alert_rules import AlertRules
from pupline.tasks.breeds import breed_of
from pupline.tasks.image_storage import ImageStorage, ImageToStore, store_image_once
from pupline.tasks.ingest_item import inspect_response
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import FetchedImage, SourceItem, StoredImage
from pupline.tasks.task_input import (
    BY_URL,
    TaskInput,
    checked_input,
    execution_of,
    moment_or_none,
    shown,
    text_or_none,
)

EXPRESS_FETCH_SECONDS = 150
"""From the start of an Express execution until no attempt begins any more. It has 300 seconds, of which the last
attempt needs up to 70; the alert and the record need the rest, with their retries."""


class Client(Protocol):
    """An HTTP client: `pupline.http.HttpClient`."""

    def get(self, url: str) -> Response:
        """The response at `url`. Raises: errors of `pupline.errors`."""


class ImagePicker(Protocol):
    """A source of random images: `pupline.specs.RandomImages`."""

    def random_image(self, breed: str | None, execution: str | None) -> str:
        """The URL of one image. Raises: errors of `pupline.errors`."""


@dataclass(frozen=True, slots=True)
class FetchServices:
    """What the task works with.

    source_name: the source's name in the audit record. alert_rules: of the workflow. now: seconds since the epoch.
    """

    client: Client
    source: ImagePicker
    source_name: str
    storage: ImageStorage
    rules: IngestRules = field(default_factory=IngestRules)
    alert_rules: AlertRules = field(kw_only=True)
    now: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """A checked input: a random image, one of `breed`, or the one at `image_url`.

    express_since: when the execution started, in seconds since the epoch, if it is Express.
    """

    execution: str
    breed: str | None = None
    image_url: str | None = None
    express_since: float | None = None

    @classmethod
    def from_input(cls, event: object) -> "FetchRequest":
        """The request in a task's input. Raises: InvalidInput.

        The workflow adds the Context Object's Execution, whose keys (`Name`, `StartTime`, ...) are capitalised. AWS may
        add keys to it. Any other unknown key is probably misspelt, and a random image is not what its author wants.
        """
        fields = checked_input(event)
        unknown = [key for key in fields if key not in ("execution", "breed", "image_url") and not key[:1].isupper()]
        if unknown:
            raise InvalidInput(f"the input has {shown(unknown[0])}; it may be {{}} or have breed or image_url")
        is_express = ":express:" in str(fields.get("Id"))
        request = cls(
            execution_of(fields),
            text_or_none(fields, "breed"),
            text_or_none(fields, "image_url"),
            moment_or_none(fields, "StartTime") if is_express else None,
        )
        if request.breed is not None and request.image_url is not None:
            raise InvalidInput("the input has both breed and image_url; give one of them")
        return request

    def check_time(self, now: float) -> None:
        """Raises: OutOfTime where another attempt could leave no time for the record."""
        passed = 0 if self.express_since is None else now - self.express_since
        if passed > EXPRESS_FETCH_SECONDS:
            raise OutOfTime(
                f"{passed:.0f} seconds of an Express execution have passed, which has 300; start another one for this"
                " image, or deploy with WorkflowType=STANDARD, which has hours"
            )


def fetch_and_upload(event: TaskInput, services: FetchServices) -> dict[str, JSON]:
    """Fetch one image and store it unless it is stored already; the workflow's `$.image`.

    event: `execution`, and `breed` (`hound/afghan`), or `image_url`, or neither for a random image.
    Returns: as `task_result`, with source, source_url and breed. The same execution always gets the same object.
    Raises: TaskFailure, of the class that the workflow's Retry and Catch name. Its details have source, and source_url
    and breed once they are known, because the record of a failure names what failed.
    """
    request = FetchRequest.from_input(event)
    origin: dict[str, JSON] = {"source": BY_URL if request.image_url else services.source_name}
    try:
        url = request.image_url or _pick(request, services)
        origin |= {"source_url": url, "breed": breed_of(url)}
        request.check_time(services.now())
        began = time.monotonic()
        response = services.client.get(url)
        item = SourceItem(url=url)
        image = inspect_response(response, item, services.rules, time.monotonic() - began)
        new = ImageToStore(item, image, response.body, request.execution)
        image, stored = store_image_once(new, services.storage, services.rules)
    except TaskFailure as failure:
        failure.details |= {name: value for name, value in origin.items() if isinstance(value, str)}
        raise
    result = {**task_result(image, stored), **origin}
    return {**result, "alert_reasons": list(services.alert_rules.reasons(result))}


def _pick(request: FetchRequest, services: FetchServices) -> str:
    """The source's choice, remembered before it is used: a second attempt must not fetch a second image."""
    store, name = services.storage.write_once, f"{request.execution}/picked"
    if (picked := store.recall(name)) is not None:
        return picked
    request.check_time(services.now())
    return store.remember(name, services.source.random_image(request.breed, request.execution))


def task_result(image: FetchedImage, stored: StoredImage) -> dict[str, JSON]:
    """`$.image` of the workflow for a stored image, without its origin and the reasons for an alert.

    extension_agrees: null where unknown.
    """
    return {
        "status": "success",
        "uploaded_image": stored.image_name,
        "image_url": stored.url,
        "outcome": stored.outcome,
        "reason": stored.reason,
        "key": stored.key,
        "file_type": image.file_type,
        "name_extension": image.name_extension,
        "extension_agrees": extension_agrees(image.name_extension, image.file_type),
        "sha256": image.sha256,
        "size_bytes": image.size_bytes,
        "width": image.width,
        "height": image.height,
        "content_type": image.content_type,
    }
