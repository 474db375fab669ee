"""Every page that the navigation names answers, over a full data directory and over an empty one."""

import re

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


@pytest.mark.parametrize("path", [*PATHS, "/machines"])
def test_commands_of_an_empty_directory_name_it(empty_client: TestClient, path: str) -> None:
    """Otherwise the copied command would begin another directory."""
    commands = re.findall(r'data-copy="pupline ([^"]+)"', empty_client.get(path).text)
    assert all("--data" in command for command in commands if not command.startswith("sources "))


def test_a_page_that_does_not_exist_is_not_offered_again(empty_client: TestClient) -> None:
    """It would not be there either."""
    page = empty_client.get("/nothing")
    assert page.status_code == 404
    assert "Try again" not in page.text
    assert "Go to the overview" in page.text
