"""SIGKILL at every step towards the disk: before or after, never between."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STEPS = {
    "crash_points": {"fsync", "link", "unlink", "mkdir", "COMMIT"},
    "discard_points": {"fsync", "unlink", "COMMIT"},
    "group_points": {"fsync", "link", "unlink", "mkdir", "COMMIT", "syncfs"},
}


@pytest.mark.long
@pytest.mark.parametrize("program", STEPS)
def test_killed_at_any_step_the_next_start_finishes(tmp_path: Path, program: str) -> None:
    """At every kill nothing is called stored that is not; after a second start there is one of everything."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"tests.crash.{program}", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    points = [json.loads(line) for line in done.stdout.splitlines()]
    broken = [point for point in points if point["before"] or point["after"]]
    assert not broken, broken[:3]
    assert not points[-1]["killed"], "the last run gets through"
    steps = {point["step"] for point in points[:-1]}
    assert steps == {f"{side} {kind}" for side in ("before", "after") for kind in STEPS[program]}
    assert len(points) > 30
