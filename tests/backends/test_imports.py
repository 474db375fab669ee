"""A command loads what its own backend needs: no boto3 on one machine, no database for a stack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
sys.argv = ["pupline", *sys.argv[2:]] if (heavy := sys.argv[1]) else []
from pupline.cli import main
try:
    main()
except SystemExit as stop:
    assert stop.code == 2, stop.code
assert heavy not in sys.modules
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("heavy", "words", "says"),
    [
        ("boto3", "executions", "give the data directory with --data"),
        ("boto3", "redrive --failed", "no data directory"),
        ("sqlite3", "executions --backend aws --stack pupline", "no AWS region"),
        ("sqlite3", "run --backend aws --stack pupline", "no AWS region"),
        ("sqlite3", "doctor --backend aws --stack pupline", "no AWS region"),
    ],
)
def test_a_command_loads_one_backend(tmp_path: Path, heavy: str, words: str, says: str) -> None:
    """Also where it fails: here before it has opened anything."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PUPLINE_"))}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": str(tmp_path / "none")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, heavy, *words.split()],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert says in done.stderr
