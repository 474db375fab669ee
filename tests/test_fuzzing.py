"""The fuzzer finds what it is for, and finds nothing in the parsers within a few hundred calls."""

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzzing import parent
from fuzzing.__main__ import main
from fuzzing.parent import fuzzed
from fuzzing.target import Target, tried
from fuzzing.targets import TARGETS

pytestmark = pytest.mark.slow


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_no_parser_breaks_its_promises(name: str) -> None:
    """The seeds and some inputs made from them; the same ones each time."""
    result = fuzzed(TARGETS[name], seed=1, seconds=60, calls=60)
    assert result.findings == []
    assert result.calls >= 60
    assert result.kinds >= 1


def eat(_: bytes) -> object:
    """Take far more memory than the input accounts for, and than this process ever had."""
    return bytearray(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 400_000_000)


def spin(_: bytes) -> object:
    """Use far more time than a call may take."""
    ends = time.process_time() + 1.2
    while time.process_time() < ends:
        pass
    return None


def fail(data: bytes) -> object:
    """An exception that nobody promised."""
    return data.decode("ascii")


@pytest.mark.long
@pytest.mark.parametrize(("run", "told"), [(eat, "memory: "), (spin, "slow: "), (fail, "UnicodeDecodeError")])
def test_what_does_harm_is_told(run: Callable[[bytes], object], told: str) -> None:
    """Memory (which takes time as well), time, and exceptions that are not among those of the target."""
    outcome = tried(Target("x", run, lambda: [b""]), b"\xff")
    assert outcome.problem is not None
    assert told in outcome.problem


def test_what_is_promised_is_no_finding() -> None:
    """The errors of a target are outcomes, told apart by where they are raised."""
    outcome = tried(Target("x", fail, lambda: [b""], (UnicodeDecodeError,)), b"\xff")
    assert outcome.problem is None
    assert outcome.kind.startswith("UnicodeDecodeError test_fuzzing.py:")


CHILD = """
import os, signal, sys, time
from fuzzing import child
from fuzzing.target import Target
from fuzzing.targets import TARGETS
def run(data):
    if data == b"harm":
        {harm}
TARGETS["retry-after"] = Target("retry-after", run, lambda: [b"fine", b"harm", b"more"], most=100)
"""


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "died with -9"),
        ("time.sleep(600)", "stuck for"),
        ("os._exit(3)", "died"),
    ],
)
def test_an_input_that_ends_or_stops_the_process_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str, told: str
) -> None:
    """It was written down before it was tried."""
    (tmp_path / "sitecustomize.py").write_text(CHILD.format(harm=harm))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(Path(__file__).parents[1]))))
    monkeypatch.setattr(parent, "STUCK_SECONDS", 1.0)
    result = fuzzed(TARGETS["retry-after"], seed=1, seconds=30, calls=2)
    assert [finding.data for finding in result.findings] == [b"harm"]
    assert told in result.findings[0].problem


@pytest.mark.long
def test_the_command_tells_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each target, and a sum; exit code 0 where nothing was found."""
    assert main(["--seconds", "1", "--seed", "7", "--jobs", "1", "timestamp"]) == 0
    assert "timestamp" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["nothing-of-that-name"])
