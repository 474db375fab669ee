"""The same pages over a deployed stack, read-only by default."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from pupline.backends import RunRequest, RunSettings, StackBackend
from pupline.console import ConsoleSettings, create_app
from tests.backends.stack_fixtures import fake_stack
from tests.console.conftest import console_client, headers_for_writing

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a console over a stack with one execution that succeeded, and one that failed."""
    home = tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch, fake_stack(patch, home):
        with StackBackend("pupline") as backend:
            backend.run(RunRequest(RunSettings(), run_id="r"), lambda _event: None)
            backend.run(RunRequest(RunSettings(), run_id="gone"), lambda _event: None)
        settings = ConsoleSettings(data_dir=home, stack="pupline")
        with console_client(create_app(settings)) as found:
            yield found


@pytest.mark.parametrize("query", ["", "?tab=table", "?tab=events", "?tab=timeline", "?state=FetchAndUploadDogImage"])
def test_an_execution_of_a_stack_has_all_tabs(stack_client: TestClient, query: str) -> None:
    """Its history comes from Step Functions."""
    answer = stack_client.get(f"/executions/r-00001{query}")
    assert answer.status_code == 200
    assert "FetchAndUploadDogImage" in answer.text


@pytest.mark.parametrize("path", ["", "/r-00001/children", "/gone-00001"])
def test_the_lists_of_a_stack_show(stack_client: TestClient, path: str) -> None:
    """With the logical names of its state machines."""
    assert stack_client.get(f"/executions{path}").status_code == 200


def test_the_state_machines_of_a_stack_show(stack_client: TestClient) -> None:
    """As they are deployed."""
    assert "DogUploaderPipeline" in stack_client.get("/machines").text
    assert stack_client.get("/machines/DogUploaderPipeline").status_code == 200


def test_a_stack_is_read_only_by_default(stack_client: TestClient) -> None:
    """Nothing can be started from its pages."""
    headers = headers_for_writing(stack_client)
    assert stack_client.post("/api/executions/r-00001/stop", json={}, headers=headers).status_code == 403
    for path in ("/executions", "/executions/r-00001", "/executions/gone-00001", "/executions/gone-00001/again"):
        assert "data-action" not in stack_client.get(path).text


def test_the_commands_name_the_stack(stack_client: TestClient) -> None:
    """What a person would type."""
    assert "--backend=aws --stack=pupline" in stack_client.get("/executions/r-00001").text
