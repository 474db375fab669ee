"""The overview: figures that lead to their lists, the latest failures with their errors, and the first steps."""

from fastapi.testclient import TestClient

from tests.shared.console_world import FAILED, REFUSED


def test_overview_shows_failures_with_their_errors(client: TestClient) -> None:
    """Each failed execution is a link, with its Error Name and a cause that people can read."""
    text = client.get("/").text
    assert f'href="/executions/{FAILED}"' in text
    assert f'href="/executions/{REFUSED}"' in text
    assert "BlockedAddress" in text
    assert "the server answered 404" in text
    assert "errorMessage" not in text


def test_figures_lead_to_their_lists(client: TestClient) -> None:
    """A tile is a link to the list of what it counts."""
    text = client.get("/").text
    for path in ("/executions?status=FAILED", "/executions?status=SUCCEEDED", "/gallery"):
        assert f'href="{path}"' in text


def test_empty_directory_says_what_to_do_first(empty_client: TestClient) -> None:
    """With the commands that do it."""
    text = empty_client.get("/").text
    assert "Nothing has been fetched" in text
    assert "pupline run" in text
    assert "--source=sample" in text


def test_api_has_what_the_page_shows(client: TestClient) -> None:
    """Counts by status, and failures newest first."""
    found = client.get("/api/overview").json()
    failed = [one for one in found["failures"] if one["status"] == "FAILED"]
    assert found["executions"]["FAILED"]["count"] == len(failed)
    assert found["executions"]["FAILED"]["count_is_capped"] is False
    stopped = [one["start_time"] for one in found["failures"]]
    assert stopped == sorted(stopped, reverse=True)
