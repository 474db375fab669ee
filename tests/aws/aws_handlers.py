"""The handlers as Lambda calls them, on every way an image can take: new, known, renamed, quarantined, each twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aws_image_api import BODIES

from pupline.fetch import HttpClient, Response
from pupline.functions import _audit_wiring, _fetch_wiring, fetch_and_upload_dog_image, log_to_dynamodb

PATHS = ["pug/plain.jpg", "copy/plain.jpg", "other/plain.jpg", "pug/page.jpg"]


class Context:
    """Lambda's context, as far as handlers look at it."""

    aws_request_id = "request-1"


@contextmanager
def cold_start() -> Iterator[None]:
    """The handlers make their services anew, from the environment as it is now."""
    for services in (_fetch_wiring.fetch_services, _audit_wiring.audit_table):
        services.cache_clear()
    try:
        yield
    finally:
        for services in (_fetch_wiring.fetch_services, _audit_wiring.audit_table):
            services.cache_clear()


def fetch_images(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What FetchAndUploadDogImage's handler gives for each path; the pictures come from memory."""

    def get(_: HttpClient, url: str, **__: Any) -> Response:
        body = BODIES[url.removeprefix("https://images.example/breeds/")]
        return Response(url=url, status=200, headers={}, body=body, content_type="image/jpeg")

    monkeypatch.setattr(HttpClient, "get", get)
    found: list[dict[str, Any]] = []
    with cold_start():
        for number, path in enumerate(PATHS):
            event: Any = {"image_url": f"https://images.example/breeds/{path}", "execution": f"run-{number}"}
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


def drive_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both handlers."""
    log_images(fetch_images(monkeypatch))
