"""A data directory that cannot be read, wholly or in part: one clear line, and never an answer that looks complete."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pupline.console import ConsoleSettings, create_app
from tests.console.conftest import console_client

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_an_export_of_a_removed_directory_is_an_error(tmp_path: Path, file_format: str) -> None:
    """Its status is sent when the first records were read, not before."""
    client = console_client(create_app(ConsoleSettings(data_dir=tmp_path)))
    for path in tmp_path.glob("pupline.sqlite*"):
        path.unlink()
    answer = client.get(f"/api/audit/export?format={file_format}")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert "there is no" in answer.json()["message"]


def test_a_history_that_this_version_cannot_read_is_unavailable(own_world: Path) -> None:
    """It is no error of pupline; the page says what cannot be read."""
    with closing(sqlite3.connect(own_world / "pupline.sqlite")) as database, database:
        database.execute("UPDATE facts SET fact = '[]'")
    client = console_client(create_app(ConsoleSettings(data_dir=own_world)))
    name = client.get("/api/executions?kind=run&limit=1").json()["items"][0]["execution"]
    answer = client.get(f"/api/executions/{name}")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert "cannot read" in answer.json()["message"]
    assert client.get(f"/executions/{name}").status_code == 503


@pytest.mark.parametrize("column", ["alert_reasons = 'x'", "size_bytes = 'x'", "outcome = x'ff'"])
def test_a_damaged_record_is_named(own_world: Path, column: str) -> None:
    """As the commands name it, on every page that reads it."""
    with closing(sqlite3.connect(own_world / "pupline.sqlite")) as database, database:
        database.execute(f"UPDATE audit SET {column}")  # noqa: S608 - ours
    client = console_client(create_app(ConsoleSettings(data_dir=own_world)))
    for path in ("/api/audit", "/audit", "/", "/gallery", "/executions", "/insights"):
        answer = client.get(path)
        assert answer.status_code in {200, 503}, path
    answer = client.get("/api/audit")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert "damaged" in answer.json()["message"]
