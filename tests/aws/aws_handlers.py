"""The handlers as Lambda calls them, on every way an image can take: new, known, renamed, quarantined, each twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pupline.errors import NotFound
from pupline.http import HttpClient, Response
from pupline.lambdas import (
    _audit_wiring,
    _fetch_wiring,
    _ingest_wiring,
    _summary_wiring,
    fetch_and_upload_dog_image,
    ingest_batch,
    log_to_dynamodb,
    summarise_ingest,
)
from pupline.specs import RandomImages
from tests.aws.aws_image_api import BODIES

PATHS = ["pug/plain.jpg", "copy/plain.jpg", "other/plain.jpg", "pug/page.jpg"]


class Context:
    """Lambda's context, as far as handlers look at it. milliseconds: left, as of a function that has just begun."""

    aws_request_id = "request-1"

    def __init__(self, milliseconds: int = 270_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """The time left."""
        return self._milliseconds


SERVICES = (
    _fetch_wiring.fetch_services,
    _audit_wiring.audit_services,
    _ingest_wiring.batch_services,
    _summary_wiring.summary_services,
)


@contextmanager
def cold_start() -> Iterator[None]:
    """The handlers make new services, from the current environment."""
    for services in SERVICES:
        services.cache_clear()
    try:
        yield
    finally:
        for services in SERVICES:
            services.cache_clear()


def serve_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client gets the pictures from memory, and nothing else is found; a random one is the first."""

    def get(_: HttpClient, url: str, **__: Any) -> Response:
        body = BODIES.get(url.removeprefix("https://images.example/breeds/"))
        if body is None:
            raise NotFound(f"{url}: 404")
        return Response(url=url, status=200, headers={}, body=body, content_type="image/jpeg")

    monkeypatch.setattr(HttpClient, "get", get)
    monkeypatch.setattr(RandomImages, "random_image", lambda *_: f"https://images.example/breeds/{PATHS[0]}")


def fetch_images(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What FetchAndUploadDogImage's handler gives for each path, and for a random one."""
    serve_from_memory(monkeypatch)
    found: list[dict[str, Any]] = []
    with cold_start():
        inputs: list[dict[str, Any]] = [{"image_url": f"https://images.example/breeds/{path}"} for path in PATHS]
        for number, given in enumerate([*inputs, {}]):
            event: Any = {**given, "execution": f"run-{number}"}
            first, second = (fetch_and_upload_dog_image.handler(event, Context()) for _ in range(2))
            assert first == second
            found.append(first)
    return found


def log_images(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What LogToDynamoDB's handler gives for each image."""
    found: list[dict[str, Any]] = []
    with cold_start():
        for number, image in enumerate(images):
            event: Any = {"image": image, "execution": f"run-{number}", "alert_triggered": False}
            first, second = (log_to_dynamodb.handler(event, Context()) for _ in range(2))
            assert first == second
            found.append(first)
    return found


def ingest_images(monkeypatch: pytest.MonkeyPatch, paths: list[str], run: str = "r1") -> dict[str, Any]:
    """What IngestBatch's handler gives for these paths, twice the same."""
    serve_from_memory(monkeypatch)
    items = [
        {"index": index, "item": {"url": f"https://images.example/breeds/{path}"}} for index, path in enumerate(paths)
    ]
    event: Any = {"batch": {"BatchInput": {"run": run, "dataset": "dogs", "source": "kennel"}, "Items": items}}
    with cold_start():
        first, second = (ingest_batch.handler(event, Context()) for _ in range(2))
    assert first == second
    return first


def summarise(run: str = "r1") -> dict[str, Any]:
    """What SummariseIngest's handler gives for the run, twice the same, after an invocation that had no time."""
    with cold_start():
        event: Any = {"run": run, "dataset": "dogs", "source": "kennel", "execution": run}
        assert summarise_ingest.handler(event, Context(0))["more"]
        first, second = (summarise_ingest.handler(event, Context()) for _ in range(2))
    assert first == second
    return first


BATCH = [*PATHS, "pug/real.png", "pug/gone.jpg"]


def drive_handlers(monkeypatch: pytest.MonkeyPatch, working: Callable[[str], None]) -> None:
    """All handlers that call AWS; `working` is told whose role is at work."""
    working("FetchAndUploadDogImageRole")
    images = fetch_images(monkeypatch)
    working("LogToDynamoDBRole")
    log_images(images)
    working("IngestBatchRole")
    ingest_images(monkeypatch, BATCH)
    ingest_images(monkeypatch, BATCH, "r2")
    working("SummariseIngestRole")
    summarise()
