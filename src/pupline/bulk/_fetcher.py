"""One request of a worker: sent, read, and answered with a reply. Bodies of images go to files, not into the reply."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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
from pupline.tasks.items import PreviousFetch, SourceItem, UnchangedImage


@dataclass(frozen=True, slots=True)
class _ImageFetch:
    """began_at: seconds since the epoch. began: on the monotonic clock."""

    request: ImageRequest
    previous: PreviousFetch | None
    began_at: float
    began: float

    @classmethod
    def of(cls, request: ImageRequest) -> "_ImageFetch":
        """previous: the validators alone, which is all that is needed here; the coordinator has the rest."""
        etag, last_modified = request.etag, request.last_modified
        previous = None
        if etag or last_modified:
            previous = PreviousFetch(
                image_name="", key="", sha256="", size_bytes=0, file_type="", etag=etag, last_modified=last_modified
            )
        return cls(request, previous, time.time(), time.monotonic())


@dataclass(frozen=True, slots=True)
class SentRequest:
    """An image request that was sent, and whose response has not been read."""

    fetch: _ImageFetch
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
        fetch = _ImageFetch.of(request)
        try:
            pending = self._client.begin(request.url, validators=validators_for(fetch.previous))
        except TaskFailure:
            return None  # `fetch` meets the same failure, and replies with it
        return None if pending is None else SentRequest(fetch, pending)

    def poll(self, sent: SentRequest) -> Reply | None:
        """The reply, or None where the response has not arrived completely. Never blocks."""
        return self._image_reply(sent.fetch, partial(self._client.poll, sent.pending))

    def fetch(self, request: WorkerRequest | SentRequest) -> Reply:
        """The reply, however long it takes."""
        if isinstance(request, DocumentRequest):
            return self._document_reply(request)
        if isinstance(request, SentRequest):
            reply = self._image_reply(request.fetch, partial(self._client.wait, request.pending))
        else:
            fetch = _ImageFetch.of(request)
            validators = validators_for(fetch.previous)
            reply = self._image_reply(fetch, partial(self._client.get, request.url, validators=validators))
        assert reply is not None  # noqa: S101 - it waited
        return reply

    def _image_reply(self, fetch: _ImageFetch, respond: Callable[[], Response | None]) -> Reply | None:
        request, number, began_at = fetch.request, fetch.request.number, fetch.began_at
        try:
            response = respond()
            if response is None:
                return None
            item = SourceItem(url=request.url, sha1=request.sha1, sha256=request.sha256)
            result = interpret_response(response, item, fetch.previous, self._rules, fetch.began)
            if isinstance(result, UnchangedImage):
                return ImageUnchanged(number, began_at, time.time())
            image, body = result
            path = self._bodies.write(body)
            return ImageFetched(number, began_at, time.time(), path, image)
        except Exception as err:  # noqa: BLE001 - a bug that one image triggers ends that image alone
            return _failed(request, began_at, err)

    def _document_reply(self, request: DocumentRequest) -> Reply:
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
