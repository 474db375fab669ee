"""What becomes of one item of a dataset: fetched, inspected, recorded. The caller stores it.

The bulk worker on one machine and the batch function on AWS both stand on this, so that an image is judged alike.
"""

import time
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Protocol

from pupline.errors import HashMismatch, TaskFailure, local_trouble
from pupline.http import DEFAULT_TIMEOUT_SECONDS, Response, Validators, breed_of, check_robots_tag
from pupline.images import MAX_PIXELS, name_extension, safe_name
from pupline.tasks.fetch_and_upload_dog_image import alert_reasons
from pupline.tasks.items import (
    FetchedImage,
    FetchFailed,
    FetchOutcome,
    PreviousFetch,
    SourceItem,
    StoredImage,
    UnchangedImage,
)
from pupline.tasks.records import AuditRecord
from pupline.tasks.timed_inspection import inspect_within
from pupline.text import printable

MAX_ATTEMPTS = 4
"""Requests for one image, or for one page of a listing, before its failure is final."""

PATIENT_ATTEMPTS = 5
"""Requests for one image where nothing tells its own trouble from its host's: as many as the workflow makes."""

MAX_CAUSE = 500
"""Characters of the cause kept, as in the records of single images."""


MAX_SOURCE_URL = 5000
"""Characters of the URL in the record of what was not fetched: all that a source may name, so that it can be told from
others that begin alike."""


class ValidatingClient(Protocol):
    """What gets bytes, or hears that they are unchanged: `pupline.http.HttpClient`."""

    def get(self, url: str, *, validators: Validators | None = None) -> Response:
        """The answer at `url`: status 200 with a body, or 304 where validators were given. Raises: TaskFailure."""


@dataclass(frozen=True, slots=True)
class IngestRules:
    """How items are judged. heed_robots: obey X-Robots-Tag. timeout_seconds: to fetch one and look at it."""

    max_pixels: int = MAX_PIXELS
    heed_robots: bool = True
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS


def fetch_item(
    client: ValidatingClient, item: SourceItem, previous: PreviousFetch | None, rules: IngestRules
) -> tuple[FetchedImage, bytes] | UnchangedImage:
    """The item's bytes and what they are; UnchangedImage where the server says that its earlier answer still holds.

    Raises: TaskFailure, from the client; RobotsDisallowed, HashMismatch, InspectionTimeout.
    """
    began = time.monotonic()
    return interpret_response(client.get(item.url, validators=validators_for(previous)), item, previous, rules, began)


def validators_for(previous: PreviousFetch | None) -> Validators | None:
    """What to ask with, so that the server can say that its earlier answer still holds."""
    if previous and (previous.etag or previous.last_modified):
        return Validators(previous.etag, previous.last_modified)
    return None


def interpret_response(
    response: Response, item: SourceItem, previous: PreviousFetch | None, rules: IngestRules, began: float
) -> tuple[FetchedImage, bytes] | UnchangedImage:
    """What the answer to an item's URL is, as `fetch_item`. began: when it was asked for, on the monotonic clock.

    Raises: RobotsDisallowed, HashMismatch, InspectionTimeout.
    """
    if response.status == 304 and previous is not None:
        return UnchangedImage(previous=previous)
    if rules.heed_robots:
        check_robots_tag(response)
    return inspect_response(response, item, rules, time.monotonic() - began), response.body


def fetch_failed(failure: TaskFailure) -> FetchFailed:
    """The outcome that `failure`, the last attempt's, makes of an item."""
    cause = printable(failure.message, MAX_CAUSE)
    return FetchFailed(outcome=failure.outcome, reason=failure.reason, error=type(failure).__name__, cause=cause)


def internal_failure(url: str, err: Exception) -> TaskFailure:
    """The failure of an image that triggered a bug of ours; LocalTrouble where it is the machine's."""
    told = f"{printable(url)}: {type(err).__name__}: {printable(str(err))}; this is a mistake in pupline"
    return local_trouble(err) or TaskFailure(told)


def inspect_response(
    response: Response, item: SourceItem, rules: IngestRules, spent_seconds: float = 0.0
) -> FetchedImage:
    """What the bytes of `response` are. spent_seconds: of the rules' time-out, until it was there.

    Raises: HashMismatch where the source declared another hash; InspectionTimeout.
    """
    body = response.body
    digest = sha256(body).hexdigest()
    declared_sha1 = sha1(body, usedforsecurity=False).hexdigest() if item.sha1 else None
    _check_declared(item, digest, declared_sha1)
    found = inspect_within(rules.timeout_seconds - spent_seconds, body, max_pixels=rules.max_pixels)
    name = safe_name(item.url)
    extension = name_extension(name)
    return FetchedImage(
        name=name,
        sha256=digest,
        size_bytes=len(body),
        file_type=found.file_type,
        width=found.width,
        height=found.height,
        problem=found.problem,
        content_type=response.content_type,
        name_extension=extension,
        alert_reasons=tuple(str(reason) for reason in alert_reasons(found, extension)),
        sha1=declared_sha1,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
    )


def _check_declared(item: SourceItem, digest: str, digest_sha1: str | None) -> None:
    for name, declared, found in (("SHA-256", item.sha256, digest), ("SHA-1", item.sha1, digest_sha1)):
        if declared and declared.lower() != found:
            raise HashMismatch(
                f"{printable(item.url)}: the {name} is {found}, the source declares {printable(declared, 64)}; "
                "the image changed after it was listed, or was damaged on the way"
            )


@dataclass(frozen=True, slots=True)
class RecordBuilder:
    """Makes the audit records of one run. source: as the records shall name it. dataset: whose images they are."""

    source: str
    dataset: str

    def __call__(
        self, item: SourceItem, fetch_outcome: FetchOutcome, stored: StoredImage | None, execution: str, timestamp: str
    ) -> AuditRecord:
        """The record of one item. stored: what the store did, for a FetchedImage. timestamp: RFC 3339, UTC."""
        if isinstance(fetch_outcome, FetchedImage):
            assert stored is not None  # noqa: S101 - who fetched has stored
            return self._of_image(item, fetch_outcome, stored, execution, timestamp)
        if isinstance(fetch_outcome, UnchangedImage):
            return self._of_previous(item, fetch_outcome.previous, stored, execution, timestamp)
        return AuditRecord(
            image_name=f"{self.dataset}/{safe_name(item.url)}",
            upload_timestamp=timestamp,
            alert_triggered=False,
            outcome=fetch_outcome.outcome,
            reason=fetch_outcome.reason,
            source=self.source,
            source_url=printable(item.url, MAX_SOURCE_URL),
            breed=breed_of(item.url),
            execution=execution,
            error=fetch_outcome.error,
            cause=fetch_outcome.cause,
        )

    def _of_image(
        self, item: SourceItem, image: FetchedImage, stored: StoredImage, execution: str, timestamp: str
    ) -> AuditRecord:
        return AuditRecord(
            image_name=stored.image_name,
            image_url=stored.url,
            upload_timestamp=timestamp,
            file_type=image.file_type,
            alert_triggered=bool(image.alert_reasons),
            alert_reasons=image.alert_reasons,
            outcome=stored.outcome,
            reason=stored.reason,
            source=self.source,
            source_url=item.url,
            sha256=image.sha256,
            size_bytes=image.size_bytes,
            width=image.width,
            height=image.height,
            content_type=image.content_type,
            name_extension=image.name_extension,
            breed=breed_of(item.url),
            execution=execution,
        )

    def _of_previous(
        self, item: SourceItem, previous: PreviousFetch, stored: StoredImage | None, execution: str, timestamp: str
    ) -> AuditRecord:
        return AuditRecord(
            image_name=previous.image_name,
            image_url=stored.url if stored else None,
            upload_timestamp=timestamp,
            file_type=previous.file_type,
            alert_triggered=False,
            outcome="duplicate",
            reason="not_modified",
            source=self.source,
            source_url=item.url,
            sha256=previous.sha256,
            size_bytes=previous.size_bytes,
            width=previous.width,
            height=previous.height,
            content_type=previous.content_type,
            name_extension=name_extension(previous.image_name),
            breed=breed_of(item.url),
            execution=execution,
        )
