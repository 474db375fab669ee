"""One request of a worker: sent, read, and answered with a reply. Bodies of images go to files, not into the reply."""

import time
from dataclasses import dataclass

from pupline.bulk._body_files import BodyFiles
from pupline.bulk._worker_messages import (
    DocumentFetched,
    DocumentRequest,
    ImageFetched,
    ImageRequest,
    ImageUnchanged,
    Reply,
    RequestFailed,
    WorkerRequest,
)
from pupline.errors import TaskFailure
from pupline.http import HttpClient, PendingRequest, Response
from pupline.tasks.ingest_item import IngestRules, internal_failure, interpret_response, validators_for
from pupline.tasks.items import PreviousFetch, UnchangedImage


@dataclass(frozen=True, slots=True)
class _ImageFetch:
    """previous: its validators alone. began_at: seconds since the epoch. began: on the monotonic clock."""

    request: ImageRequest
    previous: PreviousFetch | None
    began_at: float
    began: float


@dataclass(frozen=True, slots=True)
class SentRequest(_ImageFetch):
    """An image request that was sent, and whose response has not been read completely."""

    pending: PendingRequest


class Fetcher:
    """Makes requests with one client. Safe to use from many threads."""

    def __init__(self, client: HttpClient, bodies: BodyFiles, rules: IngestRules) -> None:
        self._client = client
        self._bodies = bodies
        self._rules = rules

    def send(self, request: WorkerRequest) -> SentRequest | None:
        """An image request, sent over a kept connection; None where `fetch` has to do all of it."""
        if isinstance(request, DocumentRequest):
            return None
        previous = _previous_fetch(request)
        try:
            pending = self._client.begin(request.url, validators=validators_for(previous))
        except TaskFailure:
            return None  # `fetch` meets the same failure, and replies with it
        return None if pending is None else SentRequest(request, previous, time.time(), time.monotonic(), pending)

    def fetch(self, request: WorkerRequest | SentRequest) -> Reply:
        """The reply, however long it takes."""
        if isinstance(request, DocumentRequest):
            return self._fetch_document(request)
        if isinstance(request, ImageRequest):
            image = _ImageFetch(request, _previous_fetch(request), time.time(), time.monotonic())
            reply = self.poll(image, wait=True)
        else:
            reply = self.poll(request, wait=True)
        assert reply is not None  # noqa: S101 - it waited
        return reply

    def poll(self, image: _ImageFetch, *, wait: bool = False) -> Reply | None:
        """The reply, or None where the response has not arrived completely. Blocks only to wait for it."""
        request, number, began_at = image.request, image.request.number, image.began_at
        response: Response | None
        try:
            if not isinstance(image, SentRequest):
                response = self._client.get(request.url, validators=validators_for(image.previous))
            else:
                response = self._client.wait(image.pending) if wait else self._client.poll(image.pending)
            if response is None:
                return None
            result = interpret_response(response, request, image.previous, self._rules, image.began)
            if isinstance(result, UnchangedImage):
                return ImageUnchanged(number, began_at, time.time())
            fetched, body = result
            path = self._bodies.write(body)
            return ImageFetched(number, began_at, time.time(), path, fetched)
        except Exception as err:  # noqa: BLE001 - a bug that one image triggers ends that image alone
            return _failed(request, began_at, err)

    def _fetch_document(self, request: DocumentRequest) -> Reply:
        number, url, accept, max_bytes, headers, content, content_type, truncate = request
        began_at = time.time()
        try:
            if content is None:
                found = self._client.get(url, accept=accept, max_bytes=max_bytes, headers=headers, truncate=truncate)
            else:
                found = self._client.post(
                    url, content=content, content_type=content_type, accept=accept, max_bytes=max_bytes, headers=headers
                )
        except Exception as err:  # noqa: BLE001 - as above
            return _failed(request, began_at, err)
        return DocumentFetched(
            number, began_at, time.time(), found.url, dict(found.headers), found.body, found.content_type
        )


def _failed(request: WorkerRequest, began_at: float, err: Exception) -> RequestFailed:
    failure = err if isinstance(err, TaskFailure) else internal_failure(request.url, err)
    return RequestFailed(request.number, began_at, time.time(), failure)


def _previous_fetch(request: ImageRequest) -> PreviousFetch | None:
    """The validators of the previous fetch, which is all that is needed here; the coordinator has the rest."""
    etag, last_modified = request.etag, request.last_modified
    if not (etag or last_modified):
        return None
    return PreviousFetch(
        image_name="", key="", sha256="", size_bytes=0, file_type="", etag=etag, last_modified=last_modified
    )
