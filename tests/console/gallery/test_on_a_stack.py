"""The gallery of a deployed stack: its pages, its objects in parts, its thumbnails."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.backends import open_backend
from pupline.console import ConsoleSettings, create_app
from pupline.tasks.ports import ObjectToCreate
from pupline.tasks.records import AuditRecord
from pupline.text import timestamp
from tests.backends.stack_fakes import START
from tests.backends.stack_fixtures import fake_stack
from tests.console.conftest import console_client
from tests.shared.functions_fakes import picture

pytestmark = pytest.mark.aws

BODY = picture("PNG")
KEY = "html/a dog?#.png"
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TestClient]:
    """A console over a stack that stored one image."""
    with fake_stack(monkeypatch, tmp_path) as stack:
        with open_backend(tmp_path, "pupline") as backend, backend.writable_bucket() as bucket:
            held = bucket.create(ObjectToCreate(KEY, BODY, SHA256, "image/png", "monday-00001"))
        record = AuditRecord(
            image_name="a dog?#.png",
            image_url=held.url,
            upload_timestamp=timestamp(START),
            file_type="png",
            alert_triggered=True,
            outcome="stored",
            reason="accepted",
            sha256=SHA256,
            execution="monday-00001",
        )
        DynamoDBAuditTable(dynamodb_client(), stack.resources["DogImageUploads"][1]).put(record)
        with console_client(create_app(ConsoleSettings(data_dir=tmp_path / "data", stack="pupline"))) as found:
            yield found


def test_an_image_of_a_stack_is_shown(client: TestClient) -> None:
    """By its key, because S3 finds nothing by its hash; only the bytes that its record names."""
    [image] = client.get("/api/gallery").json()["items"]
    assert client.get(image["object"]).content == BODY
    part = client.get(image["object"], headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, BODY[1:4], "image/png")
    assert client.get(image["object"], headers={"If-None-Match": part.headers["etag"]}).status_code == 304
    thumbnail = client.get(image["thumbnail"])
    assert (thumbnail.status_code, thumbnail.content) == (200, BODY)
    assert client.get(f"/thumbnails/{SHA256}").status_code == 404
    assert client.get("/objects/html/none.png").status_code == 404
    assert "shot-name" in client.get("/gallery").text
    page = client.get(f"/gallery/{image['id']}").text
    assert "s3://" in page
