"""Journals of earlier versions: replayed to the same history, and finished, by today's code."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pupline.asl import _limits
from pupline.json_values import JSON
from pupline.local import LocalBackend, RedriveRequest, StartRequest
from tests.local.driver_bench import Bench, double
from tests.local.local_fakes import InlineRuntime, machine, task
from tests.local.recorded_journals import JOURNALS, drive, inputs
from tests.plain_only import plain_only

VERSIONS = sorted(path.stem for path in JOURNALS.glob("*.sql"))


def restored(version: str, data_dir: Path) -> Path:
    """A data directory as that version left it."""
    with closing(sqlite3.connect(data_dir / "pupline.sqlite")) as connection:
        connection.executescript((JOURNALS / f"{version}.sql").read_text(encoding="utf-8"))
    return data_dir


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_journal_replays_to_the_same_history(version: str, tmp_path: Path) -> None:
    """Event for event what the recording version gave, for finished and interrupted executions alike."""
    expected = json.loads((JOURNALS / f"{version}.json").read_text(encoding="utf-8"))
    with LocalBackend.open(restored(version, tmp_path), exclusive=False) as backend:
        assert {name: backend.journal.history(name) for name in expected} == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_journal_is_finished(version: str, tmp_path: Path) -> None:
    """What was interrupted ends well; what had ended stays as it was, and says so again."""
    ended = drive(restored(version, tmp_path), inputs(), None)
    assert {name: event.status for name, event in ended.items()} == {
        **{f"cut-{k}": "SUCCEEDED" for k in range(1, 6)},
        "dog-1": "SUCCEEDED",
        "dog-7": "FAILED",
        "dog-101": "SUCCEEDED",
    }
    assert ended["dog-7"].error == "Seven"


def test_this_versions_journal_is_there() -> None:
    """Every released version has its recording; the first one is kept."""
    assert "0.1.0" in VERSIONS


@pytest.mark.slow
@plain_only
def test_a_longer_history_of_an_earlier_version_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions without the limit of 25,000 events let an execution go on: its journal still replays to its end."""
    passing: JSON = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    many: JSON = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": passing, "ResultPath": None, "Next": "Double"}
    long = machine({"Many": many, "Double": task("Double")})
    start = StartRequest("a", {"n": 1, "items": [0] * 6_300})
    with monkeypatch.context() as earlier:
        earlier.setattr(_limits, "MAX_HISTORY_EVENTS", sys.maxsize)
        bench.driver(long, InlineRuntime({"Double": double})).drive([start])
        before = bench.backend.journal.history("a")
    bench.restart()
    assert bench.backend.journal.history("a") == before
    assert len(before) > 25_000


@pytest.mark.slow
def test_a_full_history_replays_and_is_not_redriven(bench: Bench) -> None:
    """An execution that ended at the limit stays as it was, and a redrive is refused with the reason."""
    never: JSON = [{"Variable": "$.never", "IsPresent": True, "Next": "End"}]
    again: JSON = {"Type": "Choice", "Choices": never, "Default": "Again"}
    endless = machine({"Again": again, "End": {"Type": "Succeed"}})
    bench.driver(endless, InlineRuntime({})).drive([StartRequest("a", {})])
    before = bench.backend.journal.history("a")
    assert (before[-1]["id"], bench.finished()["a"][0]) == (25_000, "FAILED")
    bench.restart()
    assert bench.backend.journal.history("a") == before
    driver = bench.driver(endless, InlineRuntime({}))
    assert driver.drive([RedriveRequest("a")]).refused == 1
