"""What `pupline quality` says about its pass."""

from pathlib import Path

import pytest

from pupline.backends import MachineBackend
from pupline.cli._quality_view import show
from pupline.quality import QualityReport


def test_changed_images_are_not_counted_as_images_of_the_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are in quarantine, and decoded as well: more may be decoded than the dataset has."""
    report = QualityReport("dogs", 8, images=3, examined=5)
    report.changes["placeholder"] = 2
    show(report, MachineBackend(tmp_path), None)
    said = capsys.readouterr().out.splitlines()[0]
    assert said == "Examined 3 images of the dataset dogs; decoded now: 5, with changed ones in quarantine"
