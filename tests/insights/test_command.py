"""`pupline insights` after bulk ingestion: what people see, and which records are counted."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pupline.cli import _insights_view
from pupline.cli._insights import insights
from pupline.cli._output import console
from pupline.errors import ConfigurationError
from pupline.local import LocalBackend, NewIngest
from pupline.tasks.records import AuditRecord
from pupline.text import UNSAFE
from tests.shared.run_world import LOST, RUN, World


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 100 items of which 90 are done, 18 of them one placeholder, 5 not found; and a single image."""
    data_dir = tmp_path_factory.mktemp("insights") / "data"
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        world = World(backend)
        world.list_items(100)
        bodies = {n: b"placeholder" if n % 5 == 0 else b"image %d" % n for n in range(90)}
        world.finish({**bodies, **dict.fromkeys((1, 2, 3, 4, 6), LOST)})
        world.write(finished=90, status="FAILED")
        backend.ingests.open(NewIngest(run_id="other", dataset="cats", source="cats.txt", settings={}))
        backend.audit.put(_single())
    return data_dir


def _single() -> AuditRecord:
    return AuditRecord(
        image_name="rex.jpg",
        upload_timestamp="2026-11-22T16:00:00.000Z",
        alert_triggered=False,
        outcome="stored",
        reason="accepted",
        execution="single-00001",
        source_url="https://dogs.example/\x1b[31mrex.jpg",
    )


def called(data: Path, *options: str) -> Result:
    """The command, whose errors are raised."""
    found = CliRunner().invoke(insights, ["--data", str(data), *options], standalone_mode=False)
    if found.exception:
        raise found.exception
    return found


def figures(data: Path, *options: str) -> dict[str, Any]:
    """What it prints with --json."""
    found: dict[str, Any] = json.loads(called(data, *options, "--json").stdout)
    return found


def test_people_see_coverage_placeholders_reasons_and_speed(data: Path) -> None:
    """Every picture of the run is there in words, and nothing that a terminal would obey."""
    shown = called(data).stdout
    assert "dogs  85 of 100 seen  85.0%" in shown
    assert "cats          0 seen" in shown
    assert "dogs/0.jpg  18 times  11 B  https://cdn.example/" in shown
    assert "failed: not_found" in shown
    assert "https://cdn.example/6.jpg" in shown
    assert "it answered 404 🐶" in shown
    assert f"{RUN}  dogs  FAILED  90 of 100" in shown
    assert "45 images/s" in shown
    assert set(UNSAFE.findall(shown)) <= {"\n"}


def test_lines_fit_a_terminal(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In 80 columns nothing is wrapped into the next line."""
    monkeypatch.setattr(_insights_view, "console", lambda: _narrow(console()))
    shown = called(data).stdout.splitlines()
    assert max(map(len, shown)) <= 80
    assert any(line.endswith("µs CPU each") and "images/s" in line for line in shown)


def _narrow(out: Any) -> Any:
    out.width = 80
    return out


@pytest.mark.parametrize(
    ("options", "records", "datasets"),
    [
        ([], 91, ["cats", "dogs"]),
        (["--dataset", "dogs"], 90, ["dogs"]),
        (["--dataset", "cats"], 0, ["cats"]),
        (["--run", RUN], 90, ["dogs"]),
        (["--run", "single"], 1, []),
        (["--dataset", "dogs", "--run", "other"], 0, []),
    ],
)
def test_a_dataset_or_a_run_alone(data: Path, options: list[str], records: int, datasets: list[str]) -> None:
    """Only the records asked for are counted; a run may be of single images too."""
    found = figures(data, *options)
    assert found["records"] == records
    assert [one["dataset"] for one in found["coverage"]] == datasets


def test_an_unknown_dataset_is_refused_with_those_that_are_there(data: Path) -> None:
    """A slip of the pen gets the names to choose from, and exit code 2."""
    with pytest.raises(ConfigurationError, match="there is no dataset 'dogz'; there are: cats, dogs"):
        called(data, "--dataset", "dogz")


def test_an_unknown_run_is_refused_with_those_that_are_there(data: Path) -> None:
    """As a dataset is."""
    with pytest.raises(ConfigurationError, match="there is no run 'nope'; there are: "):
        called(data, "--run", "nope")
