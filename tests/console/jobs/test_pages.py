"""The pages and the API of jobs and of the schedule."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from pupline.console.job_queue import JobRequest, Jobs
from tests.console.conftest import console_client, headers_for_writing

pytestmark = pytest.mark.slow


@pytest.fixture
def acting(tmp_path: Path) -> Iterator[TestClient]:
    """A client of a console over an empty data directory, whose jobs wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Jobs, "start", lambda _jobs: None)
        with console_client(create_app(ConsoleSettings(data_dir=tmp_path))) as client:
            client.headers.update(headers_for_writing(client))
            yield client


def jobs_of(client: TestClient) -> Jobs:
    """The jobs of the client's console."""
    app = client.app
    assert isinstance(app, FastAPI)
    found: Jobs = app.state.console.jobs
    return found


def test_job_page_shows_command_state_and_output(acting: TestClient) -> None:
    """Text from outside is escaped, and what could mislead is shown as an escape."""
    jobs = jobs_of(acting)
    job = jobs.submit(JobRequest(("discard", "--yes", "--", "<b>\u202e"), title="Discard <b>\u202e"))
    directory = jobs.file.path.parent / "console" / "jobs" / str(job.id)
    directory.mkdir(parents=True)
    (directory / "head").write_text("<script>\x1b[31m\nsecond line\n")
    page = acting.get(f"/jobs/{job.id}").text
    assert "&lt;script&gt;\\x1b[31m\nsecond line" in page
    assert "Discard &lt;b&gt;\\u202e" in page
    assert "\u202e" not in page.replace("data-copy", "\n").split("\n")[0]
    assert acting.get(f"/api/jobs/{job.id}/output").json()["head"] == "<script>\x1b[31m\nsecond line\n"
    assert "Queued" in acting.get("/jobs").text


def test_job_page_of_a_failure_begins_with_its_reason_and_leads_to_what_failed(acting: TestClient) -> None:
    """The messages of the command stand above its output, in lines that wrap."""
    jobs = jobs_of(acting)
    job = jobs.submit(JobRequest(("run", "--run-id=monday"), title="Fetch"))
    directory = jobs.file.path.parent / "console" / "jobs" / str(job.id)
    directory.mkdir(parents=True)
    (directory / "head").write_text("1 image: 1 failed\npupline: <b>nothing answers\n")
    jobs.file.begin(job.id)
    jobs.file.set_started(job.id, time.time())
    jobs.file.end(job.id, "FAILED", 1, time.time())
    page = acting.get(f"/jobs/{job.id}").text
    assert page.index("Finished, but some failed.") < page.index('<p class="break">&lt;b&gt;nothing answers</p>')
    assert 'href="/executions?run=monday&amp;status=FAILED"' in page


def test_stop_needs_the_token_and_is_said(acting: TestClient) -> None:
    """A job that waits is stopped at once."""
    job = jobs_of(acting).submit(JobRequest(("run",), title="Run"))
    path = f"/api/jobs/{job.id}/stop"
    assert acting.post(path, headers={"X-Pupline-Token": "wrong"}).status_code == 403
    answer = acting.post(path, json={})
    assert (answer.status_code, answer.json()["message"]) == (202, "Run: stopped")
    assert acting.get(f"/api/jobs/{job.id}").json()["status"] == "ABORTED"
    assert acting.get("/api/jobs").json()["count"] == 1


@pytest.mark.parametrize("path", ["/jobs/7", "/api/jobs/7", "/api/jobs/7/output"])
def test_job_that_is_not_there(acting: TestClient, path: str) -> None:
    """404, and how many are kept."""
    answer = acting.get(path)
    assert answer.status_code == 404
    assert "there is no job 7" in answer.text


def test_schedule_is_made_paused_resumed_and_removed(acting: TestClient) -> None:
    """Each step is shown by the page and the API."""
    made = acting.post("/api/schedule", json={"every": "15m", "count": 2, "source": "sample"})
    assert (made.status_code, made.json()["every"], made.json()["interval"]) == (200, 900, "15m")
    jobs_of(acting).schedule.look()
    page = acting.get("/schedule").text
    assert "pupline serve --every 15m --count 2 --source sample" in page
    assert "scheduled-" in page
    assert acting.post("/api/schedule/pause", json={}).json()["next_at"] is None
    assert "paused" in acting.get("/schedule").text
    assert acting.post("/api/schedule/resume", json={}).json()["is_paused"] is False
    assert acting.delete("/api/schedule").json()["every"] is None
    assert acting.post("/api/schedule/pause", json={}).status_code >= 400


@pytest.mark.parametrize(
    "body", [{"every": "soon"}, {"every": 0.5}, {"every": "1h", "count": 0}, {"every": "1h", "source": ""}]
)
def test_schedule_that_cannot_work_is_refused(acting: TestClient, body: dict[str, object]) -> None:
    """With one clear line, and nothing is set."""
    answer = acting.post("/api/schedule", json=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert acting.get("/api/schedule").json()["every"] is None


def test_schedule_of_serve_is_kept_over_restarts(tmp_path: Path) -> None:
    """The option makes the schedule; without it the next console goes on with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Jobs, "start", lambda _jobs: None)
        for every in (3600.0, None):
            with console_client(create_app(ConsoleSettings(data_dir=tmp_path, every=every, count=5))) as client:
                found = client.get("/api/schedule").json()
                assert (found["interval"], found["count"], found["source"]) == ("1h", 5, "dog-ceo")


@pytest.mark.slow
def test_job_that_is_submitted_runs(tmp_path: Path) -> None:
    """The console's own thread begins it."""
    with console_client(create_app(ConsoleSettings(data_dir=tmp_path))) as client:
        job = jobs_of(client).submit(JobRequest(("runs",), title="List", is_read_only=True))
        give_up = time.monotonic() + 60
        while client.get(f"/api/jobs/{job.id}").json()["status"] != "SUCCEEDED" and time.monotonic() < give_up:
            time.sleep(0.02)
        assert client.get(f"/api/jobs/{job.id}").json()["outcome"] == "all good"
