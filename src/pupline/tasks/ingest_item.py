"""One image from its response to its audit record: interpreted, inspected, recorded. The caller stores it.

Single executions, the bulk worker on one machine and the batch function on AWS all use this, so that an image is judged
the same everywhere.
"""

import time
from dataclasses import dataclass, replace
from hashlib import md5, sha1, sha256
from typing import Protocol

from pupline.errors import Outcome, Reason, TaskFailure, local_trouble
from pupline.http import Response, Validators, check_robots_tag
from pupline.images import image_name, name_extension, safe_name
from pupline.tasks.alert_rules import AlertRules
from pupline.tasks.breeds import breed_of
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import (
    FetchedImage,
    FetchFailed,
    FetchOutcome,
    PreviousFetch,
    SourceItem,
    StoredImage,
    UnchangedImage,
)
from pupline.tasks.records import MAX_CAUSE, AuditRecord
from pupline.tasks.timed_inspection import inspect_within
from pupline.text import printable

MAX_ATTEMPTS = 4
"""Requests for one image, or for one page of a listing, before its failure is final."""

PATIENT_ATTEMPTS = 5
"""Requests for one image where its failures cannot be distinguished from its host's: as many as in the workflow."""

MAX_SOURCE_URL = 5000
"""Characters of the URL in the record of a failed fetch: the longest URL that a source may list, because others may
have the same beginning."""


class ValidatingClient(Protocol):
    """A client for conditional requests: `pupline.http.HttpClient`."""

    def get(self, url: str, *, validators: Validators | None = None) -> Response:
        """The response at `url`: status 200 with a body, or 304 where validators were given. Raises: TaskFailure."""


class DeclaredImage(Protocol):
    """An image as it was listed: a SourceItem, or another object that has as much of it. md5, sha1, sha256: in hex."""

    @property
    def url(self) -> str: ...  # noqa: D102 - see above
    @property
    def md5(self) -> str | None: ...  # noqa: D102
    @property
    def sha1(self) -> str | None: ...  # noqa: D102
    @property
    def sha256(self) -> str | None: ...  # noqa: D102


def fetch_item(
    client: ValidatingClient, item: SourceItem, previous: PreviousFetch | None, rules: IngestRules
) -> tuple[FetchedImage, bytes] | UnchangedImage:
    """The inspected image with its bytes; UnchangedImage where the server says that the previous fetch is still valid.

    Raises: TaskFailure, from the client; RobotsDisallowed, InspectionTimeout.
    """
    began = time.monotonic()
    return interpret_response(client.get(item.url, validators=validators_for(previous)), item, previous, rules, began)


def validators_for(previous: PreviousFetch | None) -> Validators | None:
    """The validators of a conditional request; None where the previous fetch has none."""
    return (
        Validators(previous.etag, previous.last_modified)
        if previous and (previous.etag or previous.last_modified)
        else None
    )


def interpret_response(
    response: Response, item: DeclaredImage, previous: PreviousFetch | None, rules: IngestRules, began: float
) -> tuple[FetchedImage, bytes] | UnchangedImage:
    """As `fetch_item`, from the response. began: when the request was sent, on the monotonic clock.

    Raises: RobotsDisallowed, InspectionTimeout.
    """
    if response.status == 304 and previous is not None:
        return UnchangedImage(previous=previous)
    if rules.heed_robots:
        check_robots_tag(response)
    return inspect_response(response, item, rules, time.monotonic() - began), response.body


def inspect_response(
    response: Response, item: DeclaredImage, rules: IngestRules, spent_seconds: float = 0.0
) -> FetchedImage:
    """The image in a response. spent_seconds: how much of the rules' time-out the request took.

    Bytes without the hash that the source declares are a problem of their own, whatever they are. They are not
    requested again: a body of the right length is hardly ever damaged in transfer, while of an old list every seventh
    image has changed, so each of them would be requested twice in vain. Raises: InspectionTimeout.
    """
    body = response.body
    digest = sha256(body).hexdigest()
    actual_sha1 = sha1(body, usedforsecurity=False).hexdigest() if item.sha1 else None
    actual_md5 = md5(body, usedforsecurity=False).hexdigest() if item.md5 else None
    has_changed = (
        (item.sha256 and item.sha256.lower() != digest)
        or (item.sha1 and item.sha1.lower() != actual_sha1)
        or (item.md5 and item.md5.lower() != actual_md5)
    )
    inspection = inspect_within(rules.timeout_seconds - spent_seconds, body, max_pixels=rules.max_pixels)
    name = safe_name(item.url)
    return FetchedImage(
        name=image_name(name, inspection.file_type),
        sha256=digest,
        size_bytes=len(body),
        file_type=inspection.file_type,
        width=inspection.width,
        height=inspection.height,
        problem="hash_mismatch" if has_changed else inspection.problem,
        content_type=response.content_type,
        name_extension=name_extension(name),
        sha1=actual_sha1,
        md5=actual_md5,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
    )


def fetch_failed(failure: TaskFailure) -> FetchFailed:
    """The outcome of an item whose last attempt ended in `failure`."""
    cause = printable(failure.message, MAX_CAUSE)
    return FetchFailed(outcome=failure.outcome, reason=failure.reason, error=type(failure).__name__, cause=cause)


def internal_failure(url: str, err: Exception) -> TaskFailure:
    """The failure of an image that triggered a bug of ours; LocalTrouble where the cause is this machine."""
    message = f"{printable(url)}: {type(err).__name__}: {printable(str(err))}; this is a bug in pupline"
    return local_trouble(err) or TaskFailure(message)


@dataclass(frozen=True, slots=True)
class RecordBuilder:
    """Makes the audit records of one run. source: its name in the records. dataset: of the images."""

    source: str
    dataset: str
    rules: AlertRules

    def __call__(
        self, item: SourceItem, fetch_outcome: FetchOutcome, stored: StoredImage | None, execution: str, timestamp: str
    ) -> AuditRecord:
        """The record of one item. stored: where a FetchedImage or UnchangedImage is. timestamp: RFC 3339, UTC."""
        if isinstance(fetch_outcome, FetchFailed):
            return self._failure(item, fetch_outcome, execution, timestamp)
        image: FetchedImage | PreviousFetch
        outcome: Outcome
        reason: Reason
        if isinstance(fetch_outcome, UnchangedImage):
            image, outcome, reason = fetch_outcome.previous, "duplicate", "not_modified"
            name, extension = image.image_name, name_extension(safe_name(item.url))
        else:
            assert stored is not None  # noqa: S101 - a fetched image is stored before it is recorded
            image, outcome, reason = fetch_outcome, stored.outcome, stored.reason
            name, extension = stored.image_name, image.name_extension
        record = AuditRecord(
            image_name=name,
            image_url=stored.url if stored else None,
            upload_timestamp=timestamp,
            file_type=image.file_type,
            alert_triggered=False,
            outcome=outcome,
            reason=reason,
            source=self.source,
            source_url=item.url,
            sha256=image.sha256,
            size_bytes=image.size_bytes,
            width=image.width,
            height=image.height,
            content_type=image.content_type,
            name_extension=extension,
            breed=breed_of(item.url),
            execution=execution,
        )
        if isinstance(fetch_outcome, UnchangedImage):  # it alerted when it was fetched
            return record
        reasons = self.rules.reasons_of(record, stored.key if stored else None)
        return replace(record, alert_triggered=True, alert_reasons=reasons) if reasons else record

    def _failure(self, item: SourceItem, failed: FetchFailed, execution: str, timestamp: str) -> AuditRecord:
        return AuditRecord(
            image_name=f"{self.dataset}/{safe_name(item.url)}",
            upload_timestamp=timestamp,
            alert_triggered=False,
            outcome=failed.outcome,
            reason=failed.reason,
            source=self.source,
            source_url=printable(item.url, MAX_SOURCE_URL),
            breed=breed_of(item.url),
            execution=execution,
            error=failed.error,
            cause=failed.cause,
        )
