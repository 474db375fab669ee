"""What `pupline doctor` finds."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from pupline.backends import Check
from pupline.backends.machine._doctor import EXTRAS, examine
from pupline.errors import ConfigurationError
from pupline.local import LocalBackend, NewIngest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def checks(data: Path) -> dict[str, Check]:
    """The checks by name, with a source that needs no network."""
    return {check.name: check for check in examine(data, "sample")}


def test_before_the_first_run_all_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    """Looking leaves nothing behind."""
    found = checks(tmp_path / "data")
    assert {check.status for check in found.values()} == {"ok"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_damage_in_the_middle_of_the_database_is_found(tmp_path: Path) -> None:
    """The whole file is looked through, not only its beginning."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        for number in range(2000):
            backend.write_once.remember(f"name {number}", "x" * 100)
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


@pytest.mark.slow
def test_what_the_next_start_will_do_is_told(tmp_path: Path) -> None:
    """What is left in `tmp`, objects that were being written, files to undo: counted, and not touched."""
    insert = (
        "INSERT INTO objects (bucket, key, path, folded_path, sha256, size_bytes, content_type, owner, state,"
        " created_at) VALUES ('dog-images', ?1, ?1, ?1, 'x', 1, 'image/jpeg', ?2, 'writing', 0)"
    )
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        assert checks(tmp_path)["recovery"] == Check("recovery", "ok", "nothing to do")
        backend.ingests.open(NewIngest(run_id="monday", dataset="dogs", source="x", settings={}))
        for key, owner in (("a", "run-1"), ("b", "monday-00000001"), ("c", "monday-00000002")):
            values = (key, owner)
            backend.database.write(lambda connection, row=values: connection.execute(insert, row).rowcount)  # type: ignore[misc]
    (tmp_path / "tmp" / "manifest-x").mkdir(parents=True)
    (tmp_path / "tmp" / "part").write_bytes(b"12345")
    found = checks(tmp_path)["recovery"]
    assert found.status == "warning"
    assert found.detail == (
        "the next start will remove 2 entries of tmp (5 bytes); undo 2 files of an ingest that was killed; "
        "finish or forget 1 object that was being written"
    )
    assert sorted(path.name for path in (tmp_path / "tmp").iterdir()) == ["manifest-x", "part"]
    with LocalBackend.open(tmp_path, exclusive=True):
        pass
    assert checks(tmp_path)["recovery"].status == "ok"


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    """A directory in the place of the database, a file in that of `tmp`."""
    (tmp_path / "tmp").write_text("")
    found = checks(tmp_path)["recovery"]
    assert (found.status, "tmp is a file; pupline needs a directory there" in found.detail) == ("error", True)


def test_extras_are_listed_with_their_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are missing come with the command that installs them, and are nothing wrong."""
    monkeypatch.setitem(EXTRAS, "sound", ("no-such-package",))
    found = checks(tmp_path)["extras"]
    assert found.status == "ok"
    assert f"parquet (pyarrow {version('pyarrow')})" in found.detail
    assert found.detail.endswith("; not installed: sound (pip install 'pupline[sound]')")


def test_every_extra_of_the_package_is_known() -> None:
    """By the package that it brings."""
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    assert {name: [re.split(r"[<>=~!\[; ]", each)[0].lower() for each in needs] for name, needs in extras.items()} == {
        name: [*EXTRAS[name]] for name in extras
    }
