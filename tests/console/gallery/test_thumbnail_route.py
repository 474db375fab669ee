"""`/thumbnails/{sha256}` over the sample data directory."""

from typing import Any

import pytest
from fastapi.testclient import TestClient


def _image(client: TestClient, query: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/gallery?{query}&limit=1").json()["items"][0]
    return found


def test_a_thumbnail_may_be_kept_for_ever(client: TestClient) -> None:
    """Its address has the hash of the image; it is in a sandbox as the image itself is."""
    image = _image(client, "outcome=stored")
    found = client.get(image["thumbnail"])
    assert found.status_code == 200
    assert found.headers["content-type"] in {"image/jpeg", "image/png", "image/gif", "image/webp"}
    assert "immutable" in found.headers["cache-control"]
    assert found.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert found.headers["x-content-type-options"] == "nosniff"
    again = client.get(image["thumbnail"], headers={"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/thumbnails/{image['sha256']}").content == found.content


def test_an_image_that_is_gone_is_drawn_as_such(client: TestClient) -> None:
    """Where its record says that it was there; a hash that was never stored is not found."""
    unknown = f"/thumbnails/{'ab' * 32}"
    drawing = client.get(f"{unknown}?key=html/gone.jpg")
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert drawing.headers["cache-control"] == "no-store"
    assert b"No longer stored" in drawing.content
    assert client.get(unknown).status_code == 404


@pytest.mark.parametrize("name", ["x", "AB" * 32, "ab" * 31, "..%2F..%2Flock", "%00" * 64, "\u0661" * 64])
def test_only_hashes_have_thumbnails(client: TestClient, name: str) -> None:
    """No name leads to another file of the cache."""
    assert client.get(f"/thumbnails/{name}").status_code == 404


def test_a_quarantined_file_has_no_thumbnail(client: TestClient) -> None:
    """Neither by its hash nor by its key; its record links to none."""
    image = _image(client, "outcome=quarantined")
    assert image["thumbnail"] is None
    assert client.get(f"/thumbnails/{image['sha256']}").status_code == 404
    assert image["object"] is None
    key = image["image_url"].rpartition("/dog-images/")[2]
    assert key.startswith("quarantine/")
    assert b"No longer stored" in client.get(f"/thumbnails/{image['sha256']}?key={key}").content
