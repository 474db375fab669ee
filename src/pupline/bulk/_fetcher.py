"""One request of a worker: sent, read, and answered with a reply. Bodies of images go to files, not into the reply."""

import time
from collections.abc import Callable
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
from pupline.tasks.ingest_item import internal_failure, interpret_response, validators_for
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import PreviousFetch, UnchangedImage


@dataclass(slots=True, eq=False)
class PendingImage:
    """An image request that was begun, and whose response has not been read completely.

    previous: its validators alone. began_at: seconds since the epoch. began: on the monotonic clock.
    """

    request: ImageRequest
    previous: PreviousFetch | None
    began_at: float
    began: float
    pending: PendingRequest


class Fetcher:
    """Makes requests with one client. Safe to use from many threads."""

    def __init__(self, client: HttpClient, bodies: BodyFiles, rules: IngestRules) -> None:
        self._client = client
        self._bodies = bodies
        self._rules = rules

    def begin(self, request: ImageRequest) -> PendingImage | RequestFailed:
        """An image request, begun without waiting for anything."""
        previous, began_at, began = _previous_fetch(request), time.time(), time.monotonic()
        try:
            pending = self._client.begin(request.url, validators=validators_for(previous))
        except Exception as err:  # noqa: BLE001 - a bug that one image triggers ends that image alone
            return _failed(request, began_at, err)
        return PendingImage(request, previous, began_at, began, pending)

    def poll(self, image: PendingImage) -> Reply | None:
        """The reply, or None where the response has not arrived completely. Never waits for the network."""
        return self._reply(image, self._client.poll)

    def fetch(self, request: DocumentRequest | PendingImage) -> Reply:
        """The reply, however long it takes."""
        if isinstance(request, DocumentRequest):
            return self._fetch_document(request)
        reply = self._reply(request, self._client.wait)
        assert reply is not None  # noqa: S101 - it waited
        return reply

    def _reply(self, image: PendingImage, receive: Callable[[PendingRequest], Response | None]) -> Reply | None:
        request, began_at = image.request, image.began_at
        try:
            response = receive(image.pending)
            if response is None:
                return None
            result = interpret_response(response, request, image.previous, self._rules, image.began)
            if isinstance(result, UnchangedImage):
                return ImageUnchanged(request.number, began_at, time.time())
            fetched, body = result
            path = self._bodies.write(body)
            return ImageFetched(request.number, began_at, time.time(), path, fetched)
        except Exception as err:  # noqa: BLE001 - as above
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
    # Its traceback has the frames that raised it, which refer to it: such rings stay until the collector finds them.
    return RequestFailed(request.number, began_at, time.time(), failure.with_traceback(None))


def _previous_fetch(request: ImageRequest) -> PreviousFetch | None:
    """The validators of the previous fetch, which is all that is needed here; the coordinator has the rest."""
    etag, last_modified = request.etag, request.last_modified
    if not (etag or last_modified):
        return None
    return PreviousFetch(
        image_name="", key="", sha256="", size_bytes=0, file_type="", etag=etag, last_modified=last_modified
    )
