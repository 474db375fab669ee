"""What `pupline doctor` finds."""

from pathlib import Path

import pytest

from pupline.errors import ConfigurationError
from pupline.local import LocalBackend
from pupline.pipeline import Check, examine


def checks(data: Path) -> dict[str, Check]:
    """The checks by name, with a source that needs no network."""
    return {check.name: check for check in examine(data, "sample")}


def test_before_the_first_run_all_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    """Looking leaves nothing behind."""
    found = checks(tmp_path / "data")
    assert {check.status for check in found.values()} == {"ok"}
    assert list(tmp_path.iterdir()) == []


def test_damage_in_the_middle_of_the_database_is_found(tmp_path: Path) -> None:
    """The whole file is looked through, not only its beginning."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        for number in range(2000):
            backend.memo.remember(f"name {number}", "x" * 100)
    path = tmp_path / "pupline.sqlite"
    whole = path.read_bytes()
    middle = len(whole) // 2 // 4096 * 4096
    path.write_bytes(whole[:middle] + b"\xff" * 4096 + whole[middle + 4096 :])
    found = checks(tmp_path)["database"]
    assert found.status == "error"
    assert "damaged" in found.detail or "malformed" in found.detail


def test_a_data_directory_that_takes_no_files_is_an_error(tmp_path: Path) -> None:
    """A file where the directory should be."""
    (tmp_path / "file").write_text("")
    found = checks(tmp_path / "file")["data directory"]
    assert (found.status, "not writable" in found.detail) == ("error", True)


def test_subscriptions_are_listed(tmp_path: Path) -> None:
    """Where alerts go is part of what is configured."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        backend.subscriptions.subscribe("file", str(tmp_path / "alerts.jsonl"))
    found = checks(tmp_path)
    assert f"file {tmp_path / 'alerts.jsonl'}" in found["subscriptions"].detail


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    """A misspelt source is the operator's to mend."""
    with pytest.raises(ConfigurationError, match="did you mean sample"):
        examine(tmp_path, "smaple")
