"""The installed `pupline` command, in a process of its own."""

import subprocess
import sys
from pathlib import Path

PUPLINE = str(Path(sys.executable).with_name("pupline"))
"""Its path: next to the interpreter of the tests."""


def pupline(data: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """One command on a data directory, run to its end."""
    command = [PUPLINE, *map(str, words), "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
