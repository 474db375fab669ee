"""Every page that the navigation names answers, over a full data directory and over an empty one."""

import pytest
from fastapi.testclient import TestClient

PATHS = (
    "/",
    "/executions",
    "/gallery",
    "/audit",
    "/alerts",
    "/insights",
    "/ingests",
    "/sources",
    "/start",
    "/schedule",
    "/jobs",
    "/about",
)


@pytest.mark.parametrize("path", PATHS)
def test_pages_answer(client: TestClient, path: str) -> None:
    """With one heading, and no markup that the Content-Security-Policy would block."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1
    assert "style=" not in answer.text
    assert " onclick" not in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_pages_of_an_empty_directory_answer(empty_client: TestClient, path: str) -> None:
    """There is a page to begin with."""
    assert empty_client.get(path).status_code == 200
