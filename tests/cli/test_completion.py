"""Shell completion, as docs/install.md sets it up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared.installed import PUPLINE


def complete(shell: str, typed: str) -> subprocess.CompletedProcess[str]:
    """What the shell's script asks when Tab is pressed behind `typed`; -X importtime lists what was imported."""
    asked = {
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
        "_PUPLINE_COMPLETE": f"{shell}_complete",
    }
    words: list[str | Path] = [sys.executable, "-X", "importtime", PUPLINE]
    return subprocess.run(words, env=os.environ | asked, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_runs_are_completed(kennel: Path) -> None:
    """The runs of the data directory that the line names; none where there is no directory."""
    done = complete("bash", f"pupline audit --data {kennel} --run fr")
    assert done.stdout == "plain,friendly\n"
    assert complete("bash", f"pupline audit --data {kennel / 'none'} --run fr").stdout.strip() == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_names_the_command(shell: str) -> None:
    """`_PUPLINE_COMPLETE=SHELL_source pupline` prints a script for the shell."""
    environment = os.environ | {"_PUPLINE_COMPLETE": f"{shell}_source"}
    done = subprocess.run([PUPLINE], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_PUPLINE_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("pupline in", {"ingest", "init", "insights"}),
        ("pupline run --sou", {"--source"}),
        ("pupline audit --outcome q", {"quarantined"}),
    ],
)
def test_commands_options_and_values_complete_without_heavy_imports(typed: str, offered: set[str]) -> None:
    """Tab answers at once: neither pyarrow, boto3 nor the engine is loaded."""
    done = complete("bash", typed)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered
    heavy = {"pyarrow", "boto3", "rich.console", "pupline.asl"}
    assert heavy.isdisjoint(line.rpartition("|")[2].strip() for line in done.stderr.splitlines())
