"""The style sheet and the scripts: compressed for those that ask, and no other file."""

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(
    ("accepted", "is_packed"), [("gzip, deflate, br", True), ("br", False), ("gzip;q=0", False), ("", False)]
)
def test_static_files_are_compressed_on_request(client: TestClient, accepted: str, is_packed: bool) -> None:
    """The content is the same either way."""
    plain = client.get("/static/console.css", headers={"Accept-Encoding": ""})
    answer = client.get("/static/console.css", headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") is is_packed
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == plain.content


@pytest.mark.parametrize("name", ["console.html", "..%2f_app.py", "%2e%2e", ""])
def test_other_files_are_not_served(client: TestClient, name: str) -> None:
    """Only what was in the folder at the start has an address."""
    assert client.get(f"/static/{name}").status_code == 404
