"""Start, Sources and Ingests: what their forms and buttons submit, and what their pages show."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pupline.backends import MachineBackend
from pupline.bulk import IngestRequest
from pupline.console import ConsoleSettings, create_app
from pupline.console.job_queue import Jobs
from tests.backends.stack_fixtures import fake_stack
from tests.console.conftest import console_client, headers_for_writing
from tests.shared.console_world import INGEST_RUN

pytestmark = pytest.mark.slow


def writing(data_dir: Path, stack: str | None = None) -> Iterator[TestClient]:
    """A client of a console that begins no job."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Jobs, "start", lambda _jobs: None)
        app = create_app(ConsoleSettings(data_dir=data_dir, stack=stack))
        with console_client(app) as client:
            client.headers.update(headers_for_writing(client))
            yield client


@pytest.fixture
def acting(tmp_path: Path) -> Iterator[TestClient]:
    """Over an empty data directory."""
    yield from writing(tmp_path)


@pytest.fixture
def acting_on_world(own_world: Path) -> Iterator[TestClient]:
    """Over a copy of the sample data directory."""
    yield from writing(own_world)


def last_command(client: TestClient) -> list[str]:
    """The arguments of the newest job, as they are executed."""
    app = client.app
    assert isinstance(app, FastAPI)
    row = app.state.console.jobs.file.jobs(limit=1)[0]
    return [word for word in row.child_arguments if not word.startswith(("--data=", "--run-id="))]


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ({}, ["run", "--count=1"]),
        (
            {"count": 12, "source": "sample", "breed": "hound/afghan"},
            ["run", "--count=12", "--source=sample", "--breed=hound/afghan"],
        ),
        ({"image_url": "--help"}, ["run", "--count=1", "--image-url=--help"]),
    ],
)
def test_run_is_started(acting: TestClient, body: dict[str, object], arguments: list[str]) -> None:
    """Defaults are left out, and no value becomes an option."""
    answer = acting.post("/api/runs", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["job"]["href"] == f"/jobs/{answer.json()['job']['id']}"
    assert last_command(acting) == arguments


def test_ingest_is_started_and_previewed(acting: TestClient) -> None:
    """The source stands after `--`; a dry run waits for nothing."""
    body = {"source": "--evil", "dataset": "dogs", "rate": 0.5, "incremental": True}
    assert acting.post("/api/ingests", json=body).status_code == 202
    assert last_command(acting) == ["ingest", "--dataset=dogs", "--rate=0.5", "--incremental", "--", "--evil"]
    acting.post("/api/ingests", json={"source": "sample", "dry_run": True})
    assert last_command(acting) == ["ingest", "--dry-run", "--", "sample"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/runs", {"count": 0}),
        ("/api/runs", {"count": 1, "source": ""}),
        ("/api/ingests", {}),
        ("/api/ingests", {"source": "x", "tolerate": 101}),
        ("/api/sources/test", {"source": "x", "count": 1001}),
    ],
)
def test_what_cannot_work_is_refused(acting: TestClient, path: str, body: dict[str, object]) -> None:
    """With one line that names the field; no job is made."""
    answer = acting.post(path, json=body)
    assert answer.status_code == 400, answer.text
    assert acting.get("/api/jobs").json()["count"] == 0


def test_start_page_begins_with_what_the_link_says(acting: TestClient) -> None:
    """A link from a source fills the forms and the commands."""
    page = acting.get("/start?source=sample&count=3").text
    assert 'value="sample"' in page
    assert "--source=sample" in page


def test_sources_are_listed_shown_and_tried(acting: TestClient) -> None:
    """A dry run is a job; its output is the preview on the source's page."""
    assert "the-dog-api" in acting.get("/sources").text
    assert acting.get("/api/sources/dog-ceo").json()["single"] is True
    assert "paginator" in acting.get("/sources/dog-ceo").text
    assert acting.post("/api/sources/test", json={"source": "dog-ceo"}).status_code == 202
    assert last_command(acting) == ["sources", "test", "--count=5", "--", "dog-ceo"]
    assert "job 1" in acting.get("/sources/dog-ceo").text


@pytest.mark.parametrize("name", ["dog-ce", "..%2Fetc%2Fpasswd", "secret.toml"])
def test_source_that_is_not_built_in_is_not_read(acting: TestClient, name: str) -> None:
    """A name in a URL never reads a file."""
    for path in (f"/sources/{name}", f"/api/sources/{name}"):
        assert acting.get(path).status_code == 404


def test_ingests_are_listed_shown_and_compared(acting_on_world: TestClient) -> None:
    """Counts lead to their records; a run equals itself."""
    assert INGEST_RUN in acting_on_world.get("/ingests").text
    found = acting_on_world.get(f"/api/ingests/{INGEST_RUN}").json()
    assert (found["run"]["done"], found["progress"], found["hosts"][0]["images"]) == (6, None, 6)
    page = acting_on_world.get(f"/ingests/{INGEST_RUN}").text
    assert f"run={INGEST_RUN}" in page
    compared = acting_on_world.get(f"/api/ingests/compare?a={INGEST_RUN}&b={INGEST_RUN}").json()
    assert (compared["differences"]["same"], compared["differences"]["examples"]) == (6, [])
    assert "6 the same" in acting_on_world.get(f"/ingests/compare?a={INGEST_RUN}&b={INGEST_RUN}").text


def test_two_runs_that_differ_are_told_apart(acting_on_world: TestClient, own_world: Path) -> None:
    """Images that only one run has, and their outcomes."""
    with MachineBackend(own_world) as backend:
        request = IngestRequest(source="sample", count=4, workers=1, run_id="other")
        backend.ingest(request, lambda _event: None, workflow=False)
    found = acting_on_world.get(f"/api/ingests/compare?a={INGEST_RUN}&b=other").json()["differences"]
    assert (found["only_first"], found["only_second"], found["same"] + found["changed"]) == (2, 0, 4)
    assert "not listed" in acting_on_world.get(f"/ingests/compare?a={INGEST_RUN}&b=other").text


def test_run_is_discarded_by_its_button(acting_on_world: TestClient) -> None:
    """What can be done is named; anything else is refused."""
    assert acting_on_world.post(f"/api/ingests/{INGEST_RUN}/discard", json={}).status_code == 202
    assert last_command(acting_on_world) == ["discard", "--yes", "--", INGEST_RUN]
    answer = acting_on_world.post(f"/api/ingests/{INGEST_RUN}/resume", json={})
    assert answer.status_code == 400
    assert "discard" in answer.json()["message"]
    assert acting_on_world.post("/api/ingests/absent/resume", json={}).status_code == 404


@pytest.mark.aws
def test_stack_has_its_own_schedule_and_its_ingests_go_through_the_workflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says how EventBridge Scheduler is enabled; commands name the stack."""
    with fake_stack(monkeypatch, tmp_path):
        app = create_app(ConsoleSettings(data_dir=tmp_path / "data", stack="pupline", allow_writes=True))
        monkeypatch.setattr(Jobs, "start", lambda _jobs: None)
        with console_client(app) as client:
            client.headers.update(headers_for_writing(client))
            assert "EventBridge Scheduler" in client.get("/schedule").text
            assert client.post("/api/schedule", json={"every": "1h"}).status_code == 400
            for path in ("/ingests", "/start", "/jobs", "/sources", "/api/ingests"):
                assert client.get(path).status_code == 200, path
            job = client.post("/api/ingests", json={"source": "urls.txt"}).json()["job"]
            assert job["command"].startswith("pupline ingest --backend=aws --stack=pupline --run-id=")
            assert job["command"].endswith("--workflow -- urls.txt")
