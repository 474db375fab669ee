"""What a start could not remove is told by every command that starts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline.local import UndeletedFiles


@pytest.mark.slow
@pytest.mark.parametrize("words", [["run"], ["ingest", "sample"], ["ingest", "sample", "--workflow"], ["resume"]])
def test_what_could_not_be_removed_is_told_once(
    command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """One line on stderr; the command does its work."""
    stuck = UndeletedFiles(tmp_path / "tmp", 1, "sta\x1by", "Operation not permitted")
    monkeypatch.setattr("pupline.local.bucket._recovery.clear", lambda _folder: stuck)
    source = ["--source", "sample"] if words == ["run"] else []
    done = command(*words, *source, "--data", tmp_path)
    assert done.code == 0
    assert done.stderr.count(f"pupline: {stuck}") == 1
    assert "\x1b" not in done.stderr
