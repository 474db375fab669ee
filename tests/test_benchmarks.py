"""The benchmarks: what they print can be trusted to be what was measured. The figures themselves are no test."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def bench(*parts: str) -> subprocess.CompletedProcess[str]:
    """`python -m benchmarks` with these parts, to its end."""
    command = [sys.executable, "-m", "benchmarks", *parts]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_part_that_is_not_there_is_refused() -> None:
    """A misspelt part is one line that names the parts, and exit code 2."""
    done = bench("fiev")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "no such part: fiev; there are five, pipeline, waiting, states, map, fetch, help, cold\n"


def test_one_part_gives_its_rows_and_names_the_machine() -> None:
    """`help` alone gives its row and no other, and below the table what it was measured on."""
    done = bench("help")
    assert done.returncode == 0, done.stderr
    assert "pupline --help" in done.stdout
    assert "cores" in done.stdout
    assert "CPython" in done.stdout
    assert "executions held" not in done.stdout
