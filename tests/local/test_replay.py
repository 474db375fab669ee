"""Journals of earlier versions: replayed to the same history, and finished, by today's code."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pupline.local import LocalBackend
from tests.local.recorded_journals import JOURNALS, drive, inputs

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
