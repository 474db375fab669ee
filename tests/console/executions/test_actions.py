"""What the buttons do: each is a job, which runs the command that stands next to it."""

from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from tests.console.conftest import console_client, headers_for_writing
from tests.console.executions.conftest import PREFIX
from tests.shared.console_world import FAILED, REFUSED

pytestmark = pytest.mark.slow


@pytest.fixture
def acting(own_world: Path) -> TestClient:
    """A client of a console that accepts jobs and does not start them."""
    client = console_client(create_app(ConsoleSettings(data_dir=own_world)))
    client.headers.update(headers_for_writing(client))
    return client


def _command(answer: dict[str, list[dict[str, str]]]) -> str:
    (job,) = answer["jobs"]
    return job["command"]


def test_redrive_is_the_command_of_that_name(acting: TestClient) -> None:
    """The name cannot become an option."""
    answer = acting.post(f"/api/executions/{FAILED}/redrive", json={})
    assert answer.status_code == 202
    assert _command(answer.json()).startswith("pupline redrive ")
    assert _command(answer.json()).endswith(f" -- {FAILED}")


def test_picked_executions_are_redriven_in_one_job(acting: TestClient) -> None:
    """One command holds the data directory once."""
    answer = acting.post("/api/executions/redrive", json={"names": [FAILED, REFUSED]})
    assert _command(answer.json()).endswith(f" -- {FAILED} {REFUSED}")


def test_run_again_takes_edited_input_from_a_state(acting: TestClient) -> None:
    """The text goes to the command as it was written."""
    edited = '{"image_url": "https://example.org/a.png", "big": 12345678901234567890}'
    body = {"state": "FetchAndUploadDogImage", "input": edited}
    answer = acting.post(f"/api/executions/{FAILED}/again", json=body)
    assert answer.status_code == 202
    command = _command(answer.json())
    assert f"--again={FAILED}" in command
    assert "--from=FetchAndUploadDogImage" in command
    assert "--input=-" in command
    app = acting.app
    job = app.state.console.jobs.find(answer.json()["jobs"][0]["id"])  # type: ignore[attr-defined]
    assert job.input == edited


@pytest.mark.parametrize("text", ["{", '{"a": NaN}', "", "[" * 100_000])
def test_edited_input_that_is_not_json_is_refused(acting: TestClient, text: str) -> None:
    """Before anything starts."""
    answer = acting.post(f"/api/executions/{FAILED}/again", json={"input": text})
    assert answer.status_code == 400
    assert "input" in answer.json()["message"]


def test_a_state_or_an_execution_that_does_not_exist_is_not_run_again(acting: TestClient) -> None:
    """Nothing is accepted."""
    assert acting.post(f"/api/executions/{FAILED}/again", json={"state": "Nowhere"}).status_code == 404
    assert acting.post("/api/executions/nobody/redrive", json={}).status_code == 404
    assert acting.post("/api/executions/stop", json={"names": []}).status_code == 400


def test_the_form_has_the_input_that_the_state_got(acting: TestClient) -> None:
    """And the command that does the same."""
    page = acting.get(f"/executions/{FAILED}/again?state=FetchAndUploadDogImage")
    assert page.status_code == 200
    assert "<textarea" in page.text
    assert "pupline run" in page.text
    assert "--from=FetchAndUploadDogImage" in page.text


def test_an_execution_of_the_api_names_the_command_for_its_server(machines: TestClient) -> None:
    """pupline's own commands do not continue it."""
    page = machines.get(f"/executions/{PREFIX}:Hostile:one").text
    assert "aws stepfunctions redrive-execution" in page
    assert "data-action" not in page[page.index("<main") : page.index("</main>")]


def test_the_commands_for_picked_executions_take_their_names_at_the_end(acting: TestClient, own_world: Path) -> None:
    """Each button has one to copy; the shell runs them again one by one."""
    page = unescape(acting.get("/executions").text)
    assert f'data-copy-names="pupline redrive --data={own_world} --"' in page
    assert f'data-copy-names="pupline stop --data={own_world} --"' in page
    again = f"""sh -c 'for name; do pupline run --data={own_world} --again="$name"; done' again"""
    assert f'data-copy-names="{again}"' in page
